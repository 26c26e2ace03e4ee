"""Standard output that cannot be written is said in words, and what is closed takes nothing of the work."""

import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from tests.benches.program import SECONDS
from variance_plugin.receiver import LocalVariance

EVENT = b'{"event":"paid","uuid":"u-1","distinct_id":"ada","properties":{}}\n'
FULL = b"cannot write to standard output: No space left on device\n"

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")


def ended(*arguments: str, stdout: IO[bytes], folder: Path, around: str = "") -> tuple[int, bytes]:
    """The status of a command, and what it said."""
    command = [sys.executable, "-m", "variance_plugin", *arguments]
    if around:
        command = ["sh", "-c", f'exec "$@" {around}', "sh", *command]
    done = subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, cwd=folder, timeout=SECONDS, check=False
    )
    return done.returncode, done.stderr


def to(variance: LocalVariance) -> list[str]:
    """An export of `events.jsonl` to there."""
    settings = ["--webhook-url", variance.url, "--auth-header", "Bearer demo-token"]
    return ["export", "events.jsonl", *settings, "--set", "allowedHosts=127.0.0.1", "--json"]


@pytest.fixture(autouse=True)
def _events(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(EVENT)


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["sources"], ["config", "schema"], ["preview", "events.jsonl", "--json"]],
    ids=lambda arguments: arguments[0],
)
def test_a_full_disk_behind_standard_output_is_said_and_is_status_3(
    arguments: list[str], tmp_path: Path
) -> None:
    """Half an answer must not pass for a whole one."""
    with Path("/dev/full").open("wb") as full:
        assert (3, b"Error: " + FULL) == ended(*arguments, stdout=full, folder=tmp_path)


def test_an_export_delivers_all_the_same_and_says_that_its_summary_cannot_be_written(
    variance: LocalVariance, tmp_path: Path
) -> None:
    """Whoever reads the summary must not take nothing for well."""
    with Path("/dev/full").open("wb") as full:
        status, told = ended(*to(variance), stdout=full, folder=tmp_path)

    assert 3 == status
    assert FULL in told
    assert 1 == len(variance.posts)


@pytest.mark.parametrize("around", [">&-", ">&- 2>&-", "<&- >&-"])
def test_an_export_with_closed_streams_delivers_and_ends_as_usual(
    around: str, variance: LocalVariance, tmp_path: Path
) -> None:
    """As some schedulers start their jobs."""
    with Path("/dev/null").open("wb") as nowhere:
        status, told = ended(*to(variance), stdout=nowhere, folder=tmp_path, around=around)

    assert (0, b"") == (status, told)
    assert 1 == len(variance.posts)


def test_what_is_read_by_standard_input_cannot_be_the_place_for_dead_letters(
    variance: LocalVariance, tmp_path: Path
) -> None:
    """Each dead letter would be read, be rejected, and become the next one."""
    arguments = [one.replace("events.jsonl", "-") for one in to(variance)]
    arguments += ["--dead-letters", "events.jsonl"]
    with Path("/dev/null").open("wb") as nowhere:
        status, told = ended(*arguments, stdout=nowhere, folder=tmp_path, around="<events.jsonl")

    assert 2 == status
    assert b"it is among the files to read, and would grow while it is read" in told
    assert EVENT == (tmp_path / "events.jsonl").read_bytes()
