"""Payload version 1: what connector 1.0.0 of 2022 sent, for those who built on it (docs/mapping.md).

Its oddities are kept on purpose: the key `libary`, dotted keys that nest, ids that are not told apart.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ..events import Event
from .names import Kind
from .urls import url_search

_LIBRARY = {"name": "posthog-variance-plugin", "version": "1.0.0"}
_CONTEXT = {
    "posthog_version": ("app", "version"),
    "$os": ("os", "name"),
    "$host": ("page", "host"),
    "$pathname": ("page", "path"),
    "$referrer": ("page", "referrer"),
    "$current_url": ("page", "url"),
    "$screen_height": ("screen", "height"),
    "$screen_width": ("screen", "width"),
}
_PAGE_PROPERTIES = {"$host": "host", "$pathname": "path", "$referrer": "referrer", "$current_url": "url"}


def message_v1(event: Event, kind: Kind, *, ids: Event, send_ip: bool) -> dict[str, Any] | None:
    """The one message of an event; None for one without `uuid` or `timestamp`, of which 1.0.0 sent nothing.

    Args:
        event: The event, with what the user excluded already out of it.
        kind: What becomes of it.
        ids: The event as it came, to read the ids from.
        send_ip: Whether the address goes along.
    """
    if not _is_truthy(event.uuid) or not _is_truthy(event.timestamp):
        return None
    properties = ids.properties
    message: dict[str, Any] = {
        "libary": _LIBRARY,
        "messageId": event.uuid,
        "timestamp": event.timestamp,
        "type": str(kind),
    }
    _put(
        message,
        anonymousId=_first(map(properties.get, ("$anon_distinct_id", "$device_id", "distinct_id"))),
        userId=_first((ids.user_id, ids.distinct_id)),
        context=_context(event, send_ip=send_ip) or None,
        sentAt=event.sent_at,
    )
    if kind is Kind.ALIAS:
        _put(message, previousId=properties.get("distinct_id"), userId=properties.get("alias"))
    elif kind is Kind.PAGE:
        _put(message, **_page(event.properties))
    elif kind is Kind.GROUP:
        _put(message, groupId=properties.get("$group_key"), traits=_group_traits(event.properties) or None)
    elif kind is Kind.IDENTIFY:
        _put(message, traits=_nested(event.properties.get("$set")) or None)
    else:
        _put(message, event=event.event, properties=_nested(event.properties) or None)
    return message


def _put(message: dict[str, Any], **fields: Any) -> None:
    message.update((name, value) for name, value in fields.items() if value is not None)


def _is_truthy(value: Any) -> bool:
    """Truth as in JavaScript, where an empty array and an empty object are true."""
    return isinstance(value, dict | list) or bool(value)


def _first(candidates: Iterable[Any]) -> Any:
    """JavaScript's `a || b || c`: the first true one, else the last."""
    candidate = None
    for candidate in candidates:
        if _is_truthy(candidate):
            break
    return candidate


def _context(event: Event, *, send_ip: bool) -> dict[str, Any]:
    context: dict[str, Any] = {}
    if send_ip and event.ip is not None:
        context["ip"] = event.ip
    for name, (part, field) in _CONTEXT.items():
        value = event.properties.get(name)
        if value is not None:
            context.setdefault(part, {})[field] = value
    url = event.properties.get("$current_url")
    search = url_search(url) if isinstance(url, str) else None
    if search is not None:
        context["page"]["search"] = search
    return context


def _page(properties: Mapping[str, Any]) -> dict[str, Any]:
    found = {field: properties.get(name) for name, field in _PAGE_PROPERTIES.items()}
    url = found["url"]
    found["search"] = (url_search(url) or None) if isinstance(url, str) else None
    page = {field: value for field, value in found.items() if value is not None}
    named = {name: properties.get(name) for name in ("category", "name")}
    return {**named, "properties": page or None}


def _group_traits(properties: Mapping[str, Any]) -> dict[str, Any]:
    type_ = properties.get("$group_type")
    traits = {} if type_ is None else {"posthog_group_type": type_}
    return _nested(properties.get("$groups"), into=traits)


def _nested(members: Any, into: dict[str, Any] | None = None) -> dict[str, Any]:
    """The members that are not null and not `$…`, each put at its dotted path."""
    tree: dict[str, Any] = {} if into is None else into
    if not isinstance(members, dict):
        return tree
    made: set[int] = {id(tree)}
    for key, value in members.items():
        if value is None or key.startswith("$"):
            continue
        place = tree
        *path, last = key.split(".")
        for step in path:
            place = _open(place, step, made)
        place[last] = value
    return tree


def _open(place: dict[str, Any], step: str, made: set[int]) -> dict[str, Any]:
    """The object at a step of a path: the one there (a copy: the event's own stays whole), else a new one."""
    there = place.get(step)
    if isinstance(there, dict) and id(there) in made:
        return there
    inner = dict(there) if isinstance(there, dict) else {}
    made.add(id(inner))
    place[step] = inner
    return inner
