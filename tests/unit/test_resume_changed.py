"""A file that became another one, or came to another place, is told from one that has grown."""

import json
import random
from pathlib import Path

import pytest

from tests.benches.files import KINDS, as_an_array, as_gzip_members, as_lines, made, read, totals
from variance_plugin.sources import Broken
from variance_plugin.sources.file import FileSource
from variance_plugin.sources.paths import Skipped
from variance_plugin.testing import InMemoryPositions


@pytest.fixture
def positions() -> InMemoryPositions:
    """What lasts from one source to the next."""
    return InMemoryPositions()


@pytest.mark.parametrize("name", ["lines.jsonl", "members.jsonl.gz", "array.json"])
@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ([7, 1, 2, 3], "it is not the file that was read before; read from its beginning"),
        ([1], "it is shorter than it was; read from its beginning"),
    ],
    ids=["replaced", "truncated"],
)
def test_a_file_that_changed_otherwise_is_read_from_its_beginning_and_named(
    name: str, numbers: list[int], reason: str, tmp_path: Path
) -> None:
    """Going on in the middle of it would lose events without a word."""
    positions = InMemoryPositions()
    path = tmp_path / name
    path.write_bytes(KINDS[name](made([1, 2, 3])))
    read([path], positions)
    path.write_bytes(KINDS[name](made(numbers)))

    source = FileSource([path], positions=positions)

    assert (Skipped(name=str(path), reason=reason),) == source.resumed.anew
    assert numbers == totals(list(source.records()))


def test_an_array_that_was_written_anew_with_more_in_it_is_read_from_its_beginning(
    tmp_path: Path, positions: InMemoryPositions
) -> None:
    """It begins as it did, but its end stands elsewhere: repeats, and no loss."""
    path = tmp_path / "a.json"
    path.write_bytes(as_an_array(made([1, 2])))
    read([path], positions)
    path.write_bytes(as_an_array(made([1, 2, 3])))

    source = FileSource([path], positions=positions)

    assert [1, 2, 3] == totals(list(source.records()))
    assert [str(path)] == [changed.name for changed in source.resumed.anew]


def test_a_file_with_the_same_beginning_and_other_events_behind_it_is_told_apart(
    tmp_path: Path, positions: InMemoryPositions
) -> None:
    """An export that is made again for the same day begins with the same events."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(as_lines(made(range(1000))))
    read([path], positions)
    path.write_bytes(as_lines(made([*range(500), *range(700, 1500)])))

    assert [str(path)] == [file.name for file in FileSource([path], positions=positions).resumed.anew]


def test_an_interrupted_download_that_was_completed_is_gone_on_with(
    tmp_path: Path, positions: InMemoryPositions
) -> None:
    """What was cut off comes whole, and what was whole does not come again."""
    path = tmp_path / "a.jsonl.gz"
    bodies = made(range(50))
    whole = as_gzip_members(bodies)
    path.write_bytes(whole[: len(whole) // 2])
    *came, reason = read([path], positions)
    path.write_bytes(whole)

    rest = read([path], positions)

    assert "cut off" in reason
    assert [body.decode() for body in bodies] == came + rest


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path: Path, positions: InMemoryPositions) -> None:
    """It has been set aside once; whoever puts it right wants it read."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(as_lines(made([1])))
    source = FileSource([path], positions=positions)
    away = path.rename(tmp_path / "away")
    (broken,) = source.records()
    source.acknowledge(broken.position)
    away.rename(path)

    assert [1] == totals(list(FileSource([path], positions=positions).records()))


def test_a_file_moved_elsewhere_is_another_file_and_a_link_is_not(
    tmp_path: Path, positions: InMemoryPositions
) -> None:
    """Files are known by their absolute paths, however they are named."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(as_lines(made([1])))
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    read([path], positions)

    assert [] == read([link], positions)
    moved = path.rename(tmp_path / "b.jsonl")
    assert 1 == len(read([moved], positions))


@pytest.mark.parametrize("kind", ["lines.jsonl", "members.jsonl.gz"])
def test_a_file_that_is_cut_while_it_is_read_is_not_done_with_at_its_old_size(
    tmp_path: Path, positions: InMemoryPositions, kind: str
) -> None:
    """As when it is copied anew over itself: what was missing comes once it is there again."""
    padding = random.Random(1).randbytes(2000).hex()  # noqa: S311 -- only not to be packed small
    fields = {"event": "order paid", "padding": padding}
    bodies = [json.dumps({**fields, "total": number}).encode() for number in range(400)]
    path = tmp_path / kind
    whole, first_half = KINDS[kind](bodies), KINDS[kind](bodies[:200])
    path.write_bytes(whole)
    source = FileSource([path], positions=positions)
    records = source.records()
    found = [next(records)]
    with path.open("r+b") as file:
        file.truncate(len(first_half))
    found += list(records)
    source.acknowledge(found[-1].position)
    source.close()

    last = found.pop()
    assert isinstance(last, Broken)
    assert f"it became shorter while it was read: it ends at byte {len(first_half):,}" == last.reason
    path.write_bytes(whole)

    rest = list(FileSource([path], positions=positions).records())

    assert list(range(400)) == totals([*found, *rest])
