"""`variance-plugin export` as a process: its terminal, its memory, its faults."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benches.program import SECONDS, Program, plain_environment, sending_to
from variance_plugin.receiver import Answer, LocalVariance


@pytest.fixture
def environment(variance: LocalVariance) -> dict[str, str]:
    """That of this process, with the two settings that are needed and no other of ours."""
    return plain_environment() | sending_to(variance)


def event(name: str, number: int = 1, **properties: object) -> bytes:
    """One line."""
    uuid = f"00000000-0000-4000-8000-{number:012}"
    fields = {"event": name, "uuid": uuid, "distinct_id": f"user-{number % 7}", "properties": properties}
    return json.dumps({**fields, "timestamp": "2026-01-02T03:04:05.678Z"}).encode() + b"\n"


def test_on_a_terminal_a_bar_moves_and_goes(
    environment: dict[str, str], variance: LocalVariance, tmp_path: Path
) -> None:
    """The summary on standard output stays free of it."""
    (tmp_path / "events.jsonl").write_bytes(b"".join(event("paid", number) for number in range(2000)))
    variance.answer_with(lambda _post: Answer(delay_seconds=0.4))
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "variance_plugin", "export", "events.jsonl"]
    environment["TERM"] = "xterm"

    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=slave
    ) as process:
        os.close(slave)
        shown = b"".join(iter(lambda: _read_terminal(master), b""))
        assert process.stdout is not None
        summary = process.stdout.read()
        assert 0 == process.wait(SECONDS)
    os.close(master)

    assert b"2,000 read, " in shown
    assert b"\x1b" in shown
    assert summary.startswith(b"Read      2,000 events")
    assert b"\x1b" not in summary


def _read_terminal(master: int) -> bytes:
    try:
        return os.read(master, 4096)
    except OSError:  # how Linux says that the other end is closed
        return b""


# Not `ru_maxrss`, which begins with that of the process that started it.
PEAK = """
import sys
from pathlib import Path
from variance_plugin.cli import main
try:
    main()
finally:
    status = Path("/proc/self/status").read_text()
    print(next(line.split()[1] for line in status.splitlines() if "VmHWM" in line), file=sys.stderr)
"""


def test_memory_stays_bounded_however_long_the_input(environment: dict[str, str], tmp_path: Path) -> None:
    """Ten times the events, 60 MB of them, need no more of it than the lanes' buffers may hold."""
    peaks_bytes = {}
    with LocalVariance(keep_posts=False) as variance:
        environment["VARIANCE_WEBHOOK_URL"] = variance.url
        for count in (2_000, 20_000):
            with subprocess.Popen(
                [sys.executable, "-c", PEAK, "export", "-"],
                cwd=tmp_path,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            ) as process:
                assert process.stdin is not None
                for number in range(count):
                    process.stdin.write(event("paid", number, filler="x" * 3000))
                _, told = process.communicate(timeout=SECONDS)
            assert 0 == process.returncode, told
            peaks_bytes[count] = int(told) * 1024

    # Four lanes, two batches each, 1 MiB of events and as much again of messages made of them.
    assert peaks_bytes[20_000] < peaks_bytes[2_000] + 25_000_000, peaks_bytes
    assert peaks_bytes[20_000] < 100_000_000, peaks_bytes


FAULT = """
import variance_plugin.{module} as module
from variance_plugin.cli import main

def stumble(*_, **__):
    raise ValueError("kim@acme.example")

module.{name} = stumble
main()
"""


@pytest.mark.parametrize(
    ("module", "name", "why"),
    [
        pytest.param("delivery.deliverer", "build", "a fault of the plugin (ValueError)", id="in a lane"),
        pytest.param("pipeline", "plain_name", "a fault of the program", id="at the reading end"),
        pytest.param("cli.watch", "Snapshot", "a fault of the program", id="beside them"),
    ],
)
def test_a_fault_of_the_program_ends_the_run_with_a_summary(
    program: Program, variance: LocalVariance, module: str, name: str, why: str
) -> None:
    """Nothing goes on as if all were well, and nothing of an event is told; here the input never ends."""
    program.send_to(variance, EXPORT_EVENTS_BUFFER_SECONDS="0.05")
    script = FAULT.format(module=module, name=name)
    with program.start("export", "-", script=script, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(event("paid").decode())
        process.stdin.flush()

        assert 3 == process.wait(SECONDS)
        assert f"before the end: {why}" in process.stdout.read()
        told = process.stderr.read()
    assert told.startswith(
        "Error: a fault in the program itself (ValueError at <string>:6); run it with --debug"
    )
    assert "kim" not in told
