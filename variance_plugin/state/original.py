"""The event of a rejection, as it was read; as bytes, and within a line of JSON."""

from typing import Any

import msgspec

from ..errors import InvalidRecord
from ..events import Event
from ..exact_json import encode

_KEPT_FIELDS = (
    "event",
    "uuid",
    "distinct_id",
    "timestamp",
    "properties",
    "person_properties",
    "ip",
    "sent_at",
)
# Between the tokens of JSON a line break is a blank; within a text it would be an escape.
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


def original(event: Event) -> bytes:
    """The bytes that an event was read from; of one that came without them, its fields as JSON.

    Empty where nothing could be read at all.
    """
    if event.record or not (event.event or event.properties):
        return event.record
    fields = {
        name: value
        for name in _KEPT_FIELDS
        if (value := getattr(event, name)) is not None and value is not msgspec.UNSET
    }
    try:
        return encode(fields)
    except InvalidRecord:  # a plugin put something into it that is not JSON; that must not cost the letter
        return encode({name: repr(value) for name, value in fields.items()})


def in_line(record: bytes) -> Any:
    """For a line of JSON: as JSON where it is JSON, else as text."""
    try:
        msgspec.json.decode(record, type=msgspec.Raw)
        record.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return record.decode(errors="backslashreplace")
    return msgspec.Raw(record.translate(_ONE_LINE))
