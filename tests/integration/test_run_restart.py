"""What a plugin keeps and puts off survives the end of the runner, however it comes."""

import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.benches.program import SECONDS, Program, Starting, line_with
from variance_plugin.clock import SystemClock
from variance_plugin.state import StateFile, StoredStorage

MANIFEST = {"name": "Notes", "main": "main.py"}
PLUGIN = '''
"""Notes what happens in a file, and asks for three jobs at its first start."""
import os
import signal
from pathlib import Path

NOTES = Path("notes.txt")


def note(what):
    with NOTES.open("a") as notes:
        notes.write(what + "\\n")


def setup_plugin(meta):
    started = meta.storage.get("started", 0) + 1
    meta.storage.set("started", started)
    note(f"start {started}")
    if started == 1:
        meta.jobs.later("second").run_in(0.4, "seconds")
        meta.jobs.later("first").run_in(0.2, "seconds")
        meta.jobs.later("third").run_in(0.6, "seconds")
        note("ready")
        os.kill(os.getpid(), signal.SIGKILL)


def later(payload, meta):
    note(f"job {payload}")
    meta.logger.info("ran %s", payload)


def export_events(events, meta):
    pass


jobs = {"later": later}
'''
SETTINGS = """
[source]
paths = ["events"]
look_again_seconds = 0.1

[[plugins]]
name = "notes"
from = "./notes"

[metrics]
listen = "off"
"""


@pytest.fixture
def running(program: Program, tmp_path: Path) -> Starting:
    """Start a runner with the plugin."""
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "a.jsonl").write_text('{"event":"paid","distinct_id":"u","properties":{}}\n')
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "plugin.json").write_text(json.dumps(MANIFEST))
    (tmp_path / "notes" / "main.py").write_text(PLUGIN)
    (tmp_path / "runner.toml").write_text(SETTINGS)
    return partial(program.start, "run")


def test_jobs_and_storage_survive_a_kill_and_no_job_runs_twice(running: Starting, tmp_path: Path) -> None:
    """What was due meanwhile runs after the start, in the order in which it was due."""
    with running() as process:
        assert -signal.SIGKILL == process.wait(SECONDS)
    with running() as process:
        line_with(process, "ran third")
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(SECONDS)
    with running("--once") as process:
        assert 0 == process.wait(SECONDS)

    notes = (tmp_path / "notes.txt").read_text().split("\n")
    jobs = ["job first", "job second", "job third"]
    assert ["start 1", "ready", "start 2", *jobs, "start 3", ""] == notes


SETTING = """
import sys
from pathlib import Path
from variance_plugin.clock import SystemClock
from variance_plugin.state import StateFile, StoredStorage
from variance_plugin.testing import kill_at

storage = StoredStorage(StateFile.open(Path(sys.argv[1]), SystemClock()), "notes")
storage.set("key", "old" * 100_000)
kill_at(sys.argv[2])
storage.set("key", "new" * 100_000)
"""


@pytest.mark.parametrize(
    ("point", "there"), [("before commit", "old"), ("after commit", "new")], ids=["before", "after"]
)
def test_a_kill_in_the_middle_of_a_change_leaves_the_old_value_or_the_new(
    tmp_path: Path, point: str, there: str
) -> None:
    """Whole, whichever it is."""
    path = tmp_path / "state.db"

    killed = subprocess.run([sys.executable, "-c", SETTING, path, point], check=False, timeout=SECONDS)

    assert -signal.SIGKILL == killed.returncode
    state = StateFile.open(path, SystemClock())
    assert there * 100_000 == StoredStorage(state, "notes").get("key")
    state.close()
