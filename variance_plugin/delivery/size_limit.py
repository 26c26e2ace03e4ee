"""How much goes into one request, and what a 413 teaches about it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from .batching import SEPARATOR_BYTES, cut


@dataclass(slots=True)
class Search:
    """What came of a run of messages that was sent in parts, because the whole was refused."""

    taken_bytes: int = 0
    """Of the largest part that was taken."""
    taken_events: int = 0
    one_too_large: bool = False
    """Whether a single message was too large: that explains why everything with it was."""

    def took(self, sizes: Sequence[int]) -> None:
        """Note a part that was taken, by the sizes of its messages."""
        self.taken_bytes = max(self.taken_bytes, _run_bytes(sizes))
        self.taken_events = max(self.taken_events, len(sizes))


class SizeLimit:
    """What goes into one request: no more than is set, and no more than the destination takes.

    Shared by all lanes. It never grows again: a larger limit of the destination shows after a restart.

    Args:
        max_events: Messages.
        max_bytes: Bytes of the messages with their separators.
    """

    def __init__(self, *, max_events: int, max_bytes: int) -> None:
        self.max_events = max_events
        self.max_bytes = max_bytes
        self._most_taken_bytes = 0
        self._lock = threading.Lock()

    def first_run(self, sizes: Sequence[int], start: int) -> slice:
        """The run of messages from `start` on that the next request holds."""
        return next(cut(sizes, max_events=self.max_events, max_bytes=self.max_bytes, start=start))

    def learn(self, sizes: Sequence[int], search: Search, *, too_large: bool) -> None:
        """Take in what came of a run.

        Args:
            sizes: Of its messages.
            search: What its parts told.
            too_large: Whether the run as a whole was.
        """
        with self._lock:
            self._most_taken_bytes = max(self._most_taken_bytes, search.taken_bytes)
            if not too_large or search.one_too_large or not search.taken_events:
                return
            # Nearly always it is the bytes. Where as many were taken before, it is the number of messages.
            if _run_bytes(sizes) > self._most_taken_bytes:
                self.max_bytes = min(self.max_bytes, search.taken_bytes)
            else:
                self.max_events = min(self.max_events, search.taken_events)


def _run_bytes(sizes: Sequence[int]) -> int:
    return sum(sizes) + SEPARATOR_BYTES * len(sizes)
