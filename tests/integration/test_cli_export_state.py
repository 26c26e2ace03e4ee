"""`variance-plugin export --state`: what it is done with, it is done with, whatever ended it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from variance_plugin.receiver import Answer, LocalVariance, Post

SECONDS = 30.0  # nothing here takes that long; what does has failed

Start: TypeAlias = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(variance: LocalVariance, tmp_path: Path) -> Start:
    """Start a command in a folder, by settings of the environment."""
    others = {
        name: value for name, value in os.environ.items() if not name.startswith(("VARIANCE_", "RUNNER_"))
    }
    environment = {
        **others,
        "VARIANCE_WEBHOOK_URL": variance.url,
        "VARIANCE_ALLOWED_HOSTS": "127.0.0.1",
        "VARIANCE_AUTH_HEADER": "Bearer demo-token",
        "VARIANCE_MAX_BATCH_EVENTS": "1",
        "VARIANCE_CONCURRENCY": "1",
        "VARIANCE_RETRY_SECONDS": "0",
    }

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "variance_plugin", *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    return start


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its status, what it printed and what it told."""
    with process:
        out, told = process.communicate(timeout=SECONDS)
        return process.returncode, out, told


def write(file: Path, *numbers: int) -> None:
    """Append events."""
    with file.open("a") as out:
        for number in numbers:
            out.write(f'{{"event":"paid","uuid":"u-{number}","distinct_id":"ada","properties":{{}}}}\n')


def ids_at(variance: LocalVariance) -> list[str]:
    """Of the messages that were taken, in order."""
    taken = [post for post in variance.posts if post.status == 200]
    return [json.loads(bytes(message))["messageId"] for post in taken for message in post.raw_messages]


def test_it_goes_on_where_a_stop_left_it(start: Start, variance: LocalVariance, tmp_path: Path) -> None:
    """What was delivered is not sent again; of a file that has grown, what is new is."""
    write(tmp_path / "a.jsonl", 1, 2)
    write(tmp_path / "b.jsonl", 3, 4)
    third = threading.Event()

    def answer(post: Post) -> Answer:
        if b"u-3" in post.body:
            third.set()
            return Answer(status=503)
        return Answer()

    variance.answer_with(answer)
    process = start("export", "a.jsonl", "b.jsonl", "--state", "export.db", "--stop-within", "0.1")
    assert third.wait(SECONDS)
    process.send_signal(signal.SIGINT)
    assert 3 == ended(process)[0]
    variance.answer_with(None)

    status, out, told = ended(start("export", "a.jsonl", "b.jsonl", "--state", "export.db", "--json"))
    write(tmp_path / "b.jsonl", 5)
    status_then, out_then, _ = ended(start("export", "a.jsonl", "b.jsonl", "--state", "export.db", "--json"))

    assert ((0, 2), (0, 1)) == (
        (status, json.loads(out)["read"]),
        (status_then, json.loads(out_then)["read"]),
    )
    assert "Going on: 1 file done already." in told
    assert ["u-1", "u-2", "u-3", "u-4", "u-5"] == ids_at(variance)
    assert not (tmp_path / "dead-letters.jsonl").exists()


def test_a_kill_repeats_what_was_under_way_and_loses_nothing(
    start: Start, variance: LocalVariance, tmp_path: Path
) -> None:
    """With the same ids."""
    write(tmp_path / "a.jsonl", *range(1, 6))
    third = threading.Event()

    def answer(post: Post) -> Answer:
        if b"u-3" in post.body:
            third.set()
            return Answer(status=503)
        return Answer()

    variance.answer_with(answer)
    process = start("export", "a.jsonl", "--state", "export.db")
    assert third.wait(SECONDS)
    process.kill()
    ended(process)
    variance.answer_with(None)

    assert 0 == ended(start("export", "a.jsonl", "--state", "export.db"))[0]

    assert {f"u-{number}" for number in range(1, 6)} == {*ids_at(variance)}


def test_its_dead_letters_are_in_the_state_and_can_be_replayed(
    start: Start, variance: LocalVariance, tmp_path: Path
) -> None:
    """Those of the plugin, and records that are no events."""
    write(tmp_path / "a.jsonl", 1, 2)
    with (tmp_path / "a.jsonl").open("a") as out:
        out.write("no event\n")
    variance.answer_with(lambda post: Answer(status=400 if b"u-2" in post.body else 200))

    exported = ended(start("export", "a.jsonl", "--state", "export.db"))
    variance.answer_with(None)
    replayed = ended(start("dead-letters", "replay", "--all", "--state", "export.db", "--json"))
    listed = ended(start("dead-letters", "list", "--state", "export.db", "--json"))

    assert 1 == exported[0]
    assert (
        "Rejected  2 events, each with its reason in export.db\n"
        "          `variance-plugin dead-letters list --state export.db` shows them"
    ) in exported[1]
    assert {"asked": 2, "delivered": 1, "refused": 1, "notSent": 0, "waiting": 0} == json.loads(replayed[1])
    assert ("", 2) == (json.loads(listed[1])["plugin"], json.loads(listed[1])["times"])
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
    start: Start, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    """In one line, with what to do."""
    write(tmp_path / "a.jsonl", *range(1, 50))
    before = (tmp_path / "a.jsonl").read_bytes()

    status, _, told = ended(start("export", *arguments))

    assert (2, True) == (status, complaint in told)
    assert before == (tmp_path / "a.jsonl").read_bytes()
