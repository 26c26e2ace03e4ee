"""Rows of a batch export, as the mapping meets them."""

import json
from typing import Any

from variance_plugin.formats import UnreadEvent, plain_name

UUID = "01a19b45-baf3-7382-a494-90e3bdcf2894"


def row(properties: dict[str, Any], **fields: Any) -> bytes:
    """A row of a batch export, as JSON; `set_` is `$set`."""
    named = {"uuid": UUID, "timestamp": "2026-11-21T12:34:56.789000+00:00", "event": "order paid"}
    others = {"distinct_id": "u-42", "elements_chain": "", "person_properties": None}
    spelled = {"$" + key.rstrip("_") if key.endswith("_") else key: value for key, value in fields.items()}
    return json.dumps(named | {"properties": properties} | others | spelled).encode()


def unread_row(record: bytes) -> UnreadEvent | None:
    """As the pipeline makes it; None for a record that it decodes at once."""
    name = plain_name(record)
    return None if name is None else UnreadEvent(event=name, record=record)
