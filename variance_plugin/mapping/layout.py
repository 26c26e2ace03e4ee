"""One layout: reads the records of one name which have the properties that it knows, and no others."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from ..exact_json import remembered_number
from .fields import Fields
from .layout_code import LAYOUT_SCOPE, layout_code
from .wanted import Updates, Wanted
from .who import Visitors

if TYPE_CHECKING:
    from collections.abc import Callable

    from .given import Given
    from .mapped import Mapped
    from .memory import Memory

P = TypeVar("P")
Q = TypeVar("Q")

# Where the key is another than the attribute.
_KEYS = {
    "known": "properties",
    "person": "person_properties",
    "set_": "$set",
    "set_once": "$set_once",
    "person_of_webhook": "person",
    "context": "(context)",
    "sent": "(sent)",
    "properties": "(properties)",
}


class _Row(msgspec.Struct, Generic[P, Q], gc=False, rename=_KEYS.get):
    """A row as PostHog exports it today; the types refuse what `formats` would have to put right.

    It has the attributes of `Given`, and becomes one without being copied.
    """

    uuid: str
    timestamp: str
    event: str
    known: P
    distinct_id: str
    elements_chain: str | None = None
    person: Q = msgspec.Raw(b"null")  # type: ignore[assignment] # it is either
    ip: str | None = None
    set_: None = None
    set_once: None = None
    person_of_webhook: None = None

    # What is made of the others. Whatever a record has under such a key is no row of today.
    context: None = None
    sent: None = None
    properties: None = None


class _Object(msgspec.Struct):
    """Any object, of which nothing is read."""


class Layout:
    """Reads rows of one name with these properties and no others.

    It is a typed decoder, and a function that is written for it: one that looked up what its events have
    would take as long as all that it makes.

    Args:
        names: Of the properties, in the order in which they are likely to stand.
        wanted: What is read of such events.
        visitors: Who was seen lately, for all layouts.
        trust: See `Layouts`.
    """

    def __init__(self, names: list[str], wanted: Wanted, visitors: Visitors, *, trust: int) -> None:
        self.names = names
        self.trust = trust
        fields = Fields(names, wanted)
        person = _Object | None if wanted.updates is Updates.NOTHING else msgspec.Raw
        row = _Row[fields.struct(), person]  # type: ignore[misc,valid-type] # known only now
        sent = {f"p{place}": name for place, name in enumerate(fields.sent)}
        scope = LAYOUT_SCOPE | {
            "decode": msgspec.json.Decoder(row, float_hook=remembered_number).decode,
            "Sent": msgspec.defstruct(
                "Sent", [(attribute, Any, msgspec.UNSET) for attribute in sent], rename=sent, gc=False
            ),
            "who_of": wanted.who,
            "visitors": visitors,
            "are_posthogs": wanted.posthogs_traits.issuperset,
        }
        exec(compile(layout_code(fields), "<a layout>", "exec"), scope)  # noqa: S102 -- see `layout_code`
        self.read: Callable[[bytes, Memory], Mapped | Given | None] = scope["read"]
        """What becomes of this record, or what the mapping reads of it; None when that needs all of it.

        Raises `msgspec.MsgspecError` when it does not fit, `RecursionError` likewise, `ValueError` when its
        time is none or it is not UTF-8, and `InvalidRecord` when it names nobody.
        """
