"""The events in the JSON of a capture request, each as the SDK wrote it, and whose project they are for.

PostHog takes four shapes at every address: one event, an array of them, a batch with an envelope, and, at
`/engage`, an update of a person that has no event name (rust/capture/src/v0_request.rs).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from ..errors import InvalidRecord
from ..exact_json import decode, encode, split

_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_MOST_CHARACTERS = 200
"""Of an event's name and of a `distinct_id`; PostHog cuts what is longer."""


class NoProjectKey(InvalidRecord):
    """No project key, more than one, or something that is none; over HTTP a 401."""


@dataclass(frozen=True, slots=True)
class Member:
    """One event of a request.

    Attributes:
        text: Its JSON text, as it came.
        fields: Its own fields by name, each as JSON text; empty when it is no object.
        inner: What was looked up among its properties.
        fault: Why it cannot be used, or None.
    """

    text: bytes
    fields: Mapping[str, bytes] = field(default_factory=dict)
    inner: Mapping[str, Any] = field(default_factory=dict)
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What a request holds.

    Attributes:
        members: Its events, in order.
        project_key: Whose they are; None where the JSON does not say (v1 says it in a header).
        sent_at: When the client says it sent them, as it wrote that; None where it does not.
    """

    members: Sequence[Member]
    project_key: str | None
    sent_at: Any

    @property
    def usable(self) -> "Posted":
        """Without what has a fault."""
        return replace(self, members=[one for one in self.members if not one.fault])


class _Envelope(msgspec.Struct):
    batch: list[msgspec.Raw]
    event: Any = None
    api_key: Any = None
    token: Any = None
    sent_at: Any = None
    sent_at_in_camel_case: Any = msgspec.field(default=None, name="sentAt")


class _Inner(msgspec.Struct):
    """What ingestion looks up among the properties."""

    distinct_id: Any = None
    token: Any = None
    ip: Any = msgspec.field(default=None, name="$ip")
    ignores_sent_at: Any = msgspec.field(default=None, name="$ignore_sent_at")


_envelope_decoder = msgspec.json.Decoder(_Envelope | list[msgspec.Raw])
_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_inner_decoder = msgspec.json.Decoder(_Inner | None)

_OWN_KEYS = ("token", "api_key", "$token")
_DISTINCT_IDS = ("distinct_id", "$distinct_id")
_NAMED = ("event", *_DISTINCT_IDS)
_IDENTIFY = b'"$identify"'
_NOTHING = (b"null", b'""')


def members(text: bytes, *, engages: bool = False) -> Posted:
    """The events in a request's JSON.

    An event that cannot be used is a member with its fault, and spoils no other one.

    Args:
        text: JSON, as `decode_body` gives it.
        engages: Whether it was posted where an event needs no name.

    Raises:
        NoProjectKey: The events are for several projects.
        InvalidRecord: There is no event, or none that can be used; or the text is not JSON at all.
    """
    envelope, texts = _opened(text)
    found = [_member(one, engages=engages) for one in texts]
    if not found:
        raise InvalidRecord("the batch is empty")
    if all(one.fault for one in found):
        raise InvalidRecord(f"no event that can be used: {found[0].fault}")
    key = _text(envelope.get("api_key")) or _text(envelope.get("token"))
    return Posted(
        members=found,
        project_key=key or _common_key(found),
        sent_at=next((at for name in ("sent_at", "sentAt") if (at := envelope.get(name)) is not None), None),
    )


def _opened(text: bytes) -> tuple[Mapping[str, Any], list[bytes]]:
    """What stands around the events, and the events."""
    try:
        found = _envelope_decoder.decode(text)
    except _REFUSED:
        # One event, or something that is amiss somewhere: only that may fall.
        return _cut_open(text)
    if isinstance(found, list):
        return {}, [bytes(one) for one in found]
    if found.event is not None:
        return {}, [text]
    envelope = {"api_key": found.api_key, "token": found.token}
    envelope |= {"sent_at": found.sent_at, "sentAt": found.sent_at_in_camel_case}
    return envelope, [bytes(one) for one in found.batch]


def _cut_open(text: bytes) -> tuple[Mapping[str, Any], list[bytes]]:
    if text[:1] == b"[":
        return {}, [one for _, one in split(text)]
    outer = {_name(key): value for key, value in split(text)}
    batch = outer.get("batch", b"")
    if "event" in outer or batch[:1] != b"[":
        return {}, [text]
    kept = {name: decode(outer[name]) for name in _ENVELOPE if name in outer}
    return kept, [one for _, one in split(batch)]


_ENVELOPE = ("api_key", "token", "sent_at", "sentAt")


def _member(text: bytes, *, engages: bool) -> Member:
    fields: dict[str, bytes] = {}
    try:
        fields = _fields(text)
        if engages and "event" not in fields:
            fields = {"event": _IDENTIFY, **fields}
        inner = _inner(fields.get("properties", b"null"))
        return Member(text, _named(fields, inner), inner)
    except InvalidRecord as error:
        return Member(text, fields, fault=str(error))


def _fields(text: bytes) -> dict[str, bytes]:
    try:
        return {name: bytes(value) for name, value in _fields_decoder.decode(text).items()}
    except _REFUSED:
        # Lone surrogates and `NaN` are for who reads the record; what is no JSON at all ends here.
        if not isinstance(decode(text), dict):
            raise InvalidRecord("an event is a JSON object") from None
        return {_name(key): value for key, value in split(text)}


def _inner(properties: bytes) -> Mapping[str, Any]:
    try:
        found = _inner_decoder.decode(properties)
    except _REFUSED:
        value = decode(properties)
        if not isinstance(value, dict):
            raise InvalidRecord("`properties` is no JSON object") from None
        return {name: value.get(name) for name in _INNER}
    if found is None:
        return {}
    return {
        "distinct_id": found.distinct_id,
        "token": found.token,
        "$ip": found.ip,
        "$ignore_sent_at": found.ignores_sent_at,
    }


_INNER = ("distinct_id", "token", "$ip", "$ignore_sent_at")


def _named(fields: Mapping[str, bytes], inner: Mapping[str, Any]) -> dict[str, bytes]:
    """The fields with name and id where and as long as PostHog has them: the name first, to be found soon."""
    event = fields.get("event", b"null")
    name = decode(event)
    if not isinstance(name, str) or not name:
        raise InvalidRecord("an event has no name: `event` has to be a text")
    if len(name) > _MOST_CHARACTERS:
        event = encode(name[:_MOST_CHARACTERS])
    given = next((fields[key] for key in _DISTINCT_IDS if fields.get(key, b"null") not in _NOTHING), b"")
    if not given and inner.get("distinct_id") not in (None, ""):
        given = encode(inner["distinct_id"])
    if not given:
        raise InvalidRecord("an event has no `distinct_id`, neither of its own nor in its properties")
    if len(given) > _MOST_CHARACTERS and isinstance(whole := decode(given), str):
        given = encode(whole[:_MOST_CHARACTERS])
    others = {key: value for key, value in fields.items() if key not in _NAMED}
    return {"event": event, "distinct_id": given, **others}


def _common_key(found: Sequence[Member]) -> str | None:
    keys = {_own_key(one) for one in found if not one.fault}
    if len(keys) > 1:
        raise NoProjectKey("the events are for several projects")
    return keys.pop()


def _own_key(member: Member) -> str | None:
    for name in _OWN_KEYS:
        if name in member.fields and (key := _text(decode(member.fields[name]))):
            return key
    return _text(member.inner.get("token"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _name(key: bytes) -> str:
    try:
        return str(json.loads(key))
    except ValueError as error:
        raise InvalidRecord("not JSON: a key is no text") from error
