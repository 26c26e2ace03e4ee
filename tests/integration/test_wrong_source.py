"""A wrong source, or a plugin that spoils every event: that is said, and dead letters stay few."""

import json
import re
import signal
from pathlib import Path

import pytest

from tests.benches.program import SECONDS, Program, ids_at, line_with, readiness
from variance_plugin.receiver import LocalVariance

PAGE = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text(encoding="utf-8")
SECTION = PAGE.split("### The source is a wrong one\n", 1)[1].partition("\n### ")[0]
SPOILING = """
def process_event(event, meta):
    if event.properties["number"] in range(30, 75):
        event.distinct_id = None
    return event
"""
CHAIN = '[[plugins]]\nname = "spoiling"\nfrom = "./spoiling"\n'


def events(first: int, count: int) -> str:
    """So many, from that number on."""
    line = '{"event":"paid","uuid":"u-%d","distinct_id":"kim","properties":{"number":%d}}\n'
    return "".join(line % (number, number) for number in range(first, first + count))


def letters_in(folder: Path) -> int:
    """In the file of an export."""
    return len((folder / "dead-letters.jsonl").read_text().splitlines())


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A folder of something else, behind fifty events."""
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "1.jsonl").write_text(events(0, 50))
    (folder / "2.jsonl").write_text('{"sku":"A-7","price":12.5}\n' * 1_000)
    (folder / "3.jsonl").write_text(events(50, 50))
    return folder


@pytest.mark.usefixtures("strange")
def test_an_export_of_files_that_are_no_posthog_events_ends_and_says_why(
    program: Program, variance: LocalVariance, tmp_path: Path
) -> None:
    """What lies before is delivered; who means it can let all of them become dead letters."""
    program.send_to(variance, EXPORT_EVENTS_BUFFER_SECONDS="0.05")

    stopped = program.run("export", "exports")
    letters = letters_in(tmp_path)
    all_ = program.run("export", "exports", "--most-per-hundred", "100")

    assert 3 == stopped.returncode
    assert (
        "more than 20 of the last 100 records are no events of PostHog's" in stopped.stdout + stopped.stderr
    )
    assert "set --most-per-hundred to 100" in stopped.stdout + stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert 20 == letters
    assert 1 == all_.returncode
    assert 20 + 1_000 == letters_in(tmp_path)
    assert {f"u-{number}" for number in range(100)} == set(ids_at(variance))


def test_a_run_to_the_end_ends_and_goes_on_at_the_record_that_waits(
    program: Program, variance: LocalVariance, strange: Path
) -> None:
    """With more allowed, every record reaches its end exactly once, as one run would have it."""
    program.write_settings(variance.url, source=f'paths = ["{strange}"]')

    ended = program.run("run", "--once")
    seen = len(ids_at(variance))
    rest = program.run("run", "--once", "--set", "dead_letters.most_per_hundred=100")
    counted = program.run("dead-letters", "list", "--json", "--limit", "2000")

    assert (2, 50) == (ended.returncode, seen)
    said = json.loads(ended.stderr.splitlines()[-1])["event"]
    assert "set dead_letters.most_per_hundred to 100" in said
    assert 1 == rest.returncode, rest.stderr
    assert {f"u-{number}" for number in range(100)} == set(ids_at(variance))
    assert 1_000 == len(counted.stdout.splitlines())


def test_a_plugin_that_spoils_events_holds_the_reading_up_until_it_has_passed(
    program: Program, variance: LocalVariance, tmp_path: Path
) -> None:
    """Somebody has to look meanwhile; then all goes on by itself, and nothing is lost."""
    (tmp_path / "spoiling").mkdir()
    (tmp_path / "spoiling" / "plugin.json").write_text('{"name": "Spoiling"}')
    (tmp_path / "spoiling" / "main.py").write_text(SPOILING)
    (tmp_path / "events.jsonl").write_text(events(0, 200))
    program.write_settings(variance.url, listen="127.0.0.1:0", more=CHAIN)
    with program.start("run") as process:
        port = str(line_with(process, "listening for /metrics")["event"]).rpartition(" ")[2]
        said = line_with(process, "of the last 100")["event"]
        troubled = readiness(port)
        variance.wait_for_messages(155, SECONDS)
        well = readiness(port)
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(SECONDS)

    reason = "more than 20 of the last 100 events cannot be exported by variance: a plugin spoils them, or "
    assert said.startswith(reason)
    assert (503, True) == (troubled[0], troubled[1].startswith(reason))
    assert (200, "") == well
    assert {f"u-{number}" for number in {*range(200)} - {*range(30, 75)}} == set(ids_at(variance))
    assert 45 == len(program.run("dead-letters", "list", "--json", "--limit", "2000").stdout.splitlines())


def test_the_runbook_says_what_a_run_tells(program: Program, variance: LocalVariance, strange: Path) -> None:
    """In the log and at `/readyz`; a run that is stopped meanwhile keeps the record for the next one."""
    [log] = re.findall(r"\| the log says \| `(.+?)`", SECTION)
    [reason] = re.findall(r"\| `/readyz` \| 503: `(.+?)`", SECTION)
    program.write_settings(variance.url, source=f'paths = ["{strange}"]', listen="127.0.0.1:0")

    with program.start("run") as process:
        port = str(line_with(process, "listening for /metrics")["event"]).rpartition(" ")[2]
        said = line_with(process, "of the last 100")["event"]
        found = readiness(port)
        process.send_signal(signal.SIGTERM)
        status = process.wait(SECONDS)

    assert re.fullmatch(re.escape(log).replace("41", r"\d+"), said)
    assert (503, reason) == found
    assert 0 == status
