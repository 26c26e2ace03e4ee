"""Sums of what happened, from many threads."""

import threading
from collections import Counter


class Counts:
    """Named sums; the `metrics` of a plugin's `meta`."""

    def __init__(self) -> None:
        self._sums: Counter[str] = Counter()
        self._lock = threading.Lock()

    def increment(self, name: str, amount: int = 1) -> None:
        """Add to the sum of that name."""
        with self._lock:
            self._sums[name] += amount

    def __getitem__(self, name: str) -> int:
        return self._sums[name]

    def under(self, prefix: str) -> dict[str, int]:
        """The sums whose names begin with the prefix, by the rest of their names, largest first."""
        with self._lock:
            found = self._sums.most_common()
        return {name.removeprefix(prefix): amount for name, amount in found if name.startswith(prefix)}
