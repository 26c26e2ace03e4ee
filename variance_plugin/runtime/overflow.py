"""Events that one exporter cannot take now, kept on disk so that the other exporters need not wait for it."""

import threading
from collections.abc import Callable, Sequence
from logging import Logger
from typing import Protocol

from ..clock import Clock
from ..errors import StateError, Stopped
from ..events import Event
from ..records import event_in, record_of
from .lane import Lane, LaneSettings, Mark, join
from .watermark import Watermark

_WAIT_SECONDS = 1.0
_LOOK_SECONDS = 0.1
_READ_BYTES = 1_048_576


class Queue(Protocol):
    """Records on disk, first in, first out; see `state.spool.Spool`."""

    def append(self, records: Sequence[bytes]) -> None:
        """Keep them; on disk when it returns."""
        ...

    def read(self, after: int, limit_bytes: int) -> list[tuple[int, bytes]]:
        """The next ones after that number, each with its own."""
        ...

    def acknowledge(self, up_to: int) -> None:
        """Forget them."""
        ...


class Overflow:
    """A detour of one exporter's events by way of the disk, in order.

    It is entered when the exporter's destination takes nothing and a lane is full. From then on all its
    events go this way, until the exporter has caught up: so none overtakes another.

    Args:
        queue: Holds what waits; what is in it at the start comes first.
        settings: The exporter's; how much comes together before it is written.
        clock: The host's.
        logger: Of the exporter.
        deliver: Hands an event to its lane, waiting while that is full.
        lanes: The exporter's.
    """

    def __init__(  # noqa: PLR0913 -- it stands between two ways of the same event
        self,
        queue: Queue,
        settings: LaneSettings,
        *,
        clock: Clock,
        logger: Logger,
        deliver: Callable[[Event, int, Mark], None],
        lanes: Sequence[Lane],
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._logger = logger
        self._deliver = deliver
        self._lanes = lanes
        self._inlet = Lane(settings, clock)
        self._lock = threading.Lock()
        self._watermark = Watermark(lambda: [lane.oldest for lane in lanes], queue.acknowledge)
        self._writing = threading.Thread(target=self._write, name="overflow-in", daemon=True)
        self._draining: threading.Thread | None = None
        self._arriving = False
        self.is_entered = bool(queue.read(0, 1))
        """Whether all events go this way now."""
        self.holds_lanes = False
        """Whether what is in the lanes has come this way."""
        self.failure: Exception | None = None
        """A fault of this very module; the host ends then."""

    def start(self, *, drains: bool) -> None:
        """Begin with what is left of earlier runs; or, if it does not drain, only take in."""
        self._writing.start()
        if not drains:
            self.is_entered = True
        elif self.is_entered:
            self._begin_to_drain()

    def take(self, event: Event, size_bytes: int, mark: Mark) -> None:
        """Take an event in, as the first one or one more; for the source it is done with once it is on disk.

        Raises:
            InvalidRecord: When it cannot be written down.
        """
        record = event.record or record_of(event)
        with self._lock:
            self._arriving = True
            if not self.is_entered:
                self._logger.warning("events wait on disk from now on, so that other plugins can go on")
                self.is_entered = True
                self._begin_to_drain()
        self._inlet.put(record, size_bytes, mark)  # may wait until some of what is on disk has left
        self._arriving = False

    @property
    def oldest(self) -> Mark | None:
        """Where the oldest event that is not on disk yet was read."""
        return self._inlet.oldest

    def move(self) -> None:
        """Forget what has been delivered; called when a batch has reached its end."""
        if self.holds_lanes:
            self._watermark.move()

    def close(self) -> None:
        """No more events come: write what is there, and drain."""
        self._inlet.close()

    def join(self, end: float | None) -> bool:
        """Wait until then for all to be drained; returns whether it is."""
        # First the way in: it may be what lets the way out end.
        written = join([self._writing], end, self._clock)
        return join([self._draining] if self._draining else [], end, self._clock) and written

    def _begin_to_drain(self) -> None:
        self._draining = threading.Thread(target=self._drain, name="overflow-out", daemon=True)
        self._draining.start()

    def _write(self) -> None:
        try:
            while records := self._inlet.take():
                self._append(records)
                self._inlet.done()
        except Stopped:
            return  # what is not on disk the source will give again
        except Exception as error:  # noqa: BLE001 -- the events would wait for ever
            self._fail(error)

    def _append(self, records: Sequence[bytes]) -> None:
        """Raises `Stopped` when the host ends first."""
        while True:
            try:
                self._queue.append(records)
            except StateError as error:
                # No traceback: it is no fault in the program.
                self._logger.error("events cannot be set down on disk, the source waits: %s", error)  # noqa: TRY400
                self._clock.wait(_WAIT_SECONDS)
            else:
                return

    def _drain(self) -> None:
        try:
            while any(map(len, self._lanes)):
                self._clock.wait(_LOOK_SECONDS)  # what went the straight way comes first
            self.holds_lanes = True
            after = 0
            while not self._leave():
                for number, record in self._queue.read(after, _READ_BYTES):
                    self._deliver(event_in(record), len(record), Mark(number, after))
                    after = number
                    self._watermark.read = Mark(number + 1, number)
                self._watermark.move()
                self._clock.wait(_LOOK_SECONDS)
        except Stopped:
            return  # what was not delivered is on disk still
        except Exception as error:  # noqa: BLE001 -- likewise
            self._fail(error)

    def _leave(self) -> bool:
        """Go the straight way again, if nothing is under way on this one."""
        with self._lock:
            self._watermark.move()
            if self._arriving or len(self._inlet) or any(map(len, self._lanes)) or self._queue.read(0, 1):
                return False
            self.is_entered = self.holds_lanes = False
            self._logger.info("no event waits on disk any more")
            return True

    def _fail(self, error: Exception) -> None:
        self.failure = error
        self._clock.stop()
