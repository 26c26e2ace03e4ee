"""How much goes into one request, and what a 413 teaches about it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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


_FIRST_PATIENCE = 100
_MOST_PATIENCE = 10_000


class SizeLimit:
    """What goes into one request: no more than is set, and no more than the destination takes.

    Shared by all lanes. A limit that a 413 taught is tried again after a hundred full requests, with one
    twice as large; each time that is refused the next try waits twice as long. What is learned is what was
    taken, so that such a try costs one request and no more.

    Args:
        max_events: Messages.
        max_bytes: Bytes of the messages with their separators.
    """

    def __init__(self, *, max_events: int, max_bytes: int) -> None:
        self._set = _Size(max_events, max_bytes)
        self._taken = self._set
        """What the destination takes, as far as is known."""
        self._now = self._set
        """What the next request may hold: more than that, while a larger one is tried."""
        self._full_requests = 0
        self._patience = _FIRST_PATIENCE
        self._most_taken_bytes = 0
        self._lock = threading.Lock()

    def first_run(self, sizes: Sequence[int], start: int) -> slice:
        """The run of messages from `start` on that the next request holds."""
        now = self._now
        return next(cut(sizes, max_events=now.events, max_bytes=now.bytes, start=start))

    def learn(self, sizes: Sequence[int], search: Search, *, too_large: bool, full: bool) -> None:
        """Take in what came of a run.

        Args:
            sizes: Of its messages.
            search: What its parts told.
            too_large: Whether the run as a whole was.
            full: Whether it was as large as it might be, with more to come.
        """
        run = _Size(len(sizes), _run_bytes(sizes))
        with self._lock:
            self._most_taken_bytes = max(self._most_taken_bytes, search.taken_bytes)
            if not too_large:
                self._grow(run, full=full)
            elif search.one_too_large or not search.taken_events:
                return
            elif not run.fits(self._taken):
                # A try that failed, or a run that set out before another lane learned better.
                if self._now != self._taken:
                    self._patience = min(2 * self._patience, _MOST_PATIENCE)
                    self._settle(self._taken)
            # Nearly always it is the bytes. Where as many were taken before, it is the number of messages.
            elif run.bytes > self._most_taken_bytes:
                self._settle(_Size(self._taken.events, min(self._taken.bytes, search.taken_bytes)))
            else:
                self._settle(_Size(min(self._taken.events, search.taken_events), self._taken.bytes))

    def _grow(self, run: "_Size", *, full: bool) -> None:
        if self._taken == self._set:
            return
        if not run.fits(self._taken):
            self._patience = _FIRST_PATIENCE
            self._settle(self._taken.with_room_for(run).within(self._set))
        elif full:
            self._full_requests += 1
            if self._full_requests >= self._patience:
                self._now = _Size(2 * self._taken.events, 2 * self._taken.bytes).within(self._set)

    def _settle(self, taken: "_Size") -> None:
        self._taken = self._now = taken
        self._full_requests = 0


class _Size(NamedTuple):
    events: int
    bytes: int

    def fits(self, other: "_Size") -> bool:
        return self.events <= other.events and self.bytes <= other.bytes

    def within(self, other: "_Size") -> "_Size":
        return _Size(min(self.events, other.events), min(self.bytes, other.bytes))

    def with_room_for(self, other: "_Size") -> "_Size":
        return _Size(max(self.events, other.events), max(self.bytes, other.bytes))


def _run_bytes(sizes: Sequence[int]) -> int:
    return sum(sizes) + SEPARATOR_BYTES * len(sizes)
