"""One layout: reads the records of one name which have the properties that it knows, and no others."""

from typing import TYPE_CHECKING, Any, Union

import msgspec

from ..exact_json import remembered_number
from .fields import Fields
from .layout_code import LAYOUT_SCOPE, layout_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .mapped import Mapped
    from .memory import Memory
    from .prepared import Prepared
    from .wanted import Wanted
    from .who import Visitors


class Row(msgspec.Struct, gc=False):
    """An event of a name, as far as it is read."""

    def read(self, record: bytes, memory: "Memory") -> "Prepared | Mapped | None":
        """What becomes of it; None when it has to be decoded as a whole to know.

        Args:
            record: What it was decoded from.
            memory: What was sent lately.

        Raises:
            msgspec.MsgspecError, RecursionError, ValueError: When it does not fit, its time is none, or it is
                not UTF-8.
            InvalidRecord: As `Mapper.map` does.
        """
        raise NotImplementedError


class _Object(msgspec.Struct, gc=False):
    """Any object, of which nothing is read."""


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
# A row as PostHog exports it today; the types refuse what `formats` would have to put right. It has the
# attributes of `Given`, and becomes one without being copied.
_FIELDS: list[tuple[str, Any]] = [("uuid", str), ("timestamp", str)]
_FIELDS_BEHIND: list[tuple[str, Any, Any]] = [
    ("elements_chain", str | None, None),
    ("person", _Object | None, None),
    ("ip", str | None, None),
    ("set_", None, None),
    ("set_once", None, None),
    ("person_of_webhook", None, None),
    # What is made of the others. Whatever a record has under such a key is no row of today.
    ("context", None, None),
    ("sent", None, None),
    ("properties", None, None),
]


class Layout:
    """The row of a name whose events have these properties and no others, and how it is read.

    It is a typed decoder, and a function that is written for it: one that looked up what its events have
    would take as long as all that it makes.

    Args:
        names: Of the properties, in the order in which they are likely to stand.
        wanted: What is read of such events.
        visitors: Who was seen lately, for all layouts.
        trust: See `Layouts`; it grows with every event that is read.
    """

    def __init__(self, names: list[str], wanted: "Wanted", visitors: "Visitors", *, trust: int) -> None:
        self.names = names
        self.trust = trust
        fields = Fields(names, wanted)
        sent = {f"p{place}": name for place, name in enumerate(fields.sent)}
        scope = LAYOUT_SCOPE | {
            "layout": self,
            "Sent": msgspec.defstruct(
                "Sent", [(attribute, Any, msgspec.UNSET) for attribute in sent], rename=sent, gc=False
            ),
            "way": wanted.way,
            "who_of": wanted.who,
            "visitors": visitors,
            "are_posthogs": wanted.posthogs_traits.issuperset,
        }
        exec(compile(layout_code(fields), "<a layout>", "exec"), scope)  # noqa: S102 -- see `layout_code`
        self.row = msgspec.defstruct(
            "LayoutRow",
            [*_FIELDS, ("known", fields.struct()), ("distinct_id", str), *_FIELDS_BEHIND],
            bases=(Row,),
            namespace={"event": wanted.event, "read": scope["read"]},
            rename=_KEYS,
            tag_field="event",
            tag=wanted.event,
            gc=False,
        )


def left_out(name: str, mapped: "Mapped") -> type[msgspec.Struct]:
    """The row of a name whose events are left out, whatever else they hold."""

    def read(_row: Row, _record: bytes, _memory: "Memory") -> "Mapped":
        return mapped

    return msgspec.defstruct(
        "RowLeftOut", [], bases=(Row,), namespace={"read": read}, tag_field="event", tag=name, gc=False
    )


def decoder_of(rows: "Iterable[type[msgspec.Struct]]") -> "Callable[[bytes], Row]":
    """What decodes a record to the row of its name; it refuses what has no row here, as what does not fit."""
    return msgspec.json.Decoder(Union[tuple(rows)], float_hook=remembered_number).decode  # noqa: UP007
