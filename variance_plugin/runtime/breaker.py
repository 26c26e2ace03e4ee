"""Holds up the reading where too much of what is read would become dead letters without ever being sent.

That is no run of bad events, but a wrong source (files that are no export of PostHog's), or a plugin in the
chain that spoils every event. What the destination refuses is the deliverer's to judge.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from logging import Logger
from typing import NoReturn

from ..clock import Clock
from ..errors import UsageError
from ..hooks import Rejection
from ..retry import waits

_WINDOW = 100
_SHORTEST_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How much may be set aside."""

    most_per_hundred: int = 20
    """Of a hundred in a row; a hundred: all of them."""
    setting: str = "dead_letters.most_per_hundred"
    """Where the user says so."""


USUAL = Tolerance()


class Breaker:
    """Counts what is set aside among what was read. What goes well costs nothing: it is counted elsewhere.

    Args:
        problem: What is so of too many, in words that follow "… of the last 100".
        tolerance: How many they may be.
        clock: The host's.
        logger: Told when the reading is held up.
    """

    def __init__(self, problem: str, tolerance: Tolerance, *, clock: Clock, logger: Logger) -> None:
        most = tolerance.most_per_hundred
        self._reason = f"more than {most} of the last {_WINDOW} {problem}"
        self._tolerance = tolerance
        self._clock = clock
        self._logger = logger
        self._seen: Callable[[], int] = int
        self._ends = False
        self._reader: int | None = None
        self._recent: deque[int] = deque(maxlen=most)
        """At how many that had been read each of the last was set aside."""
        self._waits = waits()
        self._held_at: int | None = None

    def begin(self, seen: Callable[[], int], *, ends: bool) -> None:
        """Count from now on what this thread sets aside: replays and lanes have other threads.

        Args:
            seen: How many have been read, with the one that is looked at.
            ends: Whether the run ends rather than to wait.
        """
        self._seen = seen
        self._ends = ends
        self._reader = threading.get_ident()

    def guard(self, keep: Callable[[Rejection], None]) -> Callable[[Rejection], None]:
        """A function that does as `keep` does, unless that would be too many.

        Then it waits, for longer from time to time, and lets through as many again: so a run of bad events
        passes by itself, and of a wrong source there are some twenty dead letters in five minutes. It raises
        `UsageError`, where the run is to end, and `Stopped`; what it was given is not kept then.
        """

        def set_aside(rejection: Rejection) -> None:
            if threading.get_ident() == self._reader:
                self._admit(self._seen())
            keep(rejection)

        return set_aside

    @property
    def trouble(self) -> str | None:
        """Why somebody has to look, until a hundred more have been read; from any thread."""
        held_at = self._held_at
        return None if held_at is None or self._seen() - held_at >= _WINDOW else self._reason

    def _admit(self, number: int) -> None:
        most = self._tolerance.most_per_hundred
        if most >= _WINDOW:
            return
        if len(self._recent) == most and (not most or number - self._recent[0] < _WINDOW):
            if self._ends:
                self._end()
            self._hold_up(number)
        self._recent.append(number)

    def _hold_up(self, number: int) -> None:
        if self.trouble is None:
            self._waits = waits()
        self._held_at = number
        seconds = max(next(self._waits), _SHORTEST_SECONDS)
        self._logger.error(
            "%s; nothing is lost, somebody has to look; reading goes on in %.0f s", self._reason, seconds
        )
        self._clock.wait(seconds)
        self._recent.clear()

    def _end(self) -> NoReturn:
        raise UsageError(
            f"{self._reason}; the run ends here, and what lies before is done. The dead letters say what is "
            f"wrong with each; if all are to become dead letters, set {self._tolerance.setting} to {_WINDOW}"
        )
