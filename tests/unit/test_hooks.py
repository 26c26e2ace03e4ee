"""The contract in `hooks`: each hook of the host has its types there, for ordinary and async plugins."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from variance_plugin import hooks
from variance_plugin.hooks import (
    Event,
    ExportsEvents,
    JobFunction,
    ListensToEvents,
    PluginMeta,
    ProcessesEvents,
    RunsEveryDay,
    RunsEveryHour,
    RunsEveryMinute,
    SetsUp,
    TearsDown,
)
from variance_plugin.manifest import Manifest
from variance_plugin.runtime import LoadedPlugin
from variance_plugin.runtime.loading.signatures import HOOKS, JOB


class Ordinary:
    """All of them."""

    metrics: Mapping[str, str] = {"rows": "sum"}

    def setup_plugin(self, meta: PluginMeta) -> None:
        """See `SetsUp`."""

    def process_event(self, event: Event, meta: PluginMeta) -> Event | None:  # noqa: ARG002 -- the hook has it
        """See `ProcessesEvents`."""
        return event

    def on_event(self, event: Event, meta: PluginMeta) -> None:
        """See `ListensToEvents`."""

    def export_events(self, events: Sequence[Event], meta: PluginMeta) -> None:
        """See `ExportsEvents`."""

    def run_every_minute(self, meta: PluginMeta) -> None:
        """See `RunsEveryMinute`."""

    def run_every_hour(self, meta: PluginMeta) -> None:
        """See `RunsEveryHour`."""

    def run_every_day(self, meta: PluginMeta) -> None:
        """See `RunsEveryDay`."""

    def teardown_plugin(self, meta: PluginMeta) -> None:
        """See `TearsDown`."""


class Async:
    """The same with coroutines."""

    async def setup_plugin(self, meta: PluginMeta) -> None:
        """See `SetsUp`."""

    async def process_event(self, event: Event, meta: PluginMeta) -> Event | None:  # noqa: ARG002 -- likewise
        """See `ProcessesEvents`."""
        return event

    async def on_event(self, event: Event, meta: PluginMeta) -> None:
        """See `ListensToEvents`."""

    async def export_events(self, events: Sequence[Event], meta: PluginMeta) -> None:
        """See `ExportsEvents`."""

    async def run_every_minute(self, meta: PluginMeta) -> None:
        """See `RunsEveryMinute`."""

    async def run_every_hour(self, meta: PluginMeta) -> None:
        """See `RunsEveryHour`."""

    async def run_every_day(self, meta: PluginMeta) -> None:
        """See `RunsEveryDay`."""

    async def teardown_plugin(self, meta: PluginMeta) -> None:
        """See `TearsDown`."""


async def report(payload: Any, meta: PluginMeta) -> None:
    """A job."""


# Held by mypy: either kind of function has the types of the contract.
SETS_UP: list[SetsUp] = [Ordinary(), Async()]
PROCESSES: list[ProcessesEvents] = [Ordinary(), Async()]
LISTENS: list[ListensToEvents] = [Ordinary(), Async()]
EXPORTS: list[ExportsEvents] = [Ordinary(), Async()]
EVERY_MINUTE: list[RunsEveryMinute] = [Ordinary(), Async()]
EVERY_HOUR: list[RunsEveryHour] = [Ordinary(), Async()]
EVERY_DAY: list[RunsEveryDay] = [Ordinary(), Async()]
TEARS_DOWN: list[TearsDown] = [Ordinary(), Async()]
JOBS: dict[str, JobFunction] = {"report": report}


def test_each_hook_of_the_host_is_typed_with_the_parameters_that_it_is_called_with() -> None:
    """What the loader checks and what the contract says are one."""
    typed = {
        name: list(inspect.signature(function).parameters)[1:]
        for protocol in vars(hooks).values()
        if inspect.isclass(protocol) and protocol.__module__ == hooks.__name__
        for name, function in vars(protocol).items()
        if not name.startswith("_")
    }

    assert {name: list(parameters) for name, parameters in HOOKS.items()} == typed
    assert list(inspect.signature(report).parameters) == list(JOB)


def test_a_plugin_may_have_all_of_them_ordinary_or_async() -> None:
    """And is loaded with each."""
    for plugin, is_async in ((Ordinary(), False), (Async(), True)):
        loaded = LoadedPlugin.of(plugin, Manifest(name="all"))
        assert dict.fromkeys(HOOKS, is_async) == {hook.name: hook.is_async for hook in loaded.functions}
