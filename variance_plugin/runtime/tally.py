"""What becomes of the events of a plugin that does not count it itself."""

import threading

from .watching.counts import Counts

DELIVERED = "events.delivered"
REJECTED = "events.rejected"
SKIPPED = "events.skipped."
"""Followed by the reason; under these names a plugin counts that `counts_events` itself."""


class Tally:
    """Counts for one plugin what its `export_events` and `meta.reject` say. Safe for threads.

    A rejection says which event it is about, but not which call it is from: that may be any that is under
    way. So each is taken off the first call that ends, and the sums are right once all have ended.

    Args:
        counts: Where the sums are kept.
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._lock = threading.Lock()
        self._rejected = 0
        """Of calls that have not ended."""

    def rejected(self) -> None:
        """The plugin has set an event aside for good."""
        with self._lock:
            self._rejected += 1
        self._counts.increment(REJECTED)

    def ended(self, events: int) -> None:
        """A call has ended, and so many of its events do not come again."""
        with self._lock:
            rejected = min(self._rejected, events)
            self._rejected -= rejected
        self._counts.increment(DELIVERED, events - rejected)

    def ignored(self, reason: str) -> None:
        """An event was left out, by a rule of the user's."""
        self._counts.increment(SKIPPED + reason)
