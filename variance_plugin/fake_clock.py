"""A clock for tests, on which waiting takes no time."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from .errors import Stopped

START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """A `Clock` that advances itself: whoever waits on it is through at once, and the time is later.

    Safe for threads; when several wait, the time passes for all of them.

    Args:
        now: Where the wall clock begins.
        on_wait: Called with the seconds of each wait before the time passes; it may call `stop`.
    """

    def __init__(self, now: datetime = START, *, on_wait: Callable[[float], None] | None = None) -> None:
        self._start = now
        self._on_wait = on_wait
        self._elapsed_seconds = 0.0
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self.waits: list[float] = []
        """The seconds of every wait so far, in order."""

    def now(self) -> datetime:
        """See `Clock`."""
        return self._start + timedelta(seconds=self._elapsed_seconds)

    def monotonic(self) -> float:
        """See `Clock`."""
        return self._elapsed_seconds

    def wait(self, seconds: float) -> None:
        """See `Clock`."""
        if not self.stopped and self._on_wait is not None:
            self._on_wait(seconds)
        if self.stopped:
            raise Stopped("stopped while waiting")
        with self._lock:
            self.waits.append(seconds)
            self._elapsed_seconds += max(seconds, 0.0)

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody waiting."""
        with self._lock:
            self._elapsed_seconds += seconds

    def stop(self) -> None:
        """See `Clock`."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """See `Clock`."""
        return self._stopped.is_set()
