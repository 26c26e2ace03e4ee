"""Whether a plugin's functions are what the host calls: found out when it is loaded, not in the night."""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import FunctionType, ModuleType
from typing import Any

HOOKS: Mapping[str, Sequence[str]] = {
    "setup_plugin": ["meta"],
    "process_event": ["event", "meta"],
    "on_event": ["event", "meta"],
    "export_events": ["events", "meta"],
    "run_every_minute": ["meta"],
    "run_every_hour": ["meta"],
    "run_every_day": ["meta"],
    "teardown_plugin": ["meta"],
}
"""What each hook is called with, in order; see `hooks`."""

JOB: Sequence[str] = ["payload", "meta"]
"""What a job is called with."""

# PostHog's hooks that there are not here (@posthog/plugin-scaffold), folded, and what does their work.
_ELSEWHERE = {
    "processeventbatch": "process_event, which takes one event",
    "modifyevent": "process_event",
    "filterevent": "process_event, which drops an event by returning None",
    "composewebhook": "export_events",
    "onaction": "on_event",
    "onsnapshot": "on_event",
}
# `process_events` is 0.96 like a hook, `set_up_plugin` as well; `get_event` is no slip at 0.73.
_SLIP = 0.88


def is_async(function: Any) -> bool:
    """Whether calling it gives a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 -- of an object that can be called
    )


def problem_of(function: Any, expected: Sequence[str]) -> str | None:
    """What keeps the host from calling it with those arguments; None when nothing does."""
    if not callable(function):
        return f"is no function, but a {type(function).__name__}"
    called = getattr(function, "__call__", None)  # noqa: B004 -- likewise
    for candidate in (function, called):
        if inspect.isgeneratorfunction(candidate) or inspect.isasyncgenfunction(candidate):
            return "is a generator (it has a `yield`), which does nothing until somebody asks it for values"
    try:
        signature = inspect.signature(function)
    except ValueError:
        return None  # made in C, and it does not say
    try:
        signature.bind(*expected)
    except TypeError as error:
        return str(error)
    return None


def written(name: str, function: Any) -> str:
    """The name with the parameters as they stand in the plugin, without their types."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return name
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in signature.parameters.values()]
    return f"{name}{signature.replace(parameters=bare, return_annotation=inspect.Signature.empty)}"


def slips(plugin: Any) -> Iterator[str]:
    """Functions whose name is almost a hook's that the plugin does not have, or is PostHog's own spelling."""
    missing = [name for name in HOOKS if not hasattr(plugin, name)]
    for name in _own_functions(plugin):
        meant = _meant(name, missing)
        if meant is not None:
            yield f"{name}: there is no such hook; {meant}"


def _meant(name: str, missing: Collection[str]) -> str | None:
    folded = _fold(name)
    if folded in _ELSEWHERE:
        return f"take {_ELSEWHERE[folded]}"
    known = {_fold(hook): hook for hook in missing}
    found = get_close_matches(folded, known, n=1, cutoff=_SLIP)
    return f"did you mean {known[found[0]]}?" if found and name not in HOOKS else None


def _fold(name: str) -> str:
    return name.replace("_", "").lower()


def _own_functions(plugin: Any) -> list[str]:
    """Public ones, in a module without those it imports."""
    if isinstance(plugin, ModuleType):
        found: Mapping[str, Callable[..., Any]] = {
            name: value
            for name, value in vars(plugin).items()
            if inspect.isroutine(value) and getattr(value, "__module__", None) == plugin.__name__
        }
        return [name for name in found if not name.startswith("_")]
    kind = type(plugin)
    return [
        name
        for name in dir(kind)
        if not name.startswith("_")
        and isinstance(inspect.getattr_static(kind, name), FunctionType | staticmethod | classmethod)
    ]
