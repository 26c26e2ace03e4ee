"""What becomes of the events of a plugin that does not count it itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .watching.counts import Counts

DELIVERED = "events.delivered"
REJECTED = "events.rejected"
SKIPPED = "events.skipped."
"""Followed by the reason; under these names a plugin counts that `counts_events` itself."""

# One element for each rejection within the call of `export_events` that is under way, also of async ones.
_rejected_here: ContextVar[list[None] | None] = ContextVar("rejected_here", default=None)


class Tally:
    """Counts for one plugin what its `export_events` and `meta.reject` say. Safe for threads.

    Args:
        counts: Where the sums are kept.
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    @contextmanager
    def call(self) -> Iterator[Callable[[int], None]]:
        """Around a call of `export_events`; gives what is told how many of its events do not come again.

        What the plugin rejects meanwhile is not delivered; what it rejects elsewhere, as in `process_event`,
        was never to be exported, and is taken off nothing.
        """
        rejected: list[None] = []
        token = _rejected_here.set(rejected)
        try:
            yield lambda events: self._counts.increment(DELIVERED, max(events - len(rejected), 0))
        finally:
            _rejected_here.reset(token)

    def rejected(self) -> None:
        """The plugin has set an event aside for good."""
        self._counts.increment(REJECTED)
        here = _rejected_here.get()
        if here is not None:
            here.append(None)

    def ignored(self, reason: str) -> None:
        """An event was left out, by a rule of the user's."""
        self._counts.increment(SKIPPED + reason)
