"""What goes on beside the reading: it shows how far it is, hears signals, and sees to it that a stop ends."""

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Self

from ..clock import Clock
from ..pipeline import Progress
from ..plugin import DELIVERED, REJECTED
from ..runtime import Host
from ..sources import Record, Source
from .display import Display, Snapshot
from .notices import Notices
from .pace import Pace
from .stopping import INSISTENT, Signals
from .wording import duration

_LOOK_EVERY_SECONDS = 0.25
_CAUSES = {"SIGINT": "Ctrl-C", "SIGHUP": "a closed terminal"}


class Watch:
    """Runs in a thread of its own inside `with`, from before the first record to the last answer.

    Args:
        host: Started.
        source: What is read.
        progress: What the reading end counts.
        display: Closed at the end.
        notices: What the host's log goes to.
        signals: Entered.
        clock: The host's.
        give_up_after_seconds: So long the destination may take nothing; None is for ever.
        flush_seconds: So long a stop may take.
        at_once: Called when the time to flush is over, or somebody asks a second time; ends the process.
    """

    def __init__(  # noqa: PLR0913 -- it stands where all of them meet
        self,
        *,
        host: Host,
        source: Source,
        progress: Progress,
        display: Display,
        notices: Notices,
        signals: Signals,
        clock: Clock,
        give_up_after_seconds: float | None,
        flush_seconds: float,
        at_once: Callable[[], None],
    ) -> None:
        self._host = host
        self._source = source
        self._progress = progress
        self._display = display
        self._notices = notices
        self._signals = signals
        self._clock = clock
        self._give_up_after_seconds = give_up_after_seconds
        self._flush_seconds = flush_seconds
        self._at_once = at_once
        self._pace = Pace()
        self._started = clock.monotonic()
        self._deadline: float | None = None
        self._was_waiting = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.stopped_by: str | None = None
        """Why it ended before its end, in words."""
        self.reached_end = False
        """Whether the source had no more."""
        self.failure: Exception | None = None
        """A fault of this very module; it ends the run."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._signals.wake()
        self._thread.join()
        self._note_wait(self._clock.monotonic())
        self._display.close()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self._clock.monotonic() - self._started

    def end_mark(self) -> Iterator[Record]:
        """Put it behind the records: it is none, but notes that they came to their end."""
        self.reached_end = not self._host.stopped
        yield from ()

    def stop(self, why: str) -> None:
        """Let what was read be flushed, and no more be read."""
        self.stopped_by = self.stopped_by or why
        self._deadline = self._clock.monotonic() + self._flush_seconds
        self._host.stop()

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                heard = self._signals.wait(_LOOK_EVERY_SECONDS)
                if self._over.is_set():
                    return
                self._look()
                if heard is not None:
                    self._hear(heard)
        except Exception as error:  # noqa: BLE001 -- without this thread nobody would hear signals
            self.failure = error
            self.stop("a fault of the program")

    def _hear(self, number: signal.Signals) -> None:
        if self._deadline is not None:
            if number in INSISTENT:
                self._at_once()
            return
        most = duration(self._flush_seconds)
        self._display.say(f"Stopping: sending what was read, for {most} at the most. Once more: at once.")
        self.stop(f"stopped by {_CAUSES.get(number.name, number.name)}")

    def _look(self) -> None:
        now = self._clock.monotonic()
        if self._deadline is None and self._host.stopped:
            self._deadline = now + self._flush_seconds  # the host itself has stopped: a lane failed
        if self._deadline is not None and now >= self._deadline:
            self._at_once()
        self._note_wait(now)
        self._display.show(self._snapshot(now))

    def _note_wait(self, now: float) -> None:
        wait = self._host.wait
        if wait is None and self._was_waiting:
            self._notices.forget()
            self._display.say("The destination takes events again.")
        self._was_waiting = wait is not None
        limit = self._give_up_after_seconds
        if wait is not None and limit is not None and now - wait.since >= limit and self._deadline is None:
            self.stop(f"gave up after {duration(now - wait.since)} of waiting: {wait.reason}")

    def _snapshot(self, now: float) -> Snapshot:
        counts, read, read_bytes = self._host.counts, self._progress.read, self._source.read_bytes
        self._pace.mark(now, read, read_bytes)
        total_bytes, wait = self._source.total_bytes, self._host.wait
        return Snapshot(
            seconds=now - self._started,
            read=read,
            delivered=counts[DELIVERED],
            rejected=counts[REJECTED] + self._progress.broken,
            events_per_second=self._pace.events_per_second,
            read_bytes=read_bytes,
            total_bytes=total_bytes,
            seconds_left=self._pace.seconds_left(total_bytes),
            waiting_seconds=None if wait is None else max(wait.until - now, 0.0),
        )
