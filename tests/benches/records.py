"""Records as PostHog hands them out, read."""

import json
from typing import Any

from variance_plugin.errors import InvalidRecord
from variance_plugin.events import Event
from variance_plugin.formats import events


def only(record: bytes | str | dict[str, Any]) -> Event:
    """The one event in a record."""
    (event,) = read(record)
    assert isinstance(event, Event), event
    return event


def read(record: bytes | str | dict[str, Any] | list[Any]) -> list[Event | InvalidRecord]:
    """The events in a record, given as bytes, text or value."""
    if isinstance(record, dict | list):
        record = json.dumps(record)
    return events(record if isinstance(record, bytes) else record.encode())


def said(event: Event) -> dict[str, Any]:
    """The fields of an event that say something."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__ if name != "record"}
    return {name: value for name, value in fields.items() if value is not None}
