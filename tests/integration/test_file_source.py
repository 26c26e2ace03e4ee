"""Files as people have them: compressed, cut off, growing, vanishing, piped, and larger than memory."""

import gzip
import json
import os
import random
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.sources import Broken, Position, Record, Stream
from variance_plugin.sources.file import FileSource

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

EVENTS = st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=30), max_size=5)


def one_frame(pack: Callable[[bytes], bytes]) -> Callable[[Sequence[bytes]], list[bytes]]:
    """All lines in one."""
    return lambda lines: [pack(b"".join(lines))]


def frame_per_line(pack: Callable[[bytes], bytes]) -> Callable[[Sequence[bytes]], list[bytes]]:
    """As PostHog's exports are."""
    return lambda lines: [pack(line) for line in lines]


# A name, and how lines become the independent parts of a file under this name.
KINDS: dict[str, Callable[[Sequence[bytes]], list[bytes]]] = {
    "events.jsonl": list,
    "events.ndjson.gz": one_frame(gzip.compress),
    "members.jsonl.gz": frame_per_line(gzip.compress),
    "events.jsonl.br": one_frame(brotli.compress),
    "events.jsonl.zst": one_frame(zstd.compress),
    "frames.jsonl.zstd": frame_per_line(zstd.compress),
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples of a property; each writes its file anew."""
    return tmp_path_factory.mktemp("properties")


def bodies(found: Sequence[Record | Broken]) -> list[bytes]:
    """The bodies of those that are records."""
    return [record.body for record in found if isinstance(record, Record)]


def reasons(found: Sequence[Record | Broken]) -> list[str]:
    """What messages say of those that are not."""
    return [str(broken) for broken in found if isinstance(broken, Broken)]


@pytest.mark.parametrize("name", KINDS)
@given(events=st.lists(EVENTS, max_size=20))
def test_any_events_in_any_codec_come_back_byte_for_byte_with_their_line_numbers(
    name: str, folder: Path, events: list[dict[str, int | str]]
) -> None:
    """The file's form leaves no trace in what is read from it."""
    lines = [json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in events]
    path = folder / name
    path.write_bytes(b"".join(KINDS[name](lines)))

    found = list(FileSource([path]).records())

    assert [line.rstrip() for line in lines] == bodies(found)
    assert [
        Position(Stream(str(path)), number, len(b"".join(lines[:number])))
        for number in range(1, len(lines) + 1)
    ] == [record.position for record in found]


@pytest.mark.parametrize("name", KINDS)
@given(events=st.lists(EVENTS.filter(len), min_size=1, max_size=20), data=st.data())
def test_a_file_cut_off_anywhere_gives_a_prefix_and_one_reason(
    name: str, folder: Path, events: list[dict[str, int | str]], data: st.DataObject
) -> None:
    """Everything complete before the cut comes; a cut between two parts cannot be seen, any other is told."""
    lines = [json.dumps(event).encode() + b"\n" for event in events]
    parts = KINDS[name](lines)
    whole = b"".join(parts)
    size = data.draw(st.integers(0, len(whole)), label="size")
    path = folder / name
    path.write_bytes(whole[:size])

    found = list(FileSource([path]).records())

    came = bodies(found)
    ends = [len(b"".join(parts[:count])) for count in range(len(parts) + 1)]
    complete = max(count for count, end in enumerate(ends) if end <= size)
    at_least = complete if len(parts) == len(lines) else 0
    clean = size in ends or (name == "events.jsonl" and size + 1 in ends)  # only the last line end is missing
    assert [line.rstrip() for line in lines][: len(came)] == came
    assert len(came) >= at_least
    assert (0 if clean else 1) == len(reasons(found))
    if not clean:
        assert str(found[-1]).startswith(f"{path}:{len(came) + 1}: ")


@given(content=st.binary(max_size=300), suffix=st.sampled_from([*KINDS, "events.json", "events"]))
def test_no_content_whatever_raises(folder: Path, content: bytes, suffix: str) -> None:
    """Whatever a disk or a person made of a file, the files after it are read."""
    broken, good = folder / suffix, folder / "good.jsonl"
    broken.write_bytes(
        content.lstrip(b"PB\x04\xff\xfd")
    )  # the files told to be packed otherwise are not taken
    good.write_bytes(b'{"good":1}\n')

    found = list(FileSource([broken, good]).records())

    assert b'{"good":1}' == bodies(found)[-1]


def test_a_truncated_gzip_export_gives_every_whole_event_and_names_the_line(tmp_path: Path) -> None:
    """An interrupted download, as it is met in practice."""
    lines = [f'{{"event":"order paid","n":{number}}}'.encode() for number in range(100)]
    packed = gzip.compress(b"\n".join(lines))
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(packed[: len(packed) * 2 // 3])

    *records, last = FileSource([path]).records()

    assert lines[: len(records)] == bodies(records)
    assert len(records) > 30
    size = path.stat().st_size
    assert str(last) == (f"{path}:{len(records) + 1}: the gzip data is cut off; the file ends at byte {size}")


@pytest.mark.parametrize(
    ("whole", "lost_bytes"), [(3, 4), (2, 20)], ids=["within-the-checksum", "within-an-element"]
)
def test_a_truncated_gzip_array_gives_every_whole_element(
    whole: int, lost_bytes: int, tmp_path: Path
) -> None:
    """Though such a file is read whole, it is not all or nothing."""
    elements = [b'{"event":"%s"}' % os.urandom(50).hex().encode() for _ in range(3)]
    path = tmp_path / "events.json.gz"
    path.write_bytes(gzip.compress(b"[" + b",\n".join(elements) + b"]")[:-lost_bytes])

    *records, last = FileSource([path]).records()

    assert elements[:whole] == bodies(records)
    assert f"{path}[{whole}]: the gzip data is cut off; the file ends at byte {path.stat().st_size}" == str(
        last
    )


def test_a_file_that_vanished_is_broken_and_the_next_one_is_read(tmp_path: Path) -> None:
    """Between looking and reading a folder may be tidied up."""
    gone, stays = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    for path in (gone, stays):
        path.write_bytes(b'{"a":1}\n')
    source = FileSource([tmp_path])
    gone.unlink()

    broken, record = source.records()

    assert f"{gone}:1: cannot be read: No such file or directory" == str(broken)
    assert f"{stays}:1" == str(record.position)


def test_a_file_that_grows_while_it_is_read_is_read_to_its_new_end(tmp_path: Path) -> None:
    """A running exporter's file is as good as a finished one."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"a":1}\n')
    source = FileSource([path])
    with path.open("ab") as file:
        file.write(b'{"a":2}\n')

    assert [b'{"a":1}', b'{"a":2}'] == bodies(list(source.records()))


def test_positions_name_a_file_as_the_user_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message has to be found again with the shell's own history."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "events.jsonl").write_bytes(b'{"a":1}\n')
    monkeypatch.chdir(tmp_path)

    for named in ("exports/events.jsonl", "exports", "exp*/*.jsonl"):
        (record,) = FileSource([named]).records()

        assert "exports/events.jsonl:1" == str(record.position)


def test_progress_counts_the_bytes_of_compressed_files(tmp_path: Path) -> None:
    """Their sizes are known beforehand; what they unpack to is not."""
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        (tmp_path / name).write_bytes(gzip.compress(b'{"a":1}\n' * 1000))
    source = FileSource([tmp_path])
    size = sum(path.stat().st_size for path in tmp_path.iterdir())

    assert (size, 0) == (source.total_bytes, source.read_bytes)
    list(source.records())
    assert (size, size) == (source.total_bytes, source.read_bytes)


def test_standard_input_of_a_process_is_read_compressed_or_not(tmp_path: Path) -> None:
    """`cat export.jsonl.gz | …` needs no `gunzip`."""
    script = (
        "from variance_plugin.sources.file import FileSource\n"
        "for record in FileSource(['-']).records(): print(record.position, record.body.decode())\n"
    )
    for packed in (gzip.compress(b'{"a":1}\n{"a":2}\n'), b'{"a":1}\n{"a":2}\n'):
        ran = subprocess.run(
            [sys.executable, "-c", script], input=packed, capture_output=True, check=True, cwd=tmp_path
        )

        assert b'<stdin>:1 {"a":1}\n<stdin>:2 {"a":2}\n' == ran.stdout.replace(b"\r", b"")


def test_a_line_in_a_pipe_is_read_before_the_next_one_is_written() -> None:
    """`tail -f events.jsonl | …` must not wait until some buffer is full."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb", buffering=0) as pipe:
        records = FileSource(["-"], stdin=stdin).records()
        for number in range(3):
            pipe.write(b'{"a":%d}\n' % number)

            assert [b'{"a":%d}' % number] == bodies([next(records)])


def test_a_named_pipe_is_read_like_a_file_of_unknown_length(tmp_path: Path) -> None:
    """The shell's `<(command)` is one; opening it twice, or before it is its turn, would hang."""
    path = tmp_path / "pipe.jsonl"
    os.mkfifo(path)
    source = FileSource([path])
    writer = threading.Thread(target=path.write_bytes, args=[gzip.compress(b'{"a":1}\n')])
    writer.start()

    found = list(source.records())
    writer.join()

    assert source.total_bytes is None
    assert [b'{"a":1}'] == bodies(found)


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz", "events.jsonl.br", "events.jsonl.zst"])
def test_an_endless_line_costs_no_memory(name: str, tmp_path: Path) -> None:
    """100 MB without a line end, in whatever few bytes they are packed; the line after it is read."""
    path = tmp_path / name
    endless = b'{"a":1}\n' + bytes(100_000_000) + b'\n{"a":2}\n'
    path.write_bytes(b"".join(KINDS["events.ndjson.gz" if name.endswith(".gz") else name]([endless])))
    del endless
    source = FileSource([path], max_line_bytes=1_000_000)

    tracemalloc.start()
    try:
        found = list(source.records())
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert [b'{"a":1}', b'{"a":2}'] == bodies(found)
    assert [f"{path}:2: longer than 1,000,000 bytes"] == reasons(found)
    assert peak_bytes < 6_000_000


def test_a_file_of_many_chunks_is_read_whole_in_little_memory(tmp_path: Path) -> None:
    """Lines of all lengths, whose borders fall anywhere among those of the chunks."""
    seed = random.Random(20)  # noqa: S311 - any lengths will do
    lengths = [seed.randrange(1, 40_000) for _ in range(1500)]
    path = tmp_path / "events.jsonl"
    with path.open("wb") as file:
        for length in lengths:
            file.write(b'"' + b"x" * length + b'"\n')

    tracemalloc.start()
    try:
        came = [
            (found.number, len(found.body))
            for found in FileSource([path]).records()
            if isinstance(found, Record)
        ]
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert [(number, length + 2) for number, length in enumerate(lengths, 1)] == came
    assert peak_bytes < 3_000_000
