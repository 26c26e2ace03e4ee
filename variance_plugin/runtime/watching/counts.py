"""Sums of what happened, and how values are spread, from many threads."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping

from .histogram import Histogram


class Counts:
    """Named sums; the `metrics` of a plugin's `meta`."""

    def __init__(self) -> None:
        self._sums: Counter[str] = Counter()
        self._added: list[Callable[[], Mapping[str, int]]] = []
        self._histograms: dict[str, Histogram] = {}
        self._lock = threading.Lock()

    def increment(self, name: str, amount: int = 1) -> None:
        """Add to the sum of that name."""
        with self._lock:
            self._sums[name] += amount

    def add(self, sums: Callable[[], Mapping[str, int]]) -> None:
        """Add sums that are kept elsewhere, whenever these are read."""
        self._added.append(sums)

    def observe(self, name: str, value: float) -> None:
        """Count a value by its size; the name ends in its unit: `_seconds`, `_messages` or `_bytes`."""
        histogram = self._histograms.get(name)
        if histogram is None:
            with self._lock:
                histogram = self._histograms.setdefault(name, Histogram.of(name))
        histogram.observe(value)

    def histogram(self, name: str) -> Histogram | None:
        """How the values of that name are spread, if there were any."""
        return self._histograms.get(name)

    def __getitem__(self, name: str) -> int:
        return self._all()[name]

    def under(self, prefix: str) -> dict[str, int]:
        """The sums whose names begin with the prefix, by the rest of their names, largest first."""
        found = self._all().most_common()
        return {name.removeprefix(prefix): amount for name, amount in found if name.startswith(prefix)}

    def _all(self) -> Counter[str]:
        with self._lock:
            sums = self._sums.copy()
        for added in self._added:
            sums.update(added())
        return sums
