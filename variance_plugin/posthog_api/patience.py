"""Questions that have time: asked again until PostHog answers, at the pace that it asks for."""

import logging
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from ..clock import Clock
from ..errors import RetryError
from ..retry import waits

_Answer = TypeVar("_Answer")

_AT_ONCE_SECONDS = 0.5


class RateLimited(RetryError):
    """PostHog takes no more requests for now."""


class Why(StrEnum):
    """Why it is waited."""

    RATE_LIMIT = "rate limit"
    NO_ANSWER = "no answer"
    """PostHog is down, or not to be reached, or what it sends breaks off."""


class Patience:
    """Waits out what passes: limits on requests, restarts, networks.

    Args:
        clock: Ends the waiting.
        logger: Told of every wait.
    """

    def __init__(self, clock: Clock, logger: logging.Logger) -> None:
        self._clock = clock
        self._logger = logger
        self.waits: Counter[Why] = Counter()
        """So many there were, with the one that is under way."""

    def get(self, ask: Callable[[], _Answer]) -> _Answer:
        """What `ask` returns, once it does.

        Raises:
            Stopped: The program ends first.
            UsageError: PostHog refuses.
        """
        schedule = waits()
        while True:
            try:
                return ask()
            except RetryError as error:
                seconds = max(next(schedule), error.retry_after_seconds)
                why = Why.RATE_LIMIT if isinstance(error, RateLimited) else Why.NO_ANSWER
                self.waits[why] += 1
                # The first waits are short, and "in 0 s" reads as a fault.
                when = "at once" if seconds < _AT_ONCE_SECONDS else f"in {seconds:.0f} s"
                self._logger.info(
                    "asking again %s: %s", when, error, extra={"why": str(why), "seconds": round(seconds, 3)}
                )
                self._clock.wait(seconds)
