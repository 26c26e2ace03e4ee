"""One message, read as far as the book needs it: its type, its ids, its time, its traits."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import msgspec

from .payload import decode


class MessageType(StrEnum):
    """The calls of the Segment spec."""

    PAGE = "page"
    SCREEN = "screen"
    TRACK = "track"
    IDENTIFY = "identify"
    GROUP = "group"
    ALIAS = "alias"


# By these names they are found in half the time, and every message is compared with them.
_TRACK: Final = MessageType.TRACK
_GROUP: Final = MessageType.GROUP
_ALIAS: Final = MessageType.ALIAS

# An empty id is none; `read_message` sees to it.
Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)] | None

# Values stay JSON text: exact to the last digit, and most of them are only ever shown.
Traits: TypeAlias = dict[str, msgspec.Raw]


class Context(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What counts of a message's `context`."""

    traits: Traits = {}
    """Where RudderStack has the traits of an identify."""

    active: bool | None = None
    """False: it says something about a user who is not there now (Segment spec, "Common Fields")."""


NO_CONTEXT: Final = Context()


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A message of a known type. What it lacks, or has in another form than Segment's, is None."""

    type: MessageType
    message_id: Text = None
    user_id: Text = None
    anonymous_id: Text = None
    previous_id: Text = None
    group_id: Text = None
    event: Text = None
    timestamp: datetime | None = None
    traits: Traits = {}
    context: Context = NO_CONTEXT

    @property
    def seconds(self) -> float | None:
        """Its time in seconds since 1970; one without a zone is UTC. None: it says none."""
        moment = self.timestamp
        if moment is None:
            return None
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()

    def lacks(self) -> str | None:
        """What the spec wants of such a message and this one does not have, in words; None: nothing."""
        if self.type is _ALIAS:
            whole = self.user_id and self.previous_id
            return None if whole else "alias without userId and previousId"
        if self.type is _TRACK and not self.event:
            return "track without event"
        if self.type is _GROUP and not self.group_id:
            return "group without groupId"
        return None if self.user_id or self.anonymous_id else f"{self.type} without userId or anonymousId"


@dataclass(frozen=True, slots=True)
class Invalid:
    """What came in place of a message."""

    reason: str


_decoder: Final = msgspec.json.Decoder(Message)
_TYPES: Final = {str(known): known for known in MessageType}


def read_message(raw: msgspec.Raw) -> Message | Invalid:
    """Read one message. Nothing in it raises: what is no message is `Invalid`, with the reason."""
    try:
        return _decoder.decode(raw)
    except msgspec.DecodeError:  # no message; or something odd in it, which must not cost the message
        return _read_slowly(raw)
    except RecursionError:
        return Invalid("nested too deeply")


def _read_slowly(raw: msgspec.Raw) -> Message | Invalid:
    try:
        value = decode(raw)
        if not isinstance(value, dict):
            return Invalid("not an object")
        if value.get("type") is None:
            return Invalid("no type")
        known = _TYPES.get(text(value["type"]) or "")
        if known is None:
            return Invalid("unknown type")
        return Message(
            type=known,
            message_id=text(value.get("messageId")),
            user_id=text(value.get("userId")),
            anonymous_id=text(value.get("anonymousId")),
            previous_id=text(value.get("previousId")),
            group_id=text(value.get("groupId")),
            event=text(value.get("event")),
            timestamp=_time(value.get("timestamp")),
            traits=_traits(value.get("traits")),
            context=_context(value.get("context")),
        )
    except RecursionError:
        return Invalid("nested too deeply")


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _traits(value: object) -> Traits:
    if not isinstance(value, dict):
        return {}
    return {name: raw_json(trait) for name, trait in value.items()}


def _context(value: object) -> Context:
    if not isinstance(value, dict):
        return NO_CONTEXT
    active = value.get("active")
    return Context(traits=_traits(value.get("traits")), active=active if isinstance(active, bool) else None)


def raw_json(value: object) -> msgspec.Raw:
    """A value as JSON text. What JSON has no way to say is a text."""
    return msgspec.Raw(json.dumps(value, default=str).encode())


# Ids beyond 64 bits are text everywhere; Python would not even write out an int of 5,000 digits.
_MAX_NUMBER: Final = 2**64


def text(value: object) -> str | None:
    """An id or a name: text that is not empty, or a number, as some send their ids."""
    match value:
        case str():
            return value or None
        case bool():
            return None
        case int() | float() if abs(value) < _MAX_NUMBER:
            return str(value)
        case _:
            return None
