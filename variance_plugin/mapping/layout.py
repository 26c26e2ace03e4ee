"""One layout: reads the records of one name which have the properties that it knows, and no others."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from ..exact_json import number
from .context import CONTEXT_NAMES, CONTEXT_SCOPE, context_code
from .given import CONTAINERS, Given
from .known import KNOWN_NAMES, PLAIN_NAMES, Known
from .own import CAMPAIGN_PROPERTIES, Choice, OwnProperties

if TYPE_CHECKING:
    from collections.abc import Callable

_UUID_LENGTH = 36

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


_Scalar = str | int | bool | None
# Coordinates and sizes may be decimals, and only a value without a type keeps each of its digits.
_DECIMALS = ("$geoip_latitude", "$geoip_longitude", "$screen_width", "$screen_height")


class Layout:
    """Reads rows with these properties and no others.

    It is a typed decoder, and a function that is written for it: one that looked up what its events have
    would take as long as all that it makes.
    """

    def __init__(self, names: list[str], own: OwnProperties, *, trust: int) -> None:
        self.names = names
        self.trust = trust
        chosen = own.chosen(names)
        # A field that is looked for where the one before it was found is found at once: so the order counts.
        row = msgspec.defstruct(
            "Properties",
            [(f"p{place}", *_field(name, is_own=name in chosen.own)) for place, name in enumerate(names)],
            rename={f"p{place}": name for place, name in enumerate(names)},
            forbid_unknown_fields=True,
            gc=False,
        )
        decoder = msgspec.json.Decoder(_Row[row], float_hook=number)  # type: ignore[valid-type]
        scope = {**_SCOPE, "decode": decoder.decode}
        exec(compile(_code(names, chosen), "<a layout>", "exec"), scope)  # noqa: S102 -- see `_code`
        self.read: Callable[[bytes], Given | None] = scope["read"]
        """What the mapping reads of this record; None when that needs all of it.

        Raises `msgspec.MsgspecError` when it does not fit, `UnicodeDecodeError`, `RecursionError` likewise.
        """


_SCOPE: dict[str, Any] = {
    **CONTEXT_SCOPE,
    "CONTAINERS": CONTAINERS,
    "Given": Given,
    "Known": Known,
    "UNSET": msgspec.UNSET,
    "bytes": bytes,
    "len": len,
    "type": type,
}


def _code(names: list[str], chosen: Choice) -> str:
    """The function that reads records of a layout. Of what comes from records it holds names, in quotes."""
    places = {name: f"p.p{place}" for place, name in enumerate(names)}
    # Among the user's own properties null is not nothing; for the mapping it is.
    values = places | {
        name: f"(None if {places[name]} is UNSET else {places[name]})"
        for name in chosen.own
        if name in KNOWN_NAMES or name in CONTEXT_NAMES
    }
    lines = [
        "def read(record):",
        "    row = decode(record)",
        "    person = bytes(row.person_properties)",
        "    if person[:1] != b'{' and person != b'null':",
        "        return None",
        f"    if not row.event or len(row.uuid) != {_UUID_LENGTH} or row.uuid.isspace():",
        "        return None",
        "    p = row.properties",
    ]
    decimals = [f"type({places[name]}) in CONTAINERS" for name in _DECIMALS if name in places]
    if decimals:
        lines += [f"    if {' or '.join(decimals)}:", "        return None"]
    lines += ["    own = {}"]
    for name in chosen.own:
        lines += [f"    if {places[name]} is not UNSET:", f"        own[{name!r}] = {places[name]}"]
    campaign = [places[name] for name in chosen.campaign]
    if campaign:
        lines += [f"    if not ({' is '.join(campaign)} is None):"]
    for name in chosen.campaign:
        lines += [f"        if {places[name]} is not None:", f"            own[{name!r}] = {places[name]}"]
    known = ", ".join(values.get(name, "None") for name in KNOWN_NAMES)
    lines += [
        f"    context = {context_code(values, ip='row.ip')}",
        f"    known = Known({known})",
        "    who = row.event, row.uuid, row.timestamp, row.distinct_id",
        "    return Given(*who, row.elements_chain, context, known, own, person, None)",
    ]
    return "\n".join(lines)


def _field(name: str, *, is_own: bool) -> tuple[Any, Any]:
    """Type and default of a property."""
    if (name in CONTEXT_NAMES and name not in _DECIMALS) or name in PLAIN_NAMES:
        type_: Any = _Scalar
    elif name in CONTEXT_NAMES or name in KNOWN_NAMES or name in CAMPAIGN_PROPERTIES or is_own:
        type_ = Any
    else:
        type_ = msgspec.Raw
    return type_, msgspec.UNSET if is_own else None
