"""`PluginHarness`: a plugin under test, called as the runner calls it, with nothing behind it but memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from ..errors import UsageError
from ..events import Event
from ..fake_clock import FakeClock
from ..formats import from_mapping
from ..hooks import Attachment, Rejection
from ..manifest import Manifest
from ..records import copy_event
from ..runtime import Hook, LoadedPlugin, Shared, hosted, load_plugin
from ..runtime.calls import Calls
from ..runtime.chain import checked
from ..runtime.hosted import HookLimits
from ..runtime.loading import plugin_values
from ..state import InMemoryCache, InMemoryCursor, InMemoryJobQueue, InMemoryStorage
from .stand_ins import (
    Captured,
    CapturingPosthog,
    KeptRejections,
    ScriptedApi,
    ScriptedPlaces,
    listening_logger,
)

_JOBS_AT_ONCE = 1_000
# A test that hangs shall say where.
_LIMITS = HookLimits(hook_timeout_seconds=30, export_timeout_seconds=30)


class PluginHarness:
    """Runs one plugin for a test: set up at the beginning of a `with` statement, torn down at its end.

        with PluginHarness("plugins/hello", config={"greeting": "Hi"}) as harness:
            event = harness.process(make_event("signed up"))
        assert "Hi" == event.properties["greeting"]

    What a hook raises comes out of the call, as does what keeps a plugin from being loaded or configured.

    Args:
        plugin: A folder, a zip file, a plugin.json, the name of an entry point, or the plugin itself.
        config: Its parameters, as a user gives them. Of a plugin without a manifest they are not checked.
        manifest: For a plugin that is given itself.
        places: What `meta.geoip.locate` finds, by address.
        answers: What `meta.posthog.api` gets, by method and path: `"GET /api/projects/@current/"`. A value
            that is an exception is raised.
        clock: In place of one that begins with the year 2026.

    Raises:
        UsageError: When there is no such plugin, or it cannot be called.
        SettingsError: When it cannot be configured so.
    """

    def __init__(  # noqa: PLR0913 -- each stands in for one part of the runner
        self,
        plugin: Any,
        *,
        config: Mapping[str, Any] | None = None,
        manifest: Manifest | None = None,
        places: Mapping[str, dict[str, Any]] | None = None,
        answers: Mapping[str, Any] | None = None,
        clock: FakeClock | None = None,
    ) -> None:
        self.clock = clock or FakeClock()
        """Advance it to let jobs become due and cached values expire; a plugin's waits take no time."""
        self.storage = InMemoryStorage()
        """The plugin's `meta.storage`."""
        self.cache = InMemoryCache(self.clock)
        """The plugin's `meta.cache`."""
        self.captured: list[Captured] = []
        """What it captured in PostHog."""
        self.api_calls: list[tuple[str, Any]] = []
        """What it asked PostHog's API: method and path, and the body."""
        self.rejections: list[Rejection] = []
        """What it gave to `meta.reject`."""
        self.logs: list[str] = []
        """What it logged, such as `warning: no domains are configured`."""
        self._jobs = InMemoryJobQueue()
        self._calls = Calls(self.clock)
        loaded, values, attachments = _configured(plugin, dict(config or {}), manifest)
        self._plugin = hosted(
            replace(loaded, counts_events=True),  # so that `counts` has nothing but what it counted
            values,
            self._shared(places or {}, answers or {}),
            attachments=attachments,
        )

    def __enter__(self) -> Self:
        try:
            self._call(self._plugin.hooks.setup_plugin)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._call(self._plugin.hooks.teardown_plugin)
        finally:
            self._calls.close()

    @property
    def plugin(self) -> Any:
        """The instance of the plugin's class, or its module."""
        return self._plugin.loaded.plugin

    @property
    def metrics(self) -> dict[str, float]:
        """The declared `metrics` that have a value."""
        return self._plugin.meta.metrics.read()

    @property
    def counts(self) -> dict[str, int]:
        """What it counted by `meta.metrics.increment`."""
        return self._plugin.counts.under("")

    @property
    def waiting_jobs(self) -> int:
        """How many of its jobs have not run yet."""
        return self._jobs.waiting()

    def process(self, event: Event | Mapping[str, Any]) -> Event | None:
        """What comes of an event: `process_event`, then `on_event` with what it lets through.

        Args:
            event: Made by `make_event`, or a dict with PostHog's field names.
        """
        passed: Any = from_mapping(event) if isinstance(event, Mapping) else event
        hooks = self._plugin.hooks
        if hooks.process_event is not None:
            passed = self._call(hooks.process_event, passed)
            if passed is not None:
                try:
                    checked(passed)
                except TypeError as error:
                    raise TypeError(f"process_event {error}") from None
        if passed is not None:
            self._call(hooks.on_event, copy_event(passed))
        return passed if isinstance(passed, Event) else None

    def export(self, events: Sequence[Event | Mapping[str, Any]]) -> None:
        """Give `export_events` one batch, once; a `RetryError` comes out for the test to see."""
        batch = [from_mapping(event) if isinstance(event, Mapping) else event for event in events]
        self._call(self._needed("export_events"), batch)

    def run_every_minute(self) -> None:
        """Call the hook of that name."""
        self._call(self._needed("run_every_minute"))

    def run_every_hour(self) -> None:
        """Call the hook of that name."""
        self._call(self._needed("run_every_hour"))

    def run_every_day(self) -> None:
        """Call the hook of that name."""
        self._call(self._needed("run_every_day"))

    def run_due_jobs(self) -> int:
        """Run the jobs whose time has come, the earliest first; returns how many.

        What they put off in turn waits for the next call.
        """
        due = self._jobs.due(self.clock.now(), _JOBS_AT_ONCE)
        for job in due:
            hook = self._plugin.loaded.jobs[job.name]
            self._jobs.done(job.id)
            self._call(hook, job.payload)
        return len(due)

    def _needed(self, name: str) -> Hook:
        hook: Hook | None = getattr(self._plugin.hooks, name)
        if hook is None:
            raise UsageError(f"the plugin {self._plugin.name} has no hook {name}")
        return hook

    def _call(self, hook: Hook | None, *arguments: Any) -> Any:
        return None if hook is None else self._plugin.call(hook, *arguments, self._plugin.meta)

    def _shared(self, places: Mapping[str, dict[str, Any]], answers: Mapping[str, Any]) -> Shared:
        return Shared(
            clock=self.clock,
            calls=self._calls,
            dead_letters=lambda _plugin: KeptRejections(self.rejections),
            logger=lambda name: listening_logger(name, self.logs.append),
            limits=_LIMITS,
            report=lambda _plugin, _hook, _error: None,
            storage=lambda _plugin: self.storage,
            cache=lambda _plugin: self.cache,
            cursor=lambda _plugin: InMemoryCursor(),
            posthog=lambda _plugin: CapturingPosthog(self.captured, ScriptedApi(answers, self.api_calls)),
            jobs=self._jobs,
            geoip=ScriptedPlaces(places),
        )


def _configured(
    plugin: Any, config: dict[str, Any], manifest: Manifest | None
) -> tuple[LoadedPlugin, Mapping[str, Any], Mapping[str, Attachment]]:
    if isinstance(plugin, str | Path):
        loaded = load_plugin(plugin)
    elif manifest is not None:
        loaded = LoadedPlugin.of(plugin, manifest)
    else:
        unnamed = Manifest(name=getattr(plugin, "__name__", type(plugin).__name__))
        return LoadedPlugin.of(plugin, unnamed), config, {}
    values = plugin_values(loaded.manifest, config)
    return loaded, values.config, values.attachments
