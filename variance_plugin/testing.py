"""Stand-ins for tests: of this project, and of plugins and hosts that others write.

    meta = InMemoryMeta({"webhookUrl": "https://variance.example/hook", "authHeader": "Bearer demo"})
    transport = ScriptedTransport([Answer(status=503), Answer(status=200)])
    with running(VariancePlugin(transport=transport), meta) as plugin:
        plugin.export_events([make_event("order paid")], meta)
    assert 2 == len(transport.requests)   # the second after a wait that took no time

Each is a real implementation of its protocol and passes the same tests as the one it stands in for
(`tests/contract`). For a real peer at the other end of the wire there is `receiver.LocalVariance`.
"""

import gzip
import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from .delivery import Answer, Request
from .errors import SpoolFull
from .events import Event
from .fake_clock import START, FakeClock
from .harness import Captured, PluginHarness
from .hooks import Attachment, Plugin, Rejection
from .points import Point, watch
from .runtime import Counts
from .runtime.meta.geoip import NoGeoip
from .runtime.meta.host_meta import Utils
from .runtime.meta.plugin_jobs import PluginJobs
from .runtime.meta.plugin_metrics import PluginMetrics
from .runtime.meta.project import PluginProject, Project, ProjectAccess
from .state import InMemoryCache, InMemoryCursor, InMemoryJobQueue, InMemoryStorage

__all__ = [
    "Captured",
    "FakeClock",
    "InMemoryCache",
    "InMemoryCursor",
    "InMemoryDeadLetters",
    "InMemoryJobQueue",
    "InMemoryMeta",
    "InMemoryPositions",
    "InMemorySpool",
    "InMemoryStorage",
    "PluginHarness",
    "ScriptedTransport",
    "kill_at",
    "make_event",
    "messages_in",
    "running",
]


class ScriptedTransport:
    """A `delivery.Transport` without a network.

    Args:
        answers: Used up in order, after which every request is answered 200; or a function that is asked
            for the answer to each request, in the thread that posts it.
    """

    def __init__(self, answers: Iterable[Answer] | Callable[[Request], Answer] = ()) -> None:
        self._asked = answers if callable(answers) else None
        self._listed = iter(()) if callable(answers) else iter(answers)
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self.closed = False

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request so far, in the order in which they came."""
        with self._lock:
            return tuple(self._requests)

    def post(self, request: Request) -> Answer:
        """See `Transport`."""
        with self._lock:
            self._requests.append(request)
            if self._asked is None:
                return next(self._listed, Answer(status=200))
        return self._asked(request)

    def close(self) -> None:
        """See `Transport`."""
        self.closed = True


def messages_in(request: Request) -> list[Any]:
    """The messages of a request, decoded, whichever its format and compression."""
    body = request.body
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    if request.headers["Content-Type"] == "application/x-ndjson":
        return [json.loads(line) for line in body.splitlines()]
    value = json.loads(body)
    if isinstance(value, dict) and "batch" in value:
        value = value["batch"]
    return value if isinstance(value, list) else [value]


class InMemoryDeadLetters:
    """`runtime.DeadLetters` in a list."""

    def __init__(self) -> None:
        self.rejections: list[Rejection] = []
        self.closed = False

    def add(self, rejection: Rejection) -> None:
        """See `DeadLetters`."""
        self.rejections.append(rejection)

    def close(self) -> None:
        """See `DeadLetters`."""
        self.closed = True


class InMemoryPositions:
    """`sources.Positions` of one source, as JSON, as they would be kept."""

    def __init__(self) -> None:
        self._saved: dict[str, str] = {}

    def load(self) -> dict[str, dict[str, Any]]:
        """See `Positions`."""
        return {stream: json.loads(position) for stream, position in self._saved.items()}

    def save(self, stream: str, position: Mapping[str, Any]) -> None:
        """See `Positions`."""
        self._saved[stream] = json.dumps(position)


class InMemorySpool:
    """`sources.spool.Spool` in a list.

    Args:
        max_bytes: So many it takes; with more, `append` raises `SpoolFull`.
    """

    def __init__(self, max_bytes: int = 1_000_000) -> None:
        self.entries: list[tuple[int, bytes]] = []
        self._max_bytes = max_bytes
        self._last = 0
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """See `Spool`."""
        return sum(len(record) for _, record in self.entries)

    def append(self, records: Sequence[bytes], *, beyond_limit: bool = False) -> None:
        """See `Spool`."""
        with self._lock:
            size_bytes = sum(map(len, records)) + self.size_bytes
            if size_bytes > self._max_bytes and not beyond_limit:
                raise SpoolFull(f"the spool is full: it may hold {self._max_bytes:,} bytes")
            self.entries.extend(enumerate(records, self._last + 1))
            self._last += len(records)

    def read(self, after: int, limit_bytes: int) -> list[tuple[int, bytes]]:
        """See `Spool`."""
        with self._lock:
            found: list[tuple[int, bytes]] = []
            for number, record in self.entries:
                if number > after:
                    limit_bytes -= len(record)
                    if found and limit_bytes < 0:
                        break
                    found.append((number, record))
            return found

    def acknowledge(self, up_to: int) -> None:
        """See `Spool`."""
        with self._lock:
            self.entries = [(number, record) for number, record in self.entries if number > up_to]


@dataclass(frozen=True, slots=True)
class InMemoryMeta:
    """A `hooks.PluginMeta`: what a plugin says, rejects and counts (in `counts`) can be looked at."""

    config: Mapping[str, Any] = field(repr=False)
    clock: FakeClock = field(default_factory=FakeClock)
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger("plugin"))
    counts: Counts = field(default_factory=Counts)
    attachments: Mapping[str, Attachment] = field(default_factory=dict)
    global_: dict[str, Any] = field(default_factory=dict)
    storage: InMemoryStorage = field(default_factory=InMemoryStorage)
    utils: Utils = field(default_factory=lambda: Utils(InMemoryCursor()))
    geoip: NoGeoip = field(default_factory=NoGeoip)
    rejections: list[Rejection] = field(default_factory=list)
    metrics: PluginMetrics = field(init=False)
    cache: InMemoryCache = field(init=False)
    jobs: PluginJobs = field(init=False)
    posthog: PluginProject = field(init=False)

    def __post_init__(self) -> None:
        made = {
            "metrics": PluginMetrics(self.counts, {}),
            "cache": InMemoryCache(self.clock),
            "jobs": PluginJobs("plugin", (), queue=InMemoryJobQueue(), clock=self.clock),
            "posthog": Project(ProjectAccess(), clock=self.clock, logger=self.logger).of("plugin"),
        }
        for name, part in made.items():
            object.__setattr__(self, name, part)

    def reject(self, rejection: Rejection) -> None:
        """See `PluginMeta`."""
        self.rejections.append(rejection)


_AnyPlugin = TypeVar("_AnyPlugin", bound=Plugin)


@contextmanager
def running(plugin: _AnyPlugin, meta: InMemoryMeta) -> Iterator[_AnyPlugin]:
    """Set a plugin up, and tear it down at the end, also when the set-up fails."""
    try:
        plugin.setup_plugin(meta)
        yield plugin
    finally:
        plugin.teardown_plugin(meta)


def kill_at(point: str, times: int = 1) -> None:
    """End this process, as `kill -9` does, when it reaches a point for that time; one of `points.Point`."""
    fatal = Point(point)
    left = iter(range(times - 1, -1, -1))

    def kill(reached: Point) -> None:
        if reached is fatal and next(left, 0) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    watch(kill)


def make_event(
    name: str = "order paid",
    *,
    number: int = 1,
    distinct_id: Any = "ada",
    properties: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Event:
    """An event of an identified user, as PostHog hands it out; it becomes one message.

    Args:
        name: Of the event.
        number: Makes the `uuid`, and sets the `timestamp` so many seconds after the start of 2026.
        distinct_id: Whose it is.
        properties: Its properties.
        fields: Any other field of `Event`, or another value for one of these.
    """
    return Event(
        **{
            "event": name,
            "uuid": str(UUID(int=number)),
            "timestamp": f"{START + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S.000Z}",
            "distinct_id": distinct_id,
            "properties": dict(properties or {}),
            **fields,
        }
    )
