"""Waits out what a bucket does not give now."""

import logging
from collections.abc import Callable
from typing import TypeVar

from ...clock import Clock
from ...retry import waits
from .store import StoreFault, Trouble

_logger = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")


class Patience:
    """Asks again and again, with growing waits, and says so; for ever, as nothing else would be of use.

    Args:
        clock: Ends the waiting.
        root: What it is that is asked.
    """

    def __init__(self, clock: Clock, root: str) -> None:
        self._clock = clock
        self._root = root

    def ask(self, what: Callable[[], ResultT]) -> ResultT:
        """What it gives in the end.

        Raises:
            StoreFault: It cannot give it, however long it is waited for.
            Stopped: The clock was stopped meanwhile.
        """
        schedule = waits()
        has_failed = False
        while True:
            try:
                given = what()
            except StoreFault as fault:
                if fault.is_of_the_object:
                    raise
                has_failed = True
                self._wait(fault, next(schedule))
            else:
                if has_failed:
                    _logger.info("%s answers again", self._root)
                return given

    def _wait(self, fault: StoreFault, seconds: float) -> None:
        if fault.trouble is Trouble.REFUSED:
            _logger.error("%s: %s; nothing is read until that is mended", self._root, fault)
        else:
            _logger.warning("%s cannot be reached: %s; asked again in %.1f s", self._root, fault, seconds)
        self._clock.wait(seconds)
