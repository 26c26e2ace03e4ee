"""What was given for the runner's settings: by the file, then the environment, then the command line."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import Fault, SettingsError
from ...variables import FILE, in_capitals, is_unicode, look_up
from ..loading import is_path
from .faults import printable, unknown
from .names import (
    ANY,
    BETWEEN,
    CONFIG,
    PLUGINS,
    PREFIX,
    SOURCE,
    Key,
    KeyPath,
    dotted,
    generic,
    keys,
    variable,
)
from .tables import DEFAULT_PLUGIN

ASSIGNMENT = "--set"
_PLUGINS = f"{PREFIX}{PLUGINS.upper()}"
_STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A setting that a command has an option of its own for.

    Attributes:
        name: What the user types, and faults are told by: `--from`.
        key: The setting, as `--set` takes it; or a parameter of `VariancePlugin`, by its name alone.
        text: The value.
    """

    name: str
    key: str
    text: str = field(repr=False)


class Gathered:
    """Values by place; what comes later replaces what an earlier place said.

    Attributes:
        tables: As in the file, but that `plugins` are tables by their name. Not checked.
        origins: Where each value came from, in the user's words; at `()` the file, if there is one.
        options: Those that gave parameters of `VariancePlugin`, whatever it is called here.
        parameters: What the command line gave for plugins, to be taken after what the environment gives.
        faults: What could not be read.
    """

    def __init__(self) -> None:
        self.tables: dict[str, Any] = {}
        self.origins: dict[KeyPath, str] = {}
        self.options: list[Option] = []
        self.parameters: list[tuple[KeyPath, str]] = []
        self.faults: list[Fault] = []
        self._names: set[str] = set()

    @property
    def plugins(self) -> dict[str, dict[str, Any]]:
        """Their tables, by name, in order."""
        found: dict[str, dict[str, Any]] = self.tables.setdefault(PLUGINS, {})
        return found

    def take_file(self, file: Path) -> None:
        """Take what a file says. Its relative paths begin at the folder it is in.

        Raises:
            SettingsError: When it cannot be read, or is not TOML.
        """
        try:
            tables = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise SettingsError(
                [Fault(key=str(file), problem=f"cannot be read: {error.strerror}")]
            ) from error
        except (ValueError, RecursionError) as error:
            raise SettingsError([Fault(key=str(file), problem=f"is not TOML: {error}")]) from error
        listed = tables.pop(PLUGINS, None)
        self.origins[()] = str(file)
        self.tables = {printable(name): value for name, value in tables.items()}
        for number, table in enumerate(self._listed(listed), start=1):
            self._take_plugin(table, number)
        self._settle_file(file)

    def take_environment(self, environment: Mapping[str, str]) -> None:
        """Take the variables, but for those of the plugins' parameters, which need the manifests."""
        listed = {name: text for name, text in environment.items() if name.removesuffix(FILE) == _PLUGINS}
        found, faults = look_up(listed, {_PLUGINS: PLUGINS}, prefix=_PLUGINS)
        self.faults += faults
        for given in found:
            self._choose_plugins(texts(given.text), given.name)
        if not self.plugins:
            self.tables[PLUGINS] = {DEFAULT_PLUGIN: {"name": DEFAULT_PLUGIN}}
        self._refuse_twins()
        plain = {
            name: text
            for name, text in environment.items()
            if name not in listed and not self._is_config(name)
        }
        # Others use the prefix, too (a CI's `RUNNER_OS`); two low lines make it this runner's.
        found, faults = look_up(plain, self._variables(), prefix=PREFIX, is_ours=lambda name: BETWEEN in name)
        for given in found:
            self.put(_split(given.key), given.text, given.name)
        self.faults += faults

    def take_options(self, options: Sequence[Option]) -> None:
        """Take what a command's own options gave."""
        self._names = {option.name for option in options} - {ASSIGNMENT}
        for option in options:
            path = _split(option.key)
            if path in keys():
                self.put(path, option.text, option.name)
            else:
                self.options.append(option)

    def take_assignments(self, assignments: Sequence[str]) -> None:
        """Take what `--set` gave, `KEY=VALUE` each; an empty value stands for the default.

        Parameters that are among the options are not taken again.
        """
        taken = {option.key for option in self.options}
        for number, assignment in enumerate(assignments, start=1):
            name, equals, text = assignment.partition("=")
            path = _split(name.strip())
            if equals and name.strip() in taken:
                continue
            if not equals or not name.strip():
                which = "" if len(assignments) == 1 else f" number {number}"
                self.fault(ASSIGNMENT, f"what is given{which} is not KEY=VALUE")
            elif path[:1] == (PLUGINS,) and path[1:2] and path[1] not in self.plugins:
                known = ", ".join(self.plugins)
                self.fault(dotted(path), f"there is no plugin {path[1]!r} among {known} (from {ASSIGNMENT})")
            elif _is_parameter(path):
                self.parameters.append((path, text))
            elif generic(path) in keys():
                self.put(path, text, ASSIGNMENT)
            else:
                self.fault(dotted(path), f"{unknown(path)} (from {ASSIGNMENT})")

    def put(self, path: KeyPath, text: str, origin: str) -> None:
        """Set one value, as text; an empty one stands for the default."""
        if not is_unicode(text):
            self.faults.append(self.told(Fault(key=dotted(path), problem="is not UTF-8"), origin))
            return
        table = self.tables
        for name in path[:-1]:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                return  # what the file has in the place of the table is a fault by itself
        key = keys().get(generic(path))
        if text:
            table[path[-1]] = texts(text) if key is not None and key.is_list else text
            self.origins[path] = origin
        else:
            table.pop(path[-1], None)
            self.origins.pop(path, None)

    def option(self, key: str) -> str | None:
        """The name of the option that gave a setting, if one did."""
        origin = self.origins.get(_split(key))
        return origin if origin in self._names else None

    def told(self, fault: Fault, origin: str | None) -> Fault:
        """What is wrong with a value, by the name of the option that gave it, or with where it came from."""
        if origin is None:
            return fault
        if origin in self._names:
            return Fault(key=origin, problem=fault.problem)
        return Fault(key=fault.key, problem=f"{fault.problem} (from {origin})")

    def fault(self, key: str, problem: str) -> None:
        """Note what is wrong."""
        self.faults.append(Fault(key=key, problem=problem))

    def _listed(self, listed: Any) -> list[dict[str, Any]]:
        if listed is None:
            return []
        if isinstance(listed, list) and all(isinstance(table, dict) for table in listed):
            return listed
        self.fault(PLUGINS, "is no list of tables; begin each plugin with [[plugins]]")
        return []

    def _take_plugin(self, table: dict[str, Any], number: int) -> None:
        name = table.get("name")
        if not isinstance(name, str) or not name or not name.isprintable():
            self.fault(f"{PLUGINS}[{number}].name", "is required, and is a text that names the plugin")
        elif name in self.plugins:
            self.fault(f"{PLUGINS}[{number}].name", f"{name!r} is the name of an earlier plugin, too")
        else:
            self.plugins[name] = {printable(key): value for key, value in table.items()}

    def _settle_file(self, file: Path) -> None:
        """Note the origin of what the file gave, and where its paths begin."""
        for key in keys().values():
            for path in self._instances(key.path):
                table: Any = self.tables
                for name in path[:-1]:
                    table = table.get(name) if isinstance(table, dict) else None
                if isinstance(table, dict) and path[-1] in table:
                    self.origins[path] = str(file)
                    table[path[-1]] = _at(file.parent, table[path[-1]], key)

    def _choose_plugins(self, names: Sequence[str], origin: str) -> None:
        """A variable may say which plugins run: those of the file, and others by their entry points."""
        listed = self.plugins
        self.tables[PLUGINS] = {name: listed.get(name, {"name": name}) for name in names}
        self.origins.update({(PLUGINS, name, "name"): origin for name in names if name not in listed})

    def _refuse_twins(self) -> None:
        known: dict[str, str] = {}
        for name in self.plugins:
            twin = known.setdefault(in_capitals(name), name)
            if twin != name:
                self.fault(
                    dotted((PLUGINS, name, "name")),
                    f"no variable could tell it from {twin}; rename one of them",
                )

    def _variables(self) -> dict[str, str]:
        """The setting for each variable; a plugin's own name is none that could be given."""
        paths = [path for key in keys() for path in self._instances(key) if path[2:] != ("name",)]
        return {variable(path): dotted(path) for path in paths}

    def _instances(self, path: KeyPath) -> list[KeyPath]:
        if ANY not in path:
            return [path]
        return [tuple(name if step == ANY else step for step in path) for name in self.plugins]

    def _is_config(self, name: str) -> bool:
        return any(name.startswith(variable((PLUGINS, plugin, CONFIG, ""))) for plugin in self.plugins)


def _split(name: str) -> KeyPath:
    """A plugin's parameter may hold dots itself."""
    steps = [printable(step) for step in name.split(".")]
    if len(steps) > _CONFIG_DEPTH and steps[0] == PLUGINS and steps[2] == CONFIG:
        return (*steps[:_CONFIG_DEPTH], ".".join(steps[_CONFIG_DEPTH:]))
    return tuple(steps)


_CONFIG_DEPTH = 3


def _is_parameter(path: KeyPath) -> bool:
    return len(path) == _CONFIG_DEPTH + 1 and path[0] == PLUGINS and path[2] == CONFIG


def texts(text: str) -> list[str]:
    """A list, as JSON or with commas. A pattern may begin with a bracket, too."""
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list) and all(isinstance(element, str) for element in found):
            return found
    return [part for raw in text.split(",") if (part := raw.strip())]


def _at(folder: Path, value: Any, key: Key) -> Any:
    """The value of a file, its paths from the folder that the file is in."""
    if folder == Path():
        return value
    if isinstance(value, list) and key.is_path:
        return [_at(folder, element, key) for element in value]
    if not isinstance(value, str) or not value or value == _STDIN:
        return value
    is_folder_or_name = {(PLUGINS, ANY, "from"): is_path(value), (SOURCE, "url"): "://" not in value}
    if key.is_path or is_folder_or_name.get(key.path, False):
        return str(folder / value)
    return value
