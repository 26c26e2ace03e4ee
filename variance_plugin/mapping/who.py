"""Who an event is of, with their account: made out once for a visitor, and not with every event."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from .memory import Fact

# Some 600 bytes each. Events come by time, and so many visitors are seldom there at a time.
_MOST_VISITORS = 10_000


class Who(msgspec.Struct, frozen=True, gc=False):
    """What the ids and groups of an event come to."""

    user_id: str | None
    """At least one of the first two is there."""
    anonymous_id: str | None
    group_id: str | None
    """The account."""
    member: Fact | None
    """That this user belongs to this account; None where that is not told."""


_Id: TypeAlias = str | int | None

WHO_TYPES: Mapping[str, Any] = {
    "$user_id": _Id,
    "$device_id": _Id,
    "$anon_distinct_id": _Id,
    "$is_identified": bool | None,
    "$process_person_profile": bool | None,
    "$groups": dict[str, _Id] | None,
    **{f"$group_{index}": _Id for index in range(5)},
}
"""The properties that tell who it is. Of these types no two values are equal that mean different things."""


class Visitors(dict[Any, Who]):
    """Who somebody is, by what `key_code` makes; forgets all at once when they become too many."""

    def __setitem__(self, key: Any, who: Who) -> None:
        if len(self) >= _MOST_VISITORS:
            self.clear()
        super().__setitem__(key, who)


def key_code(values: Mapping[str, str]) -> str:
    """Python code for all that tells who an event is of.

    Args:
        values: By property, the code whose value it is, of its type in `WHO_TYPES`. One that no event has is
            missing.
    """
    codes = [values.get(name, "None") for name in WHO_TYPES if name != "$groups"]
    if groups := values.get("$groups"):
        codes.append(f"{groups} if {groups} is None else (*{groups}.items(),)")
    return f"(given.distinct_id, {', '.join(codes)})"
