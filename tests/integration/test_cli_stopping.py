"""How an export ends before its end: signals to real processes."""

import os
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.benches.program import SECONDS, Process, Program, Starting
from variance_plugin.receiver import Answer, LocalVariance, WireFault


@pytest.fixture
def exporting(program: Program, variance: LocalVariance) -> Starting:
    """Start an export with an open standard input."""
    program.send_to(variance, EXPORT_EVENTS_BUFFER_SECONDS="0.05", RETRY_SECONDS="0")
    return partial(program.start, "export", stdin=subprocess.PIPE)


def put(process: Process, count: int) -> None:
    """Write events to its standard input, which stays open."""
    assert process.stdin is not None
    for number in range(count):
        process.stdin.write(f'{{"event":"paid","distinct_id":"u{number}","properties":{{}}}}\n')
    process.stdin.flush()


def told(process: Process) -> str:
    """The next line on standard error."""
    assert process.stderr is not None
    return process.stderr.readline().rstrip()


def summary(process: Process) -> str:
    """All that comes on standard output until it ends."""
    assert process.stdout is not None
    return process.stdout.read()


@pytest.mark.parametrize(
    ("number", "cause"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_ends_a_silent_standard_input_with_all_delivered(
    exporting: Starting, variance: LocalVariance, number: signal.Signals, cause: str
) -> None:
    """What was read is sent; status 3 says that there may have been more."""
    with exporting("-") as process:
        put(process, 3)
        variance.wait_for_messages(3, SECONDS)

        process.send_signal(number)

        assert 3 == process.wait(SECONDS)
        assert "Stopping: sending what was read, for 8.0 s at the most. Once more: at once." == told(process)
        lines = summary(process).splitlines()
    assert "Delivered 3 events as 3 messages: 3 track" in lines
    assert f"Stopped   before the end: stopped by {cause}" in lines
    assert [] == [line for line in lines if line.startswith("Left")]


def test_a_signal_ends_a_wait_for_the_destination(exporting: Starting, variance: LocalVariance) -> None:
    """What is not delivered is counted; nothing of it is in the dead letters."""
    variance.answer_with(lambda _post: Answer(status=503, headers={"Retry-After": "3000"}))
    with exporting("-") as process:
        put(process, 5)
        variance.wait_for_posts(1, SECONDS)
        assert "the destination does not take events now: HTTP 503" == told(process)

        process.send_signal(signal.SIGTERM)

        assert 3 == process.wait(SECONDS)
        assert "Left      5 events read, but not delivered" in summary(process).splitlines()


def test_what_was_read_is_still_sent_after_a_signal(exporting: Starting, variance: LocalVariance) -> None:
    """Here the buffer would have waited for an hour."""
    with exporting("-", "--set", "exportEventsBufferSeconds=3600", "--verbose") as process:
        # With 500 of one user a batch goes out, which shows that the last ones were read as well.
        assert process.stdin is not None
        process.stdin.write('{"event":"paid","distinct_id":"u","properties":{}}\n' * 501)
        process.stdin.flush()
        variance.wait_for_messages(1, SECONDS)

        process.send_signal(signal.SIGINT)

        assert 3 == process.wait(SECONDS)
        assert "Delivered 501 events as 501 messages: 501 track" in summary(process).splitlines()


def test_a_second_signal_ends_it_at_once(exporting: Starting, variance: LocalVariance) -> None:
    """Although a request is in flight that nobody answers; the summary still comes."""
    variance.answer_with(lambda _post: Answer(fault=WireFault.HANG))
    with exporting("-", "--stop-within", "3600") as process:
        put(process, 2)
        variance.wait_for_posts(1, SECONDS)
        process.send_signal(signal.SIGTERM)
        assert told(process).startswith("Stopping: sending what was read, for 1 h 0 min at the most.")

        process.send_signal(signal.SIGTERM)

        assert 3 == process.wait(SECONDS)
        assert "Left      2 events read, but not delivered" in summary(process).splitlines()


def test_a_stop_ends_in_time_although_a_request_hangs(exporting: Starting, variance: LocalVariance) -> None:
    """Who asked it to stop would kill it otherwise, without a summary."""
    variance.answer_with(lambda _post: Answer(fault=WireFault.HANG))
    with exporting("-", "--stop-within", "0.3") as process:
        put(process, 2)
        variance.wait_for_posts(1, SECONDS)

        process.send_signal(signal.SIGTERM)

        assert 3 == process.wait(SECONDS)
        assert "Left      2 events read, but not delivered" in summary(process).splitlines()


def test_a_stop_ends_in_time_although_a_pipe_is_silent(
    exporting: Starting, variance: LocalVariance, tmp_path: Path
) -> None:
    """A named pipe is read in a way that no signal ends; the time limit does."""
    os.mkfifo(tmp_path / "events")
    with exporting("events", "--stop-within", "0.3") as process, (tmp_path / "events").open("wb", 0) as pipe:
        pipe.write(b'{"event":"paid","distinct_id":"u","properties":{}}\n' * 2)
        variance.wait_for_posts(1, SECONDS)

        process.send_signal(signal.SIGINT)

        assert 3 == process.wait(SECONDS)
        assert "Stopped   before the end: stopped by Ctrl-C" in summary(process).splitlines()


def test_a_signal_that_is_ignored_stays_ignored(exporting: Starting, variance: LocalVariance) -> None:
    """As `nohup` and a script's `&` want it: Ctrl-C is then meant for others."""
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from variance_plugin.cli import main; main()"
    )
    with exporting("-", script=script) as process:
        put(process, 1)
        variance.wait_for_messages(1, SECONDS)
        process.send_signal(signal.SIGINT)
        put(process, 1)

        said, _ = process.communicate(timeout=SECONDS)

    assert 0 == process.returncode
    assert said.startswith("Read      2 events")
