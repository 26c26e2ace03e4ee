"""The events in a bucket, as PostHog's batch exports put them there, read by S3's protocol."""

import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from pyarrow import parquet

from .s3_server import bucket

_EXPORTS = 5
_NAME = "2026-11-21T{:02}:00:00+00:00-2026-11-21T{:02}:00:00+00:00"
_ROW_GROUP_ROWS = 5_000


@contextmanager
def zipped_lines(events: Path, _folder: Path) -> Iterator[Sequence[str]]:
    """JSON lines with gzip, one member a line."""
    with bucket() as (store, settings):
        for name, lines in _exports(events):
            store.put(f"{name}.jsonl.gz", b"".join(gzip.compress(line, 6) for line in lines))
        yield settings


@contextmanager
def rows(events: Path, folder: Path) -> Iterator[Sequence[str]]:
    """Parquet with zstd inside."""
    path = folder / "rows.parquet"
    with bucket() as (store, settings):
        for name, lines in _exports(events):
            parquet.write_table(table_of(lines), path, compression="zstd", row_group_size=_ROW_GROUP_ROWS)
            store.put(f"{name}.parquet.zst", path.read_bytes())
        yield settings


def table_of(lines: Sequence[bytes]) -> Any:
    """Events as PostHog has them in Parquet: what is an object in JSON is its text there."""
    decoded = [msgspec.json.decode(line) for line in lines]
    for event in decoded:
        for key in ("properties", "person_properties"):
            if event.get(key) is not None:
                event[key] = msgspec.json.encode(event[key]).decode()
    return pa.table({key: [event.get(key) for event in decoded] for key in decoded[0]})


def _exports(events: Path) -> Iterator[tuple[str, list[bytes]]]:
    """Their names, and the lines of each."""
    with events.open("rb") as file:
        lines = file.readlines()
    size = -(-len(lines) // _EXPORTS)
    remaining = iter(lines)
    for number in range(_EXPORTS):
        yield _NAME.format(number, number + 1), list(islice(remaining, size))
