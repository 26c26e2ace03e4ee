"""Events that no exporter wants, as their names alone tell; they end ahead of the exporters."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from .exporter import Exporter
from .tally import SKIPPED

_NAMES = 10_000


@dataclass(slots=True, eq=False)
class LeftOut:
    """Events that are left out for the same reasons; whoever leaves one out counts it here."""

    reasons: tuple[str, ...]
    """Of each exporter, in their order."""
    count: int = 0


class Unwanted:
    """Asks the exporters about names, and tells in their counts what was left out for each of them.

    Args:
        exporters: All there are.
    """

    def __init__(self, exporters: Sequence[Exporter]) -> None:
        self._exporters = exporters
        self._left_out: dict[tuple[str, ...], LeftOut] = {}
        # A project has a few hundred event names; asking about one again costs nothing then.
        self.named = lru_cache(_NAMES)(self._asked)
        """By an event's name: as what it is left out, or None when an exporter wants it."""
        self.because = lru_cache(_NAMES)(self._for_reason)
        """By the reason of the only exporter: as what an event is left out."""
        for place, exporter in enumerate(exporters):
            exporter.plugin.counts.add(partial(self._by_reason, place))

    @property
    def count(self) -> int:
        """How many were left out."""
        return sum(one.count for one in [*self._left_out.values()])

    def _asked(self, name: str) -> LeftOut | None:
        reasons = tuple(filter(None, (exporter.skips(name) for exporter in self._exporters)))
        if not reasons or len(reasons) < len(self._exporters):
            return None
        return self._left_out.setdefault(reasons, LeftOut(reasons))

    def _for_reason(self, reason: str) -> LeftOut:
        return self._left_out.setdefault((reason,), LeftOut((reason,)))

    def _by_reason(self, place: int) -> Counter[str]:
        sums: Counter[str] = Counter()
        for one in [*self._left_out.values()]:
            sums[SKIPPED + one.reasons[place]] += one.count
        return +sums  # without those that somebody has only asked about
