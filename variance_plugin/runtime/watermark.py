"""How far a source is done with, over lanes that finish out of turn."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from .lane import Mark


class Watermark:
    """Tells the source up to where everything is delivered, dead, skipped, or kept elsewhere.

    The lanes count nothing event by event: each knows the place of its oldest event, and the oldest of
    these is how far the source is done with.

    Args:
        oldest: The marks of what has not reached its end, one a lane; asked for from any thread.
        acknowledge: Called with the last record that is done with, one call at a time, always going forward.
    """

    def __init__(
        self, oldest: Callable[[], Iterable[Mark | None]], acknowledge: Callable[[Any], None]
    ) -> None:
        self._oldest = oldest
        self._acknowledge = acknowledge
        self._lock = threading.Lock()
        self._acknowledged = 0
        self.read: Mark = Mark(1, None)
        """How far the reader is: the next record, and the last whose events have all been handed over."""

    def move(self) -> None:
        """Acknowledge what has become done since the last time."""
        with self._lock:
            # In this order: what is handed over in between stands in a lane by the time that is asked.
            read = self.read
            pending = [mark for mark in self._oldest() if mark is not None]
            mark = min([read, *pending], key=_number)
            if mark.number - 1 > self._acknowledged:
                self._acknowledge(mark.before)
                self._acknowledged = mark.number - 1


def _number(mark: Mark) -> int:
    return mark.number
