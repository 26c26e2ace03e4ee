"""`python -m benchmarks`: make the events, measure the ways in turn, say what was found."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from . import report
from .generate import Traffic, write_events
from .measure import measure_round, measure_stages, measure_whole_way


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = _parser().parse_args(arguments)
    with TemporaryDirectory(prefix="benchmarks-") as folder:
        path = Path(folder) / "events.jsonl" if options.keep is None else options.keep / "events.jsonl"
        traffic = Traffic(options.seed)
        write_events(path, traffic.events(options.events))
        _say(report.machine(), report.events(path, options.events), "")

        rounds = []
        for number in range(1, options.rounds + 1):
            rounds.append(measure_round(path, plain_events=options.plain_events, keep=options.keep))
            _say(report.one_round(number, rounds[-1]))
        _say("", report.ways(rounds), "", report.ratios(rounds), "", report.receivers(rounds), "")

        if options.stages:
            _say(report.stages([measure_stages(path) for _ in range(options.stages)]), "")
        more = options.memory_events - options.events
        if more > 0:
            write_events(path, traffic.events(more), append=True)
            large, _ = measure_whole_way(path)
            _say(report.memory([one.whole_way for one in rounds], large))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--events", type=int, default=100_000, help="lines in the file (100,000)")
    add("--plain-events", type=int, default=3_000, help="lines of it for the plain port of 1.0.0 (3,000)")
    add("--rounds", type=int, default=5, help="how often each way is measured (5)")
    add("--memory-events", type=int, default=400_000, help="lines for the memory; 0 leaves it out (400,000)")
    add("--stages", type=int, default=3, help="how often the single steps are measured (3)")
    add("--seed", type=int, default=1, help="which events are made (1)")
    add("--keep", type=Path, help="a folder for the events and for all that is sent; it slows the receiver")
    return parser


def _say(*lines: str) -> None:
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
