"""What happens again and again is told now and then: the first of a kind at once, then one a minute."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from .clock import Clock

_EVERY_SECONDS = 60.0
# Kinds may be made of what others send, and memory stays bounded.
_MOST_KINDS = 1000


@dataclass(slots=True)
class _Kind:
    next_at: float
    untold: int = 0


class Turns:
    """Says whose turn it is to be told. Safe for threads.

    Args:
        clock: Spaces them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kinds: dict[Hashable, _Kind] = {}

    def take(self, kind: Hashable) -> int | None:
        """How many of that kind were not told since one was; None when it is not time for another."""
        now = self._clock.monotonic()
        with self._lock:
            known = self._kinds.pop(kind, None)
            if known is not None and now < known.next_at:
                known.untold += 1
                self._kinds[kind] = known
                return None
            self._kinds[kind] = _Kind(next_at=now + _EVERY_SECONDS)
            if len(self._kinds) > _MOST_KINDS:
                del self._kinds[next(iter(self._kinds))]
            return known.untold if known else 0

    def tell(self, kind: Hashable, log: Callable[..., None], text: str, *args: object, **more: Any) -> None:
        """Log it, if it is its turn, with how many of its kind were not.

        Args:
            kind: Of what happened.
            log: A method of a logger; it gets what follows.
            text: The line.
            args: What stands in it.
            more: As the logger takes it by name.
        """
        untold = self.take(kind)
        if untold is not None:
            ending = f" (and {untold:,} more since the last such line)" if untold else ""
            log(text + "%s", *args, ending, stacklevel=2, **more)
