"""`Prepared`: an event whose messages are made and encoded, and wait to be sent."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from ..events import Event
from ..formats import UnreadEvent
from ..messages import Encoded, encoded
from .mapped import Mapped
from .memory import Fact


class Prepared(msgspec.Struct, gc=False):
    """What is made of an event in advance; `VariancePlugin.export_events` takes it in the event's place.

    Thousands of these wait at a time, made by one thread and let go by another, and every object that they
    consist of is fetched from far away twice. So there are few: of the event there is only its record.
    """

    distinct_id: Any
    """Whose event it is: what a host keeps in order."""
    type: str
    """Of the event's own message."""
    body: bytes
    """The event's own message, as JSON."""
    ahead: tuple[Encoded, ...]
    """The messages that go ahead of it, in order."""
    facts: tuple[Fact, ...]
    """What those tell."""
    record: bytes
    """See `Event`, as for `position`."""
    position: Any = None
    unrecorded: Event | None = None
    """The event, if it has no record."""

    skipped: ClassVar[None] = None
    """As of `Mapped`."""

    @property
    def messages(self) -> tuple[Encoded, ...]:
        """As of `Mapped`."""
        return (*self.ahead, Encoded(self.type, self.body))

    @property
    def largest_bytes(self) -> int:
        """The size of its largest message."""
        own = len(self.body)
        return max(own, *(len(message.body) for message in self.ahead)) if self.ahead else own

    @property
    def origin(self) -> Event:
        """The event whose messages these are."""
        if self.unrecorded is not None:
            return self.unrecorded
        return UnreadEvent(event="", record=self.record, position=self.position)


def prepared(mapped: Mapped, record: bytes, position: Any, unrecorded: Event | None = None) -> Prepared:
    """Encode the messages of an event that has some; for the other arguments see `Prepared`.

    Raises:
        InvalidRecord: when a message has no JSON form.
    """
    messages = mapped.messages
    own = encoded(messages[-1])
    ahead = map(encoded, messages[:-1]) if len(messages) > 1 else ()
    return Prepared(
        mapped.distinct_id,
        own.type,
        own.body,
        tuple(ahead),
        mapped.facts,
        record,
        position,
        unrecorded,
    )


def bodies_of(batch: Sequence[Prepared]) -> list[bytes]:
    """All messages, in order."""
    bodies: list[bytes] = []
    for one in batch:
        if one.ahead:
            bodies.extend(message.body for message in one.ahead)
        bodies.append(one.body)
    return bodies


def types_of(batch: Sequence[Prepared]) -> Counter[str]:
    """How many messages there are of each type."""
    types = Counter([one.type for one in batch])
    for one in batch:
        if one.ahead:
            types.update(message.type for message in one.ahead)
    return types
