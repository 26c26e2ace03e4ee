"""What Redis calls a part of a list, and taking elements out of one."""

from collections.abc import Sequence
from typing import Any


def part(elements: Sequence[Any], start: int, stop: int) -> list[Any]:
    """From `start` to `stop`, both included; negative places count from the end (LRANGE)."""
    length = len(elements)
    start = max(start + length if start < 0 else start, 0)
    stop = stop + length if stop < 0 else stop
    return list(elements[start : stop + 1]) if stop >= start else []


def without(elements: Sequence[Any], count: int, element: Any) -> list[Any]:
    """Without the first `count` that are equal, the last if negative, all if 0 (LREM)."""
    places = [place for place, other in enumerate(elements) if _same(other, element)]
    if count:
        places = places[:count] if count > 0 else places[count:]
    gone = set(places)
    return [other for place, other in enumerate(elements) if place not in gone]


def _same(one: Any, other: Any) -> bool:
    # Python takes True for 1; JSON does not.
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
