"""Time as an argument: what the clock says, and waiting that ends at shutdown."""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

from .errors import Stopped


class Clock(Protocol):
    """What the package asks of a clock; `testing.FakeClock` is the other implementation."""

    def now(self) -> datetime:
        """The wall clock, timezone-aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait that long. Raises `Stopped` at once when `stop` was or is called meanwhile."""
        ...

    def stop(self) -> None:
        """End every wait, now and from now on. Callable from a signal handler."""
        ...

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        ...


class SystemClock:
    """The real clock."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self.stopped = False
        """See `Clock`. An attribute, since it is asked for with every event."""

    def now(self) -> datetime:
        """See `Clock`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """See `Clock`."""
        if self._stop.wait(max(seconds, 0.0)):
            raise Stopped("stopped while waiting")

    def stop(self) -> None:
        """See `Clock`."""
        self.stopped = True
        self._stop.set()
