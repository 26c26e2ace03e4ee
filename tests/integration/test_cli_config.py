"""`variance-plugin config`, as a process."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.benches.program import SECONDS, Program, Running

SETTINGS = """
state = "state/variance.db"

[source]
paths = ["events/*.jsonl"]

[[plugins]]
name = "internal-users"
from = "plugins/internal_users"

[[plugins]]
name = "variance"
[plugins.config]
webhookUrl = "https://hooks.example/1?token=s3cret-token"
authHeader = "Bearer s3cret-token"
"""
MANIFEST = {
    "name": "Internal users",
    "main": "main.py",
    "config": [
        {"key": "domains", "name": "Domains", "type": "string", "default": "acme.example"},
        {"key": "apiToken", "name": "Token", "type": "string", "secret": True},
    ],
}


@pytest.fixture
def run(program: Program, tmp_path: Path) -> Running:
    """Run a command to its end in a folder with settings and a plugin, which must not be imported."""
    (tmp_path / "runner.toml").write_text(SETTINGS, encoding="utf-8")
    plugin = tmp_path / "plugins" / "internal_users"
    plugin.mkdir(parents=True)
    (plugin / "plugin.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    (plugin / "main.py").write_text('raise SystemExit("imported")', encoding="utf-8")
    return partial(program.run, "config")


def test_show_tells_each_setting_with_its_origin_and_no_secret(run: Running, tmp_path: Path) -> None:
    """Of the file, a variable, the file of a variable, the command line, a default; of every plugin."""
    (tmp_path / "token").write_text("t-s3cret\n", encoding="utf-8")

    ended = run(
        "show",
        "--set",
        "logs.level=debug",
        change={
            "RUNNER_FLUSH_SECONDS": "5",
            "RUNNER_PLUGINS__INTERNAL_USERS__CONFIG__API_TOKEN_FILE": str(tmp_path / "token"),
            "VARIANCE_SEND_IP": "no",
        },
    )

    assert (0, "") == (ended.returncode, ended.stderr)
    rows = [line.split() for line in ended.stdout.splitlines() if line]
    assert all(row in rows for row in [
        ["state", "state/variance.db", "runner.toml"],
        ["flush_seconds", "5.0", "RUNNER_FLUSH_SECONDS"],
        ["source.paths", "events/*.jsonl", "runner.toml"],
        ["posthog.project_key", "-", "default"],
        ["logs.level", "debug", "--set"],
        ["plugins.internal-users.from", "plugins/internal_users", "runner.toml"],
        ["plugins.internal-users.config.domains", "acme.example", "default"],
        ["plugins.internal-users.config.apiToken", "***",
         "RUNNER_PLUGINS__INTERNAL_USERS__CONFIG__API_TOKEN_FILE"],
        ["plugins.variance.config.webhookUrl", "https://hooks.example/1?***", "runner.toml"],
        ["plugins.variance.config.authHeader", "***", "runner.toml"],
        ["plugins.variance.config.sendIp", "no", "VARIANCE_SEND_IP"],
    ])  # fmt: skip
    assert "s3cret" not in ended.stdout


def test_show_speaks_json(run: Running) -> None:
    """One object: by setting, its value and its origin; lists and numbers as such, secrets masked."""
    ended = run("show", "runner.toml", "--json")

    found: dict[str, Any] = json.loads(ended.stdout)
    assert {"value": ["events/*.jsonl"], "origin": "runner.toml"} == found["source.paths"]
    assert {"value": 30.0, "origin": "default"} == found["flush_seconds"]
    assert {"value": None, "origin": "default"} == found["posthog.project_key"]
    assert {"value": "***", "origin": "runner.toml"} == found["plugins.variance.config.authHeader"]
    assert "s3cret" not in ended.stdout


def test_a_time_is_shown_as_it_can_be_written(run: Running, tmp_path: Path) -> None:
    """In UTC, for people and as JSON."""
    (tmp_path / "backfill.toml").write_text(
        '[source]\ntype = "backfill"\nfrom = 2026-01-31\n[posthog]\nproject_id = 7\n', encoding="utf-8"
    )
    environment = {
        "RUNNER_POSTHOG__PERSONAL_API_KEY": "phx_demo",
        "VARIANCE_WEBHOOK_URL": "https://hooks.example/1",
        "VARIANCE_AUTH_HEADER": "Bearer demo",
    }
    shown = run("show", "backfill.toml", change=environment).stdout
    found = json.loads(run("show", "backfill.toml", "--json", change=environment).stdout)

    assert {"value": "2026-01-31T00:00:00Z", "origin": "backfill.toml"} == found["source.from"]
    assert ["source.from", "2026-01-31T00:00:00Z", "backfill.toml"] in [
        line.split() for line in shown.splitlines()
    ]


def test_show_tells_all_that_is_wrong_at_once(run: Running, tmp_path: Path) -> None:
    """On standard error, with status 2, and no traceback."""
    with (tmp_path / "runner.toml").open("a", encoding="utf-8") as file:
        file.write('sendIP = "no"\n[log]\nlevel = "debug"\n')

    ended = run("show", change={"RUNNER_LOGS__LEVEL": "loud"})

    assert (2, "") == (ended.returncode, ended.stdout)
    assert [
        "Error: these settings cannot be used:",
        "  logs.level: 'loud' is not one of debug, info, warning, error (from RUNNER_LOGS__LEVEL)",
        "  log: unknown setting; did you mean logs? (from runner.toml)",
        "  plugins.variance.config.sendIP: unknown setting; did you mean sendIp? (from runner.toml)",
    ] == ended.stderr.splitlines()


@pytest.mark.parametrize(
    "arguments", [["show", "missing.toml"], ["show", "plugins"]], ids=["missing", "folder"]
)
def test_a_file_that_cannot_be_read_is_told(run: Running, arguments: list[str]) -> None:
    """In one line."""
    ended = run(*arguments)

    assert 2 == ended.returncode
    assert ended.stderr.startswith(f"Error: {arguments[1]}: cannot be read: ")
    assert 1 == ended.stderr.count("\n")


def test_a_plugin_that_is_not_there_is_told(run: Running, tmp_path: Path) -> None:
    """By its entry point, or its folder; with what there is."""
    with (tmp_path / "runner.toml").open("a", encoding="utf-8") as file:
        file.write('[[plugins]]\nname = "gone"\n[[plugins]]\nname = "away"\nfrom = "./away"\n')

    assert [
        "  plugins.gone.from: no installed package has a plugin 'gone'; there are: variance",
        "  plugins.away.from: there is no folder or zip file away (from runner.toml)",
    ] == run("show").stderr.splitlines()[1:]


def test_the_schema_is_one_that_editors_can_use(run: Running) -> None:
    """JSON Schema, valid by its own rules, each setting described."""
    ended = run("schema")

    found = json.loads(ended.stdout)
    assert 0 == ended.returncode
    assert "https://json-schema.org/draft/2020-12/schema" == found["$schema"]
    jsonschema_rs.meta.validate(found)
    assert "The least grave lines" in found["$defs"]["LogSettings"]["properties"]["level"]["description"]


def test_other_commands_need_none_of_it(run: Running) -> None:
    """What the runner needs shall slow down neither `--help` nor an export."""
    code = (
        "import sys, variance_plugin.cli, variance_plugin.cli.export_run; "
        "print([name for name in ('pydantic', 'structlog', 'prometheus_client') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, encoding="utf-8", timeout=SECONDS
    )

    assert "[]\n" == ended.stdout
    assert "show" in run("--help").stdout
