"""What the log of `variance-plugin run` tells who is woken at night."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.benches.program import Ended, Program, Running
from variance_plugin import __version__
from variance_plugin.receiver import Answer, LocalVariance, Post


@pytest.fixture
def run(program: Program, variance: LocalVariance, tmp_path: Path) -> Running:
    """Runs the command in a folder with settings and one event, until it ends."""
    program.write_settings(variance.url)
    (tmp_path / "events.jsonl").write_text(
        '{"event":"paid","uuid":"u-1","distinct_id":"kim","properties":{}}\n'
    )
    return partial(program.run, "run", "--once")


def lines(ended: Ended) -> list[dict[str, Any]]:
    """Of its log, every one of which is JSON."""
    return [json.loads(line) for line in ended.stderr.splitlines()]


def test_a_line_at_the_start_says_what_runs(run: Running) -> None:
    """Version, source, plugins, and what is in the state file."""
    started = lines(run())[0]

    what = "source file, plugins variance, state variance.db with 0 dead letters"
    told = f"started: version {__version__}, {what}"
    assert (told, __version__, 0) == (started["event"], started["version"], started["dead_letters"])


def test_the_end_of_an_outage_is_told(run: Running, variance: LocalVariance) -> None:
    """With what it was and how long it lasted, as grave as its beginning, by the plugin whose it was."""
    posts = iter([Answer(status=503, headers={"Retry-After": "2"})])

    def answer(_post: Post) -> Answer:
        return next(posts, Answer(status=200))

    variance.answer_with(answer)
    logged = [line for line in lines(run()) if line["level"] == "warning"]

    assert [("variance", "the destination does not take events now: HTTP 503")] == [
        (line["plugin"], line["event"]) for line in logged[:1]
    ]
    assert [("variance", True, True)] == [
        (
            line["plugin"],
            line["event"].startswith("the destination takes events again, after "),
            line["event"].endswith(" s: it was HTTP 503"),
        )
        for line in logged[1:]
    ]


def test_a_web_page_that_takes_all_events_is_told(run: Running, variance: LocalVariance) -> None:
    """They count as delivered, and are gone: somebody has to look."""
    variance.answer_with(lambda _post: Answer(status=200, body=b"<!doctype html><title>Acme</title>"))

    told = [(line["level"], line["event"]) for line in lines(run()) if "web page" in line["event"]]

    why = "the destination takes what is sent, but shows a web page, which no webhook does"
    assert [("warning", f"{why}: is webhookUrl the address of your Variance connection?")] == told


def test_a_dead_letter_is_told_once_a_minute_without_what_the_answer_says(
    run: Running, variance: LocalVariance, tmp_path: Path
) -> None:
    """An answer may quote the event. A record that is none was never sent."""
    event = '{"event":"paid","uuid":"u-%d","distinct_id":"kim","properties":{}}\n'
    (tmp_path / "events.jsonl").write_text("".join(event % number for number in range(3)) + "no event\n")
    variance.answer_with(lambda _post: Answer(status=400, body=b"kim@acme.example is unknown"))

    ended = run("--set", "logs.level=warning")

    assert [
        ("", "an event has become a dead letter: never sent"),
        ("variance", "an event has become a dead letter: HTTP 400"),
    ] == sorted((line.get("plugin", ""), line["event"]) for line in lines(ended))
    assert (1, False) == (ended.returncode, "kim@" in ended.stderr)


def test_the_last_line_tells_of_records_that_are_no_events(run: Running, tmp_path: Path) -> None:
    """Else nothing would say why the exit status is 1 where no plugin rejected anything; all adds up."""
    (tmp_path / "events.jsonl").write_text(
        'no event\n{"event":"$pageleave","properties":{},"distinct_id":"kim"}\n'
    )

    ended = run()

    last = lines(ended)[-1]
    sums = "0 delivered, 1 skipped, 0 rejected, 0 left"
    assert f"ended: 2 records read, 1 unreadable; variance: {sums}" == last["event"]
    assert (1, 1, 1) == (ended.returncode, last["status"], last["unreadable"])


def test_a_log_in_json_says_in_json_why_the_run_could_not_go_on(run: Running, tmp_path: Path) -> None:
    """Or who collects it would miss that very line; for people it stays a sentence."""
    (tmp_path / "events.jsonl").unlink()
    for_machines, for_people = run(), run("--set", "logs.format=human")

    told = "events.jsonl: no such file or folder"
    [last] = lines(for_machines)
    assert (2, "critical", told, 2) == (for_machines.returncode, last["level"], last["event"], last["status"])
    assert (2, f"Error: {told}") == (for_people.returncode, for_people.stderr.splitlines()[-1])


def test_events_that_would_go_nowhere_are_not_read(run: Running, tmp_path: Path) -> None:
    """A first plugin in the settings takes the place of `variance`, which was there without being named."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "plugin.json").write_text('{"name": "Mine"}')
    (folder / "main.py").write_text("def process_event(event, meta):\n    return event\n")
    (tmp_path / "runner.toml").write_text(
        '[source]\npaths = ["events.jsonl"]\n[[plugins]]\nname = "mine"\nfrom = "./mine"\n'
        '[metrics]\nlisten = "off"\n'
    )

    ended = run()

    assert (2, True) == (
        ended.returncode,
        lines(ended)[-1]["event"].startswith("no plugin exports events: all of them would be read"),
    )
    (folder / "main.py").write_text("def on_event(event, meta):\n    pass\n")
    assert 0 == run().returncode
