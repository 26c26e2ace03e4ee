"""What a run answers at `/healthz` and `/readyz`: would a restart help, does a person have to look."""

import json
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from variance_plugin import runner as runner_module
from variance_plugin.cli.config_run import manifest_of
from variance_plugin.clock import SystemClock
from variance_plugin.errors import UsageError
from variance_plugin.manifest import Manifest
from variance_plugin.runner import Runner
from variance_plugin.runtime import LoadedPlugin
from variance_plugin.runtime.settings import MetricsSettings, PluginSettings, RunnerSettings, read

SECONDS = 20.0

SETTINGS = """
state = "state.db"

[source]
paths = ["events.jsonl"]

[[plugins]]
name = "first"
from = "./plugin"

[[plugins]]
name = "second"
from = "./plugin"

[hooks]
timeout_seconds = 0.1

[metrics]
listen = "off"
"""


class Plugin:
    """Exports, and does what the test wants at its set-up and with each event."""

    def __init__(self, at_set_up: Callable[[], Any] = list, with_event: Callable[[], Any] = list) -> None:
        self._at_set_up = at_set_up
        self._with_event = with_event

    def setup_plugin(self, _meta: Any) -> None:
        """See `SetsUp`."""
        self._at_set_up()

    def on_event(self, _event: Any, _meta: Any) -> None:
        """See `ListensToEvents`."""
        self._with_event()

    def export_events(self, events: Any, meta: Any) -> None:
        """See `ExportsEvents`."""


class Told(logging.Handler):
    """Keeps what is told of what has come so far."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.first = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        if record.getMessage().startswith("so far"):
            self.lines.append(record.getMessage())
            self.first.set()


@pytest.fixture
def settings(tmp_path: Path) -> RunnerSettings:
    """Of two plugins, and one event."""
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin" / "plugin.json").write_text('{"name": "Plugin"}')
    (tmp_path / "events.jsonl").write_text(json.dumps({"event": "paid", "distinct_id": "u"}))
    (tmp_path / "runner.toml").write_text(SETTINGS)
    return read(tmp_path / "runner.toml", environment={}, assignments=[], manifest_of=manifest_of).settings


def runner_of(settings: RunnerSettings, first: Plugin, clock: SystemClock | None = None) -> Runner:
    """With that plugin, and one that is well."""

    def load(plugin: PluginSettings) -> LoadedPlugin:
        return LoadedPlugin.of(
            first if plugin.name == "first" else Plugin(), Manifest(name="Plugin"), name=plugin.name
        )

    return Runner(settings, load=load, clock=clock or SystemClock())


def test_it_is_not_ready_before_its_plugins_are_and_while_it_ends(settings: RunnerSettings) -> None:
    """Alive it is all the while: no restart would help."""
    clock = SystemClock()
    said: list[str | None] = []
    with runner_of(settings, Plugin(at_set_up=lambda: said.append(runner.ready())), clock) as runner:
        said.append(runner.ready())
        runner.run(once=True)
        said.append(runner.ready())
        clock.stop()
        said.append(runner.ready())
        assert runner.alive() is None
        runner.finish(SECONDS)

    assert ["the plugins are being set up"] * 2 + [None, "it is being stopped"] == said


def test_a_long_run_tells_once_an_hour_what_has_become_of_its_events(
    settings: RunnerSettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who looks at the log sees that it goes on, and how fast."""
    monkeypatch.setattr(runner_module, "_SECONDS_PER_HOUR", 0.1)
    patient = replace(settings, hooks=replace(settings.hooks, timeout_seconds=SECONDS))
    caplog.set_level(logging.INFO)
    told = Told()
    logger = logging.getLogger(runner_module.__name__)
    logger.addHandler(told)
    try:
        with runner_of(patient, Plugin(with_event=lambda: told.first.wait(SECONDS))) as runner:
            runner.run(once=True)
            runner.finish(SECONDS)
    finally:
        logger.removeHandler(told)

    sums = "0 delivered, 0 skipped, 0 rejected, 0 left"
    assert f"so far: 1 record read; first: {sums}; second: {sums}" == told.lines[0]


def test_a_port_in_use_leaves_the_state_closed(settings: RunnerSettings, tmp_path: Path) -> None:
    """One whole file: its log beside it would be a sign of a crash."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = replace(settings, metrics=MetricsSettings(listen=listen))
        with pytest.raises(UsageError, match="another runner may have it"), runner_of(settings, Plugin()):
            pytest.fail("it listens where another one does")

    assert ["state.db", "state.db.lock"] == sorted(path.name for path in tmp_path.glob("state.db*"))


def test_a_plugin_that_was_switched_off_needs_a_person(settings: RunnerSettings) -> None:
    """The others go on, so a restart is not asked for; the metric for an alert says the same."""

    def fail() -> None:
        raise ValueError("no region")

    with runner_of(settings, Plugin(at_set_up=fail)) as runner:
        runner.run(once=True)
        said = (runner.alive(), runner.ready())
        metrics, _ = runner.metrics.render()
        runner.finish(SECONDS)

    assert b"runner_ready 0.0" in metrics.splitlines()
    assert (None, "the plugin first is switched off: setup_plugin failed: ValueError: no region") == said


def test_a_hook_that_cannot_be_interrupted_needs_a_restart(settings: RunnerSettings) -> None:
    """It hangs in a call to the system, beyond its limit and as long again; nothing else moves on."""
    release = threading.Event()
    with runner_of(settings, Plugin(with_event=lambda: release.wait(SECONDS))) as runner:
        running = threading.Thread(target=lambda: runner.run(once=True))
        running.start()
        said = None
        for _ in range(1_000):
            said = said or runner.alive()
            release.wait(0 if said else 0.01)
        release.set()
        running.join(SECONDS)
        assert runner.alive() is None
        runner.finish(SECONDS)

    assert said is not None
    assert said.endswith(" s over its limit, and cannot be interrupted")
