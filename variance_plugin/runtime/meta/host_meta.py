"""The `meta` that a plugin gets in this host."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from logging import Logger
from typing import Any

from ...clock import Clock
from ...hooks import (
    Attachment,
    Cache,
    Cursor,
    Geoip,
    Jobs,
    Posthog,
    Rejection,
    Storage,
)
from .plugin_metrics import PluginMetrics


@dataclass(frozen=True, slots=True)
class Utils:
    """See `hooks.Utils`."""

    cursor: Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMeta:
    """See `hooks.PluginMeta`."""

    config: Mapping[str, Any] = field(repr=False)  # it holds secrets
    logger: Logger
    metrics: PluginMetrics
    clock: Clock
    storage: Storage
    cache: Cache
    jobs: Jobs
    utils: Utils
    geoip: Geoip
    posthog: Posthog
    attachments: Mapping[str, Attachment] = field(default_factory=dict, repr=False)
    global_: dict[str, Any] = field(default_factory=dict, repr=False)
    set_aside: Callable[[Rejection], None] = field(repr=False)
    on_rejection: Callable[[], None] = field(repr=False)
    """Called once an event was set aside."""
    is_replay: bool = False
    """An offer to plugins: whether the events are dead letters that are sent once more."""

    def reject(self, rejection: Rejection) -> None:
        """See `hooks.PluginMeta`."""
        self.set_aside(rejection)
        self.on_rejection()
