"""Which settings there are: name by name, as the JSON Schema of the tables tells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from ...variables import in_capitals
from .tables import PluginSettings, RunnerSettings

KeyPath: TypeAlias = tuple[str, ...]

ADAPTER = TypeAdapter(RunnerSettings)
PLUGIN_ADAPTER = TypeAdapter(PluginSettings)
PLUGINS = "plugins"
CONFIG = "config"
SOURCE = "source"
PREFIX = "RUNNER_"
BETWEEN = "__"
"""Stands between the levels in a variable's name."""
# In the place of a plugin's name, in the paths of settings that every plugin has.
ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One setting.

    Attributes:
        path: Its name within the tables; `ANY` in the place of a plugin's name.
        wanted: What its value has to be, as what follows "is not".
        default: None where there is none.
        description: For people.
    """

    path: KeyPath
    wanted: str
    description: str
    default: Any = None
    required: bool = False
    is_secret: bool = False
    is_path: bool = False
    is_list: bool = False


def dotted(path: KeyPath) -> str:
    """As faults and `--set` name it: `source.paths`."""
    return ".".join(path)


def variable(path: KeyPath) -> str:
    """The environment's name for a setting: `source.paths` is `RUNNER_SOURCE__PATHS`."""
    return PREFIX + BETWEEN.join(map(in_capitals, path))


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of `runner.toml`, for editors."""
    raw = ADAPTER.json_schema(by_alias=True)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "runner.toml"}
    return head | {key: value for key, value in _tidy(raw).items() if key != "title"}


@cache
def keys() -> Mapping[KeyPath, Key]:
    """Every setting by its path, in the order in which they are documented."""
    found: dict[KeyPath, Key] = {}
    for key in _keys_of(schema(), ()):
        found.setdefault(key.path, key)  # several kinds of source may have one of the same name
    return found


def children(path: KeyPath) -> set[str]:
    """What may stand in the table at a path."""
    path = generic(path)
    return {known[len(path)] for known in keys() if known[: len(path)] == path and len(known) > len(path)}


def ways_to_give(path: KeyPath, file: str | None) -> str:
    """How a value that is missing can be given, in the user's words; `file` is that of the settings."""
    key = keys().get(generic(path))
    if file is not None:
        return f"give it in {file} or by {variable(path)}"
    if key is not None and key.is_secret:
        return f"give it by {variable(path)}, or by {variable(path)}_FILE as the name of a file that has it"
    return f"give it by --set {dotted(path)}=… or by {variable(path)}"


def generic(path: KeyPath) -> KeyPath:
    """The path with `ANY` in the place of a plugin's name."""
    return (PLUGINS, ANY, *path[2:]) if path[:1] == (PLUGINS,) and len(path) > 1 else path


def _keys_of(node: Mapping[str, Any], path: KeyPath) -> Iterator[Key]:
    required = node.get("required", ())
    for name, raw in node.get("properties", {}).items():
        member = _resolved(raw)
        here = (*path, name)
        if not path and name == PLUGINS:
            yield from _keys_of(_resolved(member["items"]), (*here, ANY))
        elif name == CONFIG and path[:1] == (PLUGINS,):
            continue  # a plugin's manifest says what may stand there
        elif "oneOf" in member or "anyOf" in member:
            for form in member.get("oneOf") or member["anyOf"]:
                yield from _keys_of(_resolved(form), here)
        elif "properties" in member:
            yield from _keys_of(member, here)
        else:
            yield _key(here, member, required=name in required)


def _key(path: KeyPath, member: Mapping[str, Any], *, required: bool) -> Key:
    elements = member.get("items", {})
    return Key(
        path=path,
        wanted=_wanted(member),
        description=member.get("description", ""),
        default=member.get("default"),
        required=required,
        is_secret=member.get("writeOnly", False),
        is_path="path" in (member.get("format"), elements.get("format")),
        is_list=member["type"] == "array",
    )


def _wanted(member: Mapping[str, Any]) -> str:
    if "const" in member:
        return f"one of {member['const']}"
    if "enum" in member:
        return f"one of {', '.join(member['enum'])}"
    if "pattern" in member:
        return "letters, digits, - and _, beginning with a letter or digit, 64 at the most"
    words = {
        "object": "a table",
        "string": "a path" if member.get("format") == "path" else "a text",
        "array": "a list of texts, " + ("at least one" if "minItems" in member else "none of them empty"),
        "boolean": "true or false",
        "integer": "a whole number",
        "number": "a number",
    }[member["type"]]
    low, high = member.get("minimum"), member.get("maximum")
    if high is not None:
        return f"{words} from {low:,} to {high:,}"
    return words if low is None else f"{words} of at least {low:,}"


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A reference followed; what stands beside it counts more than what it leads to."""
    if "$ref" not in node:
        return node
    target: dict[str, Any] = schema()["$defs"][node["$ref"].rpartition("/")[2]]
    return {**target, **node}


def _tidy(node: Any) -> Any:
    """Without the titles, which repeat the names, and with each description on one line."""
    if isinstance(node, list):
        return [_tidy(element) for element in node]
    if not isinstance(node, dict):
        return node
    tidied: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            tidied[key] = {name: _tidy(member) for name, member in value.items()}
        elif key == "description":
            tidied[key] = " ".join(value.split())
        elif key != "title" and not (key == "default" and value is None):
            tidied[key] = _tidy(value)
    return tidied
