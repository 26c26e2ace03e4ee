"""An hour's outage while a million events wait: memory stays where it is, and nothing is lost."""

import re
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from subprocess import Popen
from typing import Self

from variance_plugin.clock import SystemClock
from variance_plugin.receiver import Answer, LocalVariance, Post
from variance_plugin.receiver.answers import TAKEN

from .conservation import FEEDS, dead_records
from .endpoint import AUTHORIZATION
from .runner import LIMIT_SECONDS, Runner, status_of
from .verdict import Verdict

HOUR_SECONDS = 3600
# What a run may hold: two batches of `exportEventsBufferBytes` a lane, and what is on its way to them.
BUFFER_BYTES = (4 * 2 + 3) * 1_048_576
ALLOWED_BYTES = 20_000_000
_LINE = (
    b'{"event":"order paid","uuid":"00000000-0000-4000-8000-%012d","timestamp":"2026-01-01T00:00:00.000Z",'
    b'"distinct_id":"user-%d","properties":{"plan":"team","seats":12,"note":"' + b"x" * 150 + b'"}}'
)
_USERS = 5_000
_AT_ONCE = 10_000
_CONFIG = "exportEventsBufferSeconds = 0.05\nretrySeconds = 0"
_DOWN = Answer(status=503)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a run needed, resident."""

    idle_bytes: int
    """At the most, up to when it had delivered one event and waited for more."""
    peak_bytes: int
    """At the most, ever."""

    @property
    def bound_bytes(self) -> int:
        """What is asked for."""
        return self.idle_bytes + BUFFER_BYTES + ALLOWED_BYTES

    def __str__(self) -> str:
        return (
            f"  memory    {self.idle_bytes / 1e6:.1f} MB idle, {self.peak_bytes / 1e6:.1f} MB at the most; "
            f"asked for: at most {self.bound_bytes / 1e6:.1f} MB"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Endured:
    """What came of an outage."""

    verdict: Verdict
    memory: Memory
    gone: int
    """Events that had left the hands of whoever gives them to the source when the outage ended."""

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, and memory stayed within its bound."""
        return self.verdict.holds and self.memory.peak_bytes <= self.memory.bound_bytes

    def __str__(self) -> str:
        gone = f"  backlog   {self.gone:,} events had gone into the source by its end"
        return "\n".join([str(self.verdict), gone, str(self.memory)])


def endure(source: str, folder: Path, *, events: int, fast: float, spool_max_bytes: int) -> Endured:
    """Take the endpoint down for an hour, and give the source so many events meanwhile.

    Args:
        source: One of `FEEDS`.
        folder: For settings, state and logs.
        events: How many.
        fast: How many times as fast as time the runner's clock is: the hour takes so much less.
        spool_max_bytes: When a spool takes no more.
    """
    feed = FEEDS[source](folder)
    verdict = Verdict(title=f"Outage of an hour, {source}", events=events)
    settings = feed.settings + f"[spool]\nmax_bytes = {spool_max_bytes}\n"
    with _Tally(events) as tally:
        runner = Runner(folder, source=settings, url=tally.url, config=_CONFIG, fast=fast)
        with runner.start() as process:
            feed.attach(process)
            lines = _lines(events)
            feed.hand_over([next(lines)])
            tally.wait_for(1)
            idle_bytes = peak_bytes(process)
            tally.is_down = True
            while portion := list(islice(lines, _AT_ONCE)):
                feed.hand_over(portion)
            SystemClock().wait(HOUR_SECONDS / fast)
            gone = feed.gone
            tally.is_down = False
            tally.wait_for(events)
            memory = Memory(idle_bytes=idle_bytes, peak_bytes=peak_bytes(process))
            process.send_signal(signal.SIGTERM)
            status = status_of(process, timeout_seconds=LIMIT_SECONDS)
            feed.detach()
    if status != 0:
        verdict.wrong.append(f"ended with status {status}, with something left")
    tally.tell(verdict)
    verdict.dead = dead_records(runner.state).total()
    return Endured(verdict=verdict, memory=memory, gone=gone)


def peak_bytes(process: Popen[bytes]) -> int:
    """The most that a process has had in memory so far (Linux)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


class _Tally:
    """An endpoint for a million events: it keeps a byte for each."""

    def __init__(self, events: int) -> None:
        self._times = bytearray(events)
        self._taken = 0
        self._refused = 0
        self._changed = threading.Condition()
        self._receiver = LocalVariance(authorization=AUTHORIZATION, answers=self._answer, keep_posts=False)
        self.is_down = False

    @property
    def url(self) -> str:
        return self._receiver.url

    def wait_for(self, events: int) -> None:
        """Until so many different ones have come, or for long enough."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken >= events, LIMIT_SECONDS)

    def tell(self, verdict: Verdict) -> None:
        verdict.delivered = self._taken
        verdict.repeats = sum(times - 1 for times in self._times if times)
        verdict.faults["503"] = self._refused
        verdict.lost += [f"not delivered: {number}" for number, times in enumerate(self._times) if not times]

    def __enter__(self) -> Self:
        self._receiver.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._receiver.close()

    def _answer(self, post: Post) -> Answer:
        if self.is_down:
            self._refused += 1
            return _DOWN
        numbers = [int(_NUMBER.search(raw)[1]) for raw in map(bytes, post.raw_messages)]  # type: ignore[index]
        with self._changed:
            for number in numbers:
                self._taken += not self._times[number]
                self._times[number] = min(self._times[number] + 1, 255)
            self._changed.notify_all()
        return TAKEN


_NUMBER = re.compile(rb'"messageId":"00000000-0000-4000-8000-(\d{12})"')


def _lines(count: int) -> Iterator[bytes]:
    return (_LINE % (number, number % _USERS) for number in range(count))
