"""One layout: reads the records of one name which have the properties that it knows, and no others."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from ..exact_json import remembered_number
from .context import CONTEXT_NAMES, CONTEXT_SCOPE, context_code
from .given import CONTAINERS
from .known import KNOWN_NAMES, PLAIN_NAMES, Known
from .own import CAMPAIGN_PROPERTIES, Choice, OwnProperties

if TYPE_CHECKING:
    from collections.abc import Callable

    from .given import Given

_UUID_LENGTH = 36

P = TypeVar("P")

# Where the key is another than the attribute.
_KEYS = {
    "known": "properties",
    "person": "person_properties",
    "set_": "$set",
    "set_once": "$set_once",
    "person_of_webhook": "person",
    "context": "(context)",
    "own": "(own)",
    "properties": "(properties)",
}


class _Row(msgspec.Struct, Generic[P], gc=False, rename=_KEYS.get):
    """A row as PostHog exports it today; the types refuse what `formats` would have to put right.

    It has the attributes of `Given`, and becomes one without being copied.
    """

    uuid: str
    timestamp: str
    event: str
    known: P
    distinct_id: str
    elements_chain: str | None = None
    person: msgspec.Raw = msgspec.Raw(b"null")
    ip: str | None = None
    set_: None = None
    set_once: None = None
    person_of_webhook: None = None

    # What is made of the others. Whatever a record has under such a key is no row of today.
    context: None = None
    own: None = None
    properties: None = None


_ATTRIBUTES = dict(zip(KNOWN_NAMES, Known.__struct_fields__, strict=True))
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
        attributes = {name: _ATTRIBUTES.get(name, f"p{place}") for place, name in enumerate(names)}
        # A field that is looked for where the one before it was found is found at once: so the order counts.
        row = msgspec.defstruct(
            "Properties",
            [(attribute, *_field(name, is_own=name in chosen.own)) for name, attribute in attributes.items()],
            rename={attribute: name for name, attribute in attributes.items()},
            # It has all attributes of `Known`, and stands for one.
            namespace=dict.fromkeys(
                attribute for name, attribute in _ATTRIBUTES.items() if name not in attributes
            ),
            forbid_unknown_fields=True,
            gc=False,
        )
        decoder = msgspec.json.Decoder(_Row[row], float_hook=remembered_number)  # type: ignore[valid-type]
        scope = {**_SCOPE, "decode": decoder.decode}
        exec(compile(_code(attributes, chosen), "<a layout>", "exec"), scope)  # noqa: S102 -- see `_code`
        self.read: Callable[[bytes], Given | None] = scope["read"]
        """What the mapping reads of this record; None when that needs all of it.

        Raises `msgspec.MsgspecError` when it does not fit, `UnicodeDecodeError`, `RecursionError` likewise.
        """


_SCOPE: dict[str, Any] = {
    **CONTEXT_SCOPE,
    "CONTAINERS": CONTAINERS,
    "UNSET": msgspec.UNSET,
    "bytes": bytes,
    "len": len,
    "type": type,
}


def _code(attributes: Mapping[str, str], chosen: Choice) -> str:
    """The function that reads records of a layout. Of what comes from records it holds names, in quotes."""
    places = {name: f"known.{attribute}" for name, attribute in attributes.items()}
    # Among the user's own properties null is not nothing; for the mapping it is.
    values = places | {
        name: f"(None if {places[name]} is UNSET else {places[name]})"
        for name in chosen.own
        if name in CONTEXT_NAMES
    }
    lines = [
        "def read(record):",
        "    given = decode(record)",
        "    given.person = person = bytes(given.person)",
        "    if person[:1] != b'{' and person != b'null':",
        "        return None",
        f"    if not given.event or len(given.uuid) != {_UUID_LENGTH} or given.uuid.isspace():",
        "        return None",
        "    known = given.known",
    ]
    decimals = [f"type({places[name]}) in CONTAINERS" for name in _DECIMALS if name in places]
    if decimals:
        lines += [f"    if {' or '.join(decimals)}:", "        return None"]
    lines += ["    given.own = own = {}"]
    for name in chosen.own:
        lines += [f"    if {places[name]} is not UNSET:", f"        own[{name!r}] = {places[name]}"]
    campaign = [places[name] for name in chosen.campaign]
    if campaign:
        lines += [f"    if not ({' is '.join(campaign)} is None):"]
    for name in chosen.campaign:
        lines += [f"        if {places[name]} is not None:", f"            own[{name!r}] = {places[name]}"]
    lines += [f"    given.context = {context_code(values, ip='given.ip')}"]
    for name in chosen.own:
        if name in KNOWN_NAMES:
            lines += [f"    if {places[name]} is UNSET:", f"        {places[name]} = None"]
    lines += ["    return given"]
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
