"""An event that nobody has looked at yet: its record, and no more."""

from typing import Any

from ..errors import InvalidRecord
from ..events import Event
from .shapes import events


class _NotRead:
    """Stands where a value will be; what takes it for one, past the attributes, shows it or fails."""

    def __repr__(self) -> str:
        return "<not read yet>"


_NOT_READ: Any = _NotRead()


class UnreadEvent(Event, kw_only=True):  # noqa: PLW1641 -- what can change has no hash
    """An event that is decoded when it is first looked at, and is an `Event` like any other from then on.

    Most events are never looked at: what exports them makes the messages from the record itself. And a
    decoded event has some 80 objects, so that a batch of them takes three times the memory of the records.

    Looking at an attribute, or setting one, raises `InvalidRecord` when the record is no event after all.
    """

    event: str
    """Until then only what `plain_name` says."""
    properties: dict[str, Any] = _NOT_READ

    def __getattribute__(self, name: str) -> Any:
        if name not in _AT_HAND and type(self) is UnreadEvent:
            _read(self)
        return _get(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _AT_HAND:
            _read(self)
        _set(self, name, value)

    def __eq__(self, other: object) -> bool:
        _read(self)
        return self == other

    def __repr__(self) -> str:
        return f"UnreadEvent(record={self.record!r}, position={self.position!r})"


_AT_HAND = frozenset(["record", "position", "__class__", "__dict__"])
_get, _set = Event.__getattribute__, Event.__setattr__
_name_at_hand, _record_at_hand = Event.event.__get__, Event.record.__get__  # type: ignore[attr-defined]
_position_at_hand = Event.position.__get__
_DECODED = [name for name in Event.__struct_fields__ if name not in _AT_HAND]


def unread(event: Event) -> Event:
    """Another event like this one, without its decoded values; this very event if it has no record."""
    if type(event) is UnreadEvent:
        name, record = glance(event)
    else:
        name, record = event.event, event.record
    return UnreadEvent(event=name, record=record, position=event.position) if record else event


def glance(event: UnreadEvent) -> tuple[str, bytes]:
    """What `plain_name` says of the event, and its record; the event stays unread."""
    return _name_at_hand(event), _record_at_hand(event)


def place(event: Event) -> tuple[bytes, Any]:
    """The event's record and position, without a look at whether it has been read: quicker than to ask it."""
    return _record_at_hand(event), _position_at_hand(event)


def readable(event: Event) -> Event:
    """The event, now read; in place of one whose record is none, an empty event with that record."""
    try:
        if type(event) is UnreadEvent:
            _read(event)
    except InvalidRecord:
        return Event(event="", properties={}, record=event.record, position=event.position)
    return event


def _read(event: UnreadEvent) -> None:
    """Turn it into an `Event`."""
    found = events(_get(event, "record"))
    if len(found) != 1:
        raise InvalidRecord("more than one event where there should be one")
    (read,) = found
    if isinstance(read, InvalidRecord):
        raise read
    for name in _DECODED:
        _set(event, name, _get(read, name))
    # Last, so that no other thread takes for an event what is none yet. It may: the fields are the same.
    _set(event, "__class__", Event)
