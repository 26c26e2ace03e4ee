"""`python -m benchmarks.sources`: the same events by each source, in turn, round by round."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypeAlias

from benchmarks import report
from benchmarks.generate import Traffic, write_events
from benchmarks.measure import run_way
from benchmarks.receiver import receiving
from benchmarks.result import Result

from . import backfill, bucket, file, http, kafka

Prepare: TypeAlias = Callable[[Path, Path], AbstractContextManager[Sequence[str]]]
"""Takes the events, one a line, and a folder with room; gives the settings that read them, `KEY=VALUE`."""

FIRST = "file, JSON lines"
SOURCES: Mapping[str, Prepare] = {
    FIRST: file.lines,
    "bucket, JSON lines, gzip": bucket.zipped_lines,
    "bucket, Parquet, zstd": bucket.rows,
    "backfill, JSON lines, gzip": backfill.exports,
    "kafka, one process": kafka.rows,
    "http, 100 events a request": http.batches,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sources", description=__doc__)
    add = parser.add_argument
    add("sources", nargs="*", metavar="SOURCE", help=f"beginnings of names: {'; '.join(SOURCES)} (all)")
    add("--events", type=int, default=100_000, help="events that each has to bring (100,000)")
    add("--rounds", type=int, default=3, help="how often each is measured (3)")
    add("--seed", type=int, default=1, help="which events are made (1)")
    options = parser.parse_args(arguments)
    wanted = (FIRST, *options.sources) if options.sources else ("",)
    found: dict[str, list[Result]] = {name: [] for name in SOURCES if name.startswith(wanted)}
    with TemporaryDirectory(prefix="benchmarks-") as folder:
        path = Path(folder) / "events.jsonl"
        write_events(path, Traffic(options.seed).events(options.events))
        print(f"{report.machine()}\n{report.events(path, options.events)}", flush=True)
        for _ in range(options.rounds):
            for name, results in found.items():
                results.append(_measured(SOURCES[name], path, Path(folder)))
    _print(found)


def _measured(prepare: Prepare, path: Path, folder: Path) -> Result:
    with prepare(path, folder) as settings, receiving() as receiver:
        return run_way("sources.way", receiver.url, *settings)


def _print(found: Mapping[str, Sequence[Result]]) -> None:
    first = median(result.events_per_second for result in found[FIRST])
    print(
        f"\n{'Medians':<33}{'events/s':>10}{'µs/event':>10}{'CPU µs/event':>14}{'peak MB':>9}{'of file':>9}"
    )
    for name, results in found.items():
        times = median(result.events_per_second for result in results) / first
        print(f"{name:<33}{report.row(results)}{times:>9.2f}")


if __name__ == "__main__":
    main()
