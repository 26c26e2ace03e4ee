"""What the HTTP source tells of its requests: all to metrics; to people, now and then, the refused ones."""

import logging
from collections import Counter
from functools import partial
from typing import Protocol

from ...clock import Clock
from ...turns import Turns
from . import metric_list as known
from .metrics import Metrics

_logger = logging.getLogger(__name__)

_NO_DOOR = "none"


class AnsweredRequest(Protocol):
    """What is told of a request; see `sources.http.app.Exchange`."""

    @property
    def door(self) -> str:
        """Where it led; empty for nowhere."""
        ...

    @property
    def status(self) -> int:
        """What it was answered."""
        ...

    @property
    def reason(self) -> str | None:
        """Why it was refused, if it was."""
        ...

    @property
    def seconds(self) -> float:
        """From its head to its answer."""
        ...

    @property
    def events(self) -> int:
        """How many were taken."""
        ...


class RequestFigures:
    """Counts requests. Told of them by one thread.

    Args:
        metrics: Where they can be seen.
        clock: Says when it was told last.
    """

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._requests: Counter[tuple[str, int]] = Counter()
        self._events: Counter[str] = Counter()
        # Who is refused often comes again and again; the log is for people.
        self._turns = Turns(clock)

    def __call__(self, request: AnsweredRequest) -> None:
        """Count one."""
        door = request.door or _NO_DOOR
        key = (door, request.status)
        if key not in self._requests:
            read = partial(self._requests.__getitem__, key)
            self._metrics.read(known.HTTP_REQUESTS, read, door=door, status=str(request.status))
        self._requests[key] += 1
        self._metrics.observe(known.HTTP_SECONDS, request.seconds, door=door)
        if request.events and door not in self._events:
            self._metrics.read(known.HTTP_EVENTS, partial(self._events.__getitem__, door), door=door)
        self._events[door] += request.events
        if request.reason is not None:
            self._tell(key, request.reason)

    def _tell(self, key: tuple[str, int], reason: str) -> None:
        self._turns.tell(
            key,
            _logger.warning,
            "a request was refused with %d: %s",
            key[1],
            reason,
            extra={"door": key[0], "status": key[1]},
        )
