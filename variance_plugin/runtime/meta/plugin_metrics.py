"""`meta.metrics`: what a plugin counts, by any name, and the metrics that it declares."""

import math
import threading
from collections.abc import Mapping

from ...errors import UsageError
from ...hooks import MetricKind
from ..watching.counts import Counts


class PluginMetrics:
    """A `hooks.Metrics` on top of the plugin's counts.

    Args:
        counts: Where `increment` adds.
        declared: The plugin's `metrics`, by name.

    Raises:
        UsageError: When a declared name is one that `meta.metrics` has already.
    """

    def __init__(self, counts: Counts, declared: Mapping[str, MetricKind]) -> None:
        taken = [name for name in declared if hasattr(type(self), name)]
        if taken:
            raise UsageError(
                f"`metrics` declares {', '.join(taken)}, which `meta.metrics` has already; rename it"
            )
        self._counts = counts
        self._declared = {name: DeclaredMetric(name, kind) for name, kind in declared.items()}

    def increment(self, name: str, amount: int = 1) -> None:
        """See `Metrics`."""
        self._counts.increment(name, amount)

    def observe(self, name: str, value: float) -> None:
        """See `Counts`."""
        self._counts.observe(name, value)

    def __getattr__(self, name: str) -> "DeclaredMetric":
        declared: dict[str, DeclaredMetric] = self.__dict__.get("_declared", {})
        try:
            return declared[name]
        except KeyError:
            known = ", ".join(declared) or "none"
            raise AttributeError(f"the plugin declares no metric {name!r} in `metrics`: {known}") from None

    def read(self) -> dict[str, float]:
        """The declared metrics that have a value, by name."""
        values = {name: metric.value for name, metric in self._declared.items()}
        return {name: value for name, value in values.items() if value is not None}


class DeclaredMetric:
    """A `hooks.Metric`."""

    def __init__(self, name: str, kind: MetricKind) -> None:
        self.kind = kind
        self.value: float | None = 0 if kind is MetricKind.SUM else None
        """The sum, or the largest or least value so far; None before the first."""
        self._name = name
        self._lock = threading.Lock()

    def increment(self, amount: float = 1) -> None:
        """See `Metric`."""
        self._tell(MetricKind.SUM, amount)

    def max(self, value: float) -> None:
        """See `Metric`."""
        self._tell(MetricKind.MAX, value)

    def min(self, value: float) -> None:
        """See `Metric`."""
        self._tell(MetricKind.MIN, value)

    def _tell(self, kind: MetricKind, value: float) -> None:
        if kind is not self.kind:
            right = "increment" if self.kind is MetricKind.SUM else self.kind
            raise TypeError(f"the metric {self._name} is declared as {self.kind}: call {right}()")
        if not math.isfinite(value):
            raise ValueError(f"the metric {self._name} takes finite numbers, and {value} is none")
        with self._lock:
            before = self.value
            if before is None:
                self.value = value
            elif kind is MetricKind.SUM:
                self.value = before + value
            else:
                self.value = max(before, value) if kind is MetricKind.MAX else min(before, value)
