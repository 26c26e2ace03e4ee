"""Bytes to `Event`, for each shape in which PostHog hands events out; they are told apart by themselves.

| shape | known by | where it comes from |
|---|---|---|
| row | `event` is text, `properties` an object or null | plugin events, batch exports (JSONL), capture API |
| text row | … `properties` is JSON text | the Kafka topic `clickhouse_events_json`, Parquet rows |
| webhook | `event` is an object | the HTTP webhook destination: `{event, person, groups?}` |
| batch | `batch` is a list, and there is no `event` | the capture API, v0 and v1 |
| array | a list | the capture API, the replicator app |
| letter | `rejectedAt`, `reason`, and a record of any shape as `event` | a file of dead letters |
| engage | no `event`, but an id and `$set` or `$set_once` | the capture API at `/engage` |
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ..errors import InvalidRecord
from ..events import Event, utc_text
from ..exact_json import BOM, decode, encode, number, split

REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_row_decoder = msgspec.json.Decoder(Event, float_hook=number)


class _Batch(msgspec.Struct, rename={"sent_at_in_camel_case": "sentAt"}):
    batch: list[msgspec.Raw]
    event: Any = None
    sent_at: Any = None
    sent_at_in_camel_case: Any = None
    created_at: Any = None


_batch_decoder = msgspec.json.Decoder(_Batch | list[msgspec.Raw])


class _Letter(msgspec.Struct, rename="camel"):
    rejected_at: str
    reason: str
    event: msgspec.Raw


_letter_decoder = msgspec.json.Decoder(_Letter)


def events(record: bytes) -> list[Event | InvalidRecord]:
    """The events in a record; one that is not usable stands there as its `InvalidRecord`, the others go on.

    Raises:
        InvalidRecord: when the record as a whole is not a PostHog event in any known shape.
    """
    event = _row(record)
    if event is not None:
        return [event]
    text = record.removeprefix(BOM)
    if b'"rejectedAt"' in text and (letter := _letter_in(text)) is not None:
        return events(letter)
    batch = _batch_in(text)
    if batch is None:
        return [_one(_decoded(text), record)]
    sent_at, members = batch
    return [_member(member, place, sent_at) for place, member in enumerate(members, start=1)]


def from_mapping(fields: Mapping[str, Any]) -> Event:
    """An event that a host hands over as a dict, in the shape of PostHog's plugin events or any other row.

    Raises:
        InvalidRecord: when it is none.
    """
    return _one(fields, b"")


def _letter_in(text: bytes) -> bytes | None:
    """What was set aside in a dead letter, of any shape; None when the text is no letter."""
    found = None
    try:
        while True:
            text = found = bytes(_letter_decoder.decode(text).event)
    except REFUSED:
        return found


def _row(record: bytes) -> Event | None:
    """The event in a row or text row, in one pass; None for what needs a closer look."""
    try:
        event = _row_decoder.decode(record)
    except REFUSED:
        return None
    if event.distinct_id is msgspec.UNSET and any(name in record for name in _OTHER_NAMES_IN_JSON):
        return None
    event.record = record
    event.position = None
    _settle(event)
    return event


def _one(fields: Mapping[str, Any], record: bytes) -> Event:
    """The event in an object of any shape."""
    if isinstance(fields.get("event"), dict):
        fields = _from_webhook(fields)
    elif "event" not in fields and _is_engage(fields):
        fields = {**fields, "event": "$identify"}
    name = fields.get("event")
    if not isinstance(name, str):
        raise InvalidRecord("no event name: `event` is " + ("missing" if name is None else _json_type(name)))
    names = _FIELDS if "distinct_id" in fields else _OTHER_NAMES | _FIELDS
    known = {attribute: fields[key] for key, attribute in names.items() if key in fields}
    event = Event(**{"properties": None, **known}, record=record)
    _settle(event)
    if "options" in fields:
        event.properties = _with_v1_properties(event.properties, fields)
    return event


_FIELDS = {
    field.encode_name: field.name
    for field in msgspec.structs.fields(Event)
    if field.name not in {"record", "position"}
}
# REST hooks spell these in camel case, the capture API takes `$distinct_id`.
_OTHER_NAMES = {"eventUuid": "uuid", "distinctId": "distinct_id", "$distinct_id": "distinct_id"}
_OTHER_NAMES_IN_JSON = [f'"{name}"'.encode() for name in _OTHER_NAMES]


def _settle(event: Event) -> None:
    """Bring what the shapes keep in different places to the one place where the mapping looks.

    Nothing is changed inside the event's objects: they may be the host's own.
    """
    if not event.event:
        raise InvalidRecord("no event name: `event` is empty")
    if type(event.properties) is not dict:
        if isinstance(event.properties, str) and isinstance(event.timestamp, str):
            # A row as ClickHouse spells it: PostHog handed its plugins ISO times made from it.
            event.timestamp = _iso(event.timestamp)
        event.properties = _object(event.properties, "properties")
    if event.set_ is not None or event.set_once is not None:
        # The capture API puts them beside the properties; ingestion merges them, top level first.
        for key, update in (("$set", event.set_), ("$set_once", event.set_once)):
            if isinstance(update, dict):
                within = event.properties.get(key)
                merged = {**within, **update} if isinstance(within, dict) else update
                event.properties = {**event.properties, key: merged}
        event.set_ = event.set_once = None
    if event.distinct_id is msgspec.UNSET:
        event.distinct_id = event.properties.get("distinct_id")
    if event.person is not None:
        if event.person_properties is None and isinstance(event.person, dict):
            event.person_properties = event.person.get("properties")
        event.person = None
    if event.person_properties is not None and type(event.person_properties) is not dict:
        event.person_properties = _object(event.person_properties, "person_properties")
    if event.timestamp is None and event.offset is not None:
        _date_by_sending(event)


def _date_by_sending(event: Event) -> None:
    try:
        sent_at = utc_text(event.sent_at)
        if sent_at is not None and event.offset is not None:
            age = timedelta(milliseconds=float(event.offset))
            sent_at = utc_text(datetime.fromisoformat(sent_at) - age)
    except (TypeError, ValueError, OverflowError):
        return  # the event goes on without a time rather than with a wrong one
    event.timestamp = sent_at


def _batch_in(text: bytes) -> tuple[Any, list[bytes]] | None:
    """When a batch or an array was sent, if that is known, and its members; None when the text is neither."""
    try:
        found = _batch_decoder.decode(text)
    except REFUSED:
        # Not a batch, or one with a member that is amiss: only that one must fall.
        return _cut_batch(text) if b'"batch"' in text or text.lstrip()[:1] == b"[" else None
    if isinstance(found, list):
        return None, [bytes(member) for member in found]
    if found.event is not None:
        return None
    named = (found.sent_at, found.sent_at_in_camel_case, found.created_at)
    return next((at for at in named if at is not None), None), [bytes(member) for member in found.batch]


def _cut_batch(text: bytes) -> tuple[Any, list[bytes]] | None:
    members = split(text)
    if text.lstrip()[:1] == b"[":
        return None, [member for _key, member in members]
    envelope = dict(members)
    batch = envelope.get(b'"batch"', b"")
    if b'"event"' in envelope or batch[:1] != b"[":
        return None
    sent_at = next((envelope[key] for key in _SENT_AT if key in envelope), b"null")
    return decode(sent_at), [member for _key, member in split(batch)]


# posthog-python before 6.0 says `sentAt`, the capture API v1 `created_at`.
_SENT_AT = (b'"sent_at"', b'"sentAt"', b'"created_at"')


def _member(record: bytes, place: int, sent_at: Any) -> Event | InvalidRecord:
    try:
        # The capture API v1 keeps some properties elsewhere; the one pass over a row does not look there.
        event = None if b'"options"' in record else _row(record)
        if event is None:
            event = _one(_decoded(record), record)
    except InvalidRecord as error:
        return InvalidRecord(f"event {place} of the batch: {error}")
    if event.sent_at is None:
        event.sent_at = sent_at
    if event.timestamp is None:
        _date_by_sending(event)
        if event.timestamp is not None:
            event.record = _dated(event)
    return event


def _dated(event: Event) -> bytes:
    """The member with the time that it has by its envelope: so that it is the same event when read again."""
    times = encode({"sent_at": event.sent_at, "timestamp": event.timestamp})
    # At its end, where it counts more than a null ahead of it.
    return event.record.rstrip()[:-1] + b"," + times[1:]


def _from_webhook(body: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = dict(body["event"])
    fields.setdefault("person", body.get("person"))
    groups = body.get("groups")
    properties = fields.get("properties")
    if isinstance(groups, dict) and isinstance(properties, dict) and "$groups" not in properties:
        known = {type_: group for type_, group in groups.items() if isinstance(group, dict) and "id" in group}
        # `$group_0` is the key of the group type that the project has had first; see `Accounts`.
        by_index = {f"$group_{group['index']}": group["id"] for group in known.values() if "index" in group}
        if known:
            keys = {type_: group["id"] for type_, group in known.items()}
            fields["properties"] = {**by_index, **properties, "$groups": keys}
    return fields


def _is_engage(fields: Mapping[str, Any]) -> bool:
    has_id = "distinct_id" in fields or "$distinct_id" in fields
    return has_id and ("$set" in fields or "$set_once" in fields)


# The capture API v1 moves these out of the properties (posthog-python, capture_v1.py).
_V1_OPTIONS = {
    "process_person_profile": "$process_person_profile",
    "cookieless_mode": "$cookieless_mode",
    "product_tour_id": "$product_tour_id",
}
_V1_FIELDS = {"session_id": "$session_id", "window_id": "$window_id"}


def _with_v1_properties(properties: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    options = fields["options"] if isinstance(fields["options"], dict) else {}
    moved = {
        name: place[key]
        for place, names in ((options, _V1_OPTIONS), (fields, _V1_FIELDS))
        for key, name in names.items()
        if key in place
    }
    return {**moved, **properties}


def _decoded(text: bytes) -> dict[str, Any]:
    value = decode(text)
    if not isinstance(value, dict):
        raise InvalidRecord(f"a JSON {_json_type(value)} is not an event")
    return value


def _object(value: Any, what: str) -> dict[str, Any]:
    """An object, or the one in a JSON text; nothing at all counts as an empty one, and so does PHP's `[]`."""
    if isinstance(value, str):
        value = decode(value.encode(errors="surrogatepass")) if value else None
    if isinstance(value, dict):
        return value
    if value is None or value == []:
        return {}
    raise InvalidRecord(f"`{what}` is a JSON {_json_type(value)}, not an object")


def _iso(timestamp: str) -> str:
    try:
        return utc_text(timestamp) or timestamp
    except ValueError:
        return timestamp


def _json_type(value: object) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
