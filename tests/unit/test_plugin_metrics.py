"""`meta.metrics`."""

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from variance_plugin.errors import UsageError
from variance_plugin.hooks import MetricKind, Metrics
from variance_plugin.runtime.meta.plugin_metrics import PluginMetrics
from variance_plugin.runtime.watching.counts import Counts

DECLARED = {"rows": MetricKind.SUM, "largest": MetricKind.MAX, "least": MetricKind.MIN}


def test_each_kind_keeps_what_its_name_says() -> None:
    """A sum, the largest value, the least."""
    metrics = PluginMetrics(Counts(), DECLARED)
    for value in (3, 1, 2.5):
        metrics.rows.increment(value)
        metrics.largest.max(value)
        metrics.least.min(value)

    assert {"rows": 6.5, "largest": 3, "least": 1} == metrics.read()


def test_a_metric_without_a_value_is_not_read() -> None:
    """There is no largest of nothing; a sum begins with 0."""
    assert {"rows": 0} == PluginMetrics(Counts(), DECLARED).read()


def test_a_count_of_any_name_goes_to_the_counts() -> None:
    """`increment` needs no declaration, and does not mix with the declared ones."""
    counts = Counts()
    metrics: Metrics = PluginMetrics(counts, DECLARED)
    metrics.increment("rows", 2)
    metrics.increment("pages")

    assert {"rows": 2, "pages": 1} == counts.under("")
    assert {"rows": 0} == PluginMetrics(counts, DECLARED).read()


def test_an_undeclared_metric_is_named_beside_the_declared_ones() -> None:
    """A slip of the pen is found where it was made."""
    with pytest.raises(AttributeError, match="'row' in `metrics`: rows, largest, least"):
        _ = PluginMetrics(Counts(), DECLARED).row


def test_a_metric_of_another_kind_says_what_to_call() -> None:
    """A sum has no largest value."""
    metrics = PluginMetrics(Counts(), DECLARED)
    with pytest.raises(TypeError, match=r"rows is declared as sum: call increment\(\)"):
        metrics.rows.max(3)
    with pytest.raises(TypeError, match=r"largest is declared as max: call max\(\)"):
        metrics.largest.increment()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=str)
def test_a_number_that_would_spoil_a_metric_for_good_is_refused(value: float) -> None:
    """What was counted before stays."""
    metrics = PluginMetrics(Counts(), DECLARED)
    metrics.rows.increment(1)
    with pytest.raises(ValueError, match="takes finite numbers"):
        metrics.rows.increment(value)

    assert {"rows": 1} == metrics.read()


def test_a_declared_name_that_is_taken_is_refused() -> None:
    """Otherwise the plugin would get the method and not its metric."""
    with pytest.raises(UsageError, match="declares increment, which"):
        PluginMetrics(Counts(), {"increment": MetricKind.SUM})


def test_no_step_is_lost_between_threads() -> None:
    """Hooks run in several."""
    metrics = PluginMetrics(Counts(), DECLARED)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(metrics.rows.increment, [1] * 8000))

    assert 8000 == metrics.read()["rows"]
