"""The Variance messages: Segment's message types and their JSON form.

Names and meaning are the Segment spec's (common fields, context, page, screen, track, identify, group,
alias). A field that is None is left out; an object without fields is left out too.
"""

import re
from typing import Any, NamedTuple, TypeAlias

import msgspec

from .__about__ import __version__
from .exact_json import encode

Value: TypeAlias = Any
"""A JSON value as it stood in the event: kept with its type, never looked into."""


class _Fields(msgspec.Struct, omit_defaults=True, rename="camel", gc=False):
    """Fields of a message or of a part of its context."""


class App(_Fields):
    name: Value = None
    version: Value = None
    build: Value = None
    namespace: Value = None


class Os(_Fields):
    name: Value = None
    version: Value = None


class Device(_Fields):
    id: Value = None
    type: Value = None
    model: Value = None
    manufacturer: Value = None
    name: Value = None


class Network(_Fields):
    wifi: Value = None
    cellular: Value = None
    bluetooth: Value = None
    carrier: Value = None


class Screen(_Fields):
    width: Value = None
    height: Value = None


class Page(_Fields):
    url: Value = None
    path: Value = None
    search: Value = None
    title: Value = None
    referrer: Value = None
    host: Value = None


class Campaign(_Fields):
    source: Value = None
    medium: Value = None
    name: Value = None
    term: Value = None
    content: Value = None


class Location(_Fields):
    city: Value = None
    country: Value = None
    region: Value = None
    latitude: Value = None
    longitude: Value = None


LIBRARY = msgspec.Raw(encode({"name": "posthog-variance-plugin", "version": __version__}))


class Context(_Fields):
    """Segment's `context`, as far as PostHog knows it."""

    library: msgspec.Raw = msgspec.Raw(b"null")
    app: App | None = None
    ip: Value = None
    locale: Value = None
    timezone: Value = None
    user_agent: Value = None
    os: Os | None = None
    device: Device | None = None
    network: Network | None = None
    screen: Screen | None = None
    page: Page | None = None
    campaign: Campaign | None = None
    location: Location | None = None
    session_id: Value = None
    group_id: str | None = None
    traits: dict[str, Value] | None = None


class Message(_Fields, tag_field="type"):
    """What all messages have. At least one of `user_id` and `anonymous_id` is there, but for an alias."""

    message_id: str = ""
    timestamp: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    context: Context = msgspec.field(default_factory=Context)


class PageMessage(Message, tag="page"):
    """https://segment.com/docs/connections/spec/page"""

    name: Value = None
    category: Value = None
    properties: Value = None


class ScreenMessage(Message, tag="screen"):
    """https://segment.com/docs/connections/spec/screen"""

    name: Value = None
    category: Value = None
    properties: Value = None


class TrackMessage(Message, tag="track", kw_only=True):
    """https://segment.com/docs/connections/spec/track"""

    event: str
    properties: Value = None


class IdentifyMessage(Message, tag="identify"):
    """https://segment.com/docs/connections/spec/identify"""

    traits: dict[str, Value] | None = None


class GroupMessage(Message, tag="group", kw_only=True):
    """https://segment.com/docs/connections/spec/group"""

    group_id: str
    traits: dict[str, Value] | None = None


class AliasMessage(Message, tag="alias", kw_only=True):
    """https://segment.com/docs/connections/spec/alias"""

    previous_id: str


class Encoded(NamedTuple):
    """A message as it is sent."""

    type: str
    """As it stands in its JSON."""
    body: bytes


AnyMessage: TypeAlias = Message | dict[str, Value] | Encoded
"""A message of payload version 2, encoded or not, or the dict of payload version 1, which has no spec to be
typed by."""


def encoded(message: AnyMessage) -> Encoded:
    """The message as it is sent.

    Raises:
        InvalidRecord: when it has no JSON form.
    """
    if isinstance(message, Encoded):
        return message
    type_ = str(message["type"]) if isinstance(message, dict) else _TYPES[type(message)]
    return Encoded(type_, encode(message))


def id_in(body: bytes) -> str:
    """The `messageId` of a message that was encoded, for who only wants to name it; "" if it is odd."""
    found = _ID.match(body)
    return "" if found is None else found[1].decode(errors="replace")


# It stands at the beginning in either version; further on, the name may be that of somebody's property.
_ID = re.compile(rb'\{(?:"type":"[a-z]+"|"libary":\{[^{}]*\}),"messageId":"([^"\\]*)"')

_TYPES = {
    PageMessage: "page",
    ScreenMessage: "screen",
    TrackMessage: "track",
    IdentifyMessage: "identify",
    GroupMessage: "group",
    AliasMessage: "alias",
}
