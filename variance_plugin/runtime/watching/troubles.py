"""What an operator has to hear of: once when it begins, and once when it is over."""

from collections.abc import Callable
from logging import Logger
from typing import TypeAlias

Trouble: TypeAlias = Callable[[], str | None]
"""What is amiss now, in words; None when nothing is."""


class Troubles:
    """Looks at what may be amiss, every second or so, from one thread.

    Args:
        logger: Told.
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._watched: list[Trouble] = []
        self._told: dict[Trouble, str] = {}

    def watch(self, trouble: Trouble) -> None:
        """Look at this, too."""
        self._watched.append(trouble)

    def look(self) -> None:
        """Tell what has begun and what has ended since the last time."""
        for trouble in list(self._watched):
            found, told = trouble(), self._told.get(trouble)
            if found is not None and told is None:
                self._told[trouble] = found
                self._logger.error("%s", found)
            elif found is None and told is not None:
                del self._told[trouble]
                self._logger.warning("it is over: %s", told)
