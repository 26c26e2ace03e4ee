"""A file source that is made anew goes on where the one before it was, whatever became of the files."""

import json
import random
import shutil
from itertools import count, islice
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.benches.files import (
    GROWING,
    KINDS,
    among_blank_lines,
    as_an_array,
    as_gzip_members,
    as_lines,
    as_one_gzip_member,
    made,
    read,
    totals,
)
from variance_plugin.sources import Position, Record
from variance_plugin.sources.file import FileSource
from variance_plugin.testing import InMemoryPositions


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples of a property."""
    return tmp_path_factory.mktemp("resume")


@pytest.fixture
def positions() -> InMemoryPositions:
    """What lasts from one source to the next."""
    return InMemoryPositions()


class Growing:
    """A folder of files that are read in steps."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.folder = folder
        self.numbers = count()
        self.paths: list[Path] = []

    def add(self, kind: str, size: int) -> None:
        """A file of so many bodies, behind all others."""
        path = self.folder / f"{len(self.paths):03}-{kind}"
        path.write_bytes(KINDS[kind](made(list(islice(self.numbers, size)))) if size else b"")
        self.paths.append(path)


@given(
    files=st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 6)), min_size=1, max_size=5),
    steps=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=5),
)
@example(files=[("lines.jsonl", 2), ("array.json", 2)], steps=[(2, 2), (2, 1)])
def test_what_was_acknowledged_and_nothing_else_is_not_given_again(
    folder: Path, files: list[tuple[str, int]], steps: list[tuple[int, int]]
) -> None:
    """Any records over any files: read some, acknowledge fewer, begin anew, any number of times."""
    growing = Growing(folder / "given")
    for kind, size in files:
        growing.add(kind, size)
    positions = InMemoryPositions()
    left = list(range(next(growing.numbers)))
    for given_count, acknowledged in steps:
        source = FileSource(growing.paths, positions=positions)
        found = list(islice(source.records(), given_count))
        assert left[:given_count] == totals(found)
        done = min(acknowledged, len(found))
        if done:
            source.acknowledge(found[done - 1].position)
        source.close()
        left = left[done:]

    assert left == totals(list(FileSource(growing.paths, positions=positions).records()))


@given(
    kind=st.sampled_from(sorted(GROWING)),
    rounds=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=5),
)
def test_a_file_that_grows_between_readings_gives_what_is_new(
    folder: Path, kind: str, rounds: list[tuple[int, int]]
) -> None:
    """Whether all of it was done with before or not; numbers and positions are those of one reading."""
    growing = Growing(folder / "grown")
    growing.add(kind, 1)
    path = growing.paths[0]
    own = [0]
    positions = InMemoryPositions()
    given: list[Position] = []
    for more, acknowledged in rounds:
        source = FileSource([path], positions=positions)
        found = list(source.records())
        assert own[len(given) :] == totals(found)
        done = [record.position for record in found[:acknowledged]]
        if done:
            source.acknowledge(done[-1])
        given += done
        source.close()
        new = list(islice(growing.numbers, more))
        own += new
        with path.open("ab") as file:
            file.write(KINDS[kind](made(new)).removeprefix(b"\xef\xbb\xbf") if new else b"")

    rest = [record.position for record in FileSource([path], positions=positions).records()]
    assert [record.position for record in FileSource([path]).records()] == given + rest


@given(
    lines=st.lists(st.integers(0, 10**6), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 300), max_size=6),
)
def test_a_file_that_is_written_bit_by_bit_gives_each_event_once(
    folder: Path, lines: list[int], cuts: list[int]
) -> None:
    """A line that was set aside because its end was missing comes whole, with its number, when it is."""
    path = folder / "bits.jsonl"
    text = as_lines([b"{}", *made(lines)])
    positions = InMemoryPositions()
    came: list[Record] = []
    for cut in [*sorted(cuts), len(text)]:
        path.write_bytes(text[: max(cut, 3)])
        source = FileSource([path], positions=positions)
        found = list(source.records())
        came += [record for record in found if isinstance(record, Record)]
        if found:
            source.acknowledge(found[-1].position)
        source.close()

    assert text.splitlines() == [record.body for record in came]
    assert list(range(1, len(lines) + 2)) == [record.number for record in came]


def test_files_done_with_are_passed_over_and_counted(tmp_path: Path, positions: InMemoryPositions) -> None:
    """A notice says how much an earlier run has left to this one, and progress counts the rest."""
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz", tmp_path / "c.jsonl"]
    paths[0].write_bytes(as_lines(made([1, 2])))
    paths[1].write_bytes(as_gzip_members(made([3, 4])))
    paths[2].write_bytes(as_lines(made([5, 6])))
    first = FileSource(paths, positions=positions)
    *_, fifth, _sixth = first.records()
    first.acknowledge(fifth.position)

    second = FileSource(paths, positions=positions)

    done_bytes = paths[0].stat().st_size + paths[1].stat().st_size
    assert (2, 1) == (second.resumed.done_files, second.resumed.continued_files)
    # One byte is looked at again.
    assert done_bytes + fifth.position.end_bytes - 1 == second.resumed.passed_bytes
    assert [6] == totals(list(second.records()))
    left_bytes = paths[2].stat().st_size - fifth.position.end_bytes + 1
    assert (left_bytes, left_bytes) == (second.total_bytes, second.read_bytes)


def test_a_reading_that_finds_all_done_reads_nothing(tmp_path: Path, positions: InMemoryPositions) -> None:
    """Neither of compressed files, nor of those with blank lines or damage at their end."""
    whole = as_one_gzip_member(made([1, 2]))
    contents = {"a.jsonl": among_blank_lines(made([1])), "b.jsonl.gz": whole, "c.jsonl.gz": whole[:-4]}
    contents |= {"d.json": as_an_array(made([1])), "e.jsonl": b"", "f.jsonl": '{"a":1}\n'.encode("utf-16")}
    contents |= {"g.json": b"[]", "h.jsonl": b"{}\n{"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert 10 == len(read([tmp_path], positions))

    source = FileSource([tmp_path], positions=positions)

    assert [] == list(source.records())
    assert (len(contents), 0, 0) == (source.resumed.done_files, source.total_bytes, source.read_bytes)


@pytest.mark.parametrize("kind", KINDS)
def test_any_file_is_done_with_once_its_last_record_is(
    kind: str, tmp_path: Path, positions: InMemoryPositions
) -> None:
    """Whatever stands behind that record: blank lines, a bracket, a checksum."""
    path = tmp_path / kind
    path.write_bytes(KINDS[kind](made([1, 2])))
    read([path], positions)

    source = FileSource([path], positions=positions)

    assert (1, 0) == (source.resumed.done_files, source.total_bytes)


def test_what_stands_behind_damage_is_done_with_too(tmp_path: Path, positions: InMemoryPositions) -> None:
    """It cannot be read, and one dead letter is enough to say so."""
    path = tmp_path / "a.jsonl.gz"
    packed = bytearray(as_one_gzip_member([random.Random(1).randbytes(2_000_000).hex().encode()]))  # noqa: S311
    packed[20:40] = bytes(20)
    path.write_bytes(packed)

    assert 1 == len(read([path], positions))
    assert [] == read([path], positions)


def test_a_number_that_was_cut_off_is_read_again_when_it_is_whole(
    tmp_path: Path, positions: InMemoryPositions
) -> None:
    """In an array, where only what follows shows that it is."""
    path = tmp_path / "a.json"
    path.write_bytes(b"[1")
    assert ["the file ends in the middle of this"] == read([path], positions)
    path.write_bytes(b"[1]")

    assert ["1"] == read([path], positions)


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b"\n\n"])
def test_a_file_that_held_nothing_may_become_anything(
    start: bytes, tmp_path: Path, positions: InMemoryPositions
) -> None:
    """How its records lie is looked at again."""
    path = tmp_path / "a.json"
    path.write_bytes(start)
    assert [] == read([path], positions)
    path.write_bytes(start + b"[1,\n2]")

    assert ["1", "2"] == read([path], positions)


def test_without_an_acknowledgement_everything_comes_again(
    tmp_path: Path, positions: InMemoryPositions
) -> None:
    """Having been read is not having been delivered."""
    (tmp_path / "a.jsonl").write_bytes(as_lines(made([1, 2])))

    first = read([tmp_path], positions, acknowledge=False)

    assert first == read([tmp_path], positions, acknowledge=False)


def test_the_end_of_a_file_found_after_its_last_acknowledgement_is_kept(
    tmp_path: Path, positions: InMemoryPositions
) -> None:
    """A compressed file is not unpacked again only because the lanes were faster than the reader."""
    (tmp_path / "a.jsonl.gz").write_bytes(as_gzip_members(made([1, 2])))
    source = FileSource([tmp_path], positions=positions)
    for found in source.records():
        source.acknowledge(found.position)

    assert 1 == FileSource([tmp_path], positions=positions).resumed.done_files


def test_an_acknowledgement_out_of_turn_changes_nothing(tmp_path: Path, positions: InMemoryPositions) -> None:
    """How far it is done goes forward only."""
    (tmp_path / "a.jsonl").write_bytes(as_lines(made([1, 2, 3])))
    source = FileSource([tmp_path], positions=positions)
    first, second, _ = source.records()

    source.acknowledge(second.position)
    source.acknowledge(first.position)

    assert [3] == totals(list(FileSource([tmp_path], positions=positions).records()))


def test_a_name_that_is_no_unicode_is_known_again(tmp_path: Path, positions: InMemoryPositions) -> None:
    """What a disk takes as a name, a store of texts may not."""
    path = tmp_path / "caf\udce9.jsonl"
    path.write_bytes(as_lines(made([1])))

    assert 1 == len(read([path], positions))
    assert [] == read([path], positions)
    assert all(stream.encode() for stream in positions.load())


def test_what_was_saved_otherwise_is_not_gone_by(tmp_path: Path, positions: InMemoryPositions) -> None:
    """Another version's words are no reason to fail, nor to skip anything."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(as_lines(made([1])))
    positions.save(str(path.resolve()), {"line": 1})

    source = FileSource([path], positions=positions)

    assert ["how far it was read was not saved by this program; read from its beginning"] == [
        changed.reason for changed in source.resumed.anew
    ]
    assert [1] == totals(list(source.records()))


def test_what_is_saved_holds_nothing_of_the_events(tmp_path: Path, positions: InMemoryPositions) -> None:
    """An event is personal data; its digest is not."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"email":"kim@shop.example"}\n' * 3)
    read([path], positions)

    assert "kim" not in json.dumps(positions.load()[str(path.resolve())])
