"""Puts plugins into a host: each with a `meta` of its own, around what they share."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..clock import Clock
from ..errors import StateError, UsageError
from ..hooks import Attachment, Cache, Cursor, Geoip, Posthog, Rejection, Storage
from ..state import InMemoryCache, InMemoryCursor, InMemoryJobQueue, InMemoryStorage
from ..turns import Turns
from .calls import Calls
from .dead_letters import DeadLetters
from .host import Host
from .hosted import FaultReport, HookLimits, HostedPlugin
from .loading import LoadedPlugin
from .meta.geoip import NoGeoip
from .meta.host_meta import HostMeta, Utils
from .meta.plugin_jobs import JobQueue, PluginJobs
from .meta.plugin_metrics import PluginMetrics
from .meta.project import Project, ProjectAccess
from .tally import Tally
from .watching.counts import Counts

_TRY_AGAIN_SECONDS = 5.0


def _report_nothing(_plugin: str, _hook: str, _error: Exception) -> None:
    pass


def _do_nothing() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the plugins of one host have in common; functions take the name of the plugin that asks."""

    clock: Clock
    calls: Calls
    dead_letters: Callable[[str], DeadLetters]
    logger: Callable[[str], logging.Logger]
    limits: HookLimits
    report: FaultReport
    storage: Callable[[str], Storage]
    cache: Callable[[str], Cache]
    cursor: Callable[[str], Cursor]
    posthog: Callable[[str], Posthog]
    jobs: JobQueue
    geoip: Geoip

    @classmethod
    def in_memory(
        cls,
        clock: Clock,
        *,
        dead_letters: DeadLetters,
        logger: logging.Logger,
        limits: HookLimits | None = None,
        report: FaultReport = _report_nothing,
    ) -> "Shared":
        """Of a host that keeps nothing but dead letters, and knows of no PostHog project."""
        return cls(
            clock=clock,
            calls=Calls(clock),
            dead_letters=lambda _plugin: dead_letters,
            logger=lambda _plugin: logger,
            limits=limits or HookLimits(),
            report=report,
            storage=lambda _plugin: InMemoryStorage(),
            cache=lambda _plugin: InMemoryCache(clock),
            cursor=lambda _plugin: InMemoryCursor(),
            posthog=Project(ProjectAccess(), clock=clock, logger=logger).of,
            jobs=InMemoryJobQueue(),
            geoip=NoGeoip(),
        )


def hosted(
    loaded: LoadedPlugin,
    config: Mapping[str, Any],
    shared: Shared,
    *,
    attachments: Mapping[str, Attachment] | None = None,
) -> HostedPlugin:
    """A plugin with its `meta`."""
    name = loaded.name
    counts = Counts()
    tally = None if loaded.counts_events else Tally(counts)
    meta = HostMeta(
        config=config,
        attachments=attachments or {},
        logger=shared.logger(name),
        metrics=PluginMetrics(counts, loaded.metrics),
        clock=shared.clock,
        storage=shared.storage(name),
        cache=shared.cache(name),
        jobs=PluginJobs(name, loaded.jobs, queue=shared.jobs, clock=shared.clock),
        utils=Utils(shared.cursor(name)),
        geoip=shared.geoip,
        posthog=shared.posthog(name),
        set_aside=keeper(shared.dead_letters(name), shared.clock, shared.logger(name)),
        on_rejection=_do_nothing if tally is None else tally.rejected,
    )
    return HostedPlugin(
        loaded,
        meta,
        counts=counts,
        tally=tally,
        calls=shared.calls,
        limits=shared.limits,
        report=shared.report,
    )


def lone_host(  # noqa: PLR0913 -- it stands where all of them meet
    loaded: LoadedPlugin,
    config: Mapping[str, Any],
    *,
    clock: Clock,
    dead_letters: DeadLetters,
    logger: logging.Logger,
    unreadable: DeadLetters | None = None,
    acknowledge: Callable[[Any], None] = lambda _record: None,
) -> Host:
    """A host of one plugin that needs nothing but its configuration.

    Args:
        loaded: The plugin.
        config: Its own.
        clock: Everybody's.
        dead_letters: Where what it rejects is kept.
        logger: Its own, and the host's.
        unreadable: Where records are kept that never became events; None is with the others.
        acknowledge: See `Host`.
    """
    shared = Shared.in_memory(clock, dead_letters=dead_letters, logger=logger)
    plugin = hosted(loaded, config, shared)
    return Host(
        [plugin],
        clock=clock,
        calls=shared.calls,
        reject=keeper(unreadable or dead_letters, clock, logger),
        ends_at_fault=True,
        acknowledge=acknowledge,
    )


def refuse_to_nowhere(plugins: Sequence[HostedPlugin]) -> None:
    """A first plugin in the settings takes the place of `variance`, which was there without being named.

    Raises:
        UsageError: When none of them does anything with events but pass them on.
    """
    if all(plugin.loaded.only_passes_on for plugin in plugins):
        raise UsageError(
            "no plugin exports events: all of them would be read and go nowhere. For Variance add to the "
            'settings: [[plugins]] and below it name = "variance"'
        )


def keeper(dead_letters: DeadLetters, clock: Clock, logger: logging.Logger) -> Callable[[Rejection], None]:
    """A function that keeps rejections, however long there is no room for them, and tells of them.

    It raises `Stopped` when the host ends first.
    """
    turns = Turns(clock)

    def keep(rejection: Rejection) -> None:
        while True:
            try:
                dead_letters.add(rejection)
            except StateError as error:
                logger.error("a dead letter cannot be kept, and its event waits: %s", error)  # noqa: TRY400
                clock.wait(_TRY_AGAIN_SECONDS)
            else:
                # Not the reason, which may quote the answer and with it the event.
                status = "never sent" if rejection.status is None else f"HTTP {rejection.status}"
                turns.tell(status, logger.warning, "an event has become a dead letter: %s", status)
                return

    return keep
