"""What is new, as it comes: server-sent events."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from ...clock import Clock
from ..json_form import to_json
from .guard import SECURITY_HEADERS
from .lines import Line, lines

if TYPE_CHECKING:
    from ..intake import Intake

# A client that is gone is only noticed when something is sent to it.
_SILENCE_SECONDS: Final = 15.0
# No eye follows more; a post of 500 messages comes as one piece.
_PAUSE_SECONDS: Final = 0.2
_NEWEST: Final = 100


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What one piece of the stream tells."""

    counts: dict[str, int]
    missed: int
    """Messages older than the first line that came since the last piece."""
    lines: list[Line]
    """Newest first."""


class Stream:
    """The stream of one reader.

    Args:
        intake: Whose messages.
        clock: For pauses; stopping it ends the stream.
        after: The number of the last message that the reader has; None: the newest are sent to begin with.
    """

    def __init__(self, intake: "Intake", clock: Clock, *, after: int | None) -> None:
        self._intake = intake
        self._clock = clock
        self._after = after

    def send(self, write: Callable[[bytes], object]) -> None:
        """Send until the reader is gone (`OSError`) or the clock is stopped (`Stopped`)."""
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in (headers | SECURITY_HEADERS).items())
        write(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode())
        after, posts = self._after or 0, -1
        while True:
            if self._wait_for_more_than(posts):
                posts = self._intake.posts_so_far
                news, after = self._news(after)
                write(b"id: %d\nevent: news\ndata: %b\n\n" % (after, to_json(news)))
            else:
                write(b": still here\n\n")
            self._clock.wait(_PAUSE_SECONDS)

    def _wait_for_more_than(self, posts: int) -> bool:
        return self._intake.wait_until(
            lambda: self._intake.posts_so_far != posts or self._clock.stopped,
            timeout_seconds=_SILENCE_SECONDS,
        )

    def _news(self, after: int) -> tuple[News, int]:
        counts = self._intake.counts()
        with self._intake.looking() as (store, _):
            number = store.last_number
            # A file that was begun anew has smaller numbers than a reader remembers.
            after = min(after, number)
            newest = lines(store.entries(limit=_NEWEST, after=after), store)
            missed = max(number - after - len(newest), 0)
        return News(counts=counts, missed=missed, lines=newest), number
