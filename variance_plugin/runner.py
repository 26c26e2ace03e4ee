"""The app runner: from its settings to plugins that run, on state that survives."""

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, Self

from .__about__ import __version__
from .clock import Clock
from .clusters import open_letters, warn_of_risks
from .cohorts import COHORT_EVENT
from .errors import StateError, Stopped, UsageError
from .figures import Figures
from .opening import Surroundings, open_cohorts, open_source
from .parameters import Parameters
from .pipeline import Progress, run, standing
from .plurals import many
from .points import Point, reached
from .runtime import Host, LoadedPlugin, Shared, hosted
from .runtime.assembly import keeper, refuse_to_nowhere
from .runtime.calls import Calls
from .runtime.hosted import HookLimits, HostedPlugin
from .runtime.loading import plugin_values
from .runtime.meta.geoip import GeoipFile, NoGeoip
from .runtime.meta.project import Project, ProjectAccess
from .runtime.replay import Replays
from .runtime.schedule import Schedule
from .runtime.settings import PluginSettings, RunnerSettings
from .runtime.watching import metric_list as known
from .runtime.watching.health import HealthServer
from .runtime.watching.logs import plugin_logger
from .runtime.watching.metrics import Metrics
from .runtime.watching.recoveries import Recoveries
from .runtime.watching.telemetry import Telemetry
from .runtime.watching.troubles import Trouble, Troubles
from .sources import Broken, Record, Source
from .sources.reading import Readable
from .state import (
    NO_PLUGIN,
    DeadLetterStore,
    JobQueue,
    Positions,
    Spool,
    StateFile,
    StoredCache,
    StoredCursor,
    StoredStorage,
)

_logger = logging.getLogger(__name__)

_SECONDS_PER_HOUR = 3600.0
_PROJECT_CLOSES_SECONDS = 5.0
# In the state file: what the runner itself keeps, and dead letters of records that never became events.
RUNNER = NO_PLUGIN


LoadPlugin = Callable[[PluginSettings], LoadedPlugin]


class Runner:
    """Everything that `variance-plugin run` runs. Use it in a `with` statement; then call `run`.

    Args:
        settings: Checked.
        load: Imports a plugin.
        clock: Everybody's; stopping it ends the run.
        stdin: What the path `-` reads.
        remembers_waits: Whether the wait for a destination holds over restarts; not where a person waits.

    Raises:
        UsageError: When a plugin, the state file, a source or an address cannot be used.
    """

    def __init__(
        self,
        settings: RunnerSettings,
        *,
        load: LoadPlugin,
        clock: Clock,
        stdin: Readable | None = None,
        remembers_waits: bool = True,
    ) -> None:
        self.settings = settings
        self.progress = Progress()
        self.metrics = Metrics()
        self._clock = clock
        self._ending = ExitStack()
        self._is_set_up = False
        self._remembers_waits = remembers_waits
        with ExitStack() as starting:
            self.state = StateFile.open(settings.state, clock)
            starting.callback(self.state.close)
            self._troubles = Troubles(_logger)
            self._troubles.watch(self._state_trouble)
            self._faults: list[Trouble] = []
            self._project = Project(
                ProjectAccess(
                    host=settings.posthog.host,
                    project_key=settings.posthog.project_key,
                    personal_api_key=settings.posthog.personal_api_key,
                ),
                secrets=settings.secrets,
                clock=clock,
                logger=_logger,
            )
            starting.callback(self._project.close, _PROJECT_CLOSES_SECONDS)
            self._telemetry = Telemetry(
                self._project,
                clock=clock,
                exceptions=settings.posthog.report_exceptions,
                exports=settings.posthog.report_exports,
            )
            database = settings.geoip.database
            geoip = NoGeoip() if database is None else GeoipFile(database)
            starting.callback(geoip.close)
            self.dead_letters = DeadLetterStore(self.state, clock, RUNNER)
            warn_of_risks(settings.kafka)
            self._letters = open_letters(settings.kafka, self._kept_letters, clock=clock, ending=starting)
            self.replays = Replays(self.dead_letters, records=RUNNER, clock=clock, logger=_logger)
            self._jobs = JobQueue(self.state)
            self._calls = Calls(clock)
            self.host = self._host(load, geoip)
            self._recoveries = Recoveries(
                {one.plugin.name: partial(getattr, one, "wait") for one in self.host.exporters},
                clock=clock,
                logger=plugin_logger,
            )
            self._positions = Positions(self.state)
            self._around = Surroundings(
                settings=settings,
                state=self.state,
                positions=self._positions,
                metrics=self.metrics,
                troubles=self._troubles,
                faults=self._faults,
                clock=clock,
                stdin=stdin,
            )
            self._cohorts = open_cohorts(self._around, self.host.deliver)
            self.source: Source | None = None
            self.has_ended = False
            """Whether the source had no more, and cohorts were synced once: all that `once` asks for."""
            self._figures = Figures(
                host=self.host,
                progress=self.progress,
                source=lambda: self.source,
                letters=self.dead_letters,
                replays=self.replays,
                jobs=self._jobs,
                clock=clock,
            )
            self._figures.register(self.metrics, settings.source.type)
            self.metrics.read(known.READY, lambda: self.ready() is None)
            self._reported_at = clock.monotonic()
            self._ending = starting.pop_all()

    def __enter__(self) -> Self:
        address = self.settings.metrics.address
        if address is not None:
            try:
                server = self._ending.enter_context(HealthServer(address, self.metrics, self))
            except UsageError:
                self._ending.close()  # nobody calls `__exit__` then
                raise
            _logger.info("listening for /metrics, /healthz and /readyz on port %d", server.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    def run(self, *, once: bool) -> None:
        """Run until the clock is stopped, or, if `once`, until the source has no more.

        Raises:
            UsageError: When the source cannot be opened, a plugin does not take its configuration, or no
                exporter is left.
            Exception: What the source could not go on after; what was read before is delivered.
        """
        self.source = open_source(self._around, once=once)
        self._ending.callback(self.source.close)
        try:
            self.host.start()
        except Stopped:
            return
        self._is_set_up = True
        self._say_start()
        self._begin_cohorts(once=once)
        run(self.source.records(), self.host, self.progress)
        if once and self._cohorts is not None:
            self._cohorts.join(None)
            if self._cohorts.failure is not None:
                raise self._cohorts.failure
        self.has_ended = not self._clock.stopped

    def finish(self, deadline_seconds: float | None) -> bool:
        """Deliver what was read and what is asked for, within that time; returns whether all of it ended."""
        if self._cohorts is not None:
            self._cohorts.join(deadline_seconds)  # ahead of the host, by which they are delivered
        ended = self.host.finish(deadline_seconds)
        self._recoveries.look()
        self._report()
        return ended

    @property
    def failure(self) -> BaseException | None:
        """A fault that has ended the run: something here did not do what it must."""
        return self.host.failure or (None if self._cohorts is None else self._cohorts.failure)

    def alive(self) -> str | None:
        """See `runtime.health`."""
        if self.failure is not None:
            return f"a fault of the program: {type(self.failure).__name__}"
        overdue = self._calls.overdue_seconds
        if overdue > self.settings.hooks.timeout_seconds:
            return f"a hook is {overdue:.0f} s over its limit, and cannot be interrupted"
        return None

    def ready(self) -> str | None:
        """See `runtime.health`."""
        if not self._is_set_up:
            return "the plugins are being set up"
        if self._clock.stopped:
            return "it is being stopped"
        if self.state.failure is not None:
            return str(self.state.failure)
        for plugin in self.host.plugins:
            if plugin.off is not None:
                return f"the plugin {plugin.name} is switched off: {plugin.off}"
        for exporter in self.host.exporters:
            if exporter.wait is not None and exporter.wait.at_fault:
                return f"the destination of {exporter.plugin.name} is at fault: {exporter.wait.reason}"
        fault = next(filter(None, (fault() for fault in self._faults)), None)
        if fault is None and self._cohorts is not None and self._cohorts.refusal is not None:
            fault = f"the cohorts could not be synced: {self._cohorts.refusal}"
        return fault

    def _say_start(self) -> None:
        letters = sum(self.dead_letters.tally().values())
        _logger.info(
            "started: version %s, source %s, plugins %s, state %s with %s",
            __version__,
            self.settings.source.type,
            ", ".join(plugin.name for plugin in self.host.plugins),
            self.settings.state,
            many(letters, "dead letter"),
            extra={"version": __version__, "dead_letters": letters},
        )

    def _begin_cohorts(self, *, once: bool) -> None:
        if self._cohorts is not None:
            left_out = self.host.skips(COHORT_EVENT)
            if left_out is not None:
                raise UsageError(
                    f"cohorts become traits by {COHORT_EVENT} events, which are left out here: "
                    f"{left_out.reasons[0]}"
                )
            for exporter in self.host.exporters:
                plugin = exporter.plugin
                if Parameters(plugin.meta.config).yes("historical"):
                    raise UsageError(
                        f"cohorts are what is true now, and with historical = yes {plugin.name} sends no "
                        "traits: sync them by a run of their own"
                    )
            self._cohorts.begin(once=once)

    def _state_trouble(self) -> str | None:
        failure = self.state.failure
        return None if failure is None else f"{failure}; nothing is lost, and what needs it waits"

    def _host(self, load: LoadPlugin, geoip: Any) -> Host:
        shared = Shared(
            clock=self._clock,
            calls=self._calls,
            dead_letters=self._letters,
            logger=plugin_logger,
            limits=HookLimits(
                hook_timeout_seconds=self.settings.hooks.timeout_seconds,
                export_timeout_seconds=self.settings.hooks.export_timeout_seconds,
                failures_until_disabled=self.settings.hooks.failures_until_disabled,
            ),
            report=self._telemetry.exception,
            storage=lambda plugin: StoredStorage(self.state, plugin),
            cache=lambda plugin: StoredCache(self.state, plugin),
            cursor=lambda plugin: StoredCursor(self.state, plugin),
            posthog=self._project.of,
            jobs=self._jobs,
            geoip=geoip,
        )
        plugins = [
            _hosted(load(plugin), plugin, shared) for plugin in self.settings.plugins if plugin.enabled
        ]
        if self.settings.source.type != "none":
            refuse_to_nowhere(plugins)
        schedule = Schedule(plugins, self._jobs, clock=self._clock, look_after=self._look_after)
        exporting = [plugin.name for plugin in plugins if plugin.hooks.export_events is not None]
        return Host(
            plugins,
            clock=self._clock,
            calls=self._calls,
            reject=keeper(self._letters(RUNNER), self._clock, _logger),
            memory=StoredStorage(self.state, RUNNER) if self._remembers_waits else None,
            overflow=self._overflow(exporting),
            schedule=schedule,
            replays=self.replays,
            guards=bool(self.settings.posthog.project_key),
            acknowledge=self._acknowledge,
        )

    def _kept_letters(self, plugin: str) -> DeadLetterStore:
        return DeadLetterStore(self.state, self._clock, plugin)

    def _overflow(self, exporting: list[str]) -> Mapping[str, Spool]:
        """With one exporter, what it cannot take waits in the source."""
        limit = self.settings.spool.max_bytes
        if len(exporting) <= 1:
            return {}
        return {name: Spool(self.state, f"overflow of {name}", limit) for name in exporting}

    def _acknowledge(self, record: Record | Broken | None) -> None:
        if record is not None and self.source is not None:
            reached(Point.BEFORE_ACKNOWLEDGE)
            self.source.acknowledge(record.position)
            reached(Point.AFTER_ACKNOWLEDGE)

    def _look_after(self) -> None:
        self.host.look_after()
        self._troubles.look()
        self._recoveries.look()
        if self._positions.failure is not None:
            with suppress(StateError):  # nothing else may be written that would take them along
                self._positions.flush()
        now = self._clock.monotonic()
        if now - self._reported_at >= _SECONDS_PER_HOUR:
            self._reported_at = now
            self._report()
            words, fields = standing(self.host, self.progress)
            _logger.info("so far: %s", words, extra=fields)

    def _report(self) -> None:
        for exporter in self.host.exporters:
            plugin = exporter.plugin
            lag_seconds = self._figures.lag_seconds([exporter])
            self._telemetry.exports(plugin.name, plugin.counts, lag_seconds=lag_seconds)


def _hosted(loaded: LoadedPlugin, settings: PluginSettings, shared: Shared) -> HostedPlugin:
    values = plugin_values(loaded.manifest, settings.config)
    return hosted(loaded, values.config, shared, attachments=values.attachments)
