"""How fast a run goes, and how long it still takes. Pure."""

from collections import deque

# Long enough to be calm, short enough to follow when the destination becomes slower.
_WINDOW_SECONDS = 10.0


class Pace:
    """The speed over the last seconds."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int, int]] = deque()

    def mark(self, now_seconds: float, events: int, read_bytes: int) -> None:
        """So many events and bytes were read since the start, at this moment."""
        self._marks.append((now_seconds, events, read_bytes))
        while len(self._marks) > 2 and now_seconds - self._marks[1][0] >= _WINDOW_SECONDS:  # noqa: PLR2004 -- a span has two ends
            self._marks.popleft()

    @property
    def events_per_second(self) -> float:
        """0 before there is anything to tell."""
        return self._per_second(1)

    def seconds_left(self, total_bytes: int | None) -> float | None:
        """Until all is read; None when there is no telling."""
        speed = self._per_second(2)
        if total_bytes is None or not speed:
            return None
        return max(total_bytes - self._marks[-1][2], 0) / speed

    def _per_second(self, column: int) -> float:
        if not self._marks:
            return 0.0
        first, last = self._marks[0], self._marks[-1]
        seconds = last[0] - first[0]
        return (last[column] - first[column]) / seconds if seconds > 0 else 0.0
