"""(b) Connector 1.0.0 in plain Python: `json`, and one `requests.post` per event, one after the other.

Its payload is that of `payloadVersion = 1` (docs/mapping.md, "Version 1"), but for the spelling of a query
that a browser would percent-encode. `requests` is used as the original used `fetch`: without a session.
"""

import json
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from .result import Result, emit

_TYPES = {"$create_alias": "alias", "$groupidentify": "group", "$identify": "identify", "$pageview": "page"}
_CONTEXT = {
    "posthog_version": "app.version",
    "$os": "os.name",
    "$host": "page.host",
    "$pathname": "page.path",
    "$referrer": "page.referrer",
    "$current_url": "page.url",
    "$screen_height": "screen.height",
    "$screen_width": "screen.width",
}
_PAGE = {"$host": "host", "$pathname": "path", "$referrer": "referrer", "$current_url": "url"}


def message_of(event: dict[str, Any]) -> dict[str, Any] | None:
    """What 1.0.0 sent for an event; None where it sent nothing."""
    name = event["event"]
    if not event.get("uuid") or not event.get("timestamp") or (name[0] == "$" and name not in _TYPES):
        return None
    properties = event.get("properties") or {}
    message = {
        "libary": {"name": "posthog-variance-plugin", "version": "1.0.0"},
        "messageId": event["uuid"],
        "timestamp": event["timestamp"],
        "type": _TYPES.get(name, "track"),
    }
    _put(message, "context.ip", event.get("ip"))
    for source, path in _CONTEXT.items():
        _put(message, f"context.{path}", properties.get(source))
    url = properties.get("$current_url")
    search = _search(url)
    _put(message, "context.page.search", search)
    _put(message, "sentAt", event.get("sent_at"))
    anonymous_ids = (properties.get(key) for key in ("$anon_distinct_id", "$device_id", "distinct_id"))
    _put(message, "anonymousId", next(filter(None, anonymous_ids), None))
    _put(message, "userId", event.get("$user_id") or event.get("distinct_id"))
    if name == "$create_alias":
        _put(message, "previousId", properties.get("distinct_id"))
        _put(message, "userId", properties.get("alias"))
    elif name == "$groupidentify":
        _put(message, "groupId", properties.get("$group_key"))
        _put(message, "traits.posthog_group_type", properties.get("$group_type"))
        _put_all(message, "traits", properties.get("$groups"))
    elif name == "$identify":
        _put_all(message, "traits", properties.get("$set"))
    elif name == "$pageview":
        _put(message, "category", properties.get("category"))
        _put(message, "name", properties.get("name"))
        for source, key in _PAGE.items():
            _put(message, f"properties.{key}", properties.get(source))
        _put(message, "properties.search", search or None)
    else:
        message["event"] = name
        _put_all(message, "properties", properties)
    return message


def _search(url: Any) -> str | None:
    if not isinstance(url, str):
        return None
    query = urlsplit(url).query
    return f"?{query}" if query else ""


def _put_all(message: dict[str, Any], path: str, members: dict[str, Any] | None) -> None:
    for key, value in (members or {}).items():
        if not key.startswith("$"):
            _put(message, f"{path}.{key}", value)


def _put(message: dict[str, Any], path: str, value: Any) -> None:
    if value is None:
        return
    *steps, last = path.split(".")
    for step in steps:
        inner = message.get(step)
        if not isinstance(inner, dict):
            inner = message[step] = {}
        message = inner
    message[last] = value


def run(path: Path, url: str, *, events: int) -> Result:
    """Measure with the first lines of a file."""
    result = Result(events=0, messages=0, seconds=0.0)
    started, cpu_started = time.perf_counter(), time.process_time()
    with path.open(encoding="utf-8") as file:
        for line in islice(file, events):
            result.events += 1
            message = message_of(json.loads(line))
            if message is None:
                continue
            response = requests.post(
                url,
                data=json.dumps(message),
                headers={"Authorization": "phv_demo", "Content-Type": "application/json"},
                timeout=30,
            )
            result.messages += 1
            if not response.ok:
                print(f"failed: {response.status_code}", file=sys.stderr)
    result.seconds = time.perf_counter() - started
    result.cpu_seconds = time.process_time() - cpu_started
    return result


def main() -> None:
    """Arguments: the file, the address, how many lines."""
    path, url, events = sys.argv[1:]
    emit(run(Path(path), url, events=int(events)))


if __name__ == "__main__":
    main()
