"""Dead letters to a topic."""

import logging
from collections.abc import Iterator
from typing import Protocol

from ...clock import Clock
from ...hooks import Rejection
from ...state.original import original
from ...turns import Turns
from .producing import Outgoing, TopicWriter

_logger = logging.getLogger(__name__)

# As in the other places where dead letters are kept.
_REASON_CHARACTERS = 1024


class Letters(Protocol):
    """Where dead letters are kept."""

    def add(self, rejection: Rejection) -> None:
        """Keep one; when it returns, it is kept."""
        ...


class TopicLetters:
    """Writes each dead letter to a topic: the record as it was read, and in its headers why.

    Headers, if there are: `reason`, `plugin`, `event`, `source` (where it stood), `status`, `attempts`.
    The key is the event's `distinct_id`.

    Args:
        writer: Of the topic. Closed by whoever made it.
        plugin: Which plugin rejects; empty: none, since it never became an event.
        otherwise: Where one is kept that the brokers refuse as too large.
        clock: Spaces what is said of those.
    """

    def __init__(self, writer: TopicWriter, plugin: str, otherwise: Letters, clock: Clock) -> None:
        self._writer = writer
        self._plugin = plugin
        self._otherwise = otherwise
        self._turns = Turns(clock)

    def add(self, rejection: Rejection) -> None:
        """Write it; when it returns, all replicas have it.

        Raises:
            StateError: It cannot be written now.
        """
        event = rejection.event
        key = event.distinct_id.encode(errors="replace") if isinstance(event.distinct_id, str) else None
        headers = [(name, value.encode(errors="replace")) for name, value in self._headers(rejection)]
        if self._writer.write([Outgoing(value=original(event), key=key, headers=headers)]):
            too_large = "a dead letter is too large for its topic, and goes to the state file"
            self._turns.tell("too large", _logger.warning, too_large)
            self._otherwise.add(rejection)

    def close(self) -> None:
        """Nothing to let go of."""

    def _headers(self, rejection: Rejection) -> Iterator[tuple[str, str]]:
        event = rejection.event
        yield "reason", rejection.reason[:_REASON_CHARACTERS]
        if self._plugin:
            yield "plugin", self._plugin
        if event.event:
            yield "event", event.event
        if event.position is not None:
            yield "source", str(event.position)
        if rejection.status is not None:
            yield "status", str(rejection.status)
        if rejection.attempts:
            yield "attempts", str(rejection.attempts)
