"""Exports as PostHog writes them, in each format and codec, whole and damaged, read by S3's protocol.

They are built to PostHog's rules (`pipeline/transformer.py`, `s3_batch_export.py`, its S3 documentation):
JSON lines with gzip have one member a line; Parquet has its codec inside, properties as JSON text, and times
in UTC.
"""

import gzip
import io
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import brotli  # type: ignore[import-untyped]
import pyarrow as pa
import pytest
from pyarrow import parquet

from variance_plugin.errors import InvalidRecord
from variance_plugin.events import Event
from variance_plugin.formats import events
from variance_plugin.sources import Broken, Record, Source
from variance_plugin.sources.bucket import Access, Bucket, open_store
from variance_plugin.testing import FakeClock, InMemoryPositions

if TYPE_CHECKING:
    from tests.conftest import S3Bucket

NAME = "2026-11-21T10:00:00+00:00-2026-11-21T11:00:00+00:00"


def row(number: int) -> dict[str, Any]:
    """One row, as JSON lines have it. PostHog leaves a fraction of zero out."""
    fraction = "" if number % 2 else ".789000"
    return {
        "uuid": f"0193a1f0-7c11-7000-8abc-{number:012}",
        "timestamp": f"2026-11-21T10:00:{number % 60:02}{fraction}+00:00",
        "_inserted_at": "2026-11-21T12:35:01.250000+00:00",
        "created_at": "2026-11-21T12:34:58+00:00",
        "event": "order paid",
        "properties": {"total": 18.5, "note": 'Zoë said "yes"\n', "$groups": {"company": "acme"}}
        | {"n": number},
        "distinct_id": f"u-{number}",
        "elements_chain": "",
        "person_properties": {"email": "kim@shop.example"} if number % 3 else None,
        "person_id": "018f2b64-55aa-7b3c-9e21-6a7b8c9d0e1f",
    }


ROWS = [row(number) for number in range(60)]
LINES = [json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in ROWS]


def in_parquet(rows: Sequence[dict[str, Any]], codec: str = "zstd", *, row_group_size: int = 20) -> bytes:
    """The same in Parquet."""
    texts = [
        {key: json.dumps(value) if isinstance(value, dict) else value for key, value in one.items()}
        for one in rows
    ]
    times = ("timestamp", "_inserted_at", "created_at")
    table = pa.table(
        {
            key: pa.array(
                [datetime.fromisoformat(one[key]) if key in times else one[key] for one in texts],
                pa.timestamp("us", tz="UTC") if key in times else pa.string(),
            )
            for key in rows[0]
        }
    )
    file = io.BytesIO()
    parquet.write_table(table, file, compression=codec, row_group_size=row_group_size)
    return file.getvalue()


EXPORTS: dict[str, Callable[[], bytes]] = {
    ".jsonl": lambda: b"".join(LINES),
    ".jsonl.gz": lambda: b"".join(map(gzip.compress, LINES)),
    ".jsonl.br": lambda: brotli.compress(b"".join(LINES)),
    ".parquet": lambda: in_parquet(ROWS, "none"),
    ".parquet.zst": lambda: in_parquet(ROWS, "zstd"),
    ".parquet.lz4": lambda: in_parquet(ROWS, "lz4"),
    ".parquet.sz": lambda: in_parquet(ROWS, "snappy"),
    ".parquet.gz": lambda: in_parquet(ROWS, "gzip"),
    ".parquet.br": lambda: in_parquet(ROWS, "brotli"),
}


def opened(s3: "S3Bucket", positions: InMemoryPositions | None = None) -> Source:
    """A source of what is in the bucket."""
    store = open_store(s3.url, Access(endpoint=s3.endpoint))
    return Bucket(store, positions=positions or InMemoryPositions(), clock=FakeClock()).open()


def read(source: Source) -> tuple[list[Event], list[str]]:
    """The events, and what could not be read, in words; all of it is acknowledged."""
    found: list[Event] = []
    broken = []
    for record in source.records():
        if isinstance(record, Record):
            (event,) = events(record.body)
            assert isinstance(event, Event)
            found.append(event)
        else:
            broken.append(str(record).rpartition("/")[2])
        source.acknowledge(record.position)
    source.close()
    return found, broken


def values(event: Event) -> tuple[Any, ...]:
    """What both formats say of an event; times as moments, since Parquet keeps no spelling of them."""
    return (
        event.uuid,
        datetime.fromisoformat(str(event.timestamp)),
        event.event,
        event.properties,
        event.distinct_id,
        event.person_properties or {},
    )


def expected(one: dict[str, Any]) -> tuple[Any, ...]:
    """The same of a row."""
    return (
        one["uuid"],
        datetime.fromisoformat(one["timestamp"]),
        one["event"],
        one["properties"],
        one["distinct_id"],
        one["person_properties"] or {},
    )


@pytest.mark.parametrize("ending", EXPORTS)
def test_each_format_and_codec_of_posthog_gives_the_same_events(s3: "S3Bucket", ending: str) -> None:
    """Each with its properties, whoever's it is, and its moment."""
    s3.put(f"posthog/{NAME}{ending}", EXPORTS[ending]())

    found, broken = read(opened(s3))

    assert list(map(expected, ROWS)) == list(map(values, found))
    assert [] == broken


def test_a_row_is_spelled_as_the_line_would_be(s3: "S3Bucket") -> None:
    """So that all that reads lines quickly reads rows quickly, too."""
    one = row(0)
    s3.put(f"{NAME}.parquet", in_parquet([one]))

    (found,) = opened(s3).records()

    assert isinstance(found, Record)
    assert json.dumps(one | {"created_at": "2026-11-21T12:34:58.000000+00:00"}, separators=(",", ":")) == (
        json.dumps(json.loads(found.body), separators=(",", ":"))
    )
    assert f"s3://{s3.name}/{NAME}.parquet:1" == str(found.position)


def test_a_window_without_data_has_no_object_and_nothing_is_amiss(s3: "S3Bucket") -> None:
    """PostHog writes none; an empty bucket is no fault either."""
    assert ([], []) == read(opened(s3))

    s3.put(f"{NAME}.jsonl", LINES[0])
    s3.put(f"{NAME.replace('T11', 'T13').replace('T10', 'T12')}.jsonl", LINES[1])

    assert (ROWS[0]["uuid"], ROWS[1]["uuid"]) == tuple(event.uuid for event in read(opened(s3))[0])


def test_rows_come_as_they_stand_and_an_export_from_the_beginning_of_time_comes_first(s3: "S3Bucket") -> None:
    """PostHog sorts none; how `None` sorts as a name is another matter."""
    s3.put(f"{NAME}.jsonl", b"".join(LINES[29::-1]))
    s3.put("None-2026-11-21T10:00:00+00:00.jsonl", b"".join(LINES[:29:-1]))

    found, _ = read(opened(s3))

    assert [one["uuid"] for one in ROWS[::-1]] == [event.uuid for event in found]


NEXT = "2026-11-21T11:00:00+00:00-2026-11-21T12:00:00+00:00.jsonl"
"""The name of the next export."""


@pytest.mark.parametrize(
    ("ending", "least", "reason"),
    [
        (".jsonl", 29, "the file ends in the middle of this line"),
        (".jsonl.gz", 29, "the gzip data is cut off; the file ends at byte {size:,}"),
        (".jsonl.br", 0, "the brotli data is cut off; the file ends at byte {size:,}"),
        (".parquet.zst", 0, "cannot be read as Parquet: Parquet magic bytes not found in footer"),
    ],
    ids=["lines", "gzip", "brotli", "parquet"],
)
def test_a_truncated_object_is_read_as_far_as_it_goes_and_is_one_dead_letter(
    s3: "S3Bucket", ending: str, least: int, reason: str
) -> None:
    """With the reason; what stands behind it is read, and the next start does not try again."""
    whole = EXPORTS[ending]()
    size = len(whole) // 2
    s3.put(f"{NAME}{ending}", whole[:size])
    s3.put(NEXT, LINES[0])
    positions = InMemoryPositions()

    found, (broken,) = read(opened(s3, positions))

    came = len(found) - 1
    assert least <= came < len(ROWS)
    assert list(map(expected, [*ROWS[:came], ROWS[0]])) == list(map(values, found))
    assert broken.startswith(f"{NAME}{ending}:{came + 1}: {reason.format(size=size)}")
    assert ([], []) == read(opened(s3, positions))


def test_a_damaged_part_of_a_parquet_file_is_one_dead_letter_and_the_others_are_read(s3: "S3Bucket") -> None:
    """Row groups stand by themselves."""
    whole = bytearray(EXPORTS[".parquet.gz"]())
    damaged = parquet.ParquetFile(io.BytesIO(bytes(whole))).metadata.row_group(1).column(5)
    start = damaged.dictionary_page_offset or damaged.data_page_offset
    whole[start : start + damaged.total_compressed_size] = bytes(damaged.total_compressed_size)
    s3.put(f"{NAME}.parquet.gz", bytes(whole))

    found, broken = read(opened(s3))

    assert list(map(expected, [*ROWS[:20], *ROWS[40:]])) == list(map(values, found))
    assert [f"{NAME}.parquet.gz:40", "the rows from 21 to here cannot be read"] == broken[0].split(": ")[:2]
    assert 1 == len(broken)


def test_a_row_that_is_no_event_falls_alone(s3: "S3Bucket") -> None:
    """Bytes that are no text, properties that are no JSON, a row without a name, an endless one."""
    columns = {
        "event": ["a", "b", "c", None, "e"],
        "distinct_id": [b"u", b"\xff", b"u", b"u", b"u"],
        "properties": ["{}", "{}", '{"total": 1', "{}", json.dumps({"note": "x" * 2_000})],
    }
    invalid = pa.array(columns["distinct_id"], pa.binary()).view(pa.string())
    table = pa.table({"event": columns["event"], "distinct_id": invalid, "properties": columns["properties"]})
    file = io.BytesIO()
    parquet.write_table(table, file)
    s3.put("a.parquet", file.getvalue())
    store = open_store(s3.url, Access(endpoint=s3.endpoint))
    bucket = Bucket(store, positions=InMemoryPositions(), clock=FakeClock(), max_line_bytes=1_000)

    outcomes = list(map(outcome, bucket.open().records()))

    assert [
        "a",
        f"s3://{s3.name}/a.parquet:2: `distinct_id` cannot be read: UnicodeDecodeError",
        "not JSON: Expecting ',' delimiter: line 1 column 12 (char 11)",
        "no event name: `event` is missing",
        f"s3://{s3.name}/a.parquet:5: longer than 1,000 bytes",
    ] == outcomes


def outcome(found: Record | Broken) -> str:
    """The name of the event, or why there is none."""
    if isinstance(found, Broken):
        return str(found)
    try:
        (event,) = events(found.body)
    except InvalidRecord as error:
        return str(error)
    assert isinstance(event, Event)
    return event.event


def test_a_line_that_is_no_event_falls_alone(s3: "S3Bucket") -> None:
    """What is no JSON is given to whoever makes events of it, and becomes a dead letter there."""
    s3.put(f"{NAME}.jsonl.gz", b"".join(map(gzip.compress, [LINES[0], b'{"event": \n', LINES[1]])))

    outcomes = list(map(outcome, opened(s3).records()))

    assert ["order paid", "order paid"] == [outcomes[0], outcomes[2]]
    assert outcomes[1].startswith("not JSON")


def test_an_object_that_is_deleted_after_it_was_listed_is_one_dead_letter(s3: "S3Bucket") -> None:
    """The others are read; should it come back, it is read."""
    s3.put(f"{NAME}.jsonl", LINES[0])
    s3.put(NEXT, LINES[1])
    positions = InMemoryPositions()
    source = opened(s3, positions)
    s3.delete(f"{NAME}.jsonl")

    found, broken = read(source)

    assert [ROWS[1]["uuid"]] == [event.uuid for event in found]
    assert [f"{NAME}.jsonl:1: it is gone: it was deleted since it was listed"] == broken
    s3.put(f"{NAME}.jsonl", LINES[0])
    assert [ROWS[0]["uuid"]] == [event.uuid for event in read(opened(s3, positions))[0]]


@pytest.mark.parametrize("ending", [".jsonl", ".parquet.zst"])
def test_an_object_that_is_written_anew_while_it_is_read_is_read_again(s3: "S3Bucket", ending: str) -> None:
    """Never a part of one version and a part of another; no row of either is lost."""
    s3.put(f"{NAME}{ending}", EXPORTS[ending]())
    positions = InMemoryPositions()
    source = opened(s3, positions)
    s3.put(f"{NAME}{ending}", b"".join(LINES[:7]) if ending == ".jsonl" else in_parquet(ROWS[:7]))

    found, broken = read(source)

    assert ([], [f"{NAME}{ending}:1: it was written anew since it was listed"]) == (found, broken)
    assert list(map(expected, ROWS[:7])) == list(map(values, read(opened(s3, positions))[0]))
