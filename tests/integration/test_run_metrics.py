"""What a run tells Prometheus, with a plugin of a stranger's beside the project's own."""

import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from variance_plugin.cli.config_run import manifest_of
from variance_plugin.cli.run_run import load
from variance_plugin.clock import SystemClock
from variance_plugin.receiver import LocalVariance
from variance_plugin.runner import Runner
from variance_plugin.runtime.settings import read
from variance_plugin.runtime.watching.metric_list import METRICS

SETTINGS = """
state = "state.db"

[source]
paths = ["events.jsonl"]

[[plugins]]
name = "stranger"
from = "./stranger"
[plugins.config]
exportEventsToIgnore = "boring"

[[plugins]]
name = "variance"
[plugins.config]
webhookUrl = "{url}"
authHeader = "Bearer demo-token"
allowedHosts = "127.0.0.1"
exportEventsToIgnore = "boring"

[metrics]
listen = "off"
"""

MANIFEST = {"name": "Stranger", "config": [{"key": "exportEventsToIgnore", "type": "string"}]}

PLUGIN = """
from variance_plugin.hooks import Rejection, RetryError

metrics = {"rows": "sum"}
jobs = {"report": lambda payload, meta: None}
tried = []

def setup_plugin(meta):
    meta.jobs.report(None).run_in(1, "day")

def process_event(event, meta):
    return None if event.event == "dropped" else event

def on_event(event, meta):
    if event.event == "odd":
        raise ValueError("odd")

def export_events(events, meta):
    if not tried:
        tried.append(events)
        raise RetryError("not at first")
    for event in events:
        if event.event == "odd":
            meta.reject(Rejection(event=event, reason="odd", status=400))
    meta.metrics.increment("batches")
    meta.metrics.rows.increment(len(events))
"""

NAMES = ["paid", "paid", "boring", "odd", "dropped", "$pageleave"]
# Of other sources than files, each with tests of its own, and of replays.
ELSEWHERE = (
    "runner_backfill_",
    "runner_cohort_",
    "runner_kafka_",
    "runner_posthog_",
    "runner_http_",
    "runner_spool_",
    "runner_forwarded_",
    "runner_lag_records",
    "runner_replays_waiting",
)

Samples = dict[tuple[str, str], float]


@pytest.fixture
def page(variance: LocalVariance, tmp_path: Path) -> str:
    """What stands at `/metrics` after a run over six events."""
    (tmp_path / "stranger").mkdir()
    (tmp_path / "stranger" / "plugin.json").write_text(json.dumps(MANIFEST))
    (tmp_path / "stranger" / "main.py").write_text(PLUGIN)
    (tmp_path / "runner.toml").write_text(SETTINGS.format(url=variance.url))
    lines = (
        json.dumps({"event": name, "uuid": f"{number:032}", "distinct_id": "kim", "properties": {}})
        for number, name in enumerate(NAMES)
    )
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    found = read(tmp_path / "runner.toml", environment={}, assignments=[], manifest_of=manifest_of)
    with Runner(found.settings, load=load, clock=SystemClock()) as runner:
        runner.run(once=True)
        assert runner.finish(None)
        text, _ = runner.metrics.render()
    return text.decode()


def samples_of(page: str) -> Samples:
    """By metric and plugin."""
    return {
        (sample.name, sample.labels.get("plugin", "")): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if not set(sample.labels) - {"plugin"}
    }


def test_every_metric_of_the_list_is_told(page: str) -> None:
    """But for those of other sources: each has at least one value."""
    told = {family.name for family in text_string_to_metric_families(page) if family.samples}

    assert [] == [
        metric.name for metric in METRICS if metric.name not in told and not metric.name.startswith(ELSEWHERE)
    ]


def test_what_a_strangers_plugin_exports_is_counted_like_the_projects_own(page: str) -> None:
    """Of six events one is dropped; of the others it ignores one, and rejects one at its second try."""
    found = samples_of(page)

    expected = {
        "events_seen_total": 5,
        "events_delivered_successfully_total": 3,
        "undelivered_events_total": 1,
        "retry_errors_total": 1,
        "other_errors_total": 1,
        "runner_events_dropped_total": 1,
        "runner_jobs_due": 0,
        "runner_jobs_waiting": 1,
        "plugin_rows": 4,
    }
    assert expected == {name: found[name, "stranger"] for name in expected}
    assert 3 == found["events_delivered_successfully_total", "variance"]


def test_what_nobody_exports_is_counted_for_each_exporter(page: str) -> None:
    """`boring`, which both ignore, goes to neither, and yet both have seen it and left it out."""
    skipped = {
        (sample.labels["plugin"], sample.labels["reason"]): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "runner_events_skipped_total"
    }

    assert {
        ("stranger", "listed in exportEventsToIgnore"): 1,
        ("variance", "listed in exportEventsToIgnore"): 1,
        ("variance", "system event not named in systemEvents"): 1,
    } == skipped
    assert 5 == samples_of(page)["events_seen_total", "variance"]


def test_the_time_of_each_hook_is_told(page: str) -> None:
    """And of each job; of `process_event` that of a call now and then."""
    counts = {
        sample.labels["hook"]: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "runner_hook_seconds_count" and sample.labels["plugin"] == "stranger"
    }

    assert {
        "setup_plugin": 1,
        "process_event": 1,
        "on_event": 5,
        "export_events": 2,
        "report": 0,
    } == counts
