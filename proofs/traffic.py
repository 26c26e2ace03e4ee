"""The events that a source is given, each with what must become of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

import msgspec

from benchmarks.generate import Traffic
from variance_plugin.events import Event
from variance_plugin.exact_json import encode
from variance_plugin.formats import events
from variance_plugin.mapping import Mapper, Memory
from variance_plugin.settings import read_mapping

# Rare enough to be bad events, and no wrong endpoint: see the breaker in docs/delivery.md.
_POISON_EVERY = 150
_BROKEN_EVERY = 300
_NEVER = 1_000_000_000


class Head(msgspec.Struct, rename="camel"):
    """The beginning of a message."""

    message_id: str


class Fate(StrEnum):
    """How an event must end."""

    DELIVERED = "delivered"
    DEAD = "dead"
    """The destination refuses it, or it is no event at all."""
    SKIPPED = "skipped"
    """A rule of the mapping leaves it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """One line that a source is given."""

    line: bytes
    fate: Fate
    id: str = ""
    """The event's `uuid`, which is the `messageId` of its own message; empty when it is no event."""
    user: str = ""
    messages: dict[str, bytes] = field(default_factory=dict)
    """What mapping it gives, by `messageId`: its own message, and those that tell news ahead of it."""


def issue(count: int, seed: int) -> Iterator[Issued]:
    """Traffic as PostHog exports it, with a few events that no destination takes, and a few broken lines."""
    chance = Random(seed)  # noqa: S311 -- the same events for the same seed are what is wanted
    mapper = plain_mapper()
    for number, event in enumerate(Traffic(seed).events(count)):
        if chance.randrange(_BROKEN_EVERY) == 0:
            yield Issued(line=_broken(chance, number), fate=Fate.DEAD)
        else:
            yield issued(
                msgspec.json.encode(event), mapper=mapper, is_poison=chance.randrange(_POISON_EVERY) == 0
            )


def plain_mapper() -> Mapper:
    """One that decodes every event as a whole: what the runner learns of events must not change messages."""
    return Mapper(read_mapping({}), events_to_learn=_NEVER)


def issued(line: bytes, *, mapper: Mapper, is_poison: bool = False) -> Issued:
    """A line with what mapping it gives, as nobody has told any news yet."""
    (event,) = events(line)
    if not isinstance(event, Event):
        raise TypeError("it is no event")
    encoded = map(encode, mapper.map(event, Memory()).messages)
    messages = {msgspec.json.decode(body, type=Head).message_id: body for body in encoded}
    fate = Fate.SKIPPED if not messages else Fate.DEAD if is_poison else Fate.DELIVERED
    return Issued(line=line, fate=fate, id=str(event.uuid), user=str(event.distinct_id), messages=messages)


def news(body: bytes) -> tuple[str, ...] | None:
    """What a message tells of a person: their traits, or their account; None when it tells of neither."""
    message = msgspec.json.decode(body)
    person = str(message.get("userId") or message.get("anonymousId"))
    match message.get("type"):
        case "identify":
            return "identify", person, msgspec.json.encode(message.get("traits"), order="sorted").decode()
        case "group":
            return "group", person, str(message["groupId"])
    return None


def _broken(chance: Random, number: int) -> bytes:
    """What is no event, in one of the ways in which lines break; no two are the same."""
    return chance.choice(
        [
            b'{"event":"paid","uuid":"cut-%d","prop' % number,
            b"%d" % number,
            b'{"event":"paid","distinct_id":"\xff%d","properties":{}}' % number,
            b"[" * 3_000 + b"%d" % number,
        ]
    )
