"""Who waits for an answer goes first; who works through a backlog has time."""

import threading
from types import TracebackType

from ...clock import Clock

# Of the time in which both want the processor the backlog has a fifth.
_WAY_SECONDS = 0.02
_OWN_SECONDS = 0.005


class Precedence:
    """Lets one thread go on only while no request waits to be kept, or for its fair share of the time.

    Python runs one thread at a time. Where one always has something to do, each of the many short steps of a
    request waits for it: without precedence, requests that come while a backlog is worked through wait for
    seconds. What a request waits for elsewhere, for a slow client or for PostHog, takes no processor.

    Entered by requests, all in one thread; `give_way` is called by the thread that gives way.

    Args:
        clock: Says whose turn it is.
        way_seconds: How long it gives way at the most.
        own_seconds: How long it goes on after that.
    """

    def __init__(
        self, clock: Clock, *, way_seconds: float = _WAY_SECONDS, own_seconds: float = _OWN_SECONDS
    ) -> None:
        self._clock = clock
        self._way_seconds = way_seconds
        self._own_seconds = own_seconds
        self._requests = 0
        self._is_idle = threading.Event()
        self._is_idle.set()
        self._until = 0.0

    def __enter__(self) -> None:
        """A request begins to wait."""
        self._requests += 1
        if self._requests == 1:
            self._is_idle.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It has been kept, or refused."""
        self._requests -= 1
        if not self._requests:
            self._is_idle.set()

    def give_way(self) -> None:
        """Wait until none waits, or one's own turn has come."""
        if self._requests and self._clock.monotonic() >= self._until:
            self._is_idle.wait(self._way_seconds)
            self._until = self._clock.monotonic() + self._own_seconds
