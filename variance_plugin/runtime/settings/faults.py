"""What is wrong with the tables, in the user's words: which setting, what, what is allowed, from where."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ... import settings as variance
from ...errors import Fault
from ...manifest import nearest
from .names import PLUGINS, SOURCE, KeyPath, children, dotted, generic, keys, ways_to_give

_UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
_NO_TAG = "union_tag_invalid"
_TABLE = ("dataclass_type", "dict_type", "mapping_type", "model_attributes_type")
_SHOWN_CHARACTERS = 40
_BITS = 63


def faults_of(
    error: ValidationError,
    plugins: Sequence[str],
    origins: Mapping[KeyPath, str],
    told: Callable[[Fault, str | None], Fault],
) -> list[Fault]:
    """All of them, each once.

    Args:
        error: What pydantic found.
        plugins: The names of the plugins, in the order in which they were checked.
        origins: Where each value came from.
        told: Adds that to a fault.
    """
    found: dict[str, Fault] = {}
    for detail in error.errors(include_url=False, include_context=True):
        path = _path(detail["loc"], plugins)
        path = (*path, "type") if detail["type"] == _NO_TAG else path
        problem = _problem(detail, path)
        if detail["type"] == "missing":
            fault = Fault(key=dotted(path), problem=f"{problem}; {ways_to_give(path, origins.get(()))}")
        else:
            # Of a setting that there is not nothing is noted, and only the file can have brought it here.
            fault = told(Fault(key=dotted(path), problem=problem), origins.get(path, origins.get(())))
        found.setdefault(fault.key, fault)
    return list(found.values())


def unknown(path: KeyPath) -> str:
    """What is wrong with a setting that there is not."""
    if path[:1] == (SOURCE,) and path in keys():
        return "is no setting of this type of source"
    if path[-1] in variance.manifest().parameters and (len(path) == 1 or path[0] == PLUGINS):
        return "is a parameter of a plugin: it belongs below [plugins.config]"
    return f"unknown setting{nearest(path[-1], dict.fromkeys(sorted(children(path[:-1]))))}"


def _path(location: Sequence[int | str], plugins: Sequence[str]) -> KeyPath:
    """By names: a plugin by its own, and without the parts of a value and the `type` of a source."""
    path: KeyPath = ()
    for place, step in enumerate(location):
        if path == (PLUGINS,) and isinstance(step, int):
            path = (PLUGINS, plugins[step])
        elif generic(path) in keys():
            return path
        elif path == (SOURCE,) and place == 1 and step not in children(path) and place + 1 < len(location):
            continue  # pydantic puts the source's type here
        else:
            path = (*path, printable(str(step)))
    return path


def _problem(detail: ErrorDetails, path: KeyPath) -> str:
    kind = detail["type"]
    if kind in _UNKNOWN:
        return unknown(path)
    if kind == "missing":
        return "is required and has no value"
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind in _TABLE:
        return f"is no table; its settings belong below [{dotted(path)}]"
    key = keys().get(generic(path))
    if key is None or key.is_secret:
        return "is not a value that it can have"
    if kind == _NO_TAG:
        ctx = detail["ctx"]
        known = [tag.strip("'") for tag in ctx["expected_tags"].split(", ")]
        return f"{shown(ctx['tag'])} is none of {', '.join(known)}{nearest(ctx['tag'], dict.fromkeys(known))}"
    given = detail["input"]
    if key.is_list or not isinstance(given, str | int | float):
        return f"is not {key.wanted}"
    meant = nearest(given, _choices(key.wanted)) if isinstance(given, str) else ""
    return f"{shown(given)} is not {key.wanted}{meant}"


def _choices(wanted: str) -> dict[str, None]:
    prefix = "one of "
    return dict.fromkeys(wanted.removeprefix(prefix).split(", ")) if wanted.startswith(prefix) else {}


def shown(value: Any) -> str:
    """A value that is no secret, fit for a message."""
    if is_too_large(value):
        return "a number beyond 64 bits"
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else f"{value}"
    short = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return repr(short) if isinstance(value, str) else short


def is_too_large(value: Any) -> bool:
    """Whether it is a whole number that TOML need not carry; Python would not write down one much larger."""
    return isinstance(value, int) and value.bit_length() > _BITS


def printable(name: str) -> str:
    """A name that may hold anything, fit for a message."""
    return name if name.isprintable() else ascii(name)
