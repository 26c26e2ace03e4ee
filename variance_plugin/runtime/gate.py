"""The host's wait for a destination: one for all lanes, longer from failure to failure, over at a success."""

import threading

from ..clock import Clock
from ..retry import waits


class Gate:
    """Closed after a failure for the time that the schedule and the destination ask for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._schedule = waits()
        self._open_at = float("-inf")

    def pass_through(self) -> None:
        """Wait until it is open.

        Raises:
            Stopped: when the program ends first.
        """
        while (seconds := self._open_at - self._clock.monotonic()) > 0:
            self._clock.wait(seconds)

    def close(self, at_least_seconds: float) -> float:
        """After a failure; returns the seconds it will stay closed.

        Lanes that fail together count as one failure: while it is closed the schedule does not go on.
        """
        with self._lock:
            now = self._clock.monotonic()
            seconds = at_least_seconds
            if self._open_at <= now:
                seconds = max(seconds, next(self._schedule))
            self._open_at = max(self._open_at, now + seconds)
            return self._open_at - now

    def close_for(self, seconds: float) -> None:
        """Close it without a failure: of the wait of an earlier run that much is left."""
        with self._lock:
            self._open_at = max(self._open_at, self._clock.monotonic() + seconds)

    def open(self) -> None:
        """After a success. One that comes while the gate is closed was under way before: it opens nothing."""
        with self._lock:
            if self._open_at <= self._clock.monotonic():
                self._schedule = waits()
