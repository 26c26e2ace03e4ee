"""`variance-plugin run` as real processes: going on after stops and kills, what comes later, health."""

import json
import signal
import subprocess
import threading
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.benches.program import SECONDS, Process, Program, Starting, ids_at, line_with
from variance_plugin.receiver import Answer, LocalVariance, Post


@pytest.fixture
def running(program: Program, variance: LocalVariance, tmp_path: Path) -> Starting:
    """Start a runner in a folder with settings."""
    (tmp_path / "events").mkdir()
    source = 'paths = ["events"]\nlook_again_seconds = 0.1'
    program.write_settings(variance.url, source=source, listen="127.0.0.1:0")
    return partial(program.start, "run", stdin=subprocess.PIPE)


def write(file: Path, *numbers: int) -> None:
    """Append events to a file."""
    with file.open("a") as out:
        for number in numbers:
            uuid = f"00000000-0000-0000-0000-{number:012}"
            out.write(f'{{"event":"paid","uuid":"{uuid}","distinct_id":"u{number}","properties":{{}}}}\n')


def lines(process: Process) -> list[dict[str, Any]]:
    """What it logged until it ended; the log of what is no terminal is JSON."""
    _, logged = process.communicate(timeout=SECONDS)
    return [json.loads(line) for line in logged.splitlines()]


def numbers_at(variance: LocalVariance) -> list[int]:
    """Of the events that came, in their order."""
    return [int(id_[-12:]) for id_ in ids_at(variance)]


def test_once_ends_when_all_is_delivered_and_the_next_run_has_nothing_to_do(
    running: Starting, variance: LocalVariance, tmp_path: Path
) -> None:
    """How far it was stands in the state file."""
    write(tmp_path / "events" / "a.jsonl", 1, 2, 3)
    write(tmp_path / "events" / "b.jsonl", 4)
    for read in (4, 0):
        with running("--once") as process:
            logged = lines(process)
            assert 0 == process.returncode
        assert {"variance": {"delivered": read, "skipped": 0, "rejected": 0, "left": 0}} == logged[-1][
            "exporters"
        ]

    assert [1, 2, 3, 4] == sorted(numbers_at(variance))


def test_it_runs_until_stopped_and_reads_what_comes(
    running: Starting, variance: LocalVariance, tmp_path: Path
) -> None:
    """A file that grows, and one that is new."""
    write(tmp_path / "events" / "a.jsonl", 1)
    with running() as process:
        variance.wait_for_messages(1, SECONDS)
        write(tmp_path / "events" / "a.jsonl", 2)
        write(tmp_path / "events" / "b.jsonl", 3)
        variance.wait_for_messages(3, SECONDS)

        process.send_signal(signal.SIGTERM)
        logged = lines(process)

        assert 0 == process.returncode
    assert "stopping (SIGTERM): sending what was read, for 30 s at the most" in [
        one["event"] for one in logged
    ]
    assert [1, 2, 3] == sorted(numbers_at(variance))


def test_one_file_that_cannot_be_read_does_not_stop_the_others(
    running: Starting, variance: LocalVariance, tmp_path: Path
) -> None:
    """It is told with its reason, once, at the start and while it runs."""
    write(tmp_path / "events" / "a.jsonl", 1)
    (tmp_path / "events" / "b.jsonl").symlink_to("gone.jsonl")
    with running() as process:
        variance.wait_for_messages(1, SECONDS)
        (tmp_path / "events" / "c.parquet").write_bytes(b"PAR1")
        write(tmp_path / "events" / "d.jsonl", 2)
        variance.wait_for_messages(2, SECONDS)
        write(tmp_path / "events" / "d.jsonl", 3)
        variance.wait_for_messages(3, SECONDS)
        process.send_signal(signal.SIGTERM)
        told = [one["event"] for one in lines(process)]

        assert 0 == process.returncode
    assert ["events/b.jsonl: a link to what is not there"] == [line for line in told if "b.jsonl" in line]
    assert 1 == sum(line.startswith("events/c.parquet: Parquet is read by") for line in told)
    assert not any("nothing to read" in line for line in told)


def test_after_a_kill_it_goes_on_and_repeats_only_what_was_under_way(
    running: Starting, variance: LocalVariance, tmp_path: Path
) -> None:
    """The first three were acknowledged, the last ones never got an answer."""
    write(tmp_path / "events" / "a.jsonl", 1, 2, 3)
    with running() as process:
        variance.wait_for_messages(3, SECONDS)
        line_with(process, "listening")
        refused = threading.Event()

        def refuse(_post: Post) -> Answer:
            refused.set()
            return Answer(status=503)

        variance.answer_with(refuse)
        write(tmp_path / "events" / "b.jsonl", 4, 5)  # looked for when all of the first is done with
        assert refused.wait(SECONDS)
        process.kill()
        process.wait(SECONDS)
    variance.answer_with(None)

    with running("--once") as process:
        assert 0 == process.wait(SECONDS)

    assert {1, 2, 3, 4, 5} == set(numbers_at(variance))
    # What the first process had sent may be read, and answered, after its end.
    assert {4, 5} == set(numbers_at(variance)[3:])


def test_a_second_runner_on_the_same_state_is_refused(
    running: Starting, variance: LocalVariance, tmp_path: Path
) -> None:
    """With the process id of the first."""
    write(tmp_path / "events" / "a.jsonl", 1)
    with running() as first:
        variance.wait_for_messages(1, SECONDS)
        with running() as second:
            _, told = second.communicate(timeout=SECONDS)
            assert 2 == second.returncode
        assert f"belongs to the running process {first.pid}" in told


def test_what_is_left_when_the_time_is_over_is_status_3_and_comes_in_the_next_run(
    running: Starting, variance: LocalVariance, tmp_path: Path
) -> None:
    """The destination is down while it is stopped."""
    write(tmp_path / "events" / "a.jsonl", 1, 2)
    variance.answer_with(lambda _post: Answer(status=503))
    with running("--set", "flush_seconds=0.2") as process:
        variance.wait_for_posts(1, SECONDS)
        process.send_signal(signal.SIGINT)
        logged = lines(process)
        assert 3 == process.returncode
    assert {"variance": {"delivered": 0, "skipped": 0, "rejected": 0, "left": 2}} == logged[-1]["exporters"]

    variance.answer_with(None)
    with running("--once") as process:
        assert 0 == process.wait(SECONDS)
    assert [1, 2] == sorted(numbers_at(variance))


def test_health_and_metrics_can_be_asked_for(
    running: Starting, variance: LocalVariance, tmp_path: Path
) -> None:
    """A secret that is wrong needs a person: it is alive, and not ready."""
    write(tmp_path / "events" / "a.jsonl", 1)
    with running() as process:
        port = line_with(process, "listening")["event"].rpartition(" ")[2]
        variance.wait_for_messages(1, SECONDS)
        with urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            assert {"status": "ok"} == json.load(answer)
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            metrics = answer.read().decode()
        assert 'events_seen_total{plugin="variance"} 1.0' in metrics

        variance.answer_with(lambda _post: Answer(status=401))
        write(tmp_path / "events" / "a.jsonl", 2)
        fault = line_with(process, "the destination is at fault")
        assert ("error", "variance") == (fault["level"], fault["plugin"])


def test_standard_input_is_kept_before_it_counts(
    running: Starting, program: Program, variance: LocalVariance, tmp_path: Path
) -> None:
    """Nothing can be delivered, and it is stopped: the next run has it, though the pipe is gone."""
    program.write_settings(variance.url, source='paths = ["-"]')
    write(tmp_path / "piped.jsonl", 1, 2, 3)
    variance.answer_with(lambda _post: Answer(status=503))
    with running("--set", "flush_seconds=0.2") as process:
        assert process.stdin is not None
        process.stdin.write((tmp_path / "piped.jsonl").read_text())
        process.stdin.flush()
        variance.wait_for_posts(1, SECONDS)
        process.send_signal(signal.SIGTERM)
        assert 3 == process.wait(SECONDS)

    variance.answer_with(None)
    with running() as process:
        assert process.stdin is not None
        process.stdin.close()
        assert 0 == process.wait(SECONDS)
    assert [1, 2, 3] == sorted(numbers_at(variance))


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("source.paths=missing", "missing"),
        ("state=no/such/folder/x.db", "there is no folder"),
        ("metrics.listen=nowhere", "metrics.listen"),
        ("plugins.variance.config.sendIp=perhaps", "sendIp"),
    ],
    ids=["source", "state", "metrics", "plugin"],
)
def test_a_mistake_in_the_settings_is_told_without_a_traceback(
    running: Starting, assignment: str, complaint: str
) -> None:
    """And with status 2."""
    with running("--set", assignment) as process:
        _, told = process.communicate(timeout=SECONDS)
        assert 2 == process.returncode
    assert complaint in told
    assert "Traceback" not in told
