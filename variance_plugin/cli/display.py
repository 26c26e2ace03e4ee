"""How a run shows itself on standard error: a bar on a terminal, a line now and then elsewhere."""

import sys
from dataclasses import dataclass
from typing import Protocol

from .streams import unread
from .wording import duration

# Often enough to see that it lives, seldom enough for a log that is kept.
_LINE_EVERY_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A run at one moment."""

    seconds: float
    """Since the start."""
    read: int
    delivered: int
    rejected: int
    events_per_second: float
    read_bytes: int
    total_bytes: int | None
    seconds_left: float | None
    waiting_seconds: float | None
    """Until the destination is tried again; None while it takes what it gets."""

    def __str__(self) -> str:
        """Short: with a bar before it, it fits a terminal of 80 columns."""
        parts = [f"{self.read:,} read", f"{self.delivered:,} delivered"]
        if self.rejected:
            parts.append(f"{self.rejected:,} rejected")
        if self.waiting_seconds is not None:
            parts.append(f"waiting, next try in {duration(self.waiting_seconds)}")
            return ", ".join(parts)
        parts.append(f"{self.events_per_second:,.0f}/s")
        if self.total_bytes:
            parts.append(f"{min(self.read_bytes / self.total_bytes, 1):.0%}")
        if self.seconds_left:
            parts.append(f"about {duration(self.seconds_left)} left")
        return ", ".join(parts)


class Display(Protocol):
    """Shows a run. Called from any thread."""

    def show(self, snapshot: Snapshot) -> None:
        """How it goes; called several times a second."""
        ...

    def say(self, text: str, *, loud: bool = False) -> None:
        """A line that stays."""
        ...

    def close(self) -> None:
        """Nothing moves from here on; `say` still works."""
        ...


def open_display(total_bytes: int | None) -> Display:
    """The one that suits what standard error is."""
    return Unbroken(Bar(total_bytes) if sys.stderr.isatty() else Lines())


class Unbroken:
    """Shows what another one does, for as long as there is somebody to see it."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def show(self, snapshot: Snapshot) -> None:
        """See `Display`."""
        with unread(sys.stderr):
            self._display.show(snapshot)

    def say(self, text: str, *, loud: bool = False) -> None:
        """See `Display`."""
        with unread(sys.stderr):
            self._display.say(text, loud=loud)

    def close(self) -> None:
        """See `Display`."""
        with unread(sys.stderr):
            self._display.close()


class Lines:
    """For logs and pipes; without colours."""

    def __init__(self) -> None:
        self._next_seconds = _LINE_EVERY_SECONDS

    def show(self, snapshot: Snapshot) -> None:
        """See `Display`."""
        if snapshot.seconds >= self._next_seconds:
            self._next_seconds = snapshot.seconds + _LINE_EVERY_SECONDS
            self.say(str(snapshot))

    def say(self, text: str, *, loud: bool = False) -> None:  # noqa: ARG002 -- a log has one loudness
        """See `Display`."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """See `Display`."""


class Bar:
    """For people."""

    def __init__(self, total_bytes: int | None) -> None:
        # Here, because a run whose standard error is a file need not carry rich around.
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn  # noqa: PLC0415

        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=16),
            TextColumn("{task.description}", markup=False),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._progress.add_task("", total=total_bytes)
        self._progress.start()

    def show(self, snapshot: Snapshot) -> None:
        """See `Display`."""
        self._progress.update(
            self._task, completed=snapshot.read_bytes, description=str(snapshot), refresh=True
        )

    def say(self, text: str, *, loud: bool = False) -> None:
        """See `Display`."""
        self._console.print(text, style="bold red" if loud else None, markup=False, soft_wrap=True)

    def close(self) -> None:
        """See `Display`."""
        self._progress.stop()
