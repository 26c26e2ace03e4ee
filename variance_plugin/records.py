"""An event to bytes, and back: for events that a plugin has changed, and for those that wait on disk."""

from typing import Any

import msgspec

from .errors import InvalidRecord
from .events import Event
from .exact_json import encode
from .formats import UnreadEvent, events, plain_name

_FIELDS = [
    (field.name, field.encode_name)
    for field in msgspec.structs.fields(Event)
    if field.name not in {"record", "position"}
]


def record_of(event: Event) -> bytes:
    """The event as it is now, as one JSON text that `event_in` reads.

    Raises:
        InvalidRecord: When a plugin put something into it that is not JSON, or the event cannot be read.
    """
    return encode(
        {
            spelled: value
            for name, spelled in _FIELDS
            if (value := getattr(event, name)) is not None and value is not msgspec.UNSET
        }
    )


def event_in(record: bytes, position: Any = None) -> Event:
    """The one event in a record, unread if that can be told.

    Raises:
        InvalidRecord: When it is none.
    """
    name = plain_name(record)
    if name is not None:
        return UnreadEvent(event=name, record=record, position=position)
    (event,) = events(record)
    if isinstance(event, InvalidRecord):
        raise event
    event.position = position
    return event


def copy_event(event: Event) -> Event:
    """Another event with the values of this one; a change of one does not show in the other.

    Raises:
        InvalidRecord: See `record_of`.
    """
    return event_in(record_of(event), event.position)
