"""`python -m benchmarks.local_variance`: does the local Variance keep up with an export at its defaults?

The whole way of `variance-plugin export` into a receiver that does nothing, into `variance-plugin receive`,
and into `receive --state`, one after the other, each in processes of its own.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory

import msgspec
import requests

from variance_plugin.receiver import Summary

from . import report
from .generate import Traffic, write_events
from .measure import measure_whole_way, run_way
from .result import Result, peak_rss_bytes

_ROOT = Path(__file__).parent.parent


class Received(msgspec.Struct, kw_only=True):
    """What `receive` took, and what it took it."""

    result: Result
    """Of the export."""
    summary: Summary
    cpu_seconds: float
    peak_rss_bytes: int


def measure(path: Path, *options: str) -> Received:
    """Export a file into `receive` with these options."""
    with _receiving(*options) as (process, url):
        begun = _cpu_seconds(process.pid)
        result = run_way("whole_way", path, url)
        summary = requests.get(url.replace("/webhook", "/summary"), timeout=60).content
        return Received(
            result=result,
            summary=Summary.from_json(summary),
            cpu_seconds=_cpu_seconds(process.pid) - begun,
            peak_rss_bytes=peak_rss_bytes(process.pid),
        )


@contextmanager
def _receiving(*options: str) -> Iterator[tuple[Popen[str], str]]:
    command = [sys.executable, "-m", "variance_plugin", "receive", "--port", "0", *options]
    with Popen(command, stdout=PIPE, text=True, cwd=_ROOT) as process:
        assert process.stdout is not None  # noqa: S101 -- it is a pipe
        try:
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()


def _cpu_seconds(pid: int) -> float:
    # The 14th and 15th figure: user and system time, of all threads (proc(5)).
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.local_variance", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="lines in the file (100,000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    options = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="benchmarks-") as folder:
        path = Path(folder) / "events.jsonl"
        write_events(path, Traffic(1).events(options.events))
        print(report.machine(), report.events(path, options.events), "", sep="\n", flush=True)
        nothing, memory, state = [], [], []
        for number in range(options.rounds):
            nothing.append(measure_whole_way(path)[0])
            memory.append(measure(path))
            state.append(measure(path, "--state", f"{folder}/state-{number}.db"))
    base = median(result.events_per_second for result in nothing)
    print(f"into a receiver that does nothing  {base:9,.0f} events/s")
    print(_line("receive", memory, base))
    print(_line("receive --state", state, base))


def _line(name: str, rounds: Sequence[Received], base: float) -> str:
    """The medians of all rounds."""
    for one in rounds:
        if sum(one.summary.messages.values()) != one.result.messages:
            raise RuntimeError(
                f"{one.result.messages} messages were sent, but {one.summary.messages} applied"
            )
    pace = median(one.result.events_per_second for one in rounds)
    busy = median(one.cpu_seconds / one.result.seconds for one in rounds)
    cost = median(one.cpu_seconds / one.result.messages for one in rounds)
    peak = max(one.peak_rss_bytes for one in rounds)
    summary = rounds[0].summary
    return (
        f"into {name:28}  {pace:9,.0f} events/s, {pace / base:.2f} of that\n"
        f"     busy {busy:.0%} of the time, {cost * 1e6:.0f} µs a message, at most {peak / 1e6:.0f} MB; "
        f"{sum(summary.messages.values()):,} messages, {len(summary.contacts):,} contacts"
    )


if __name__ == "__main__":
    main()
