"""`docs/plugins.md` and `docs/migrating.md` are held to the program: what they show is run."""

import inspect
import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest

from variance_plugin import hooks
from variance_plugin.cli.plugins_init import lay_out
from variance_plugin.manifest import Manifest, Parameter, load_manifest
from variance_plugin.runtime import Hooks, LoadedPlugin
from variance_plugin.runtime.loading.signatures import HOOKS
from variance_plugin.testing import PluginHarness, make_event

ROOT = Path(__file__).parents[2]
PLUGINS = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
MIGRATING = (ROOT / "docs" / "migrating.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The code of that language on a page, in order."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def table_below(text: str, heading: str) -> str:
    """The rows of the first table below a heading."""
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return "\n".join(line for line in section.splitlines() if line.startswith("|"))


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """The plugin of the page, made as the page says."""
    folder = tmp_path / "orders"
    lay_out(folder, "Order sizes")
    [manifest, event] = blocks(PLUGINS, "json")
    [main, test, *_] = blocks(PLUGINS, "python")
    (folder / "plugin.json").write_text(manifest, encoding="utf-8")
    (folder / "main.py").write_text(main, encoding="utf-8")
    (folder / "tests" / "test_plugin.py").write_text(test, encoding="utf-8")
    (tmp_path / "runner.toml").write_text(blocks(PLUGINS, "toml")[0], encoding="utf-8")
    (tmp_path / "events.jsonl").write_text(event, encoding="utf-8")
    return folder


def test_the_plugin_of_the_page_passes_the_tests_of_the_page(orders: Path) -> None:
    """In a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", orders], capture_output=True, text=True, check=False
    )

    assert "1 passed" in done.stdout, done.stdout


def test_the_plugin_of_the_page_runs_as_the_page_says(orders: Path) -> None:
    """From its runner.toml, over its event, into its file."""
    command = [sys.executable, "-m", "variance_plugin", "run", "--once", "runner.toml"]
    environment = {**os.environ, "RUNNER_METRICS__LISTEN": "off"}
    done = subprocess.run(
        command, cwd=orders.parent, env=environment, capture_output=True, text=True, check=False, timeout=50
    )

    assert 0 == done.returncode, done.stderr
    [line] = (orders.parent / "large.jsonl").read_text(encoding="utf-8").splitlines()
    assert [
        "0190a1b2-0000-7000-8000-000000000001",
        {"amount": 5000, "size": "large"},
    ] == json.loads(line)


def test_the_example_of_the_harness_runs() -> None:
    """The last block of Python, as it stands."""
    exec(compile(blocks(PLUGINS, "python")[-1], "plugins.md", "exec"), {})  # noqa: S102 - our own page


def test_the_entry_point_of_the_page_is_what_init_writes(orders: Path) -> None:
    """Name and class."""
    line = 'order-sizes = "order_sizes_plugin.main:OrderSizes"'

    assert f"    {line}\n" in PLUGINS
    assert line in (orders / "pyproject.toml").read_text(encoding="utf-8").splitlines()


def test_every_hook_and_every_member_of_meta_is_told() -> None:
    """On both pages, and no other."""
    assert [one.name for one in fields(Hooks)] == [*HOOKS]
    for text in (table_below(PLUGINS, "Hooks"), table_below(MIGRATING, "Hooks")):
        missing = [name for name in HOOKS if f"`{name}" not in text]
        assert [] == missing
    members = [
        name
        for name, _ in inspect.getmembers(hooks.PluginMeta)
        if not name.startswith("_") or name == "global_"
    ]
    told = table_below(PLUGINS, "meta")
    assert [] == [name for name in members if f"`{name}" not in told]


def test_every_part_of_a_parameter_is_told() -> None:
    """In the table of plugin.json."""
    told = table_below(PLUGINS, "plugin.json")

    assert [] == [name for name in Parameter.__struct_fields__ if f"`{name}`" not in told + PLUGINS]


def migrated() -> ModuleType:
    """The plugin of `docs/migrating.md`, in Python."""
    [code] = blocks(MIGRATING, "python")
    module = ModuleType("migrated")
    exec(compile(code, "migrating.md", "exec"), vars(module))  # noqa: S102 - our own page
    return module


def test_the_migrated_plugin_has_what_the_original_has() -> None:
    """Each hook that the JavaScript exports is in the Python."""
    [original] = blocks(MIGRATING, "js")
    names = re.findall(r"export (?:async function|const) (\w+)", original)
    loaded = LoadedPlugin.of(migrated(), Manifest(name="demo"))
    found = {one.name for one in fields(Hooks) if getattr(loaded.hooks, one.name)}

    folded = {re.sub(r"([A-Z])", lambda letter: "_" + letter[1].lower(), name) for name in names}
    assert folded == found | {"jobs", "metrics"}
    assert ["send_report"] == [*loaded.jobs]
    assert ["dropped"] == [*loaded.metrics]


def test_the_migrated_plugin_does_what_the_page_says() -> None:
    """It drops, counts, exports, and sends its report half an hour after midnight."""
    received: list[object] = []

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    manifest = load_manifest(
        b'{"name": "Demo", "config": [{"key": "url"}, {"key": "domains"}]}', where="plugin.json"
    )
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        config = {"url": f"http://127.0.0.1:{server.server_port}", "domains": "acme.example"}
        with PluginHarness(migrated(), manifest=manifest, config=config) as harness:
            assert harness.process(make_event(properties={"email": "ada@acme.example"})) is None
            event = harness.process(make_event("order paid"))
            assert event is not None
            harness.export([event])
            harness.run_every_day()
            harness.clock.advance(30 * 60)
            assert 1 == harness.run_due_jobs()
        server.shutdown()
        thread.join()

    assert 1 == event.properties["number"]
    assert {"dropped": 1} == harness.metrics
    row = {"uuid": event.uuid, "event": "order paid", "timestamp": "2026-01-01T00:00:01.000Z"}
    assert [[row], {"day": "2026-01-01"}] == received
