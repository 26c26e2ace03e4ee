"""Encoded messages into requests, by count and by bytes. Pure."""

from collections.abc import Iterator, Sequence

SEPARATOR_BYTES = 1
"""The comma or line end after a message."""


def cut(sizes: Sequence[int], *, max_events: int, max_bytes: int, start: int = 0) -> Iterator[slice]:
    """Runs of messages, in order, none longer than allowed; a message over `max_bytes` stands alone.

    Args:
        sizes: Bytes of each message.
        max_events: Messages in one request.
        max_bytes: Bytes of one request's messages with their separators, before compression and without the
            envelope.
        start: Where to begin.
    """
    first, run_bytes = start, 0
    for index in range(start, len(sizes)):
        size = sizes[index] + SEPARATOR_BYTES
        if index > first and (index - first >= max_events or run_bytes + size > max_bytes):
            yield slice(first, index)
            first, run_bytes = index, 0
        run_bytes += size
    if first < len(sizes):
        yield slice(first, len(sizes))
