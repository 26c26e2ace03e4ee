"""What an operator wants to read after an outage: that it is over. That it began, the plugin has said."""

from collections.abc import Callable, Mapping
from logging import Logger
from typing import TypeAlias

from ...clock import Clock
from ..outage import Wait

WaitOf: TypeAlias = Callable[[], Wait | None]
"""For what a destination is waited for now; None while it takes events."""


class Recoveries:
    """Looks at the waits for destinations, every second or so, from one thread; shorter ones may be missed.

    Args:
        waits: By the name of the exporter.
        clock: The host's.
        logger: Whose, by the name of the exporter.
    """

    def __init__(self, waits: Mapping[str, WaitOf], *, clock: Clock, logger: Callable[[str], Logger]) -> None:
        self._waits = waits
        self._clock = clock
        self._logger = logger
        self._seen: dict[str, Wait] = {}

    def look(self) -> None:
        """Tell which destination takes events again since the last time."""
        for name, wait_of in self._waits.items():
            wait = wait_of()
            if wait is not None:
                self._seen[name] = wait
            elif (seen := self._seen.pop(name, None)) is not None:
                seconds = self._clock.monotonic() - seen.since
                # As grave as the line that it takes back: who sees one of them sees the other.
                self._logger(name).warning(
                    "the destination takes events again, after %.0f s: it was %s",
                    seconds,
                    seen.reason,
                    extra={"seconds": round(seconds, 3)},
                )
