"""Every error of this package, sorted by what the caller does next.

    VarianceError
    ├── UsageError              the person at the keyboard changes something and starts again
    │   └── SettingsError       … namely these settings, all named at once
    ├── InvalidRecord           the caller sets this one record aside, with the reason, and goes on
    ├── Stopped                 the caller lets go: somebody asked the program to end
    └── RetryError              the host waits, then calls again with `events`

No foreign exception (requests, msgspec, zlib, …) leaves the module that meets it; each becomes one
of these, chained to its cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class VarianceError(Exception):
    """Base of all errors of this package."""


class UsageError(VarianceError):
    """A mistake of the user; the message says what is wrong, where, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with one setting, in the user's words."""

    key: str
    problem: str

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}"


class SettingsError(UsageError):
    """The settings cannot be used; `faults` holds every reason, not only the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


class InvalidRecord(VarianceError):
    """A record that is not a PostHog event; `str()` is the reason, for the dead letters."""


class Stopped(VarianceError):
    """A wait ended because the program is shutting down."""


class RetryError(VarianceError):
    """Raised by `export_events` when the destination does not take the events now.

    PostHog's own name for it (`RetryError` of @posthog/plugin-scaffold). The host waits at least
    `retry_after_seconds`, then calls again with `events`.

    Args:
        reason: Why, in words fit for a log line; never a payload or a secret.
        events: What is left, in order, of what was passed in. None means: everything.
        retry_after_seconds: What the destination asked for, in seconds.
    """

    def __init__(
        self,
        reason: str,
        *,
        events: Sequence[Any] | None = None,
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(reason)
        self.events = None if events is None else tuple(events)
        self.retry_after_seconds = retry_after_seconds
