"""Reads records without decoding what is never sent, by what was learned from the records before.

PostHog's SDKs put the same properties in the same order on every event of a name. So after some events of
a name a layout is made for it: a typed decoder which knows each property that such events had, skips those
that nobody reads, and takes own ones as they stand. A record that does not fit in any way is not read here,
but decoded as a whole. Both ways lead to the same messages, but for the order of properties and the
spelling of numbers and texts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec

from .given import Given
from .layout import Layout
from .mapped import Mapped
from .memory import Memory
from .wanted import Wanted
from .who import Visitors

# A layout takes 1.5 ms to make and some 50 KB: it must pay. And with each event that was looked at before,
# fewer later ones have a property that the layout lacks.
EVENTS_TO_LEARN = 20
_MOST_LAYOUTS = 100
_MOST_PROPERTIES = 500
_MOST_NAMES = 10_000
# In units of what it saves to read a record by its layout; one that costs more than it saves is given up.
_TRUST = 10_000
_COST_OF_MISFIT = 2
_COST_OF_LEARNING = 500

_REFUSED = (msgspec.MsgspecError, ValueError, RecursionError)


class Layouts:
    """Reads events by what it learned of earlier ones of the same name. Safe for threads.

    Args:
        wanted: By an event's name, what is read of such events.
        events_to_learn: A layout is made after so many events of a name.
    """

    def __init__(self, wanted: Callable[[str], Wanted], *, events_to_learn: int = EVENTS_TO_LEARN) -> None:
        self._wanted = wanted
        self._events_to_learn = events_to_learn
        self._visitors = Visitors()
        self._layouts: dict[str, Layout] = {}
        self._seen: dict[str, int] = {}
        self._gathered: dict[str, list[str]] = {}
        """The names of properties, of events that a layout will soon be made for."""

    def read(self, name: str, record: bytes, memory: Memory) -> Mapped | Given | None:
        """What becomes of an event, or what the mapping reads of it; None when that has to be decoded.

        Args:
            name: The event's, as `plain_name` tells it.
            record: The event.
            memory: What was sent lately.

        Raises:
            InvalidRecord: when it names nobody, and the mapping asks for that.
        """
        layout = self._layouts.get(name)
        if layout is None:
            self._see(record, name)
            return None
        if layout.trust < 0:
            return None
        try:
            found = layout.read(record, memory)
        except _REFUSED:
            found = None
            self._learn(record, name)
        if found is None:
            layout.trust = min(layout.trust, _TRUST) - _COST_OF_MISFIT
        else:
            layout.trust += 1
        return found

    def _see(self, record: bytes, name: str) -> None:
        """Count the events of a name; once there are enough of them, learn from the last ones together."""
        if len(self._layouts) >= _MOST_LAYOUTS:
            return
        if len(self._seen) > _MOST_NAMES:
            self._seen.clear()
            self._gathered.clear()
        seen = self._seen.get(name, 0) + 1
        if seen >= self._events_to_learn:
            names = merged(self._gathered.pop(name, ()), _names_in(record))
            self._make(name, names, trust=_TRUST)
            seen = 0
        elif name in self._gathered or len(self._gathered) < _MOST_LAYOUTS:
            self._gathered[name] = merged(self._gathered.get(name, ()), _names_in(record))
        self._seen[name] = seen

    def _learn(self, record: bytes, name: str) -> None:
        """Make a layout that this record fits as well, if it is a row with properties not met before."""
        layout = self._layouts[name]
        names = merged(layout.names, _names_in(record))
        if len(names) > len(layout.names):
            self._make(name, names, trust=min(layout.trust, _TRUST))

    def _make(self, name: str, names: list[str], *, trust: int) -> None:
        if 0 < len(names) <= _MOST_PROPERTIES and _UNSPEAKABLE.isdisjoint("".join(names)):
            self._layouts[name] = Layout(
                names, self._wanted(name), self._visitors, trust=trust - _COST_OF_LEARNING
            )


def _names_in(record: bytes) -> Iterable[str]:
    """The names of its properties; none if it is no row."""
    try:
        return _names_decoder.decode(record).properties
    except _REFUSED:
        return ()


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
