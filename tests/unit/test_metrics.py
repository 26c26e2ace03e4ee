"""What `/metrics` tells: PostHog's names, the runner's own, and what plugins declare."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from variance_plugin import __version__
from variance_plugin.delivery import Answer
from variance_plugin.hooks import MetricKind
from variance_plugin.plugin import VariancePlugin
from variance_plugin.runtime.meta.plugin_metrics import PluginMetrics
from variance_plugin.runtime.outage import Wait
from variance_plugin.runtime.watching.counts import Counts
from variance_plugin.runtime.watching.histogram import Histogram
from variance_plugin.runtime.watching.metric_list import (
    HOOK_SECONDS,
    LAG_SECONDS,
    METRICS,
    RECORDS_READ,
    Kind,
)
from variance_plugin.runtime.watching.metrics import Metrics
from variance_plugin.testing import FakeClock, InMemoryMeta, ScriptedTransport, make_event, running


def families(page: bytes) -> list[Any]:
    """What Prometheus reads from a page."""
    return list(text_string_to_metric_families(page.decode()))


def strictly_read(metrics: Metrics) -> dict[str, Any]:
    """What a strict reader of OpenMetrics reads, by name."""
    text = metrics.render("application/openmetrics-text; version=1.0.0")[0].decode()
    return {family.name: family for family in openmetrics(text)}  # type: ignore[no-untyped-call]


def scraped(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every sample by its name and its labels' values: that of the plugin first, a bucket's bound last."""

    def place(label: str) -> tuple[bool, bool, str]:
        return label == "le", label != "plugin", label

    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels, key=place))): sample.value
        for family in families(metrics.render()[0])
        for sample in family.samples
    }


def of(metrics: Metrics, *names: str) -> dict[tuple[str, ...], float]:
    """The samples of these names."""
    return {key: value for key, value in scraped(metrics).items() if key[0] in names}


@dataclass(frozen=True)
class StillLane:
    """A lane that nothing happens to."""

    events: int
    waiting_bytes: int
    in_hand: int

    def __len__(self) -> int:
        return self.events


@dataclass
class StillExporter:
    """An exporter that nothing happens to."""

    lanes: list[StillLane]
    wait: Wait | None = None


# --- PostHog's names, by plugin ---------------------------------------------------------------------


def test_posthogs_names_tell_what_became_of_a_plugins_events() -> None:
    """Of a real plugin: delivered, dead, put off; each by the plugin that it was."""
    config = {"webhookUrl": "https://hooks.example/1", "authHeader": "Bearer demo", "retrySeconds": "0"}
    answers = [Answer(status=200), Answer(status=400), Answer(status=200), Answer(status=400)]
    meta = InMemoryMeta(config)
    metrics = Metrics()
    metrics.watch_plugin("variance", meta.counts)
    with running(VariancePlugin(transport=ScriptedTransport(answers)), meta) as plugin:
        plugin.export_events([make_event(number=1)], meta)
        plugin.export_events([make_event(number=2), make_event(number=3)], meta)
        plugin.export_events([make_event("$autocapture", number=4)], meta)
    meta.metrics.increment("retries")
    meta.metrics.increment("hook_failures.process_event", 2)
    meta.metrics.increment("hook_failures.run_every_hour", 3)

    assert {
        ("events_delivered_successfully_total", "variance"): 2,
        ("undelivered_events_total", "variance"): 1,
        ("retry_errors_total", "variance"): 1,
        ("other_errors_total", "variance"): 5,
        ("runner_attempts_total", "variance", "delivered"): 2,
        ("runner_attempts_total", "variance", "suspect"): 2,
        ("runner_messages_delivered_total", "variance", "track"): 2,
        ("runner_hook_failures_total", "variance", "process_event"): 2,
        ("runner_hook_failures_total", "variance", "run_every_hour"): 3,
    }.items() <= scraped(metrics).items()
    assert [1] == list(of(metrics, "runner_events_skipped_total").values())


def test_a_plugin_without_any_trouble_tells_so() -> None:
    """A rate needs the 0 before the first error."""
    metrics = Metrics()
    metrics.watch_plugin("variance", Counts())

    assert {
        ("undelivered_events_total", "variance"): 0,
        ("retry_errors_total", "variance"): 0,
        ("other_errors_total", "variance"): 0,
    }.items() <= scraped(metrics).items()


def test_attempts_are_spread_by_time_and_size() -> None:
    """As the plugin tells its host, if that wants to know."""
    config = {"webhookUrl": "https://hooks.example/1", "authHeader": "Bearer demo"}
    meta = InMemoryMeta(config)
    metrics = Metrics()
    metrics.watch_plugin("variance", meta.counts)

    def answer(_request: Any) -> Answer:
        meta.clock.advance(0.2)
        return Answer(status=200)

    transport = ScriptedTransport(answer)
    with running(VariancePlugin(transport=transport, clock=meta.clock), meta) as plugin:
        plugin.export_events([make_event(number=number) for number in range(6)], meta)

    found = scraped(metrics)
    seconds, messages = "runner_attempt_seconds_bucket", "runner_attempt_messages_bucket"
    assert [0, 1, 1] == [found[seconds, "variance", bound] for bound in ("0.1", "0.25", "+Inf")]
    assert [0, 1] == [found[messages, "variance", bound] for bound in ("5", "10")]
    assert len(transport.requests[0].body) == found["runner_attempt_bytes_sum", "variance"]
    assert (1, 6) == (
        found["runner_attempt_seconds_count", "variance"],
        found["runner_attempt_messages_sum", "variance"],
    )


def test_a_plugins_own_sums_are_told_up_to_a_hundred_names() -> None:
    """One that makes names of its events cannot fill the page; the largest stay."""
    counts = Counts()
    for number in range(1, 201):
        counts.increment(f"row {number}", number)
    metrics = Metrics()
    metrics.watch_plugin("files", counts)

    found = of(metrics, "runner_plugin_counts_total")
    assert 100 == len(found)
    assert 101 == min(found.values())


# --- What is read when somebody asks ----------------------------------------------------------------


def test_a_value_is_read_when_it_is_asked_for() -> None:
    """Not before, and each time anew; what cannot be told now is left out."""
    metrics = Metrics()
    values: list[float | None] = [1.5, None, 2.5]
    metrics.read(LAG_SECONDS, lambda: values.pop(0), source="file")

    assert [{("runner_lag_seconds", "file"): 1.5}, {}, {("runner_lag_seconds", "file"): 2.5}] == [
        of(metrics, "runner_lag_seconds") for _ in range(3)
    ]


def test_a_value_that_cannot_be_read_costs_itself_alone(caplog: pytest.LogCaptureFixture) -> None:
    """It is said once; the text of the error, which may hold anything, is not."""
    metrics = Metrics()
    metrics.read(LAG_SECONDS, lambda: 1 / 0, source="file")
    metrics.read(RECORDS_READ, lambda: 7, source="file")

    for _ in range(2):
        assert {("runner_records_read_total", "file"): 7} == of(
            metrics, "runner_lag_seconds", "runner_records_read_total"
        )
    assert ["runner_lag_seconds cannot be read (said once): ZeroDivisionError"] == caplog.messages


def test_an_exporters_lanes_and_waits_are_told() -> None:
    """Events and bytes by lane, batches in flight, paused and for how long."""
    clock = FakeClock()
    exporter = StillExporter([StillLane(7, 900, 5), StillLane(2, 80, 0)])
    metrics = Metrics()
    metrics.watch_exporter("variance", exporter, clock)
    names = (
        "runner_buffered_events",
        "runner_buffered_bytes",
        "runner_batches_in_flight",
        "runner_paused",
        "runner_paused_seconds",
    )

    before = of(metrics, *names)
    exporter.wait = Wait(reason="HTTP 503", since=clock.monotonic(), until=1e9)
    clock.advance(90)

    assert {
        ("runner_buffered_events", "variance", "0"): 7,
        ("runner_buffered_events", "variance", "1"): 2,
        ("runner_buffered_bytes", "variance", "0"): 900,
        ("runner_buffered_bytes", "variance", "1"): 80,
        ("runner_batches_in_flight", "variance"): 1,
        ("runner_paused", "variance"): 0,
        ("runner_paused_seconds", "variance"): 0,
    } == before
    assert before | {
        ("runner_paused", "variance"): 1,
        ("runner_paused_seconds", "variance"): 90,
    } == of(metrics, *names)


def test_labels_that_a_metric_has_not_are_refused() -> None:
    """At once, where the mistake is made."""
    with pytest.raises(TypeError, match="runner_lag_seconds has the labels"):
        Metrics().read(LAG_SECONDS, lambda: 1, plugin="variance")


def test_what_is_observed_is_spread() -> None:
    """By the bounds of its unit; each series by itself."""
    metrics = Metrics()
    for seconds in (0.0004, 0.04, 400):
        metrics.observe(HOOK_SECONDS, seconds, plugin="a", hook="process_event")
    metrics.observe(HOOK_SECONDS, 1, plugin="b", hook="process_event")

    found = scraped(metrics)
    bucket = "runner_hook_seconds_bucket", "a", "process_event"
    assert [1, 1, 2, 2, 3] == [found[(*bucket, le)] for le in ("0.001", "0.025", "0.05", "300", "+Inf")]
    assert 400.0404 == pytest.approx(found["runner_hook_seconds_sum", "a", "process_event"])
    assert 1 == found["runner_hook_seconds_count", "b", "process_event"]


# --- What plugins declare ---------------------------------------------------------------------------


def test_what_a_plugin_declares_is_told_by_its_name() -> None:
    """`plugin_<name>`, with the plugin as its label; one that has no value yet is not there."""
    metrics = Metrics()
    for plugin in ("a", "b"):
        kinds = {"rows": MetricKind.SUM, "largest row": MetricKind.MAX, "least": MetricKind.MIN}
        declared = PluginMetrics(Counts(), kinds)
        metrics.watch_plugin(plugin, Counts(), kinds=kinds, declared=declared)
        declared.rows.increment(2.5)
        getattr(declared, "largest row").max(7)

    assert {
        ("plugin_rows", "a"): 2.5,
        ("plugin_rows", "b"): 2.5,
        ("plugin_largest_row", "a"): 7,
        ("plugin_largest_row", "b"): 7,
    } == {key: value for key, value in scraped(metrics).items() if key[0].startswith("plugin_")}


def test_names_that_become_the_same_are_told_once() -> None:
    """Prometheus takes no page with two values for one series."""
    kinds = {"a b": MetricKind.SUM, "a-b": MetricKind.MAX}
    declared = PluginMetrics(Counts(), kinds)
    getattr(declared, "a-b").max(1)
    metrics = Metrics()
    metrics.watch_plugin("x", Counts(), kinds=kinds, declared=declared)

    assert 1 == metrics.render()[0].decode().count('plugin_a_b{plugin="x"}')


# --- The page ---------------------------------------------------------------------------------------


def test_every_metric_has_its_type_on_an_empty_page() -> None:
    """With its own name and help, as the list has it; and the version is told."""
    metrics = Metrics()
    found = {family.name: family for family in families(metrics.render()[0])}

    assert {metric.name: (metric.kind, metric.help) for metric in METRICS} == {
        name: (found[name].type, found[name].documentation)
        for name in found.keys() & {metric.name for metric in METRICS}
    }
    assert 1 == scraped(metrics)["runner_info", __version__]
    assert "process_resident_memory_bytes" in found


def test_names_keep_to_prometheus_rules() -> None:
    """Lower case; a unit at the end of what has one; no counter ends in `_total` by itself; no name twice."""
    names = [metric.name for metric in METRICS]

    assert sorted(set(names)) == sorted(names)
    assert [] == [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)]
    assert [] == [name for name in names if name.endswith("_total")]
    histograms = [metric.name for metric in METRICS if metric.kind is Kind.HISTOGRAM]
    assert histograms
    assert [] == [name for name in histograms if not name.endswith(("_seconds", "_messages", "_bytes"))]


def test_the_page_comes_as_its_reader_wants_it() -> None:
    """OpenMetrics for who asks for it, which a strict reader takes."""
    metrics = Metrics()
    metrics.watch_plugin("variance", Counts())
    metrics.observe(HOOK_SECONDS, 1, plugin="a", hook="b")
    content_type = metrics.render("application/openmetrics-text; version=1.0.0")[1]

    assert content_type.startswith("application/openmetrics-text")
    assert {"events_seen", "runner_hook_seconds"} <= strictly_read(metrics).keys()
    assert metrics.render()[1].startswith("text/plain")


@given(st.dictionaries(st.text().map("my {}".format), st.integers(0, 10**9), max_size=5), st.text())
def test_whatever_is_counted_makes_a_page_that_can_be_read(sums: dict[str, int], plugin: str) -> None:
    """Any names, of sums and of plugins; none is lost on the way."""
    counts = Counts()
    for name, amount in sums.items():
        counts.increment(name, amount)
    metrics = Metrics()
    metrics.watch_plugin(plugin, counts)

    samples = strictly_read(metrics)["runner_plugin_counts"].samples
    assert sums == {sample.labels["name"]: sample.value for sample in samples}


# --- Histogram --------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1e6, 1e6), max_size=50), st.lists(st.floats(-1e6, 1e6), min_size=1, unique=True))
def test_each_bucket_counts_what_is_at_most_its_bound(values: list[float], bounds: list[float]) -> None:
    """The last counts all."""
    histogram = Histogram(sorted(bounds))
    for value in values:
        histogram.observe(value)

    buckets, total = histogram.read()
    assert [float(sum(value <= bound for value in values)) for bound in sorted(bounds)] == [
        count for _, count in buckets[:-1]
    ]
    assert ("+Inf", float(len(values))) == buckets[-1]
    assert sum(values) == pytest.approx(total, abs=1e-6)


def test_a_name_without_a_known_unit_has_no_histogram() -> None:
    """Nobody could know its bounds."""
    with pytest.raises(ValueError, match="rows ends in no unit that is known: _seconds, _messages, _bytes"):
        Counts().observe("rows", 1)
