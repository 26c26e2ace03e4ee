"""What a run tells the operator's own PostHog, by the real `posthog` package; and none of it comes back."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from variance_plugin.cli.config_run import manifest_of
from variance_plugin.cli.run_run import load
from variance_plugin.clock import SystemClock
from variance_plugin.runner import Runner
from variance_plugin.runtime.settings import read
from variance_plugin.sources.recorder import record

TOKEN = "tk_demo_webhook_token"
SETTINGS = """
state = "state.db"

[source]
paths = ["events.jsonl"]

[[plugins]]
name = "chatty"
from = "./chatty"
[plugins.config]
token = "{token}"

[posthog]
host = "{url}"
project_key = "phc_demo"
report_exceptions = true
report_exports = true

[metrics]
listen = "off"
"""
MANIFEST = {"name": "Chatty", "config": [{"key": "token", "type": "string", "secret": True}]}
PLUGIN = """
def process_event(event, meta):
    meta.posthog.capture("event seen", {"name": event.event})
    if event.event == "odd":
        raise LookupError(meta.config["token"])
    return event

def export_events(events, meta):
    with open(meta.storage.get("file", "exported.txt"), "a") as file:
        file.writelines(event.event + "\\n" for event in events)
"""


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the plugin, in which the program is started."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chatty").mkdir()
    (tmp_path / "chatty" / "plugin.json").write_text(json.dumps(MANIFEST))
    (tmp_path / "chatty" / "main.py").write_text(PLUGIN)
    return tmp_path


def run(scene: Path, events: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """Once over these events: what was captured, and all that was said to PostHog."""
    said = io.BytesIO()
    (scene / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    with record(said) as posthog:
        (scene / "runner.toml").write_text(SETTINGS.format(token=TOKEN, url=posthog.url))
        found = read(scene / "runner.toml", environment={}, assignments=[], manifest_of=manifest_of)
        with Runner(found.settings, load=load, clock=SystemClock()) as runner:
            runner.run(once=True)
            assert runner.finish(None)
    text = said.getvalue().decode()
    return [event for line in text.splitlines() for event in json.loads(line)["batch"]], text


def event_of(name: str, **properties: Any) -> dict[str, Any]:
    """As PostHog exports it."""
    return {"event": name, "uuid": f"{name:0>32}", "distinct_id": "kim", "properties": properties}


def test_an_operator_is_told_of_exceptions_and_of_what_was_exported(scene: Path) -> None:
    """With the exception's type and the plugin's name; at the end of a run too, and no secret in it."""
    captured, text = run(scene, [event_of("paid"), event_of("odd")])
    by_name = {event["event"]: event["properties"] for event in captured}

    assert {"event seen", "$exception", "runner exported events"} == set(by_name)
    assert ("LookupError", "chatty", "process_event") == (
        by_name["$exception"]["$exception_list"][0]["type"],
        by_name["$exception"]["plugin"],
        by_name["$exception"]["hook"],
    )
    exported = by_name["runner exported events"]
    assert ("chatty", 2, 0, 0) == (
        exported["plugin"],
        exported["events.delivered"],
        exported["events.rejected"],
        exported["lag_seconds"],
    )
    assert TOKEN not in text


def test_what_a_runner_captured_does_not_come_back_through_the_chain(scene: Path) -> None:
    """PostHog exports it with all the others; a plugin that captures for each event would never end."""
    captured, _ = run(scene, [event_of("paid")])
    (scene / "exported.txt").unlink()

    again, _ = run(scene, [*captured, event_of("paid again")])

    assert "paid again\n" == (scene / "exported.txt").read_text()
    assert ["paid again"] == [
        event["properties"]["name"] for event in again if event["event"] == "event seen"
    ]
