"""Hooks, jobs and metrics that a host could not call: refused when the plugin is loaded."""

# ruff: noqa: ARG001, ARG002, ARG004, ARG005 -- which parameters there are is what this is about

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from variance_plugin.errors import UsageError
from variance_plugin.hooks import MetricKind
from variance_plugin.manifest import Manifest
from variance_plugin.runtime import LoadedPlugin


def loaded(plugin: object) -> LoadedPlugin:
    """It, as a host has it."""
    return LoadedPlugin.of(plugin, Manifest(name="demo"), origin="plugins/demo")


def faults(plugin: object) -> list[str]:
    """Why it is refused."""
    with pytest.raises(UsageError) as caught:
        loaded(plugin)
    text = str(caught.value)
    assert text.startswith("the plugin demo (plugins/demo) cannot be used: ")
    return [line.strip() for line in text.partition("cannot be used: ")[2].strip().splitlines()]


def test_every_hook_is_found_with_its_kind() -> None:
    """Ordinary and async functions, of an instance."""

    class Whole:
        def setup_plugin(self, meta: Any) -> None: ...
        async def process_event(self, event: Any, meta: Any) -> Any: ...
        def on_event(self, event: Any, meta: Any) -> None: ...
        async def export_events(self, events: Any, meta: Any) -> None: ...
        def run_every_minute(self, meta: Any) -> None: ...
        def run_every_hour(self, meta: Any) -> None: ...
        def run_every_day(self, meta: Any) -> None: ...
        @staticmethod
        def teardown_plugin(meta: Any) -> None: ...

    hooks = loaded(Whole()).hooks
    found = {name: getattr(hooks, name) for name in type(hooks).__slots__}

    assert all(name == hook.name for name, hook in found.items())
    assert {"process_event", "export_events"} == {name for name, hook in found.items() if hook.is_async}


class Callable_:  # noqa: N801 -- an object that can be called
    """Async, by its `__call__`."""

    async def __call__(self, event: Any, meta: Any) -> Any:
        """As a hook."""


async def with_more(prefix: str, event: Any, meta: Any) -> Any:
    """A function that `partial` makes a hook of."""


@pytest.mark.parametrize(
    ("function", "is_async"),
    [
        (lambda event, meta, more=5: event, False),
        (lambda *arguments: arguments[0], False),
        (Callable_(), True),
        (functools.partial(with_more, "a"), True),
    ],
    ids=["a default more", "any number", "an object", "partial"],
)
def test_whatever_can_be_called_so_is_a_hook(function: Callable[..., Any], is_async: bool) -> None:  # noqa: FBT001
    """The names of its parameters are its own affair."""
    plugin = ModuleType("demo")
    plugin.process_event = function  # type: ignore[attr-defined]
    hook = loaded(plugin).hooks.process_event

    assert hook is not None
    assert is_async is hook.is_async


def generator(event: Any, meta: Any) -> Iterator[Any]:
    """A `yield` instead of a `return`."""
    yield event


async def async_generator(event: Any, meta: Any) -> AsyncIterator[Any]:
    """Likewise."""
    yield event


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (lambda event: event, "process_event(event) should be process_event(event, meta): too many"),
        (lambda: None, "process_event() should be process_event(event, meta): too many"),
        (
            lambda event, meta, more: event,
            "process_event(event, meta, more) should be process_event(event, meta): missing a required",
        ),
        (
            lambda event, *, meta: event,
            "process_event(event, *, meta) should be process_event(event, meta): ",
        ),
        (generator, "process_event(event, meta) should be process_event(event, meta): is a generator"),
        (async_generator, "process_event(event, meta) should be process_event(event, meta): is a generator"),
        (5, "process_event should be process_event(event, meta): is no function, but a int"),
    ],
    ids=["too few", "none", "too many", "by name only", "generator", "async generator", "no function"],
)
def test_a_hook_that_cannot_be_called_is_refused(function: Any, fault: str) -> None:
    """With the plugin, the hook, its signature as it is written, and as it should be."""
    plugin = ModuleType("demo")
    plugin.process_event = function  # type: ignore[attr-defined]
    [found] = faults(plugin)

    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("processEvent", "did you mean process_event?"),
        ("proccess_event", "did you mean process_event?"),
        ("process_events", "did you mean process_event?"),
        ("runEveryMinute", "did you mean run_every_minute?"),
        ("set_up_plugin", "did you mean setup_plugin?"),
        ("exportEvents", "did you mean export_events?"),
        ("processEventBatch", "take process_event, which takes one event"),
        ("filter_event", "take process_event, which drops an event by returning None"),
        ("composeWebhook", "take export_events"),
    ],
)
def test_a_name_that_is_almost_a_hooks_is_told(name: str, meant: str) -> None:
    """PostHog's spelling, a slip, or a hook of PostHog's that there is not here."""
    plugin = type("Demo", (), {name: lambda *_: None})()

    assert [f"{name}: there is no such hook; {meant}"] == faults(plugin)


def test_a_plugins_own_functions_are_its_own_affair() -> None:
    """What is private, like nothing, like a hook that is there, or imported from elsewhere."""

    class Demo:
        def process_event(self, event: Any, meta: Any) -> Any: ...
        def process_events(self, events: Any) -> Any: ...
        def _export_events(self) -> None: ...
        def get_event(self) -> None: ...

    module = ModuleType("demo")
    module.on_event = lambda event, meta: None  # type: ignore[attr-defined]
    module.exportEvents = generator  # type: ignore[attr-defined] # of this module, and not of `demo`

    assert loaded(Demo()).hooks.export_events is None
    assert loaded(module).hooks.export_events is None


def report(payload: Any, meta: Any) -> tuple[str, Any]:
    """A job of a module."""
    return ("module", payload)


class Jobs:
    """Jobs in the body of a class, in every spelling."""

    def on_event(self, event: Any, meta: Any) -> None:
        """A hook."""

    async def bound(self, payload: Any, meta: Any) -> tuple[object, Any]:
        """A job that is a method."""
        return (self, payload)

    @staticmethod
    def still(payload: Any, meta: Any) -> tuple[str, Any]:
        """A job that needs no instance."""
        return ("static", payload)

    jobs = {"bound": bound, "named": "bound", "still": still, "free": report}  # noqa: RUF012


def test_jobs_of_a_class_are_bound_to_its_instance() -> None:
    """A function of its body, the name of one, a static one, and one from elsewhere."""
    plugin = Jobs()
    jobs = loaded(plugin).jobs

    assert plugin.bound == jobs["bound"].function == jobs["named"].function
    assert [True, True, False, False] == [job.is_async for job in jobs.values()]
    assert ("static", 1) == jobs["still"].function(1, None)
    assert ("module", 1) == jobs["free"].function(1, None)


def test_jobs_of_a_subclass_are_its_own() -> None:
    """What it overrides is what runs."""

    class Sub(Jobs):
        async def bound(self, payload: Any, meta: Any) -> tuple[object, Any]:
            return ("sub", payload)

    plugin = Sub()

    assert plugin.bound == loaded(plugin).jobs["bound"].function


def test_metrics_are_declared_by_kind() -> None:
    """As text, or as `MetricKind`."""
    plugin = ModuleType("demo")
    plugin.metrics = {"rows": "sum", "slowest": MetricKind.MAX}  # type: ignore[attr-defined]

    assert {"rows": MetricKind.SUM, "slowest": MetricKind.MAX} == loaded(plugin).metrics


def test_everything_wrong_with_a_plugin_is_told_at_once() -> None:
    """Hooks, jobs, metrics and names."""

    class Demo:
        def on_event(self, event: Any) -> None: ...
        def exportEvents(self, events: Any, meta: Any) -> None: ...  # noqa: N802

        jobs = {  # noqa: RUF012
            "short": lambda payload: payload,
            "none": 5,
            "missing": "no_such_method",
            "two words": report,
        }
        metrics = {"rows": "average"}  # noqa: RUF012

    assert [
        "on_event(event) should be on_event(event, meta): too many positional arguments",
        "jobs: short(payload) should be short(payload, meta): too many positional arguments",
        "jobs: none should be none(payload, meta): is no function, but a int",
        "jobs: missing should be missing(payload, meta): is no function, but a str",
        "jobs: 'two words' is no name such as send_report",
        "metrics: rows is 'average', which is none of sum, max, min",
        "exportEvents: there is no such hook; did you mean export_events?",
    ] == faults(Demo())


def test_jobs_and_metrics_are_dicts() -> None:
    """A list of names would have no functions."""
    plugin = ModuleType("demo")
    plugin.jobs = ["report"]  # type: ignore[attr-defined]
    plugin.metrics = "rows"  # type: ignore[attr-defined]

    assert [
        "jobs: is a list, and should be a dict by name",
        "metrics: is a str, and should be a dict by name",
    ] == faults(plugin)
