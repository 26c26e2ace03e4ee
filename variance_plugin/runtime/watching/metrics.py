"""What the runner can be asked for while it runs, in Prometheus' format.

Nothing is counted here event by event: what the host and its plugins keep anyhow is read when somebody asks.
"""

import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    UnknownMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from ...__about__ import __version__
from ...clock import Clock
from ...hooks import MetricKind
from ..outage import Wait
from . import metric_list as known
from .counts import Counts
from .histogram import Histogram
from .metric_list import METRICS, Kind, Metric

_logger = logging.getLogger(__name__)

T = TypeVar("T")
Read: TypeAlias = Callable[[], float | None]
"""A value as it is now; None when there is none to tell."""
_Labels: TypeAlias = tuple[str, ...]
ReadTable: TypeAlias = Callable[[], Mapping[_Labels, float]]
"""The values of all series of a metric, by their labels in the metric's order."""

# A plugin may make names of what it reads; nobody can watch more.
_MOST_NAMES = 100


class LaneFigures(Sized, Protocol):
    """What can be seen of a lane; its length is the events that have not reached their end."""

    @property
    def waiting_bytes(self) -> int:
        """Of the batch that comes together."""
        ...

    @property
    def in_hand(self) -> int:
        """Events that are with the plugin."""
        ...


class ExporterFigures(Protocol):
    """What can be seen of an exporter."""

    @property
    def lanes(self) -> Sequence[LaneFigures]:
        """Its lanes."""
        ...

    @property
    def wait(self) -> Wait | None:
        """Set while its destination takes nothing."""
        ...


class DeclaredFigures(Protocol):
    """What a plugin's declared metrics say; see `plugin_metrics`."""

    def read(self) -> dict[str, float]:
        """Those that have a value, by name."""
        ...


class Metrics:
    """Gathers the runner's metrics when they are asked for. Safe for threads.

    Register at the start what can be read; `observe` as things happen, per batch and not per event.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reads: dict[Metric, dict[_Labels, Read]] = {metric: {} for metric in METRICS}
        self._histograms: dict[Metric, dict[_Labels, Histogram]] = {metric: {} for metric in METRICS}
        self._tables: dict[Metric, ReadTable] = {}
        self._counts: dict[str, Counts] = {}
        self._declared: dict[str, tuple[Mapping[str, MetricKind], DeclaredFigures]] = {}
        self._silent: set[Metric] = set()
        self._registry = CollectorRegistry()
        self._registry.register(_Gathering(self.families))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self.read(known.INFO, lambda: 1, version=__version__)

    def read(self, metric: Metric, read: Read, **labels: str) -> None:
        """From now on, ask that function for a counter or gauge. It is called from any thread."""
        with self._lock:
            self._reads[metric][_in_order(metric, labels)] = read

    def read_table(self, metric: Metric, read: ReadTable) -> None:
        """As `read`, for a metric of which nobody knows beforehand what series it has."""
        with self._lock:
            self._tables[metric] = read

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Count a value of a histogram."""
        series = self._histograms[metric]
        key = _in_order(metric, labels)
        histogram = series.get(key)
        if histogram is None:
            with self._lock:
                histogram = series.setdefault(key, Histogram.of(metric.name))
        histogram.observe(value)

    def watch_plugin(
        self,
        name: str,
        counts: Counts,
        *,
        kinds: Mapping[str, MetricKind] | None = None,
        declared: DeclaredFigures | None = None,
        hook_seconds: Mapping[str, Histogram] | None = None,
    ) -> None:
        """Tell what a plugin, and the host for it, counts.

        Args:
            name: The plugin's.
            counts: Its sums.
            kinds: The metrics that it declares, by name.
            declared: Their values.
            hook_seconds: How long its hooks took, by name.
        """
        with self._lock:
            for hook, histogram in (hook_seconds or {}).items():
                self._histograms[known.HOOK_SECONDS][(name, hook)] = histogram
            self._counts[name] = counts
            if kinds and declared is not None:
                self._declared[name] = kinds, declared

    def watch_exporter(self, plugin: str, exporter: ExporterFigures, clock: Clock) -> None:
        """Tell what is in an exporter's lanes, and whether its destination takes it."""
        for number, lane in enumerate(exporter.lanes):
            self.read(known.BUFFERED_EVENTS, lane.__len__, plugin=plugin, lane=str(number))
            waiting_bytes = partial(getattr, lane, "waiting_bytes")
            self.read(known.BUFFERED_BYTES, waiting_bytes, plugin=plugin, lane=str(number))
        lanes = exporter.lanes
        self.read(known.IN_FLIGHT, lambda: sum(lane.in_hand > 0 for lane in lanes), plugin=plugin)
        self.read(known.PAUSED, lambda: float(exporter.wait is not None), plugin=plugin)
        self.read(known.PAUSED_SECONDS, lambda: _seconds_of(exporter.wait, clock), plugin=plugin)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """All of them as text, in the format that the reader accepts; and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def families(self) -> Iterator[Family]:
        """All of them, but for the process' own."""
        with self._lock:
            reads = {metric: dict(series) for metric, series in self._reads.items()}
            histograms = {metric: dict(series) for metric, series in self._histograms.items()}
            counts, declared, tables = dict(self._counts), dict(self._declared), dict(self._tables)
        counted = [sample for plugin, sums in counts.items() for sample in _counted(plugin, sums)]
        for metric in METRICS:
            if metric.kind is Kind.HISTOGRAM:
                yield _spread(metric, histograms[metric], counts)
                continue
            series = {labels: value for of, labels, value in counted if of is metric}
            series |= self._read(metric, reads[metric])
            if metric in tables:
                series |= self._asked(metric, tables[metric]) or {}
            yield _family(metric, series)
        yield from _declared_families(declared)

    def _read(self, metric: Metric, reads: Mapping[_Labels, Read]) -> dict[_Labels, float]:
        found = {labels: self._asked(metric, read) for labels, read in reads.items()}
        return {labels: float(value) for labels, value in found.items() if value is not None}

    def _asked(self, metric: Metric, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Exception as error:  # noqa: BLE001 -- the other metrics are as good as before
            if metric not in self._silent:
                self._silent.add(metric)
                _logger.warning("%s cannot be read (said once): %s", metric.name, type(error).__name__)
            return None


class _Gathering(Collector):
    """Prometheus' own library asks it."""

    def __init__(self, families: Callable[[], Iterable[Family]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families()


# What the sums of a plugin's `Counts` are called here; those in the second table are sums by one more label.
_SUMS = {
    "events.delivered": known.EVENTS_DELIVERED,
    "events.rejected": known.UNDELIVERED,
    "events.dropped": known.EVENTS_DROPPED,
    "retries": known.RETRY_ERRORS,
}
_SUMS_BY = {
    "events.skipped.": known.EVENTS_SKIPPED,
    "messages.": known.MESSAGES_DELIVERED,
    "attempts.": known.ATTEMPTS,
    "hook_failures.": known.HOOK_FAILURES,
}
# What a plugin tells by `observe`.
_SPREADS = {
    known.ATTEMPT_SECONDS: "attempt_seconds",
    known.ATTEMPT_MESSAGES: "attempt_messages",
    known.ATTEMPT_BYTES: "attempt_bytes",
}


def _counted(plugin: str, counts: Counts) -> Iterator[tuple[Metric, _Labels, float]]:
    for metric in (known.EVENTS_DELIVERED, known.UNDELIVERED, known.RETRY_ERRORS, known.OTHER_ERRORS):
        yield metric, (plugin,), 0.0  # a rate needs the 0 that was before the first
    names, failures = 0, 0
    for name, amount in counts.under("").items():
        prefix = next((prefix for prefix in _SUMS_BY if name.startswith(prefix)), None)
        if name in _SUMS:
            yield _SUMS[name], (plugin,), amount
        elif prefix is not None:
            failures += amount if _SUMS_BY[prefix] is known.HOOK_FAILURES else 0
            yield _SUMS_BY[prefix], (plugin, name.removeprefix(prefix)), amount
        elif names < _MOST_NAMES:
            names += 1
            yield known.PLUGIN_SUMS, (plugin, name), amount
    if failures:
        yield known.OTHER_ERRORS, (plugin,), failures


def _family(metric: Metric, series: Mapping[_Labels, float]) -> Family:
    make = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = make(metric.name, metric.help, labels=metric.labels)
    for labels, value in series.items():
        family.add_metric(labels, value)
    return family


def _spread(metric: Metric, series: dict[_Labels, Histogram], counts: Mapping[str, Counts]) -> Family:
    if metric in _SPREADS:
        for plugin, sums in counts.items():
            if (told := sums.histogram(_SPREADS[metric])) is not None:
                series[(plugin,)] = told
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, histogram in series.items():
        buckets, total = histogram.read()
        family.add_metric(labels, buckets, total)
    return family


def _declared_families(
    declared: Mapping[str, tuple[Mapping[str, MetricKind], DeclaredFigures]],
) -> Iterator[Family]:
    """`plugin_<name>`: as the plugin called it, so without `_total`, and a sum without a type."""
    families: dict[str, Family] = {}
    told: set[tuple[str, str]] = set()
    for plugin, (kinds, figures) in declared.items():
        for name, value in figures.read().items():
            wire = "plugin_" + re.sub(r"[^A-Za-z0-9_]", "_", name)
            kind = kinds[name]
            if wire not in families:
                make = UnknownMetricFamily if kind is MetricKind.SUM else GaugeMetricFamily
                families[wire] = make(wire, f"The {kind} of what plugins told as {name}", labels=["plugin"])
            if (wire, plugin) not in told:
                told.add((wire, plugin))
                families[wire].add_metric([plugin], value)  # type: ignore[attr-defined]
    yield from families.values()


def _in_order(metric: Metric, labels: Mapping[str, str]) -> _Labels:
    if set(labels) != set(metric.labels):
        raise TypeError(f"{metric.name} has the labels {metric.labels}, not {tuple(labels)}")
    return tuple(labels[name] for name in metric.labels)


def _seconds_of(wait: Wait | None, clock: Clock) -> float:
    return 0.0 if wait is None else max(clock.monotonic() - wait.since, 0.0)
