"""A state file that cannot be written: an operator is told, what needs it waits, and nothing is lost.

A process that may make no file larger than what is there meets what it would meet on a full disk; unlike
a small file system this needs no rights, and can be taken back while the process runs.
"""

import json
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.benches.program import SECONDS, Process, Program, Starting, ids_at, readiness, unmeasured
from variance_plugin.receiver import Answer, LocalVariance
from variance_plugin.state import DeadLetterStore, LetterFilter, StateFile
from variance_plugin.testing import FakeClock

OK = Answer()


pytestmark = pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="only Linux limits a process that runs already"
)


def settle(program: Program, url: str, path: str) -> None:
    """For a runner with one lane and a small spool."""
    program.write_settings(
        url,
        source=f'paths = ["{path}"]',
        listen="127.0.0.1:0",
        more="[spool]\nmax_bytes = 1_000_000",
        concurrency=1,
    )


@pytest.fixture
def started(program: Program, variance: LocalVariance) -> Starting:
    """Start a runner that reads its standard input, or a file."""

    def start(
        *arguments: str, path: str = "-", around: Sequence[str] = ()
    ) -> AbstractContextManager[Process]:
        settle(program, variance.url, path)
        return program.start("run", *arguments, around=around, stdin=subprocess.PIPE)

    return start


def events(*numbers: int, padding: int = 0) -> str:
    """Lines with these numbers."""
    line = '{{"event":"paid","uuid":"u-{}","distinct_id":"ada","properties":{{"text":"{}"}}}}\n'
    return "".join(line.format(number, "x" * padding) for number in numbers)


class Log:
    """What a process says, read as it comes."""

    def __init__(self, process: Process) -> None:
        self.lines: list[dict[str, Any]] = []
        self._process = process

    def until(self, text: str) -> str:
        """The next line that says so."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(json.loads(line))
            if text in self.lines[-1]["event"]:
                found: str = self.lines[-1]["event"]
                return found
        raise AssertionError(f"it ended without saying {text!r}")


def let_files_grow(process: Process, most_bytes: int) -> None:
    """No further than this, from now on."""
    _soft, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most_bytes, hard))


def write_to(process: Process, lines: str) -> None:
    """Into its standard input."""
    assert process.stdin is not None
    process.stdin.write(lines)
    process.stdin.flush()


def test_a_full_disk_is_told_waited_for_and_costs_nothing(started: Starting, variance: LocalVariance) -> None:
    """What comes by the pipe waits there; with room again it goes on by itself, and says so."""
    with started() as process:
        log = Log(process)
        port = log.until("listening for /metrics").rpartition(" ")[2]
        write_to(process, events(1))
        variance.wait_for_messages(1, SECONDS)

        let_files_grow(process, 4_096)
        write_to(process, events(2, 3))
        told = log.until("cannot be used now")
        not_ready = readiness(port)
        let_files_grow(process, resource.RLIM_INFINITY)
        log.until("it is over: the state file")
        variance.wait_for_messages(3, SECONDS)
        ready = readiness(port)
        assert process.stdin is not None
        process.stdin.close()
        log.until("ended")
        assert 0 == process.wait(SECONDS)

    assert "look at its disk: is there room, may it be written?; nothing is lost" in told
    assert (503, True, (200, "")) == (not_ready[0], "cannot be used now" in not_ready[1], ready)
    assert ["u-1", "u-2", "u-3"] == ids_at(variance)
    assert [] == [line for line in log.lines if "exception" in line]


def test_a_dead_letter_waits_for_room(started: Starting, variance: LocalVariance, tmp_path: Path) -> None:
    """Its event is not done with until it is kept: neither gone nor sent again and again."""
    (tmp_path / "events.jsonl").write_text(events(1))
    answering, may_answer = threading.Event(), threading.Event()

    def refuse(_post: object) -> Answer:
        answering.set()
        assert may_answer.wait(SECONDS)
        return Answer(status=400)

    variance.answer_with(refuse)
    with started("--once", path="events.jsonl") as process:
        assert answering.wait(SECONDS)
        let_files_grow(process, 4_096)
        may_answer.set()
        log = Log(process)
        log.until("a dead letter cannot be kept, and its event waits")
        let_files_grow(process, resource.RLIM_INFINITY)
        assert 1 == process.wait(SECONDS)

    state = StateFile.open(tmp_path / "variance.db", FakeClock())
    (letter,) = DeadLetterStore(state, FakeClock()).letters(LetterFilter())
    state.close()
    assert ("u-1", 400, 1) == (letter.uuid, letter.last.status, len(variance.posts))


def test_a_folder_is_looked_at_again_once_there_is_room(
    started: Starting, variance: LocalVariance, tmp_path: Path
) -> None:
    """How far it was cannot be saved meanwhile; that is no fault of the program, which waits."""
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "a.jsonl").write_text(events(1))
    answering, may_answer = threading.Event(), threading.Event()

    def take(_post: object) -> Answer:
        answering.set()
        assert may_answer.wait(SECONDS)
        return Answer()

    variance.answer_with(take)
    with started("--set", "source.look_again_seconds=0.1", path="events") as process:
        assert answering.wait(SECONDS)
        let_files_grow(process, 4_096)
        may_answer.set()
        log = Log(process)
        log.until("cannot be used now")
        (tmp_path / "events" / "b.jsonl").write_text(events(2))
        let_files_grow(process, resource.RLIM_INFINITY)
        variance.wait_for_messages(2, SECONDS)
        process.send_signal(signal.SIGTERM)
        log.until("ended")
        assert 0 == process.wait(SECONDS)

    assert ["u-1", "u-2"] == ids_at(variance)


def test_a_full_spool_is_told_and_the_pipe_is_not_read(started: Starting, variance: LocalVariance) -> None:
    """While the destination takes nothing: who writes has to wait, and nothing is lost."""
    numbers = range(1, 120)
    is_up = threading.Event()
    variance.answer_with(lambda _post: OK if is_up.wait(SECONDS) else Answer(status=503))
    with started() as process:
        log = Log(process)
        # More than the spool of 1 MB, the lane and the batches of the intake hold together.
        writing = threading.Thread(target=write_to, args=[process, events(*numbers, padding=60_000)])
        writing.start()
        told = log.until("the spool stdin is full")
        assert writing.is_alive()

        is_up.set()
        log.until("it is over: the spool stdin is full")
        variance.wait_for_messages(len(numbers), SECONDS)
        writing.join(SECONDS)
        assert process.stdin is not None
        process.stdin.close()
        log.until("ended")
        assert 0 == process.wait(SECONDS)

    assert "who sends has to wait until some of it is delivered" in told
    assert [f"u-{number}" for number in numbers] == ids_at(variance)


# The limit is set before anything of the program runs.
_WITHOUT_ROOM = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
os.execv(sys.executable, [sys.executable, "-m", "variance_plugin", *sys.argv[1:]])
"""


# A file system of its own, in the memory of this machine.
_ON_A_SMALL_DISK = """
mount -t tmpfs -o size=32m small "$0" || exit 77
exec "$@"
"""


def _around(folder: Path) -> list[str]:
    """What a command is started by, so that this folder is a small disk for it."""
    around = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _ON_A_SMALL_DISK, str(folder)]
    folder.mkdir()
    if shutil.which(around[0]) is None or subprocess.run([*around, "true"], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    return around


def test_a_spool_that_fills_its_disk_drains_by_itself(
    started: Starting, variance: LocalVariance, tmp_path: Path
) -> None:
    """Room is left for what deleting needs: nobody has to make any."""
    small = tmp_path / "small"
    around = _around(small)
    numbers = range(1, 270)
    is_up = threading.Event()
    variance.answer_with(lambda _post: OK if is_up.wait(SECONDS) else Answer(status=503))
    arguments = ["--set", f"state={small / 'variance.db'}", "--set", "spool.max_bytes=1000000000"]
    with started(*arguments, around=around) as process:
        log = Log(process)
        writing = threading.Thread(target=write_to, args=[process, events(*numbers, padding=100_000)])
        writing.start()
        log.until("the disk of the spool stdin is nearly full")
        is_up.set()
        log.until("it is over: the disk of the spool stdin is nearly full")
        writing.join(SECONDS)
        assert process.stdin is not None
        process.stdin.close()
        log.until("ended")
        assert 0 == process.wait(SECONDS)

    assert [f"u-{number}" for number in numbers] == ids_at(variance)
    assert [] == [line for line in log.lines if "cannot be used now" in line["event"]]


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_a_start_without_room_says_so(program: Program, tmp_path: Path, there: bool) -> None:  # noqa: FBT001 -- a parameter of pytest
    """In one line, with status 2, before anything is read."""
    settle(program, "http://127.0.0.1:9/", "-")
    if there:
        StateFile.open(tmp_path / "variance.db", FakeClock()).close()

    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT_ROOM, "run"],
        cwd=tmp_path,
        env=unmeasured(),  # coverage could not be written either
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=SECONDS,
    )

    assert 2 == ended.returncode
    assert "beside the state file: File too large" in ended.stderr
    assert "Traceback" not in ended.stderr
