"""`python -m benchmarks.sources.large`: one object of gigabytes, brought whole, and the memory it takes.

The object is some thousand events of real shape, again and again, as PostHog would write them.
"""

import argparse
import gzip
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import msgspec
from pyarrow import parquet

from benchmarks import report
from benchmarks.generate import Traffic
from benchmarks.measure import run_way
from benchmarks.receiver import receiving

from .bucket import table_of
from .s3_server import bucket

# What the project wants of itself (docs/performance.md).
MOST_RSS_BYTES = 200_000_000

_NAME = "2026-11-21T10:00:00+00:00-2026-11-21T11:00:00+00:00"
_EVENTS = 5_000

Write: TypeAlias = Callable[[Path, Sequence[bytes], int], None]
"""Writes some events to a file, so many times."""


def _zipped_lines(path: Path, lines: Sequence[bytes], times: int) -> None:
    block = b"".join(gzip.compress(line + b"\n", 6) for line in lines)
    with path.open("wb") as file:
        for _ in range(times):
            file.write(block)


def _rows(path: Path, lines: Sequence[bytes], times: int) -> None:
    table = table_of(lines)
    with parquet.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(times):
            writer.write_table(table)


FORMATS: Mapping[str, Write] = {"jsonl.gz": _zipped_lines, "parquet.zst": _rows}


def main(arguments: Sequence[str] | None = None) -> None:
    """Make it, bring it, and say what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sources.large", description=__doc__)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"which: {', '.join(FORMATS)} (all)")
    parser.add_argument("--gigabytes", type=float, default=2.0, help="of events, unpacked (2)")
    options = parser.parse_args(arguments)
    lines = [msgspec.json.encode(event) for event in Traffic(1).events(_EVENTS)]
    block_bytes = sum(map(len, lines))
    times = max(1, round(options.gigabytes * 1e9 / block_bytes))
    print(report.machine(), flush=True)
    print(f"\n{'':<14}{'unpacked MB':>12}{'stored MB':>11}{'events':>10}{'events/s':>10}{'peak MB':>9}")
    for ending in options.formats or FORMATS:
        write = FORMATS[ending]
        with TemporaryDirectory(prefix="benchmarks-") as folder, bucket() as (store, settings):
            path = Path(folder) / "object"
            write(path, lines, times)
            store.put(f"{_NAME}.{ending}", path)
            stored_bytes = path.stat().st_size
            path.unlink()
            with receiving() as receiver:
                found = run_way("sources.way", receiver.url, *settings)
        print(
            f"{ending:<14}{block_bytes * times / 1e6:>12,.0f}{stored_bytes / 1e6:>11,.0f}{found.events:>10,}"
            f"{found.events_per_second:>10,.0f}{found.peak_rss_bytes / 1e6:>9.0f}"
            f"   asked for: under {MOST_RSS_BYTES / 1e6:.0f} MB: "
            f"{report.verdict(reached=found.peak_rss_bytes < MOST_RSS_BYTES)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
