"""`variance-plugin export --state`: what it is done with, it is done with, whatever ended it."""

import json
import signal
import threading
from pathlib import Path

import pytest

from tests.benches.program import SECONDS, Program, ids_at
from variance_plugin.receiver import Answer, LocalVariance, Post


@pytest.fixture(autouse=True)
def _settings(program: Program, variance: LocalVariance) -> None:
    program.send_to(variance, MAX_BATCH_EVENTS="1", CONCURRENCY="1", RETRY_SECONDS="0")


def write(file: Path, *numbers: int) -> None:
    """Append events."""
    with file.open("a") as out:
        for number in numbers:
            out.write(f'{{"event":"paid","uuid":"u-{number}","distinct_id":"ada","properties":{{}}}}\n')


def refuse_the_third(variance: LocalVariance) -> threading.Event:
    """Of the events, for now; it is told when that has happened."""
    has_come = threading.Event()

    def answer(post: Post) -> Answer:
        if b"u-3" in post.body:
            has_come.set()
            return Answer(status=503)
        return Answer()

    variance.answer_with(answer)
    return has_come


def test_it_goes_on_where_a_stop_left_it(program: Program, variance: LocalVariance, tmp_path: Path) -> None:
    """What was delivered is not sent again; of a file that has grown, what is new is."""
    write(tmp_path / "a.jsonl", 1, 2)
    write(tmp_path / "b.jsonl", 3, 4)
    third = refuse_the_third(variance)
    export = ["export", "a.jsonl", "b.jsonl", "--state", "export.db"]
    with program.start(*export, "--stop-within", "0.1") as process:
        assert third.wait(SECONDS)
        process.send_signal(signal.SIGINT)
        assert 3 == process.wait(SECONDS)
    variance.answer_with(None)

    second = program.run(*export, "--json")
    write(tmp_path / "b.jsonl", 5)
    last = program.run(*export, "--json")

    assert [(0, 2), (0, 1)] == [
        (ended.returncode, json.loads(ended.stdout)["read"]) for ended in (second, last)
    ]
    assert "Going on: 1 file done already." in second.stderr
    assert ["u-1", "u-2", "u-3", "u-4", "u-5"] == ids_at(variance)
    assert not (tmp_path / "dead-letters.jsonl").exists()


def test_a_kill_repeats_what_was_under_way_and_loses_nothing(
    program: Program, variance: LocalVariance, tmp_path: Path
) -> None:
    """With the same ids."""
    write(tmp_path / "a.jsonl", *range(1, 6))
    third = refuse_the_third(variance)
    with program.start("export", "a.jsonl", "--state", "export.db"):
        assert third.wait(SECONDS)
    variance.answer_with(None)

    assert 0 == program.run("export", "a.jsonl", "--state", "export.db").returncode

    assert {f"u-{number}" for number in range(1, 6)} == {*ids_at(variance)}


def test_its_dead_letters_are_in_the_state_and_can_be_replayed(
    program: Program, variance: LocalVariance, tmp_path: Path
) -> None:
    """Those of the plugin, and records that are no events."""
    write(tmp_path / "a.jsonl", 1, 2)
    with (tmp_path / "a.jsonl").open("a") as out:
        out.write("no event\n")
    variance.answer_with(lambda post: Answer(status=400 if b"u-2" in post.body else 200))

    exported = program.run("export", "a.jsonl", "--state", "export.db")
    variance.answer_with(None)
    replayed = program.run("dead-letters", "replay", "--all", "--state", "export.db", "--json")
    listed = json.loads(program.run("dead-letters", "list", "--state", "export.db", "--json").stdout)

    assert 1 == exported.returncode
    assert (
        "Rejected  2 events, each with its reason in export.db\n"
        "          `variance-plugin dead-letters list --state export.db` shows them"
    ) in exported.stdout
    sums = {"asked": 2, "delivered": 1, "refused": 1, "notSent": 0, "waiting": 0}
    assert sums == json.loads(replayed.stdout)
    assert ("", 2) == (listed["plugin"], listed["times"])
    assert ["u-1", "u-2"] == ids_at(variance)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["-", "--state", "export.db"], "--state: `-` cannot be read twice"),
        (["a.jsonl", "--state", "export.db", "--dead-letters", "d.jsonl"], "leave out one of the two"),
        (["a.jsonl", "--state", "no/such/folder/x.db"], "there is no folder"),
        (["a.jsonl", "--state", "a.jsonl"], "file is not a database"),
    ],
    ids=["standard input", "two places", "folder", "no state file"],
)
def test_what_cannot_be_kept_so_is_refused_at_once(
    program: Program, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    """In one line, with what to do."""
    write(tmp_path / "a.jsonl", *range(1, 50))
    before = (tmp_path / "a.jsonl").read_bytes()

    ended = program.run("export", *arguments)

    assert (2, True) == (ended.returncode, complaint in ended.stderr)
    assert before == (tmp_path / "a.jsonl").read_bytes()
