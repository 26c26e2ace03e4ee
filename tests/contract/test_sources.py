"""What every source promises the pipeline, held against each of them.

A new source joins with a function that makes one holding given bodies, in `SOURCES`.
"""

import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from variance_plugin.sources import Broken, Record, Source
from variance_plugin.sources.file import FileSource

BODIES = [json.dumps({"event": "order paid", "total": number}).encode() for number in range(500)]


def lines_in_a_file(folder: Path, bodies: list[bytes]) -> Source:
    """One event per line, as exports write it."""
    path = folder / "events.jsonl"
    path.write_bytes(b"".join(body + b"\n" for body in bodies))
    return FileSource([path])


def an_array_in_a_file(folder: Path, bodies: list[bytes]) -> Source:
    """One array of all events."""
    path = folder / "events.json"
    path.write_bytes(b"[" + b",".join(bodies) + b"]")
    return FileSource([path])


def gzip_files_in_a_folder(folder: Path, bodies: list[bytes]) -> Source:
    """Some files, as an export that is cut by size writes them."""
    for start in range(0, len(bodies), 100):
        members = (gzip.compress(body + b"\n", 1) for body in bodies[start : start + 100])
        (folder / f"events-{start}.jsonl.gz").write_bytes(b"".join(members))
    return FileSource([folder])


def standard_input(_folder: Path, bodies: list[bytes]) -> Source:
    """A pipe, whose length nobody knows."""
    return FileSource(["-"], stdin=io.BytesIO(b"".join(body + b"\n" for body in bodies)))


SOURCES = [lines_in_a_file, an_array_in_a_file, gzip_files_in_a_folder, standard_input]


@pytest.fixture(params=SOURCES, ids=lambda make: make.__name__)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    """A source that holds `BODIES`."""
    make: Callable[[Path, list[bytes]], Source] = request.param
    source = make(tmp_path, BODIES)
    yield source
    source.close()


def body_of(found: Record | Broken) -> bytes:
    """The body of what has to be a record."""
    assert isinstance(found, Record)
    return found.body


def test_every_body_comes_once_and_in_order(source: Source) -> None:
    """Bytes for bytes: what is not JSON, or no event, is for others to say."""
    assert BODIES == [body_of(found) for found in source.records()]


def test_no_two_records_share_a_position(source: Source) -> None:
    """Neither for the program nor for the person who reads it in a message."""
    positions = [found.position for found in source.records()]

    assert len(BODIES) == len(set(positions))
    assert len(BODIES) == len(set(map(str, positions)))


def test_asking_for_the_records_again_goes_on_where_the_reading_stands(source: Source) -> None:
    """A source is one reading, whoever asks."""
    first = body_of(next(source.records()))
    others = [body_of(found) for found in source.records()]

    assert BODIES == [first, *others]


def test_any_position_that_was_given_can_be_acknowledged_while_reading_goes_on(source: Source) -> None:
    """Acknowledging neither disturbs the reading nor waits for its end."""
    came = []
    for found in source.records():
        came.append(body_of(found))
        source.acknowledge(found.position)

    assert BODIES == came


def test_progress_only_grows_and_ends_at_the_total(source: Source) -> None:
    """A progress bar needs no more, and one that runs backwards is none."""
    progress = [source.read_bytes]
    progress.extend(source.read_bytes for _ in source.records())
    progress.append(source.read_bytes)

    assert 0 == progress[0]
    assert sorted(progress) == progress
    assert progress[-1] > 0
    if source.total_bytes is not None:
        assert source.total_bytes == progress[-1]


def test_closing_in_the_middle_ends_the_records(source: Source) -> None:
    """What was not given by then is neither given nor called broken: it waits for the next reading."""
    records = source.records()
    next(records)

    source.close()

    assert [] == list(records)
    assert [] == list(source.records())


def test_closing_again_is_no_mistake(source: Source) -> None:
    """Whoever ends things need not know who else did."""
    list(source.records())

    source.close()
    source.close()
