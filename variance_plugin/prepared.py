"""`Prepared`: an event whose messages are made and wait to be sent."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from .events import Event
from .formats import UnreadEvent, place
from .mapping import Fact, Mapped
from .messages import Encoded, encoded


class Prepared(msgspec.Struct, gc=False):
    """What `VariancePlugin.prepare_event` gives, and `export_events` takes back.

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
    position: Any
    unrecorded: Event | None
    """The event, if it has no record."""

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


def prepared(event: Event, mapped: Mapped) -> Prepared:
    """Encode what becomes of an event.

    Raises:
        InvalidRecord: when a message has no JSON form.
    """
    messages = mapped.messages
    own = encoded(messages[-1])
    ahead = map(encoded, messages[:-1]) if len(messages) > 1 else ()
    record, position = place(event)
    return Prepared(
        mapped.distinct_id,
        own.type,
        own.body,
        tuple(ahead),
        mapped.facts,
        record,
        position,
        None if record else event,
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
