"""What a backfill is asked for."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b

from ...exact_json import encode
from .windows import LONGEST, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events.

    Attributes:
        project: The number of the project in PostHog.
        span: Of which time.
        include: The names of the events; empty stands for all.
        exclude: The names of those that are left out.
        longest: No window is longer.
    """

    project: str
    span: Window
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    longest: timedelta = LONGEST

    @property
    def name(self) -> str:
        """Tells this backfill from others of one PostHog: of other projects, or other events."""
        events = encode([sorted(self.include), sorted(self.exclude)])
        return f"backfill {self.project} {blake2b(events, digest_size=4).hexdigest()}"
