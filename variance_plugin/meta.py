"""What a plugin gets from its host: PostHog's `meta`, in Python. No behaviour."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from logging import Logger
from typing import Any, Protocol

from .clock import Clock
from .events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """An event that can never be delivered, and why; it belongs into the host's dead letters."""

    event: Event
    reason: str
    """In words, 1,024 characters at most; holds no secret, but may quote what the destination answered."""
    message: bytes | None = None
    """The JSON of the message that was refused; None when none could be made."""
    status: int | None = None
    """The HTTP status of the refusal; None when it was never sent."""
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that the user gave as the value of a parameter of type `attachment`."""

    file_name: str
    content_type: str
    contents: bytes


class Storage(Protocol):
    """What a plugin keeps for good: it survives restarts, and each plugin has its own.

    Values are JSON: text, numbers (whole ones exact), booleans, None, lists, dicts with text keys. A
    change is there whole or not at all, also after a crash. Safe for threads.
    """

    def get(self, key: str, default: Any = None) -> Any:
        """The value of that key, or the default."""
        ...

    def set(self, key: str, value: Any) -> None:
        """Keep a value; on disk when it returns.

        Raises:
            TypeError: when the value is not JSON.
        """
        ...

    def delete(self, key: str) -> None:
        """Forget a key, if it is there."""
        ...


class Cache(Protocol):
    """What a plugin remembers for a while: values that may expire, counters, lists. As PostHog's, on Redis.

    Values are JSON, as those of `Storage`. Each plugin has its own. Safe for threads.
    """

    def get(self, key: str, default: Any = None) -> Any:
        """The value, unless it has expired or there is none: then the default."""
        ...

    def set(self, key: str, value: Any, ttl_seconds: float | None = None) -> None:
        """Remember a value, for so long, or until the host ends."""
        ...

    def incr(self, key: str) -> int:
        """Add one to a whole number, from 0 on; returns the sum. Its time to live stays."""
        ...

    def expire(self, key: str, ttl_seconds: float) -> bool:
        """Let a key expire so much later; returns whether it is there."""
        ...

    def lpush(self, key: str, *elements: Any) -> int:
        """Put elements at the front of a list, one by one, so that the last one leads; its new length."""
        ...

    def lrange(self, key: str, start: int, stop: int) -> list[Any]:
        """A part of a list, with the element at `stop`; negative places count from the end, as in Redis."""
        ...

    def llen(self, key: str) -> int:
        """How long a list is; 0 when there is none."""
        ...

    def lpop(self, key: str, count: int = 1) -> list[Any]:
        """Take so many elements off the front."""
        ...

    def lrem(self, key: str, count: int, element: Any) -> int:
        """Remove equal elements: the first `count`, the last if negative, all if 0; returns how many."""
        ...


class Unit(StrEnum):
    """Of `Job.run_in`; PostHog takes singular and plural."""

    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"


class Job(Protocol):
    """A call of one of the plugin's `jobs`, with its payload, that has no time yet.

    It is kept before the method returns, and runs once it is due, after a restart if need be.
    """

    def run_now(self) -> None:
        """As soon as can be."""
        ...

    def run_in(self, duration: float, unit: str) -> None:
        """After so long; the unit is one of `Unit`, in singular or plural.

        Raises:
            ValueError: for another unit, or a negative duration.
        """
        ...

    def run_at(self, moment: datetime) -> None:
        """At that time, which has a zone; now if that is past.

        Raises:
            ValueError: when the time has no zone.
        """
        ...


class Jobs(Protocol):
    """The plugin's `jobs`, called by name: `meta.jobs.send_report({"day": 1}).run_in(30, "minutes")`."""

    def __getattr__(self, name: str) -> Callable[[Any], Job]:
        """The job of that name.

        Raises:
            AttributeError: when the plugin has none of that name.
        """
        ...


class MetricKind(StrEnum):
    """What a plugin's metric keeps of the values it is told."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"


class Metric(Protocol):
    """A figure that the plugin declares in `metrics`. Safe for threads."""

    def increment(self, amount: float = 1) -> None:
        """Add to a `sum`."""
        ...

    def max(self, value: float) -> None:
        """Tell a `max`."""
        ...

    def min(self, value: float) -> None:
        """Tell a `min`."""
        ...


class Metrics(Protocol):
    """What the host counts; what the plugin declares is an attribute: `meta.metrics.rows.increment(3)`."""

    def increment(self, name: str, amount: int = 1) -> None:
        """Add to a sum of any name. Called from any thread."""
        ...

    def __getattr__(self, name: str) -> Metric:
        """The declared metric of that name.

        Raises:
            AttributeError: when the plugin declares none of that name.
        """
        ...


class Cursor(Protocol):
    """Whole numbers that several threads count up, each step only once; they survive restarts."""

    def init(self, key: str, initial_value: int = 0) -> None:
        """Begin a cursor; one that is there already begins anew."""
        ...

    def increment(self, key: str, by: int = 1) -> int:
        """Go on; returns the new value, counted from 0 for a cursor that was never begun."""
        ...


class Utils(Protocol):
    """PostHog's `meta.utils`."""

    @property
    def cursor(self) -> Cursor:
        """Counters that survive."""
        ...


class Geoip(Protocol):
    """Where an address is."""

    def locate(self, ip: str) -> dict[str, Any] | None:
        """The record of the MaxMind file; None for an unknown address, one that is none, without a file."""
        ...


class PosthogApi(Protocol):
    """PostHog's private API, with the configured personal key.

    A path is one such as `/api/projects/@current/cohorts/`; the host and the key come from the settings.
    Returned is the JSON of the answer. Each raises `RetryError` when PostHog cannot answer now, and
    `UsageError` when it will not, or no key is configured.
    """

    def get(self, path: str, *, params: Mapping[str, Any] | None = None) -> Any:
        """Read."""
        ...

    def post(self, path: str, body: Any = None) -> Any:
        """Make."""
        ...

    def put(self, path: str, body: Any = None) -> Any:
        """Replace."""
        ...

    def patch(self, path: str, body: Any = None) -> Any:
        """Change."""
        ...

    def delete(self, path: str) -> Any:
        """Remove."""
        ...


class Posthog(Protocol):
    """The user's own PostHog project."""

    def capture(self, event: str, properties: Mapping[str, Any] | None = None) -> None:
        """Send an event there, if a project key is configured. It never comes back through the chain."""
        ...

    @property
    def api(self) -> PosthogApi:
        """PostHog's API."""
        ...


class MinimalMeta(Protocol):
    """The least that a host has to tell `VariancePlugin`; `PluginMeta` says how it does without the rest."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The values of the parameters that `plugin.json` declares, as the user gave them."""
        ...


class PluginMeta(MinimalMeta, Protocol):
    """What the host tells the plugin, and hears from it, as PostHog's `meta`.

    A plugin can count on all of it in this project's own host. Elsewhere `VariancePlugin` makes do without
    the attributes that a host's `meta` does not have, or has as None:

    | missing | instead |
    |---|---|
    | `logger` | the logger `variance_plugin` |
    | `metrics` | nothing is counted |
    | `clock` | real time; its waits of a few seconds do not end when the host stops |
    | `reject` | an event that can never be delivered is logged as an error, by its uuid, and is gone |
    """

    @property
    def logger(self) -> Logger:
        """Where the plugin says what an operator has to know."""
        ...

    @property
    def metrics(self) -> Metrics:
        """Where the plugin counts."""
        ...

    @property
    def clock(self) -> Clock:
        """The host's time; a plugin waits on it, so that its waits end when the host stops."""
        ...

    @property
    def attachments(self) -> Mapping[str, Attachment]:
        """The files given for parameters of type `attachment`, by key."""
        ...

    @property
    def global_(self) -> dict[str, Any]:
        """The plugin's own memory, as long as the host runs; PostHog's `meta.global`."""
        ...

    @property
    def storage(self) -> Storage:
        """What survives."""
        ...

    @property
    def cache(self) -> Cache:
        """What expires."""
        ...

    @property
    def jobs(self) -> Jobs:
        """What runs later."""
        ...

    @property
    def utils(self) -> Utils:
        """PostHog's small change."""
        ...

    @property
    def geoip(self) -> Geoip:
        """Where addresses are."""
        ...

    @property
    def posthog(self) -> Posthog:
        """The user's PostHog project."""
        ...

    def reject(self, rejection: Rejection) -> None:
        """Set an event aside for good. When it returns, the host keeps the record. Called from any thread."""
        ...
