"""Where plugin and host meet: PostHog's plugin hooks and `meta` in Python. No behaviour.

A plugin is a class or a module with some of these hooks, each an ordinary or an `async` function:

| hook | called |
|---|---|
| `setup_plugin(meta)` | once, before any event; a `RetryError` is tried again |
| `process_event(event, meta)` | for each event; returns it, changed or not, or None to drop it |
| `on_event(event, meta)` | for each event that came through the chain |
| `export_events(events, meta)` | with batches; a `RetryError` brings them again |
| `run_every_minute(meta)`, also `…_hour`, `…_day` | on schedule; a hook never overlaps itself |
| `teardown_plugin(meta)` | once, at the end |

and of these attributes: `jobs` (name → `function(payload, meta)`), `metrics` (name → `sum`, `max` or `min`).
PostHog's names (@posthog/plugin-scaffold), in snake_case. There is nothing to inherit: a protocol for each
hook says its types, for who wants them checked.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from .errors import RetryError
from .events import Event
from .meta import (
    Attachment,
    Cache,
    Cursor,
    Geoip,
    Job,
    Jobs,
    Metric,
    MetricKind,
    Metrics,
    MinimalMeta,
    PluginMeta,
    Posthog,
    PosthogApi,
    Rejection,
    Storage,
    Unit,
    Utils,
)

__all__ = [
    "Attachment",
    "Cache",
    "Cursor",
    "Event",
    "ExportsEvents",
    "Geoip",
    "Job",
    "JobFunction",
    "Jobs",
    "ListensToEvents",
    "Metric",
    "MetricKind",
    "Metrics",
    "MinimalMeta",
    "Plugin",
    "PluginMeta",
    "Posthog",
    "PosthogApi",
    "ProcessesEvents",
    "Rejection",
    "RetryError",
    "RunsEveryDay",
    "RunsEveryHour",
    "RunsEveryMinute",
    "SetsUp",
    "Storage",
    "TearsDown",
    "Unit",
    "Utils",
]


Answer = TypeVar("Answer")
Either: TypeAlias = Answer | Awaitable[Answer]
"""What a hook gives, which may be an ordinary function or an `async` one."""


class SetsUp(Protocol):
    """A plugin with something to do before the first event."""

    def setup_plugin(self, meta: PluginMeta) -> Either[None]:
        """Called once before any event.

        Raises:
            RetryError: when it is to be tried again.
            SettingsError: when the parameters cannot be used.
        """
        ...


class ProcessesEvents(Protocol):
    """A plugin that changes or drops events."""

    def process_event(self, event: Event, meta: PluginMeta) -> Either[Event | None]:
        """Called with each event, one after the other, before any plugin exports it.

        Returns the event, changed or not, or None to drop it.
        """
        ...


class ListensToEvents(Protocol):
    """A plugin that only looks."""

    def on_event(self, event: Event, meta: PluginMeta) -> Either[None]:
        """Called with each event that came through the chain; what it changes nobody else sees."""
        ...


class ExportsEvents(Protocol):
    """A plugin that brings events to somewhere else."""

    def export_events(self, events: Sequence[Event], meta: PluginMeta) -> Either[None]:
        """Deliver a batch. When it returns, every event is delivered, left out by rule, or rejected.

        Called from several threads at once, with the events of one person always in one thread.

        Raises:
            RetryError: when some could not be delivered now; the host calls again with those.
        """
        ...


class RunsEveryMinute(Protocol):
    """A plugin with something to do by the clock."""

    def run_every_minute(self, meta: PluginMeta) -> Either[None]:
        """Called when a minute begins (UTC), unless it still runs."""
        ...


class RunsEveryHour(Protocol):
    """The same by the hour."""

    def run_every_hour(self, meta: PluginMeta) -> Either[None]:
        """Called when an hour begins (UTC), unless it still runs."""
        ...


class RunsEveryDay(Protocol):
    """The same by the day."""

    def run_every_day(self, meta: PluginMeta) -> Either[None]:
        """Called when a day begins (UTC), unless it still runs."""
        ...


class TearsDown(Protocol):
    """A plugin with something to do after the last event."""

    def teardown_plugin(self, meta: PluginMeta) -> Either[None]:
        """Called once after the last event, also when the set-up failed half-way."""
        ...


JobFunction: TypeAlias = Callable[[Any, PluginMeta], Either[Any]]
"""One of a plugin's `jobs`: called with its payload once it is due."""


class Plugin(Protocol):
    """An ordinary plugin that exports, as `VariancePlugin`: what a host of one's own has to call."""

    def setup_plugin(self, meta: PluginMeta) -> None:
        """See `SetsUp`."""
        ...

    def export_events(self, events: Sequence[Event], meta: PluginMeta) -> None:
        """See `ExportsEvents`."""
        ...

    def teardown_plugin(self, meta: PluginMeta) -> None:
        """See `TearsDown`."""
        ...
