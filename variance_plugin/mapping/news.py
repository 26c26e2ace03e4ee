"""What of an event is still news: not what was said last, and nothing older than that.

Events do not come in the order of their time: PostHog's Kafka topic is partitioned by event and not by
person, and the files of a batch export have no order at all. An identify brings the person as they were
at its time, and whoever takes it for the present must not get it after something newer.
"""

from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ..exact_json import encode
from .memory import Fact, Memory

_MOST_SETS_OF_NAMES = 2_000
# No source mixes events further apart. Whoever told something at a time that a wrong clock puts years ahead
# must not be silenced by it until then.
_LATE_AT_MOST = timedelta(days=31)


class Told(NamedTuple):
    """Traits that were said of a person or an account."""

    content: int
    """A hash of names and values."""
    time: str | None
    """Of the event they came from, as in its message."""
    names: tuple[str, ...]


class News:
    """Tells what is news from what is not. No state but the names that were seen together."""

    def __init__(self) -> None:
        self._sets_of_names: dict[tuple[str, ...], tuple[str, ...]] = {}

    def traits(
        self, of: Hashable, traits: dict[str, Any], time: str | None, memory: Memory
    ) -> tuple[dict[str, Any], Fact | None]:
        """Those traits of which nothing newer was said; and the fact to remember, if they are the newest.

        Only the names in what was said last are known, and not those before it: what is left out here
        is surely old, what is not may be.
        """
        subject = hash((of, "traits"))
        last: Told | None = memory.last(subject)
        if last is not None and _is_late(time, last.time):
            return {name: value for name, value in traits.items() if name not in last.names}, None
        if not traits:
            return traits, None
        names = tuple(traits)
        if len(self._sets_of_names) >= _MOST_SETS_OF_NAMES:
            self._sets_of_names.clear()
        # One tuple for all persons who have the same traits, so that remembering one costs little.
        names = self._sets_of_names.setdefault(names, names)
        content = hash(encode(dict(sorted(traits.items()))))
        fact = (subject, Told(content, time, names))
        return ({} if last is not None and last.content == content else traits), fact


def _is_late(time: str | None, newest: str | None) -> bool:
    if time is None or newest is None or time >= newest:
        return False
    return datetime.fromisoformat(newest) - datetime.fromisoformat(time) <= _LATE_AT_MOST
