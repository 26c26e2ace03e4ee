"""The closing summary of a run: as text, as JSON, as exit status. Pure."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ..exact_json import encode
from ..pipeline import Summary
from ..plurals import many
from .wording import duration, printable, sums


class ExitStatus(IntEnum):
    """What the program's exit status says."""

    DONE = 0
    REJECTED = 1
    """Some events could not be delivered and never will be."""
    USAGE = 2
    """Wrong usage or settings; nothing was done. Also what typer itself returns."""
    STOPPED = 3
    """It ended before its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A run that is over."""

    summary: Summary
    seconds: float
    dead_letters: str
    """The file that has them."""
    stopped_by: str | None
    """Why it ended before its end; None when it did not."""
    shown_by: str | None = None
    """The command that shows the dead letters, where it takes one."""

    @property
    def status(self) -> ExitStatus:
        """See `ExitStatus`."""
        if self.stopped_by is not None or self.summary.left:
            return ExitStatus.STOPPED
        return ExitStatus.REJECTED if self.summary.rejected else ExitStatus.DONE

    def to_json(self) -> bytes:
        """One object on one line; what is counted by name is an object."""
        summary = self.summary
        values: dict[str, Any] = {
            "read": summary.read,
            "delivered": summary.delivered,
            "skipped": summary.skipped,
            "rejected": summary.rejected,
            "left": summary.left,
            "messages": summary.messages,
            "attempts": summary.attempts,
            "retries": summary.retries,
            "seconds": round(self.seconds, 3),
            "eventsPerSecond": round(self._speed),
            "deadLetters": self.dead_letters if summary.rejected else None,
            "stopped": self.stopped_by,
        }
        return encode(values)

    def to_text(self) -> str:
        """A few lines."""
        return "\n".join(f"{label:<10}{text}".rstrip() for label, text in self._rows())

    @property
    def _speed(self) -> float:
        return self.summary.read / self.seconds if self.seconds else 0.0

    def _rows(self) -> list[tuple[str, str]]:
        summary = self.summary
        speed = f"{self._speed:,.0f} events/s"
        rows = [("Read", f"{many(summary.read, 'event')} in {duration(self.seconds)}, {speed}")]
        messages = many(sum(summary.messages.values()), "message")
        as_messages = f" as {messages}: {sums(summary.messages)}" if summary.messages else ""
        rows.append(("Delivered", f"{many(summary.delivered, 'event')}{as_messages}"))
        rows += _skipped(summary.skipped)
        if summary.retries:
            rows.append(("Retried", f"{many(summary.retries, 'time')}, after waiting for the destination"))
        if summary.rejected:
            reasons = f"each with its reason in {self.dead_letters}"
            rows.append(("Rejected", f"{many(summary.rejected, 'event')}, {reasons}"))
            if self.shown_by is not None:
                rows.append(("", f"`{self.shown_by}` shows them"))
        if summary.left:
            rows.append(("Left", f"{many(summary.left, 'event')} read, but not delivered"))
        if self.stopped_by is not None:
            again = "Run it again to deliver the rest; what is delivered twice keeps its messageId."
            rows += [("Stopped", f"before the end: {printable(self.stopped_by)}"), ("", again)]
        return rows


def _skipped(reasons: dict[str, int]) -> list[tuple[str, str]]:
    total = many(sum(reasons.values()), "event")
    if len(reasons) <= 1:
        return [("Skipped", f"{total}: {reason}") for reason in reasons]
    return [("Skipped", total), *(("", f"{count:,} {reason}") for reason, count in reasons.items())]
