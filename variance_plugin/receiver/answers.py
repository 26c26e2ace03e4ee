"""What the receiver answers: a script, so that a test can enact every row of the table of outcomes."""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from .post import Post


class WireFault(StrEnum):
    """What goes wrong between the receiver and its client, after the post was read whole."""

    RESET = "reset"
    """The connection is reset (RST) instead of an answer."""

    CLOSE = "close"
    """The connection is closed instead of an answer."""

    HALF_CLOSE = "half-close"
    """The receiver ends its own side without an answer and goes on reading until the client leaves."""

    HANG = "hang"
    """Nothing more happens until the client gives up or the receiver is closed."""

    GARBAGE = "garbage"
    """Bytes that are no HTTP, then the connection is closed."""

    CUT_SHORT = "cut short"
    """The answer promises a longer body than it sends, then the connection is closed."""

    DRIP = "drip"
    """The whole answer, byte by byte, with `delay_seconds` before each of them."""

    CLOSE_AFTER = "close after"
    """A whole answer that promises to keep the connection, which is closed at once all the same."""


# With these the client can still read the whole answer.
_ANSWERED: Final = (None, WireFault.DRIP, WireFault.CLOSE_AFTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer to one post."""

    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    delay_seconds: float = 0.0
    """How long to wait before the answer (with `WireFault.DRIP`: before every byte of it)."""

    fault: WireFault | None = None

    applied: bool | Collection[int] | None = None
    """Whether the messages of the post count, or the positions of those that do. None: they do when
    the client can read a whole answer 2xx. `True` beside a fault enacts the receiver that took the
    messages and whose answer was lost: the case that makes duplicates."""

    @property
    def status_sent(self) -> int | None:
        """The status that the client can read; None when the fault leaves it without one."""
        return self.status if self.fault in (*_ANSWERED, WireFault.CUT_SHORT) else None

    def applies_to(self, position: int) -> bool:
        """Whether the message at that position of the batch counts."""
        if self.applied is None:
            return 200 <= self.status < 300 and self.fault in _ANSWERED  # noqa: PLR2004 -- HTTP's own
        return self.applied if isinstance(self.applied, bool) else position in self.applied


TAKEN: Final = Answer(body=b'{"success":true}')

# A list is used up in order and then `TAKEN` answers; a function is asked for every post.
Answers: TypeAlias = Iterable[Answer] | Callable[["Post"], Answer]


class Script:
    """Gives each post its answer. Safe to call from several threads.

    Args:
        answers: See `Answers`; None is the empty list. A function may run in several threads at once.
    """

    def __init__(self, answers: Answers | None = None) -> None:
        self._lock = threading.Lock()
        # Answers that come before the script's own, each with how often it is still due; None: always.
        self._faults: list[tuple[Answer, int | None]] = []
        self.replace(answers)

    def replace(self, answers: Answers | None) -> None:
        """Go by another script from the next post on; faults that are due stay so."""
        with self._lock:
            self._asked = answers if callable(answers) else None
            self._listed: Iterator[Answer] = (
                iter(()) if answers is None or callable(answers) else iter(answers)
            )

    def answer(self, post: "Post") -> Answer:
        """The answer to this post."""
        with self._lock:
            if self._faults:
                answer, times = self._faults[0]
                if times is not None:
                    self._faults[:1] = [(answer, times - 1)] if times > 1 else []
                return answer
            asked = self._asked
            if asked is None:
                return next(self._listed, TAKEN)
        return asked(post)

    def disturb(self, answer: Answer, times: int | None = None) -> None:
        """Answer so to that many posts, after what is due already; None: to all, until `calm`."""
        with self._lock:
            self._faults.append((answer, times))

    def calm(self) -> None:
        """Forget all faults that are due."""
        with self._lock:
            self._faults.clear()

    @property
    def faults(self) -> list[tuple[Answer, int | None]]:
        """What is due, and how often still."""
        with self._lock:
            return list(self._faults)
