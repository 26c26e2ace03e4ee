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
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from .delivery import Answer, Request
from .errors import Stopped
from .events import Event
from .hooks import Plugin, Rejection
from .runtime import Counts

__all__ = [
    "FakeClock",
    "InMemoryDeadLetters",
    "InMemoryMeta",
    "ScriptedTransport",
    "make_event",
    "messages_in",
    "running",
]

_START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """A `Clock` that advances itself: whoever waits on it is through at once, and the time is later.

    Safe for threads; when several wait, the time passes for all of them.

    Args:
        now: Where the wall clock begins.
        on_wait: Called with the seconds of each wait before the time passes; it may call `stop`.
    """

    def __init__(self, now: datetime = _START, *, on_wait: Callable[[float], None] | None = None) -> None:
        self._start = now
        self._on_wait = on_wait
        self._elapsed_seconds = 0.0
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self.waits: list[float] = []
        """The seconds of every wait so far, in order."""

    def now(self) -> datetime:
        """See `Clock`."""
        return self._start + timedelta(seconds=self._elapsed_seconds)

    def monotonic(self) -> float:
        """See `Clock`."""
        return self._elapsed_seconds

    def wait(self, seconds: float) -> None:
        """See `Clock`."""
        if not self.stopped and self._on_wait is not None:
            self._on_wait(seconds)
        if self.stopped:
            raise Stopped("stopped while waiting")
        with self._lock:
            self.waits.append(seconds)
            self._elapsed_seconds += max(seconds, 0.0)

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody waiting."""
        with self._lock:
            self._elapsed_seconds += seconds

    def stop(self) -> None:
        """See `Clock`."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """See `Clock`."""
        return self._stopped.is_set()


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


@dataclass(frozen=True, slots=True)
class InMemoryMeta:
    """A `hooks.PluginMeta`: what a plugin says, counts and rejects can be looked at."""

    config: Mapping[str, Any] = field(repr=False)
    clock: FakeClock = field(default_factory=FakeClock)
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger("plugin"))
    metrics: Counts = field(default_factory=Counts)
    rejections: list[Rejection] = field(default_factory=list)

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
            "timestamp": f"{_START + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S.000Z}",
            "distinct_id": distinct_id,
            "properties": dict(properties or {}),
            **fields,
        }
    )
