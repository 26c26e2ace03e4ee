"""Reads records without decoding what is never sent, by what was learned from the records before.

PostHog's SDKs put the same properties in the same order on every event of a name. So after some events of
a name a layout is made for it: a typed decoder which knows each property that such events had, and skips
those that nobody reads. A record that does not fit in any way is not read here, but decoded as a whole:
`given_by` and what this module gives are the same for every record (but for the order of properties).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from ..exact_json import number
from ..formats import UnreadEvent, glance
from .context import CONTEXT_NAMES, ContextReader
from .given import CONTAINERS, Given
from .known import KNOWN_NAMES, PLAIN_NAMES, Known
from .own import CAMPAIGN_PROPERTIES, OwnProperties

# A layout takes 0.5 ms to make and some 50 KB: it must pay.
EVENTS_TO_LEARN = 20
_MOST_LAYOUTS = 100
_MOST_PROPERTIES = 500
_MOST_NAMES = 10_000
# In units of what it saves to read a record by its layout; one that costs more than it saves is given up.
_TRUST = 10_000
_COST_OF_MISFIT = 2
_COST_OF_LEARNING = 500

P = TypeVar("P")


class _Row(msgspec.Struct, Generic[P], gc=False, rename={"set_": "$set", "set_once": "$set_once"}):
    """A row as PostHog exports it today; the types refuse what `formats` would have to put right."""

    uuid: str
    timestamp: str
    event: str
    properties: P
    distinct_id: str
    elements_chain: str | None = None
    person_properties: msgspec.Raw = msgspec.Raw(b"null")
    ip: str | None = None
    set_: None = None
    set_once: None = None
    person: None = None


_UNSET = msgspec.UNSET
_UUID_LENGTH = 36
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Layouts:
    """Reads events by what it learned of earlier ones of the same name. Safe for threads.

    Args:
        own: Which properties are sent.
        events_to_learn: A layout is made after so many events of a name.
    """

    def __init__(self, own: OwnProperties, *, events_to_learn: int = EVENTS_TO_LEARN) -> None:
        self._own = own
        self._events_to_learn = events_to_learn
        self._layouts: dict[str, _Layout] = {}
        self._seen: dict[str, int] = {}

    def read(self, event: UnreadEvent) -> Given | None:
        """What the mapping reads of an event; None when that has to be decoded."""
        name, record = glance(event)
        layout = self._layouts.get(name)
        if layout is None:
            self._see(record, name)
            return None
        if layout.trust < 0:
            return None
        try:
            given = layout.read(record)
        except _REFUSED:
            given = None
            self._learn(record, name)
        if given is None:
            layout.trust = min(layout.trust, _TRUST) - _COST_OF_MISFIT
        return given

    def _see(self, record: bytes, name: str) -> None:
        """Count the events of a name; once there are enough of them, learn from one."""
        if len(self._layouts) >= _MOST_LAYOUTS:
            return
        if len(self._seen) > _MOST_NAMES:
            self._seen.clear()
        seen = self._seen.get(name, 0) + 1
        if seen >= self._events_to_learn:
            self._learn(record, name)
            seen = 0
        self._seen[name] = seen

    def _learn(self, record: bytes, name: str) -> None:
        """Make a layout that this record fits as well, if it is a row with properties not met before."""
        try:
            properties = _names_decoder.decode(record).properties
        except _REFUSED:
            return
        before = self._layouts.get(name)
        known = [] if before is None else before.names
        names = merged(known, properties)
        if len(known) < len(names) <= _MOST_PROPERTIES and _UNSPEAKABLE.isdisjoint("".join(names)):
            trust = _TRUST if before is None else min(before.trust, _TRUST)
            self._layouts[name] = _Layout(names, self._own, trust=trust - _COST_OF_LEARNING)


class _Names(msgspec.Struct):
    properties: dict[str, msgspec.Raw]


# In the names of a decoder's fields msgspec takes none of these.
_UNSPEAKABLE = frozenset('"\\' + "".join(map(chr, range(32))))
_names_decoder = msgspec.json.Decoder(_Names)


def merged(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """All the names, each but once: the others in between, where they stand among those of both."""
    order = list(names)
    places = {name: place for place, name in enumerate(order)}
    ahead_of: dict[int, list[str]] = defaultdict(list)
    at = 0
    for name in others:
        if name in places:
            at = places[name] + 1
        else:
            ahead_of[at].append(name)
    return [name for at in range(len(order) + 1) for name in (*ahead_of[at], *order[at : at + 1])]


_Scalar = str | int | bool | None
# Coordinates and sizes may be decimals, and only a value without a type keeps each of its digits.
_DECIMALS = ("$geoip_latitude", "$geoip_longitude", "$screen_width", "$screen_height")
_Impossible = Annotated[int, msgspec.Meta(gt=0, lt=0)]


class _Layout:
    """A decoder for rows with these properties and no others.

    A field that is looked for where the one before it was found is found at once: so the order counts.
    """

    def __init__(self, names: list[str], own: OwnProperties, *, trust: int) -> None:
        self.names = names
        self.trust = trust
        places = {name: place for place, name in enumerate(names)}
        nothing = len(names)
        chosen = own.chosen(names)
        fields = [(f"p{place}", *_field(name, is_own=name in chosen.own)) for place, name in enumerate(names)]
        row = msgspec.defstruct(
            "Properties",
            [*fields, ("nothing", _Impossible, None)],
            # A name longer than any of them is none of them.
            rename={f"p{place}": name for name, place in places.items()} | {"nothing": "".join(names) + "!"},
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decode: Callable[[bytes], _Row[Any]] = msgspec.json.Decoder(
            _Row[row],  # type: ignore[valid-type]
            float_hook=number,
        ).decode
        self._known_in = itemgetter(*(places.get(name, nothing) for name in KNOWN_NAMES))
        self._decimals_in = itemgetter(*(places.get(name, nothing) for name in _DECIMALS))
        self._own, self._own_in = _choice(chosen.own, places)
        self._campaign, self._campaign_in = _choice(chosen.campaign, places)
        self._contexts = ContextReader(places, nothing=nothing)
        self._shared = [places[name] for name in chosen.own if name in KNOWN_NAMES or name in CONTEXT_NAMES]

    def read(self, record: bytes) -> Given | None:
        """What the mapping reads of this record; None when that needs all of it.

        Raises:
            msgspec.MsgspecError: when it does not fit, and `UnicodeDecodeError`, `RecursionError` likewise.
        """
        row = self._decode(record)
        person = bytes(row.person_properties)
        if person[:1] != b"{" and person != b"null":
            return None
        if not row.event or len(row.uuid) != _UUID_LENGTH or row.uuid.isspace():
            return None
        values = msgspec.structs.astuple(row.properties)
        if not CONTAINERS.isdisjoint(map(type, self._decimals_in(values))):
            return None
        own = {
            name: value
            for name, value in zip(self._own, self._own_in(values), strict=False)
            if value is not _UNSET
        }
        campaign = self._campaign_in(values)
        if campaign.count(None) != len(campaign):
            own |= {
                name: value
                for name, value in zip(self._campaign, campaign, strict=False)
                if value is not None
            }
        for place in self._shared:
            if values[place] is _UNSET:
                # Among the user's own properties null is not nothing; for the mapping it is.
                values = tuple([None if value is _UNSET else value for value in values])
                break
        context = self._contexts.read(values)
        if row.ip is not None:
            context.ip = row.ip
        self.trust += 1
        return Given(
            row.event,
            row.uuid,
            row.timestamp,
            row.distinct_id,
            row.elements_chain,
            context,
            Known(*self._known_in(values)),
            own,
            person,
            None,
        )


def _field(name: str, *, is_own: bool) -> tuple[Any, Any]:
    """Type and default of a property."""
    if (name in CONTEXT_NAMES and name not in _DECIMALS) or name in PLAIN_NAMES:
        type_: Any = _Scalar
    elif name in CONTEXT_NAMES or name in KNOWN_NAMES or name in CAMPAIGN_PROPERTIES or is_own:
        type_ = Any
    else:
        type_ = msgspec.Raw
    return type_, _UNSET if is_own else None


def _choice(names: tuple[str, ...], places: dict[str, int]) -> tuple[tuple[str, ...], Any]:
    """Names, and what takes their values, and those of two more fields, out of a row's."""
    nothing = len(places)
    return names, itemgetter(*(places[name] for name in names), nothing, nothing)
