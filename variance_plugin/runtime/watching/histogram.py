"""How values are spread: how many are at most so large."""

import threading
from bisect import bisect_left
from collections.abc import Sequence

_BOUNDS: dict[str, tuple[float, ...]] = {
    # From a plugin's quick hook to the slowest answer that is waited for.
    "seconds": (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
    "messages": (1, 5, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000),
    "bytes": (1_000, 5_000, 10_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 10_000_000),
}


class Histogram:
    """Counts values by the least bound that is not below them. Safe for threads.

    Args:
        bounds: Rising; values above the last are counted, too.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        self._lock = threading.Lock()

    @classmethod
    def of(cls, name: str) -> "Histogram":
        """One whose bounds suit the unit in which a metric's name ends.

        Raises:
            ValueError: When that is none of seconds, messages and bytes.
        """
        bounds = _BOUNDS.get(name.rpartition("_")[2])
        if bounds is None:
            raise ValueError(
                f"{name} ends in no unit that is known: {', '.join(f'_{unit}' for unit in _BOUNDS)}"
            )
        return cls(bounds)

    def observe(self, value: float) -> None:
        """Count a value."""
        place = bisect_left(self._bounds, value)
        with self._lock:
            self._counts[place] += 1
            self._sum += value

    def read(self) -> tuple[list[tuple[str, float]], float]:
        """How many values are at most as large as each bound, as Prometheus writes it; and their sum."""
        with self._lock:
            counts, total = list(self._counts), self._sum
        buckets, below = [], 0
        for bound, count in zip([*self._bounds, float("inf")], counts, strict=True):
            below += count
            buckets.append(("+Inf" if bound == float("inf") else f"{bound:g}", float(below)))
        return buckets, total
