"""How `variance-plugin run` ends, other than by itself: by signals, with its terminal, by a fault."""

import json
import os
import pty
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.benches.program import SECONDS, Process, Program, Starting
from variance_plugin.receiver import Answer, LocalVariance, Post, WireFault

SLOW = """
import threading

def teardown_plugin(meta):
    threading.Event().wait(1)
    meta.logger.info("torn down")
"""
RUN = "from variance_plugin.cli import main; main()"


@pytest.fixture
def starting(program: Program, variance: LocalVariance, tmp_path: Path) -> Starting:
    """Start a runner with 501 events of one person to read: a full batch, and one that waits for an hour."""
    program.write_settings(variance.url, exportEventsBufferSeconds=3600)
    event = '{"event":"paid","distinct_id":"u","properties":{},"uuid":"00000000-0000-0000-0000-%012d"}\n'
    (tmp_path / "events.jsonl").write_text("".join(event % number for number in range(501)))
    program.settings["PYTHONUNBUFFERED"] = ""

    def start(*options: str, command: str = "run", **more: Any) -> AbstractContextManager[Process]:
        return program.start(command, *options, **{"script": RUN, **more})

    return start


def told(process: Process) -> list[str]:
    """What it says on standard error until its end; lines of the log are JSON."""
    _, said = process.communicate(timeout=SECONDS)
    return [json.loads(line)["event"] if line.startswith("{") else line for line in said.splitlines()]


def test_an_end_that_takes_its_time_is_no_fault(starting: Starting, tmp_path: Path) -> None:
    """All is done, and a plugin needs a second to be torn down: nobody has stopped it, and nothing failed."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "plugin.json").write_text('{"name": "Slow", "main": "main.py"}')
    (tmp_path / "slow" / "main.py").write_text(SLOW)
    with (tmp_path / "runner.toml").open("a") as settings:
        settings.write('\n[[plugins]]\nname = "slow"\nfrom = "./slow"\n')
    with starting("--once") as process:
        [started, *said] = told(process)

    assert (0, True) == (process.returncode, started.startswith("started: ")), said
    assert [
        "torn down",
        "ended: 501 records read; variance: 501 delivered, 0 skipped, 0 rejected, 0 left",
    ] == said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda one: one.name)
def test_a_signal_ends_it_with_all_that_was_read_delivered(
    starting: Starting, variance: LocalVariance, number: signal.Signals
) -> None:
    """With status 0, and it says which."""
    with starting() as process:
        variance.wait_for_messages(500, SECONDS)
        process.send_signal(number)

        assert f"stopping ({number.name}): sending what was read, for 30 s at the most" in told(process)
        assert 0 == process.returncode
    assert {"paid": 501} == variance.summary().events


ON_TERMINAL = f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); {RUN}"


@pytest.fixture
def terminal() -> Iterator[dict[str, Any]]:
    """Of a process that is started with these streams; `hang_up` closes it."""
    controller, inner = pty.openpty()
    yield {"stdin": inner, "stdout": inner, "stderr": inner, "start_new_session": True, "hang_up": controller}
    for descriptor in (controller, inner):
        with suppress(OSError):
            os.close(descriptor)


def test_a_closed_terminal_ends_a_run_like_any_other_signal(
    starting: Starting, variance: LocalVariance, terminal: dict[str, Any]
) -> None:
    """Although nothing that it says on its way can be written any more."""
    controller = terminal.pop("hang_up")
    with starting(script=ON_TERMINAL, **terminal) as process:
        os.close(terminal["stdin"])
        variance.wait_for_messages(500, SECONDS)

        os.close(controller)

        assert 0 == process.wait(SECONDS)
    assert {"paid": 501} == variance.summary().events


def test_a_closed_terminal_ends_an_export_like_any_other_signal(
    starting: Starting, variance: LocalVariance, terminal: dict[str, Any]
) -> None:
    """Status 3 says that something is left, as it would be after Ctrl-C; the bar and the summary are gone."""
    variance.answer_with(lambda _post: Answer(status=503, headers={"Retry-After": "3000"}))
    controller = terminal.pop("hang_up")
    settings = ["--webhook-url", variance.url, "--auth-header", "Bearer demo-token"]
    settings += ["--set", "allowedHosts=127.0.0.1", "--set", "retrySeconds=0"]
    with starting("events.jsonl", *settings, command="export", script=ON_TERMINAL, **terminal) as process:
        os.close(terminal["stdin"])
        variance.wait_for_posts(1, SECONDS)

        os.close(controller)

        assert 3 == process.wait(SECONDS)


def test_a_terminal_that_is_closed_is_told_of_twice(starting: Starting, variance: LocalVariance) -> None:
    """By its shell and by the system; only of other signals does a second one end a run at once."""
    answering, may_answer = threading.Event(), threading.Event()

    def take(_post: Post) -> Answer:
        answering.set()
        assert may_answer.wait(SECONDS)
        return Answer()

    variance.answer_with(take)
    with starting() as process:
        assert answering.wait(SECONDS)
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        assert any("stopping (SIGHUP)" in line for line in process.stderr)

        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.0)
        may_answer.set()

        assert 0 == process.wait(SECONDS)
    assert {"paid": 501} == variance.summary().events


@pytest.fixture
def unread() -> Iterator[int]:
    """A pipe whose other end is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def test_nobody_has_to_read_what_a_run_says(starting: Starting, variance: LocalVariance, unread: int) -> None:
    """Whoever read its log is gone: it delivers all the same, and ends when it is asked to."""
    with starting("--set", "logs.level=debug", stdout=unread, stderr=unread) as process:
        variance.wait_for_messages(500, SECONDS)

        process.send_signal(signal.SIGTERM)

        assert 0 == process.wait(SECONDS)
    assert {"paid": 501} == variance.summary().events


def test_nobody_has_to_read_what_an_export_says(
    starting: Starting, variance: LocalVariance, unread: int
) -> None:
    """It goes on to its end, and only its status tells of it."""
    settings = ["--webhook-url", variance.url, "--auth-header", "Bearer demo-token", "--verbose"]
    settings += ["--set", "allowedHosts=127.0.0.1"]
    with starting("events.jsonl", *settings, command="export", stdout=unread, stderr=unread) as process:
        assert 0 == process.wait(SECONDS)
    assert {"paid": 501} == variance.summary().events


def test_a_second_signal_ends_it_at_once_and_the_next_run_has_the_rest(
    starting: Starting, variance: LocalVariance
) -> None:
    """Although a request is in flight that nobody answers, and there would be a day for it."""
    variance.answer_with(lambda _post: Answer(fault=WireFault.HANG))
    with starting("--set", "flush_seconds=86400") as process:
        variance.wait_for_posts(1, SECONDS)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert any("stopping (SIGTERM)" in line for line in process.stderr)

        process.send_signal(signal.SIGTERM)

        assert (
            "ended: 501 records read; variance: 0 delivered, 0 skipped, 0 rejected, 501 left"
            == told(process)[-1]
        )
        assert 3 == process.returncode
    variance.answer_with(None)

    with starting("--once") as process:
        assert 0 == process.wait(SECONDS)
    assert {"paid": 501} == variance.summary().events


FAILING = """
import threading
from variance_plugin.cli import main, runner_watch
from variance_plugin.points import watch

def fail(point):
    if point == "before acknowledge" and "lane" in threading.current_thread().name:
        raise {error}("phc_demo_text_of_an_event")

{fault}
main()
"""


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("watch(fail)", "KeyError"),
        ("watch(fail)", "SystemExit"),
        ("runner_watch._LISTEN_SECONDS = 'amiss'", "TypeError"),
    ],
    ids=["a lane", "a lane that is told to exit", "what hears signals"],
)
def test_a_part_that_fails_takes_the_run_down_in_order(
    starting: Starting, variance: LocalVariance, fault: str, error: str
) -> None:
    """With status 3 and what failed, but not its text; nothing half-dead stays, and nothing is lost."""
    with starting(script=FAILING.format(fault=fault, error=error)) as process:
        said = told(process)

        assert 3 == process.returncode
    assert f"not stopped, but ended by a fault of the program: {error}" in said
    assert said[-1].startswith("Error: a fault in the program itself (")
    assert "phc_demo" not in "".join(said)

    with starting("--once") as process:
        assert 0 == process.wait(SECONDS)
    assert {"paid": 501} == variance.summary().events
