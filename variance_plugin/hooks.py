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
PostHog's names (@posthog/plugin-scaffold), in snake_case.
"""

from collections.abc import Sequence
from typing import Protocol

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
    "Geoip",
    "Job",
    "Jobs",
    "Metric",
    "MetricKind",
    "Metrics",
    "MinimalMeta",
    "Plugin",
    "PluginMeta",
    "Posthog",
    "PosthogApi",
    "Rejection",
    "RetryError",
    "Storage",
    "Unit",
    "Utils",
]


class Plugin(Protocol):
    """A PostHog plugin that exports; every hook gets the `meta` of its host."""

    def setup_plugin(self, meta: PluginMeta) -> None:
        """Called once before any event.

        Raises:
            SettingsError: when the parameters cannot be used.
        """
        ...

    def export_events(self, events: Sequence[Event], meta: PluginMeta) -> None:
        """Deliver a batch. When it returns, every event is delivered, left out by rule, or rejected.

        Called from several threads at once, with the events of one person always in one thread.

        Raises:
            RetryError: when some could not be delivered now; the host calls again with those.
        """
        ...

    def teardown_plugin(self, meta: PluginMeta) -> None:
        """Called once after the last event, also when the set-up failed half-way."""
        ...
