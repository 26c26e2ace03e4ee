"""Events mapped: what comes out, as it is read at the other end."""

import json
from typing import Any

from variance_plugin.formats import from_mapping
from variance_plugin.mapping import Mapped, Mapper, MappingSettings, Memory, Prepared
from variance_plugin.messages import encoded


def event(name: str, properties: dict[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """An event with these properties and fields."""
    return {"event": name, "uuid": "id-1", "distinct_id": "u-1", "properties": properties or {}, **fields}


def map_event(event: dict[str, Any], **settings: Any) -> Prepared | Mapped:
    """What is made of an event, by these settings."""
    return Mapper(MappingSettings(**settings)).map(from_mapping(event), Memory())


def messages(event: dict[str, Any], **settings: Any) -> list[dict[str, Any]]:
    """The messages of an event."""
    return [json.loads(encoded(message).body) for message in map_event(event, **settings).messages]


def only(event: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """The one message of an event."""
    (message,) = messages(event, **settings)
    return message
