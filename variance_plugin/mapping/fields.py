"""The properties of a layout's events: how each is read, and which of them are sent."""

from typing import Any

import msgspec

from .context import CONTEXT_NAMES, PAGE_FIELDS
from .known import KNOWN_NAMES, PLAIN_NAMES, Known
from .names import VIEWS, WITH_PROPERTIES
from .own import CAMPAIGN_PROPERTIES, Choice
from .wanted import Updates, Wanted
from .who import WHO_TYPES

DECIMALS = ("$geoip_latitude", "$geoip_longitude", "$screen_width", "$screen_height")
"""Coordinates and sizes may be decimals, and only a value without a type keeps each of its digits."""

UPDATES = ("$set", "$set_once")

ATTRIBUTES = dict(zip(KNOWN_NAMES, Known.__struct_fields__, strict=True))
"""Of `Known`, by property."""

_Scalar = str | int | bool | None


class Fields:
    """The fields of a struct for properties of these names, in their order.

    It has all attributes of `Known`, and stands for one.
    """

    def __init__(self, names: list[str], wanted: Wanted) -> None:
        self.wanted = wanted
        self.own, self.campaign = Choice((), ())
        if wanted.kind in WITH_PROPERTIES:
            self.own, self.campaign = wanted.own.chosen(names)
        self._attributes = {name: ATTRIBUTES.get(name, f"p{place}") for place, name in enumerate(names)}
        self.values = {name: f"known.{attribute}" for name, attribute in self._attributes.items()}
        """By property, the code for its value; UNSET for an own one that is not there, else None."""

    @property
    def sent(self) -> list[str]:
        """What is sent as `properties`: as in a dict of the page's that is updated with the own ones."""
        page = PAGE_FIELDS if self.wanted.kind in VIEWS else ()
        return [*dict.fromkeys([*page, *self.own, *self.campaign])]

    @property
    def passed_on(self) -> bool:
        """Whether some of them are sent as they stand, and nobody looks at them."""
        return not all(map(_is_read, self.own))

    def struct(self) -> type[msgspec.Struct]:
        """A struct type that takes these properties, and no others."""
        return msgspec.defstruct(
            "Properties",
            # A field that is looked for where the one before it was found is found at once.
            [
                (attribute, self._type(name), msgspec.UNSET if name in self.own else None)
                for name, attribute in self._attributes.items()
            ],
            rename={attribute: name for name, attribute in self._attributes.items()},
            namespace=dict.fromkeys(
                attribute for name, attribute in ATTRIBUTES.items() if name not in self._attributes
            ),
            forbid_unknown_fields=True,
            gc=False,
        )

    def _type(self, name: str) -> Any:
        if name in UPDATES and self.wanted.updates is Updates.NOTHING and name not in self.own:
            return msgspec.Raw
        if name in WHO_TYPES and self.wanted.kind in WITH_PROPERTIES:
            return WHO_TYPES[name]
        if (name in CONTEXT_NAMES and name not in DECIMALS) or name in PLAIN_NAMES:
            return _Scalar
        return Any if _is_read(name) else msgspec.Raw


def _is_read(name: str) -> bool:
    return name in CONTEXT_NAMES or name in KNOWN_NAMES or name in CAMPAIGN_PROPERTIES
