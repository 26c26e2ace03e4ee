"""What an endpoint may do wrong, in a schedule that brings every kind."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeAlias

from variance_plugin.receiver import Answer, WireFault
from variance_plugin.receiver.answers import TAKEN

# Longer than the runner under test waits for a byte, and shorter than its patience with a whole answer.
_DRIP_SECONDS = 0.002
_TRICKLE_SECONDS = 0.2
# A request of more messages is too large while a 413 is planned.
_MOST_MESSAGES = 3


@dataclass(frozen=True, slots=True)
class Planned:
    """An answer, and what the figures call it."""

    name: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Request:
    """What a schedule knows of a request: the `messageId`s in it, and whether one of them will be refused."""

    ids: Sequence[str]
    has_refused: bool = False


Schedule: TypeAlias = Callable[[Request], Planned]
"""The answer to a request; where one that takes it meets what is refused, the refusal is sent instead."""

HEALTHY = Planned("", TAKEN)
TOO_LARGE = "413"


def healthy(_request: Request) -> Planned:
    """Takes everything."""
    return HEALTHY


# Each with the number of requests in a row that it meets.
FAULTS = {
    "500": (1, Answer(status=500)),
    "503 with Retry-After": (2, Answer(status=503, headers={"Retry-After": "1"})),
    "429": (1, Answer(status=429, headers={"Retry-After": "1"})),
    TOO_LARGE: (1, Answer(status=413)),
    "401 for a while": (3, Answer(status=401)),
    "reset": (1, Answer(fault=WireFault.RESET)),
    "closed": (1, Answer(fault=WireFault.CLOSE)),
    "half-closed": (1, Answer(fault=WireFault.HALF_CLOSE)),
    "dripped": (1, Answer(fault=WireFault.DRIP, delay_seconds=_DRIP_SECONDS)),
    "trickled without end": (1, Answer(fault=WireFault.DRIP, delay_seconds=_TRICKLE_SECONDS, applied=False)),
    "answer cut short": (1, Answer(fault=WireFault.CUT_SHORT)),
    "garbage": (1, Answer(fault=WireFault.GARBAGE)),
    "hang": (1, Answer(fault=WireFault.HANG)),
    "closed behind the answer": (1, Answer(fault=WireFault.CLOSE_AFTER)),
}
# With these the destination may have taken the messages all the same.
_LOST = "reset", "closed", "half-closed", "trickled without end", "answer cut short", "garbage", "hang"


class Faults:
    """A `Schedule` that brings all kinds in turn, in an order and with pauses that follow from the seed.

    Args:
        seed: Which schedule.
        every: About every so many requests one begins.
    """

    def __init__(self, seed: int, *, every: int) -> None:
        self._chance = Random(seed)  # noqa: S311 -- the same schedule for the same seed
        self._every = every
        self._deck: list[str] = []
        self._planned: deque[Planned] = deque()

    def __call__(self, request: Request) -> Planned:
        """The next answer; one call at a time."""
        if not self._planned and self._chance.randrange(self._every) == 0:
            self._planned += self._next()
        if not self._planned or not _fits(self._planned[0], request):
            return HEALTHY
        return self._planned.popleft()

    def _next(self) -> list[Planned]:
        if not self._deck:
            self._deck = list(FAULTS)
            self._chance.shuffle(self._deck)
        name = self._deck.pop()
        times, answer = FAULTS[name]
        if name in _LOST and self._chance.random() < 0.5:
            return [Planned(f"{name} (taken)", replace(answer, applied=True))] * times
        return [Planned(name, answer)] * times


def _fits(planned: Planned, request: Request) -> bool:
    """Whether that request can meet it; what does not fit stays planned, so that each kind is met."""
    if planned.name == TOO_LARGE:
        return len(request.ids) > _MOST_MESSAGES
    return not (request.has_refused and planned.answer.applies_to(0))
