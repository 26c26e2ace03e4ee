"""`python -m benchmarks.load`: how long the HTTP source's 200 takes under load, and what is beyond it.

Three processes on this machine: the clients here, `variance-plugin serve`, and a receiver in Variance's
place. Each request has one event, as PostHog's webhook destination and many an SDK post it. A request's time
counts from the moment at which it was due, not from when a client got round to it. Rates, times and
connections are bounded.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from subprocess import DEVNULL, Popen
from tempfile import TemporaryDirectory
from typing import Any

from . import report
from .generate import Traffic
from .receiver import receiving

_KEY = "phc_demoLoad"
_BODIES = 2_000
_ANSWER_SECONDS = 60.0
_TAKEN = 200
# A destination that nobody is at; and little room to wait for it.
_DOWN = ("--webhook-url", "http://127.0.0.1:9/")
_FULL = (*_DOWN, "--set", "spool.max_bytes=1_000_000")
_MOST_RATE = 20_000
_MOST_SECONDS = 120
_MOST_CONNECTIONS = 500
# So long one is sent, and so long it takes to look at what that does.
_BACKLOG_SECONDS = 4
_HEAD_END = b"\r\n\r\n"
_HEAD = b"POST /batch/ HTTP/1.1\r\nHost: load\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


@dataclass(slots=True)
class Load:
    """What clients saw.

    Attributes:
        seconds: From the first request to the last answer.
        statuses: How often each was answered.
        latencies: Of the answers of 200, in seconds.
    """

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    def row(self) -> str:
        """As a line of the table."""
        times = sorted(self.latencies) or [0.0]
        shown = [times[int(len(times) * share)] for share in (0.5, 0.9, 0.99)] + [times[-1]]
        others = [f"{count:,} times {status}" for status, count in sorted(self.statuses.items())]
        return (
            f"{self.statuses[_TAKEN] / self.seconds:>12,.0f}"
            f"{''.join(f'{1000 * seconds:>8.1f}' for seconds in shown)}   {', '.join(others)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What clients do.

    Attributes:
        rate: Requests a second; None: each sends the next one when it has its answer.
        seconds: So long.
        connections: So many clients.
    """

    rate: int | None
    seconds: int
    connections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One line of the table.

    Attributes:
        name: What it is called there.
        pace: Of the clients.
        arguments: More of them for `serve`.
        after: What clients did before, with nobody at the destination: all that is still to be delivered.
    """

    name: str
    pace: Pace
    arguments: Sequence[str] = ()
    after: Pace | None = None


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    add = parser.add_argument
    add(
        "runs",
        nargs="*",
        choices=["rate", "most", "backlog", "full", []],
        help="which: rate, most, backlog, full (all)",
    )
    add("--rate", type=int, default=1_000, help="requests a second in the first run (1,000)")
    add("--seconds", type=int, default=20, help="how long each run takes (20)")
    add("--connections", type=int, default=50, help="clients that are connected (50)")
    add("--seed", type=int, default=1, help="which events are made (1)")
    options = parser.parse_args(arguments)
    rate = min(options.rate, _MOST_RATE)
    seconds = min(options.seconds, _MOST_SECONDS)
    connections = min(options.connections, _MOST_CONNECTIONS)
    requests = [_request(event) for event in Traffic(options.seed).events(_BODIES)]
    size = sum(map(len, requests)) // len(requests)
    print(
        f"{report.machine()}\nRequests   one event each, {size:,} bytes, {connections} connections",
        flush=True,
    )
    print(f"\n{'':<34}{'taken/s':>12}{'p50 ms':>8}{'p90':>8}{'p99':>8}{'most':>8}   answers")
    pace = Pace(rate=rate, seconds=seconds, connections=connections)
    most = replace(pace, rate=None)
    runs = {
        "rate": Run(name=f"{rate:,} a second", pace=pace),
        "most": Run(name="as many as it takes", pace=most),
        "backlog": Run(
            name=f"{rate:,} a second, behind a backlog",
            pace=replace(pace, seconds=min(seconds, _BACKLOG_SECONDS)),
            after=replace(most, seconds=min(seconds, _BACKLOG_SECONDS)),
        ),
        "full": Run(name=f"{rate:,} a second, spool of 1 MB", pace=pace, arguments=_FULL),
    }
    for run in options.runs or runs:
        _measure(runs[run], requests)


def _measure(run: Run, requests: Sequence[bytes]) -> None:
    with TemporaryDirectory(prefix="benchmarks-") as folder:
        if run.after is not None:
            with _served(Path(folder), _DOWN) as server:
                before = asyncio.run(_send(server.port, requests, run.after))
                server.end()
            print(f"({before.statuses[_TAKEN]:,} events to begin with)", flush=True)
        with _served(Path(folder), run.arguments) as server:
            load = asyncio.run(_send(server.port, requests, run.pace))
            cpu_seconds, peak_bytes = server.costs()
            ended = server.end()
    print(f"{run.name:<34}{load.row()}", flush=True)
    print(f"    {cpu_seconds / load.seconds:.0%} of a core, {peak_bytes / 1e6:,.0f} MB; {ended}", flush=True)


def _request(event: dict[str, Any]) -> bytes:
    """As an SDK sends it: the event's own, without what PostHog adds."""
    own = {key: event[key] for key in ("event", "uuid", "distinct_id", "timestamp", "properties")}
    body = json.dumps({"api_key": _KEY, "batch": [own]}).encode()
    return _HEAD % len(body) + body


async def _send(port: int, requests: Sequence[bytes], pace: Pace) -> Load:
    """Requests, each when it is due; those that nobody got round to in time are left out."""
    load = Load()
    began = time.perf_counter()
    numbers = count()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (now := time.perf_counter()) - began < pace.seconds:
            number = next(numbers)
            due = now if pace.rate is None else began + number / pace.rate
            await asyncio.sleep(max(due - now, 0))
            writer.write(requests[number % len(requests)])
            async with asyncio.timeout(_ANSWER_SECONDS):
                status = await _status(reader)
            load.statuses[status] += 1
            if status == _TAKEN:
                load.latencies.append(time.perf_counter() - due)
        writer.close()

    await asyncio.gather(*(client() for _ in range(pace.connections)))
    load.seconds = time.perf_counter() - began
    return load


async def _status(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(_HEAD_END)).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head[9:12])


class _Server:
    """`variance-plugin serve`, and what it costs."""

    def __init__(self, process: Popen[bytes], port: int, log: Path) -> None:
        self.port = port
        self._process = process
        self._log = log

    def costs(self) -> tuple[float, int]:
        """CPU seconds so far, and the most memory; of Linux only."""
        folder = Path(f"/proc/{self._process.pid}")
        if not folder.exists():
            return 0.0, 0
        times = (folder / "stat").read_text().rpartition(")")[2].split()
        ticks = int(times[11]) + int(times[12])
        peak = (folder / "status").read_text().partition("VmHWM:")[2].split()[0]
        return ticks / os.sysconf("SC_CLK_TCK"), 1024 * int(peak)

    def end(self) -> str:
        """Stop it in order; what it says of itself."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(_ANSWER_SECONDS)
        for line in reversed(self._log.read_text().splitlines()):
            told: str = json.loads(line)["event"]
            if told.startswith("ended: "):
                return told.removeprefix("ended: ")
        return "it said nothing"


@contextmanager
def _served(folder: Path, more: Sequence[str]) -> Iterator[_Server]:
    """A server that listens, into a receiver that takes everything."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    log = folder / "serve.log"
    with receiving() as receiver, log.open("wb") as told:
        command = [sys.executable, "-m", "variance_plugin", "serve", "--token", _KEY]
        command += ["--listen", f"127.0.0.1:{port}", "--webhook-url", receiver.url, "--auth-header", "demo"]
        command += [
            "--set",
            "allowedHosts=127.0.0.1",
            "--set",
            "metrics.listen=off",
            "--set",
            "flush_seconds=1",
        ]
        with Popen([*command, *more], cwd=folder, stdout=DEVNULL, stderr=told) as process:
            try:
                _wait_for(port)
                yield _Server(process, port, log)
            finally:
                process.kill()


def _wait_for(port: int) -> None:
    deadline = time.perf_counter() + _ANSWER_SECONDS
    while time.perf_counter() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            continue
        return
    raise TimeoutError("it does not listen")


if __name__ == "__main__":
    main()
