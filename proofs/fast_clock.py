"""A clock on which everything takes a part of the time: hours of waiting become seconds."""

from datetime import datetime

from variance_plugin.clock import SystemClock


class FastClock:
    """A `Clock` that runs so many times as fast as time, also from one process to the next.

    Args:
        times: How many.
        since: When all clocks of this kind and speed agree with the real one.
    """

    def __init__(self, times: float, since: datetime) -> None:
        self._clock = SystemClock()
        self._times = times
        self._since = since

    def now(self) -> datetime:
        """See `Clock`."""
        return self._since + (self._clock.now() - self._since) * self._times

    def monotonic(self) -> float:
        """See `Clock`."""
        return self._clock.monotonic() * self._times

    def wait(self, seconds: float) -> None:
        """See `Clock`."""
        self._clock.wait(seconds / self._times)

    def stop(self) -> None:
        """See `Clock`."""
        self._clock.stop()

    @property
    def stopped(self) -> bool:
        """See `Clock`."""
        return self._clock.stopped
