"""The runner on a bucket, as a process: followed, stopped, killed, started again; and how much it holds."""

import gzip
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.benches.program import SECONDS, Program, Starting
from variance_plugin.receiver import LocalVariance
from variance_plugin.receiver.answers import Answer
from variance_plugin.receiver.post import Post

if TYPE_CHECKING:
    from tests.conftest import S3Bucket


def line(number: int) -> bytes:
    """An event that is exported."""
    return json.dumps(
        {
            "uuid": f"0193a1f0-7c11-7000-8abc-{number:012}",
            "timestamp": "2026-11-21T12:34:56+00:00",
            "event": "order paid",
            "properties": {"total": number},
            "distinct_id": f"u-{number % 7}",
        }
    ).encode()


def export(hour: int, *, first: int, count: int) -> tuple[str, bytes]:
    """What PostHog exports of an hour, and where."""
    name = f"2026-11-21T{hour:02}:00:00+00:00-2026-11-21T{hour + 1:02}:00:00+00:00"
    lines = (gzip.compress(line(number) + b"\n", 1) for number in range(first, first + count))
    return f"posthog/{name}.jsonl.gz", b"".join(lines)


class Arrived:
    """Which events have arrived, each as often as it did.

    Attributes:
        numbers: Of the events.
    """

    def __init__(self, variance: LocalVariance) -> None:
        self.numbers: list[int] = []
        self._posts = 0
        self._came = Condition()
        variance.answer_with(self._take)

    def wait_for(self, *, posts: int) -> None:
        """Until so many more posts have come."""
        with self._came:
            wanted = self._posts + posts
            assert self._came.wait_for(lambda: self._posts >= wanted, SECONDS), "nothing came"

    def wait_until_all(self, count: int) -> None:
        """Until each of the first so many events has come."""
        with self._came:
            assert self._came.wait_for(lambda: set(range(count)) <= set(self.numbers), SECONDS)

    def _take(self, post: Post) -> Answer:
        messages = cast("list[dict[str, Any]]", post.messages)
        with self._came:
            self.numbers += [one["properties"]["total"] for one in messages if one["type"] == "track"]
            self._posts += 1
            self._came.notify_all()
        return Answer()


@pytest.fixture
def running(program: Program, variance: LocalVariance) -> Starting:
    """Start a command."""
    program.send_to(variance, MAX_BATCH_EVENTS="10", EXPORT_EVENTS_BUFFER_SECONDS="1")
    program.settings["RUNNER_METRICS__LISTEN"] = "off"
    return program.start


def settings(s3: "S3Bucket") -> str:
    """As a `runner.toml` has them."""
    return (
        f'[source]\ntype = "bucket"\nurl = "{s3.url}/posthog"\nendpoint = "{s3.endpoint}"\n'
        "look_again_seconds = 0.1\n"
    )


def test_it_follows_over_kills_and_stops_and_reads_exactly_what_is_not_done(
    running: Starting, s3: "S3Bucket", variance: LocalVariance, tmp_path: Path
) -> None:
    """Objects that come while it runs or does not, late ones too; what was in flight comes twice."""
    (tmp_path / "runner.toml").write_text(settings(s3))
    arrived = Arrived(variance)
    s3.put(*export(5, first=0, count=400))
    for kill in range(2):
        with running("run") as process:
            arrived.wait_for(posts=4)
            process.send_signal(signal.SIGKILL)
            assert -signal.SIGKILL == process.wait(SECONDS)
        s3.put(*export(4 - kill, first=400 + 50 * kill, count=50))  # each of an hour ahead of what is there
    with running("run") as process:
        arrived.wait_until_all(500)
        s3.put(*export(9, first=500, count=50))
        arrived.wait_until_all(550)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=SECONDS)
        assert 0 == process.returncode, said
    repeated = len(arrived.numbers) - 550
    with running("run", "--once") as process:
        _, said = process.communicate(timeout=SECONDS)

    assert (0, 550) == (process.returncode, len(arrived.numbers) - repeated), said
    assert set(range(550)) == set(arrived.numbers)
    # In flight at a kill: in each of four lanes a batch of about ten, one that waits, and one that was
    # answered and not yet kept.
    assert repeated <= 2 * 4 * 3 * 10


def test_a_second_runner_on_the_same_state_is_refused(
    running: Starting, s3: "S3Bucket", variance: LocalVariance, tmp_path: Path
) -> None:
    """Two would send everything twice, and each would overwrite how far the other is."""
    (tmp_path / "runner.toml").write_text(settings(s3))
    s3.put(*export(1, first=0, count=1))
    arrived = Arrived(variance)
    with running("run") as first:
        arrived.wait_until_all(1)
        with running("run") as second:
            _, said = second.communicate(timeout=SECONDS)

    assert 2 == second.returncode
    assert str(first.pid) in said


def test_the_short_command_sends_what_is_there_each_of_it_once(
    running: Starting, variance: LocalVariance, tmp_path: Path
) -> None:
    """From a folder, narrowed by time; the second call has nothing left to do."""
    arrived = Arrived(variance)
    for hour in (1, 2, 3):
        key, body = export(hour, first=10 * hour, count=10)
        (tmp_path / "exports" / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "exports" / key).write_bytes(body)
    statuses = []
    for _ in range(2):
        with running(
            "bucket", "exports", "--from", "2026-11-21T02:00", "--to", "2026-11-21T03:00"
        ) as process:
            process.communicate(timeout=SECONDS)
            statuses.append(process.returncode)

    assert [0, 0] == statuses
    assert list(range(20, 30)) == sorted(arrived.numbers)


def test_what_cannot_be_read_is_in_the_status_and_in_the_dead_letters(
    running: Starting, program: Program, variance: LocalVariance, tmp_path: Path
) -> None:
    """And all else is delivered."""
    arrived = Arrived(variance)
    key, body = export(1, first=0, count=20)
    (tmp_path / key).parent.mkdir()
    (tmp_path / key).write_bytes(body[:-200])
    with running("bucket", "posthog") as process:
        process.communicate(timeout=SECONDS)
    listed = program.run("dead-letters", "list", "--json").stdout

    assert 1 == process.returncode
    assert set(arrived.numbers) == set(range(len(arrived.numbers)))
    assert "the gzip data is cut off" in listed


MISTAKES = {
    "s3://no-such-bucket": (
        "s3://no-such-bucket/: there is no such bucket; look at source.url, and source.endpoint"
    ),
    "nowhere": "source.url: nowhere is not there",
    "ftp://exports": (
        "source.url: ftp://… is no address of a bucket: it is one of s3://, gs://, az:// with a name and "
        "perhaps a prefix, such as s3://exports/posthog, or the path of a folder"
    ),
}


@pytest.mark.parametrize("url", MISTAKES)
def test_a_mistake_is_told_in_one_sentence(running: Starting, s3: "S3Bucket", url: str) -> None:
    """With status 2, and no traceback."""
    with running("bucket", url, change={"AWS_ENDPOINT_URL": s3.endpoint}) as process:
        _, printed = process.communicate(timeout=SECONDS)

    assert (2, MISTAKES[url]) == (process.returncode, json.loads(printed.splitlines()[-1])["event"])
    assert "Traceback" not in printed


READ = """
import sys
from pathlib import Path
from variance_plugin.clock import SystemClock
from variance_plugin.sources.bucket import Access, Bucket, open_store
from variance_plugin.testing import InMemoryPositions

store = open_store(sys.argv[1], Access(endpoint=sys.argv[2]))
source = Bucket(store, positions=InMemoryPositions(), clock=SystemClock()).open()
size_bytes = 0
for found in source.records():
    size_bytes += len(found.body)
    source.acknowledge(found.position)
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(size_bytes, int(peak.split()[1]) * 1024)
"""


def zipped(megabytes: int) -> tuple[str, bytes]:
    """An export that unpacks to so much."""
    block = gzip.compress((line(1) + b" " * 2_000 + b"\n") * 460, 1)
    return "a.jsonl.gz", block * megabytes


def in_rows(megabytes: int) -> tuple[str, bytes]:
    """The same in Parquet, with a megabyte a row group."""
    file = io.BytesIO()
    note = json.dumps({"note": os.urandom(1_100).hex()})
    table = pa.table({"event": ["order paid"] * 440, "properties": [note] * 440})
    with parquet.ParquetWriter(file, table.schema, compression="zstd", use_dictionary=False) as writer:
        for _ in range(megabytes):
            writer.write_table(table)
    return "a.parquet.zst", file.getvalue()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc there to ask for the memory")
@pytest.mark.parametrize("made", [zipped, in_rows])
def test_memory_does_not_grow_with_the_size_of_an_object(
    s3: "S3Bucket", made: Callable[[int], tuple[str, bytes]]
) -> None:
    """Ten times as much, and more than all that is held of it, costs a few megabytes at the most."""
    sizes, peaks = [], []
    for megabytes in (6, 60):
        s3.put(*made(megabytes))
        done = subprocess.run(
            [sys.executable, "-c", READ, s3.url, s3.endpoint],
            check=True,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        size_bytes, peak_bytes = map(int, done.stdout.split())
        sizes.append(size_bytes)
        peaks.append(peak_bytes)

    assert sizes[0] * 9 < sizes[1]
    assert peaks[1] - peaks[0] < 30_000_000
