"""A plugin that has been loaded: its hooks by name, ready to be called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import UsageError
from ...hooks import MetricKind
from ...manifest import Manifest
from .declared import jobs_of, metrics_of
from .signatures import HOOKS, is_async, problem_of, slips, written


@dataclass(frozen=True, slots=True)
class Hook:
    """A function of a plugin that the host calls."""

    name: str
    function: Callable[..., Any]
    is_async: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Those that a plugin has; see `hooks` for what each is for."""

    setup_plugin: Hook | None = None
    process_event: Hook | None = None
    on_event: Hook | None = None
    export_events: Hook | None = None
    run_every_minute: Hook | None = None
    run_every_hour: Hook | None = None
    run_every_day: Hook | None = None
    teardown_plugin: Hook | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPlugin:
    """A plugin with its manifest."""

    name: str
    """How logs, metrics and settings call it."""
    manifest: Manifest
    plugin: Any
    """The instance of its class, or its module."""
    hooks: Hooks
    origin: str = ""
    """Where it came from, in words: a folder, a zip file, an installed package."""
    skips: Callable[[str], str | None] | None = None
    """An offer: why every event of that name is left out, or None."""
    prepare_event: Callable[..., Any] | None = None
    """An offer: takes an event and `meta`, gives what `export_events` takes in its place; None drops it."""
    prepare_record: Callable[..., Any] | None = None
    """An offer: as `prepare_event`, but takes the event's JSON text; gives why the event is left out as a
    text, and None when `prepare_event` has to look at it. A class that only overrides `prepare_event` takes
    it back: else that would hardly ever be called."""
    counts_events: bool = False
    """An offer: it counts itself what is delivered, rejected and left out; else the host does."""
    jobs: Mapping[str, Hook] = field(default_factory=dict)
    metrics: Mapping[str, MetricKind] = field(default_factory=dict)

    @property
    def functions(self) -> list[Hook]:
        """Its hooks and jobs."""
        hooks = (getattr(self.hooks, name) for name in HOOKS)
        return [*(hook for hook in hooks if hook is not None), *self.jobs.values()]

    @property
    def only_passes_on(self) -> bool:
        """Whether all that it may do is to change or drop events on their way to others."""
        does = {hook.name for hook in self.functions}
        return does <= {"setup_plugin", "process_event", "teardown_plugin"}

    @classmethod
    def of(
        cls, plugin: Any, manifest: Manifest, *, name: str | None = None, origin: str = ""
    ) -> "LoadedPlugin":
        """A class's instance, or a module, with what it has.

        Raises:
            UsageError: When the host could not call it so, with every reason.
        """
        name = name or manifest.name
        faults: list[str] = []
        hooks = _hooks(plugin, faults)
        jobs = jobs_of(plugin, faults)
        metrics = metrics_of(plugin, faults)
        faults += slips(plugin)
        if faults:
            place = f" ({origin})" if origin else ""
            told = faults[0] if len(faults) == 1 else "".join(f"\n  {fault}" for fault in faults)
            raise UsageError(f"the plugin {name}{place} cannot be used: {told}")
        return cls(
            name=name,
            manifest=manifest,
            plugin=plugin,
            hooks=Hooks(**hooks),
            origin=origin,
            skips=getattr(plugin, "skips", None),
            prepare_event=getattr(plugin, "prepare_event", None),
            prepare_record=_prepare_record(plugin),
            counts_events=getattr(plugin, "counts_events", False) is True,
            jobs={job: Hook(job, function, is_async(function)) for job, function in jobs.items()},
            metrics=metrics,
        )


def _prepare_record(plugin: Any) -> Callable[..., Any] | None:
    for kind in type(plugin).__mro__:
        if "prepare_event" in vars(kind) and "prepare_record" not in vars(kind):
            return None
        if "prepare_record" in vars(kind):
            break
    prepare_record: Callable[..., Any] | None = getattr(plugin, "prepare_record", None)
    return prepare_record


def _hooks(plugin: Any, faults: list[str]) -> dict[str, Hook]:
    hooks = {}
    for name, parameters in HOOKS.items():
        function = getattr(plugin, name, None)
        if function is None:
            continue
        problem = problem_of(function, parameters)
        if problem is None:
            hooks[name] = Hook(name, function, is_async(function))
        else:
            expected = f"{name}({', '.join(parameters)})"
            faults.append(f"{written(name, function)} should be {expected}: {problem}")
    return hooks
