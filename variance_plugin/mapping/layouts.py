"""Reads records without decoding what is never sent, by what was learned from the records before.

PostHog's SDKs put the same properties in the same order on every event of a name. So after some events of
a name a layout is made for it: a typed decoder which knows each property that such events had, skips those
that nobody reads, and takes own ones as they stand. A record that does not fit in any way is not read here,
but decoded as a whole. Both ways lead to the same messages, but for the order of properties and the
spelling of numbers and texts. All layouts are one decoder, which finds out the name by itself.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

import msgspec

from ..formats import plain_name
from .layout import Layout, Row, decoder_of, left_out
from .mapped import Mapped
from .memory import Memory
from .names import SkipReason
from .prepared import Prepared
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


def _refuse(_record: bytes) -> Row:
    raise msgspec.ValidationError("nothing is learned yet")


class Layouts:
    """Reads events by what it learned of earlier ones of the same name. Safe for threads.

    Args:
        skips: By an event's name, why such events are left out; None when they are not.
        wanted: By an event's name, what is read of such events when they are not.
        events_to_learn: A layout is made after so many events of a name.
    """

    def __init__(
        self,
        *,
        skips: Callable[[str], SkipReason | None],
        wanted: Callable[[str], Wanted],
        events_to_learn: int,
    ) -> None:
        self._skips = skips
        self._wanted = wanted
        self._events_to_learn = events_to_learn
        self._visitors = Visitors()
        self._layouts: dict[str, Layout] = {}
        self._left_out: dict[str, type[msgspec.Struct]] = {}
        self._decode: Callable[[bytes], Row] = _refuse
        """Of these layouts, but for those that are given up, and of what is left out."""
        self._seen: dict[str, int] = {}
        self._gathered: dict[str, list[str]] = {}
        """The names of properties, of events that a layout will soon be made for."""

    def read(self, record: bytes, memory: Memory) -> Prepared | Mapped | None:
        """See `Mapper.read`."""
        try:
            found = self._decode(record).read(record, memory)
        except _REFUSED:
            self._miss(record, refused=True)
            return None
        if found is None:
            self._miss(record, refused=False)
        return found

    def _miss(self, record: bytes, *, refused: bool) -> None:
        """Learn from a record that was not read."""
        name = plain_name(record)
        if not name:
            return  # an event without a name is none
        layout = self._layouts.get(name)
        if layout is None:
            if name not in self._left_out:
                self._see(record, name)
        elif layout.trust >= 0:
            if refused:
                layout = self._learn(record, name, layout)
            layout.trust = min(layout.trust, _TRUST) - _COST_OF_MISFIT
            if layout.trust < 0:
                self._renew()

    def _see(self, record: bytes, name: str) -> None:
        """Count the events of a name; once there are enough of them, learn from the last ones together."""
        skipped = self._skips(name)
        known: Collection[str] = self._layouts if skipped is None else self._left_out
        if len(known) >= _MOST_LAYOUTS:
            return
        if len(self._seen) > _MOST_NAMES:
            self._seen.clear()
            self._gathered.clear()
        self._seen[name] = seen = self._seen.get(name, 0) + 1
        if seen < self._events_to_learn:
            is_gathered = name in self._gathered or len(self._gathered) < _MOST_LAYOUTS
            if seen > 0 and skipped is None and is_gathered:
                self._gathered[name] = merged(self._gathered.get(name, ()), _names_in(record))
            return
        # Where nothing can be learned, since the records have another shape, it is not tried again soon.
        self._seen[name] = -_COST_OF_LEARNING
        if skipped is None:
            self._make(name, merged(self._gathered.pop(name, ()), _names_in(record)), trust=_TRUST)
        else:
            self._left_out[name] = left_out(name, Mapped(skipped=skipped))
            self._renew()

    def _learn(self, record: bytes, name: str, layout: Layout) -> Layout:
        """Make a layout that this record fits as well, if it is a row with properties not met before."""
        names = merged(layout.names, _names_in(record))
        if len(names) > len(layout.names):
            self._make(name, names, trust=min(layout.trust, _TRUST))
        return self._layouts[name]

    def _make(self, name: str, names: list[str], *, trust: int) -> None:
        if 0 < len(names) <= _MOST_PROPERTIES and _UNSPEAKABLE.isdisjoint("".join(names)):
            self._layouts[name] = Layout(
                names, self._wanted(name), self._visitors, trust=trust - _COST_OF_LEARNING
            )
            self._renew()

    def _renew(self) -> None:
        """Decode by what is there now."""
        rows = [layout.row for layout in [*self._layouts.values()] if layout.trust >= 0]
        rows += [*self._left_out.values()]
        self._decode = decoder_of(rows) if rows else _refuse


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
