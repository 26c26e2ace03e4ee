"""The measurements as text. Pure but for the look at the machine."""

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from .measure import Round
from .result import Result

# What the project wants of itself (docs/performance.md, "What is asked for").
LEAST_TIMES_DECODE_ENCODE = 0.7
LEAST_TIMES_PLAIN_PORT = 20.0
MOST_RSS_BYTES = 100_000_000


def machine() -> str:
    """What it was measured on."""
    return (
        f"Machine    {os.cpu_count()} cores ({_processor()}), load {os.getloadavg()[0]:.1f} at the start; "
        f"{platform.system()} {platform.release()}\n"
        f"           Python {platform.python_version()} ({platform.python_compiler()}), "
        f"msgspec {version('msgspec')}, requests {version('requests')}"
    )


def events(path: Path, count: int) -> str:
    """What was read."""
    size_bytes = path.stat().st_size
    return f"Events     {count:,} in {size_bytes / 1e6:,.0f} MB, {size_bytes / count:,.0f} bytes each"


def one_round(number: int, one: Round) -> str:
    """How ours compares, this time."""
    return (
        f"Round {number}    {one.whole_way.events_per_second:,.0f} events/s: "
        f"{one.times_decode_encode:.2f} times (a), {one.times_plain_port:.1f} times (b)"
    )


def ways(rounds: Sequence[Round]) -> str:
    """The table of the three ways: medians over the rounds."""
    rows = [
        ("(a) decode and encode, no more", [one.decode_encode for one in rounds]),
        ("    with the standard library", [one.decode_encode_json for one in rounds]),
        ("(b) plain port of 1.0.0", [one.plain_port for one in rounds]),
        ("(c) ours, the whole way", [one.whole_way for one in rounds]),
    ]
    head = f"{'':<33}{'events/s':>10}{'µs/event':>10}{'CPU µs/event':>14}{'peak MB':>9}"
    return "\n".join([head, *(f"{name:<33}{row(results)}" for name, results in rows)])


def ratios(rounds: Sequence[Round]) -> str:
    """How ours compares, round by round."""
    by_json = [one.times_decode_encode_json for one in rounds]
    return "\n".join(
        [
            _ratio(
                "(c) / (a)",
                [one.times_decode_encode for one in rounds],
                by_cpu=[
                    one.decode_encode.cpu_microseconds / one.whole_way.cpu_microseconds for one in rounds
                ],
                least=LEAST_TIMES_DECODE_ENCODE,
            ),
            f"           {median(by_json):.1f} with the standard library's json in (a)",
            _ratio(
                "(c) / (b)",
                [one.times_plain_port for one in rounds],
                by_cpu=[one.plain_port.cpu_microseconds / one.whole_way.cpu_microseconds for one in rounds],
                least=LEAST_TIMES_PLAIN_PORT,
            ),
        ]
    )


def receivers(rounds: Sequence[Round]) -> str:
    """How busy the receiver was, and how it was called."""
    ours = median(one.whole_way_received.cpu_seconds / one.whole_way.seconds for one in rounds)
    port = median(one.plain_port_received.cpu_seconds / one.plain_port.seconds for one in rounds)
    last = rounds[-1]
    received = last.whole_way_received
    return (
        f"Receiver   busy {ours:.0%} of the time with (c), {port:.0%} with (b)\n"
        f"           (c): {last.whole_way.messages:,} messages in {received.requests:,} requests on "
        f"{received.connections} connections, {received.body_bytes / 1e6:,.0f} MB\n"
        f"           (b): {last.plain_port.messages:,} messages in as many requests, "
        f"{last.plain_port.events:,} events read"
    )


def memory(small: Iterable[Result], large: Result) -> str:
    """Whether memory grows with the file."""
    bases = list(small)
    base_bytes = median(one.peak_rss_bytes for one in bases)
    most_bytes = max(large.peak_rss_bytes, *(one.peak_rss_bytes for one in bases))
    return (
        f"Memory     {base_bytes / 1e6:.0f} MB at the most with {bases[0].events:,} events, "
        f"{large.peak_rss_bytes / 1e6:.0f} MB with {large.events:,}; asked for: under "
        f"{MOST_RSS_BYTES / 1e6:.0f} MB: {verdict(reached=most_bytes < MOST_RSS_BYTES)}"
    )


def stages(found: Sequence[Mapping[str, Result]]) -> str:
    """What each step of the whole way adds."""
    lines = [f"{'Where the CPU time of (c) goes':<58}{'µs/event':>9}{'added':>9}"]
    before = 0.0
    for step in found[0]:
        microseconds = median(one[step].cpu_microseconds for one in found)
        lines.append(f"  {step:<56}{microseconds:>9.2f}{microseconds - before:>9.2f}")
        before = microseconds
    return "\n".join(lines)


def row(results: Sequence[Result]) -> str:
    """The figures of one way, in the columns of `ways`: medians."""

    def middle(value: Callable[[Result], float]) -> float:
        return median(map(value, results))

    speed = middle(lambda result: result.events_per_second)
    cpu = middle(lambda result: result.cpu_microseconds)
    peak = middle(lambda result: result.peak_rss_bytes / 1e6)
    return f"{speed:>10,.0f}{1e6 / speed:>10.1f}{cpu:>14.1f}{peak:>9.0f}"


def _ratio(name: str, values: Sequence[float], *, by_cpu: Sequence[float], least: float) -> str:
    middle = median(values)
    digits = 2 if least < 1 else 1
    spread = f"{min(values):.{digits}f} to {max(values):.{digits}f} in {len(values)} rounds"
    return (
        f"{name}  {middle:.{digits}f} ({spread}; by CPU time {median(by_cpu):.{digits}f}); "
        f"asked for: {least:g} or more: {verdict(reached=middle >= least)}"
    )


def verdict(*, reached: bool) -> str:
    """In a word."""
    return "reached" if reached else "missed"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
