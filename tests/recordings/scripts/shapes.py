"""One stored event in each shape that PostHog hands out."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from .ingestion import TEAM_ID, StoredEvent

_PROJECT_URL = f"https://posthog.acme.example/project/{TEAM_ID}"
_INSERTION_TIME = timedelta(milliseconds=2750)
# The rows of this recording keep their person updates, as rows stored before autumn 2026 do.
_STORED_EARLIER = "posthog-python-5.4"

_ELEMENT = re.compile(r'(?:[^\s;"]|"(?:[^"\\]|\\.)*")+')
_TAG_AND_ATTRIBUTES = re.compile(r"(.*?)($|:([a-zA-Z\-_0-9]*=.*))")
_ATTRIBUTE = re.compile(r'(.*?)="((?:\\"|[^"])*)"')
_NUMBERED = {"nth-child": "nth_child", "nth-of-type": "nth_of_type"}


def kafka(stored: StoredEvent) -> dict[str, Any]:
    """A message of the topic `clickhouse_events_json`."""
    return {
        "uuid": stored.uuid,
        "event": stored.event,
        "properties": compact(stored.properties),
        "timestamp": _clickhouse(stored.timestamp),
        "team_id": TEAM_ID,
        "project_id": TEAM_ID,
        "distinct_id": stored.distinct_id,
        "elements_chain": stored.elements_chain,
        "created_at": _clickhouse(stored.created_at),
        "captured_at": _clickhouse(stored.captured_at),
        "person_id": stored.person_id,
        "person_properties": compact(stored.person_properties),
        "person_created_at": _clickhouse(stored.person_created_at).partition(".")[0],
        "person_mode": stored.person_mode,
    }


def batch_export(stored: StoredEvent) -> dict[str, Any]:
    """A line of a batch export to S3 in the format JSONLines."""
    lost = set() if stored.recording == _STORED_EARLIER else {"$set", "$set_once", "$unset"}
    return {
        "uuid": stored.uuid,
        "timestamp": stored.timestamp.isoformat(),
        "_inserted_at": (stored.created_at + _INSERTION_TIME).isoformat(),
        "created_at": stored.created_at.isoformat(),
        "event": stored.event,
        "properties": {key: value for key, value in stored.properties.items() if key not in lost},
        "distinct_id": stored.distinct_id,
        "elements_chain": stored.elements_chain,
        "person_properties": stored.person_properties,
        "person_id": stored.person_id,
    }


def webhook(stored: StoredEvent) -> dict[str, Any]:
    """The body that the HTTP webhook destination sends unless told otherwise."""
    timestamp = _iso(stored.timestamp)
    known_as = (stored.person_properties.get(key) for key in ("email", "name", "username"))
    return {
        "event": {
            "uuid": stored.uuid,
            "event": stored.event,
            "elements_chain": stored.elements_chain,
            "distinct_id": stored.distinct_id,
            "properties": stored.properties,
            "timestamp": timestamp,
            "captured_at": _iso(stored.captured_at),
            "url": f"{_PROJECT_URL}/events/{stored.uuid}/{quote(timestamp, safe='')}",
        },
        "person": {
            "id": stored.person_id,
            "properties": stored.person_properties,
            "name": next((name for name in known_as if name), stored.distinct_id),
            "url": f"{_PROJECT_URL}/person/{quote(stored.distinct_id, safe='')}",
        },
    }


def plugin_event_new(stored: StoredEvent) -> dict[str, Any]:
    """What `onEvent` of a plugin gets from the newest PostHog that still runs plugins."""
    event: dict[str, Any] = {
        "distinct_id": stored.distinct_id,
        "ip": None,
        "team_id": TEAM_ID,
        "event": stored.event,
        "properties": stored.properties,
        "timestamp": _iso(stored.timestamp),
    }
    for key in ("$set", "$set_once"):
        if key in stored.properties:
            event[key] = stored.properties[key]
    event["uuid"] = stored.uuid
    return event


def plugin_event(stored: StoredEvent) -> dict[str, Any]:
    """What `onEvent` and `exportEvents` of a plugin got from PostHog when it had a plugin server."""
    event = plugin_event_new(stored)
    if stored.elements_chain:
        event["properties"] = {**stored.properties, "$elements_chain": stored.elements_chain}
    event["elements"] = elements(stored.elements_chain)
    return event


SHAPES: Mapping[str, Callable[[StoredEvent], dict[str, Any]]] = {
    "kafka": kafka,
    "batch-export": batch_export,
    "webhook": webhook,
    "plugin-event": plugin_event,
    "plugin-event-new": plugin_event_new,
}
"""By the name of the file."""


def elements(chain: str) -> list[dict[str, Any]]:
    """The elements of a chain, the clicked one first."""
    parsed = []
    for order, text in enumerate(_ELEMENT.findall(chain.replace("\\n", ""))):
        head = _TAG_AND_ATTRIBUTES.match(text)
        if head is None:
            continue
        tag, *classes = head[1].split(".")
        element: dict[str, Any] = {"attributes": {}, "order": order, "tag_name": tag}
        for key, value in _ATTRIBUTE.findall(head[3] or ""):
            if key in _NUMBERED:
                element[_NUMBERED[key]] = int(value)
            elif key in {"href", "text", "attr_id"}:
                element[key] = value
            else:
                element["attributes"][key] = value
        if classes:
            element["attr_class"] = element["attributes"].get("attr__class", classes)
        if "text" in element:
            element["$el_text"] = element["text"]
        parsed.append(element)
    return parsed


def compact(value: dict[str, Any]) -> str:
    """JSON as JavaScript writes it: no spaces, no escapes that need not be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _clickhouse(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}.{time.microsecond // 1000:03d}"


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"
