"""What can be seen of a backfill while it runs."""

from collections.abc import Collection

from ...clock import Clock
from .windows import Window


class Figures:
    """How far a backfill is. Told by its threads, to be read from any.

    Args:
        windows: All of them, in order.
        done: Those that are done with from earlier starts.
        clock: Says when a window is begun.
    """

    def __init__(self, windows: Collection[Window], *, done: Collection[Window], clock: Clock) -> None:
        self.windows = len(windows)
        self.read_bytes = 0
        """How much has come, as PostHog has compressed it."""
        self.failures = 0
        """Times that PostHog could not make the files of a window, or had thrown them away."""
        self._done = set(done)
        self._clock = clock
        self._begun: tuple[Window, float] | None = None

    @property
    def done(self) -> int:
        """Windows of which every event is delivered, left out, or a dead letter."""
        return len(self._done)

    @property
    def began(self) -> float | None:
        """When the window that is read, or asked for, was begun (Unix time); None when all are done."""
        begun = self._begun
        return None if begun is None or begun[0] in self._done else begun[1]

    def begin(self, window: Window) -> None:
        """This one is next."""
        self._begun = (window, self._clock.now().timestamp())

    def end(self, window: Window) -> None:
        """It is done with."""
        self._done.add(window)

    def fail(self) -> None:
        """A window has to be asked for again, or the backfill ends."""
        self.failures += 1

    def come(self, size_bytes: int) -> None:
        """So much more has come."""
        self.read_bytes += size_bytes
