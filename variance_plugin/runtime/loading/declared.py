"""What a plugin declares beside its hooks: its `jobs` and its `metrics`."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...hooks import MetricKind
from .signatures import JOB, problem_of, written


def jobs_of(plugin: Any, faults: list[str]) -> dict[str, Callable[..., Any]]:
    """The functions of `jobs` by name, each as it is called: with a payload and `meta`.

    In the body of a class `jobs = {"report": report}` has functions that nobody has bound yet, and so it
    may name the methods instead: `{"report": "report"}`.

    Args:
        plugin: An instance, or a module.
        faults: Told what is wrong.
    """
    jobs = {}
    for name, value in _declared(plugin, "jobs", faults):
        function = _bound(plugin, value)
        problem = problem_of(function, JOB)
        if problem is None:
            jobs[name] = function
        else:
            expected = f"{name}({', '.join(JOB)})"
            faults.append(f"jobs: {written(name, function)} should be {expected}: {problem}")
    return jobs


def metrics_of(plugin: Any, faults: list[str]) -> dict[str, MetricKind]:
    """The kinds of `metrics` by name."""
    metrics = {}
    for name, value in _declared(plugin, "metrics", faults):
        if value in list(MetricKind):
            metrics[name] = MetricKind(value)
        else:
            faults.append(f"metrics: {name} is {value!r}, which is none of {', '.join(MetricKind)}")
    return metrics


def _declared(plugin: Any, attribute: str, faults: list[str]) -> Iterator[tuple[str, Any]]:
    table = getattr(plugin, attribute, None)
    if table is None:
        return
    if not isinstance(table, Mapping):
        faults.append(f"{attribute}: is a {type(table).__name__}, and should be a dict by name")
        return
    for name, value in table.items():
        # A plugin asks for them as attributes: `meta.jobs.send_report`.
        if isinstance(name, str) and name.isidentifier() and not name.startswith("_"):
            yield name, value
        else:
            faults.append(f"{attribute}: {name!r} is no name such as send_report")


def _bound(plugin: Any, value: Any) -> Any:
    if isinstance(value, str):
        return getattr(plugin, value, value)
    for owner in () if inspect.ismodule(plugin) else type(plugin).__mro__:
        for name, member in vars(owner).items():
            if member is value:
                return getattr(plugin, name)
    return value
