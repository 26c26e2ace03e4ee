"""Who an event is of, with their account: made out once for a visitor, and not with every event."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from .memory import Fact, Memory

# Some 400 bytes each. Events come by time, and so many visitors are seldom there at a time.
_MOST_VISITORS = 10_000


class Who(msgspec.Struct, gc=False):
    """What the ids and groups of an event come to; only the last two fields ever change."""

    user_id: str | None
    """At least one of the first two is there."""
    anonymous_id: str | None
    group_id: str | None
    """The account."""
    member: Fact | None
    """That this user belongs to this account; None where that is not told."""
    key: Any = None
    """Of `Visitors`, where its hash does not do."""
    epoch: Any = None
    """The memory's, in which `member` was told."""

    def is_told(self, memory: Memory) -> bool:
        """Whether `member` was, or is not to be told. Nobody has to ask again in the same epoch."""
        epoch = memory.epoch
        if self.member is None or memory.last(self.member[0]) is not None:
            self.epoch = epoch
            return True
        return False


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


class Visitors(dict[int, Who]):
    """Who somebody is, by the hash of what `key_code` makes; forgets all when they become too many.

    To compare the key itself would fetch a dozen texts from far away, which takes as long as the encoding of
    a message. Texts of the same hash cannot be found: Python keys it anew in each process, and its 64 bits
    are enough for some thousands at a time. Numbers can, and so they are compared.
    """

    def add(self, key: tuple[Any, ...], who: Who) -> Who:
        """Remember who it is, for the next time."""
        if len(self) >= _MOST_VISITORS:
            self.clear()
        if _holds_number(key):
            who.key = key
        self[hash(key)] = who
        return who


def _holds_number(key: tuple[Any, ...]) -> bool:
    groups = key[-1]
    return int in map(type, key) or (groups is not None and int in map(type, dict(groups).values()))


def key_code(values: Mapping[str, str]) -> str:
    """Python code for all that tells who an event is of.

    Args:
        values: By property, the code whose value it is, of its type in `WHO_TYPES`. One that no event has is
            missing.
    """
    codes = [values.get(name, "None") for name in WHO_TYPES if name != "$groups"]
    groups = values.get("$groups")
    codes.append(f"{groups} if {groups} is None else (*{groups}.items(),)" if groups else "None")
    return f"(given.distinct_id, {', '.join(codes)})"
