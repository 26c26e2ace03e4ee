"""`DeadLetter`: an event that can never be delivered, and all that is known of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from ..events import utc_text
from ..exact_json import encode
from .original import in_line

NO_PLUGIN = ""
"""In the place of a plugin's name: of records that never became events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One time that an event was rejected."""

    at: datetime
    reason: str
    status: int | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record of the dead letters. `last` is the latest refusal, `history` those before it, oldest first."""

    id: int
    plugin: str
    """Which plugin could not export it."""
    event: str
    """The event's name; empty when it could not be read."""
    uuid: str | None
    distinct_id: str | None
    source: str | None
    """Where its source had it."""
    first_at: datetime
    last: Refusal
    history: tuple[Refusal, ...]
    in_replay: bool
    """Whether somebody has asked for it to be sent again, and it has not been yet."""
    record: bytes
    """The event exactly as it was read, whatever that was."""
    message: bytes | None
    """The JSON of the message that was refused; None when none could be made."""

    def line(self) -> bytes:
        """Its line in an exported file, the same as in a `DeadLetterFile`."""
        last = self.last
        return letter_line(
            at=last.at,
            reason=last.reason,
            status=last.status,
            attempts=last.attempts,
            source=self.source,
            record=self.record,
            message=self.message,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which dead letters: those for which everything that is given holds; all by default."""

    ids: Collection[int] | None = None
    plugin: str | None = None
    reason: str | None = None
    """Text that occurs in the latest reason, as it is spelled there."""
    status: int | None = None
    event: str | None = None
    distinct_id: str | None = None
    since: datetime | None = None
    """Rejected last at that time or later."""
    until: datetime | None = None
    """Rejected last before that time."""
    in_replay: bool | None = None


def letter_line(  # noqa: PLR0913 -- a letter has so many parts
    *,
    at: datetime,
    reason: str,
    status: int | None,
    attempts: int,
    source: str | None,
    record: bytes,
    message: bytes | None,
) -> bytes:
    """One line of JSON, with its line break; what is not known is left out."""
    letter: dict[str, Any] = {
        "rejectedAt": utc_text(at),
        "reason": reason,
        "status": status,
        "attempts": attempts or None,
        "source": source,
        "event": in_line(record) if record else None,
        "message": None if message is None else msgspec.Raw(message),
    }
    return encode({key: value for key, value in letter.items() if value is not None}) + b"\n"
