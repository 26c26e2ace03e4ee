"""What the mapping reads of an event, in one form, however the event came."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import msgspec

from ..events import Event
from ..exact_json import decode
from ..messages import Context
from .context import CONTEXT_NAMES, CONTEXT_SCOPE, context_code
from .known import KNOWN_NAMES, PLAIN_NAMES, Known
from .own import OwnProperties

CONTAINERS = frozenset([dict, list])
_TO_LOOK_AT = CONTAINERS | {float}


class Given(msgspec.Struct, gc=False):
    """An event as the mapping sees it. Names as in `Event`."""

    event: str
    uuid: Any
    timestamp: Any
    distinct_id: Any
    elements_chain: Any
    context: Context
    """For whoever needs it first to complete."""
    known: Known
    sent: Any
    """What is sent as `properties`, in any form that can be encoded; None for nothing."""
    person: Any
    """What `person_of` reads."""
    properties: dict[str, Any] | None
    """All of them; None where the record has a `uuid` and nobody needs them."""


def given_by(event: Event, own: OwnProperties) -> Given:
    """What the mapping reads of a decoded event."""
    properties = event.properties
    values = [*map(properties.get, CONTEXT_NAMES), event.ip]
    if not _TO_LOOK_AT.isdisjoint(map(type, values)):
        values = [*map(_plain, values)]
    context = _context_of(values)
    known = Known(*map(properties.get, KNOWN_NAMES))
    for attribute in _PLAIN:
        setattr(known, attribute, _plain(getattr(known, attribute)))
    return Given(
        event.event,
        event.uuid,
        event.timestamp,
        event.distinct_id,
        event.elements_chain,
        context,
        known,
        own.of(properties) or None,
        event.person_properties,
        properties,
    )


def person_of(given: Given) -> dict[str, Any]:
    """The person's properties as they came along with the event; empty when they did not.

    Raises:
        InvalidRecord: when they are no JSON after all.
    """
    person = given.person
    if type(person) is bytes:
        given.person = person = decode(person)
    return person if isinstance(person, dict) else {}


_context_of: Callable[[list[Any]], Context] = eval(  # noqa: S307 -- it is made of a table of this package
    "lambda values: "
    + context_code({name: f"values[{place}]" for place, name in enumerate(CONTEXT_NAMES)}, ip="values[-1]"),
    CONTEXT_SCOPE,
)
_PLAIN = Known.__struct_fields__[: len(PLAIN_NAMES)]


def _plain(value: Any) -> Any:
    """The value of one of Segment's fields; None for what no field can take: objects, lists, no numbers."""
    type_ = type(value)
    return None if type_ in CONTAINERS or (type_ is float and not isfinite(value)) else value
