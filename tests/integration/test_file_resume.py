"""Going on with large files costs no more than what is new in them, also after a death without notice."""

import gzip
import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from variance_plugin.sources import Position, Record
from variance_plugin.sources.file import FileSource
from variance_plugin.testing import InMemoryPositions

LINE = b'{"event":"order paid","properties":{"note":"%s"}}\n' % (b"x" * 950)
MEGABYTES = 200
CHUNK_BYTES = 1_000_000

RUN = """
import json, sys
from pathlib import Path
from variance_plugin.sources.file import FileSource

class InAFile:
    def __init__(self, path): self.path = path
    def load(self): return json.loads(self.path.read_text()) if self.path.exists() else {}
    def save(self, stream, position):
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.load() | {stream: position}))
        new.replace(self.path)

source = FileSource(sys.argv[2:], positions=InAFile(Path(sys.argv[1])))
for found in source.records():
    print(found.body.decode(), flush=True)
    sys.stdin.readline()
    source.acknowledge(found.position)
source.close()
"""


def last_of(source: FileSource) -> Position:
    """Reads to the end, and keeps only where that is."""
    (last,) = deque(source.records(), maxlen=1)
    return last.position


# One process has them all, so there is one large file.
pytestmark = pytest.mark.xdist_group("large file")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """200 MB of lines, for as long as they are needed."""
    path = tmp_path_factory.mktemp("large") / "events.jsonl"
    with path.open("wb") as file:
        block = LINE * (CHUNK_BYTES // len(LINE))
        for _ in range(MEGABYTES * CHUNK_BYTES // len(block)):
            file.write(block)
    yield path
    path.unlink()


def test_a_large_file_is_gone_on_with_near_its_end_without_reading_it_all(large: Path) -> None:
    """What is done with is neither read nor unpacked nor looked at, but for two samples."""
    positions = InMemoryPositions()
    lines = large.stat().st_size // len(LINE)
    first = FileSource([large], positions=positions)
    done = next(found for found in first.records() if found.position.number == lines - 10)
    first.acknowledge(done.position)
    first.close()

    second = FileSource([large], positions=positions)
    came = list(second.records())

    assert [f"{large}:{number}" for number in range(lines - 9, lines + 1)] == [
        str(found.position) for found in came
    ]
    assert 10 * len(LINE) + 1 == second.read_bytes == second.total_bytes
    assert large.stat().st_size - second.read_bytes == second.resumed.passed_bytes


def test_what_a_large_file_has_grown_by_is_all_that_is_read(large: Path) -> None:
    """A file that another program appends to can be read every hour."""
    positions = InMemoryPositions()
    first = FileSource([large], positions=positions)
    first.acknowledge(last_of(first))
    with large.open("ab") as file:
        file.write(LINE)

    second = FileSource([large], positions=positions)

    assert 1 == len(list(second.records()))
    assert len(LINE) + 1 == second.read_bytes


def test_a_large_compressed_file_is_unpacked_to_its_place_and_gone_on_with(tmp_path: Path) -> None:
    """One member, as `gzip` makes it: there is no other way into it than from its beginning."""
    path = tmp_path / "events.jsonl.gz"
    lines = 50_000
    path.write_bytes(gzip.compress(LINE * lines, 1))
    positions = InMemoryPositions()
    first = FileSource([path], positions=positions)
    done = next(found for found in first.records() if found.position.number == lines - 10)
    first.acknowledge(done.position)
    first.close()

    second = FileSource([path], positions=positions)
    came = list(second.records())
    second.acknowledge(came[-1].position)

    assert list(range(lines - 9, lines + 1)) == [found.position.number for found in came]
    assert all(LINE.rstrip() == found.body for found in came if isinstance(found, Record))
    assert path.stat().st_size == second.read_bytes == second.total_bytes
    third = FileSource([path], positions=positions)
    assert [] == list(third.records())
    assert 0 == third.read_bytes


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_process_that_is_killed_again_and_again_gives_everything_and_repeats_only_what_was_in_flight(
    tmp_path: Path,
) -> None:
    """Each process is killed while one record is given and not acknowledged: that one comes again."""
    bodies = [json.dumps({"event": "order paid", "total": number}) for number in range(12)]
    (tmp_path / "a.jsonl").write_text("".join(f"{body}\n" for body in bodies[:5]))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress("\n".join(bodies[5:9]).encode()))
    (tmp_path / "c.json").write_text(f"[{','.join(bodies[9:])}]")
    paths = [str(tmp_path / name) for name in ("a.jsonl", "b.jsonl.gz", "c.json")]
    came: list[list[str]] = []
    while True:
        with subprocess.Popen(
            [sys.executable, "-c", RUN, str(tmp_path / "positions"), *paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            given: list[str] = []
            while len(given) < 3 and (line := process.stdout.readline()):
                given.append(line.rstrip())
                if len(given) < 3:
                    process.stdin.write("\n")
                    process.stdin.flush()
            came.append(given)
            if len(given) < 3:
                assert 0 == process.wait()
                break
            os.kill(process.pid, signal.SIGKILL)

    assert bodies == [body for given in came for body in given[:2]]
    assert [given[2] for given in came[:-1] if len(given) > 2] == [given[0] for given in came[1:] if given]
