"""Which value each parameter has, and where it came from: flags, environment, settings file.

Knows nothing of the process it runs in: environment and flags are arguments. It reads the files they name.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ..errors import Fault, SettingsError
from ..manifest import Parameter, nearest
from ..secret import Secret
from ..variables import PREFIX, is_unicode, look_up, variable
from .wording import printable

_Settings = TypeVar("_Settings")

# Tables of runner.toml, by which it is known.
_RUNNERS = frozenset(["source", "plugins"])
# Parameters with a flag of their own; all others are given by `--set`.
FLAGS = {"webhookUrl": "--webhook-url", "authHeader": "--auth-header"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What was given, before its values are checked.

    Attributes:
        values: By parameter; what was not given is not in it, and what is secret is a `Secret`.
        origins: Where each value came from, in the user's words.
        faults: What could not be read.
    """

    values: dict[str, Any]
    origins: dict[str, str]
    faults: tuple[Fault, ...] = ()

    def checked(self, read: Callable[[Mapping[str, Any]], _Settings]) -> _Settings:
        """The settings that `read` (such as `settings.read_settings`) makes of the values.

        Raises:
            SettingsError: With all that is wrong, here and there, and where each value came from.
        """
        faults = list(self.faults)
        try:
            settings = read(self.values)
        except SettingsError as error:
            known = {fault.key for fault in faults}
            faults += [self._located(fault) for fault in error.faults if fault.key not in known]
        else:
            if not faults:
                return settings
        raise SettingsError(faults)

    def _located(self, fault: Fault) -> Fault:
        origin = self.origins.get(fault.key)
        if origin is None:
            ways = f"{FLAGS.get(fault.key, f'--set {fault.key}=…')} or {variable(fault.key)}"
            return Fault(key=fault.key, problem=f"{fault.problem}; give it by {ways}")
        return Fault(key=fault.key, problem=f"{fault.problem} (from {origin})")


def resolve(
    parameters: Mapping[str, Parameter],
    *,
    flags: Mapping[str, str | None],
    assignments: Sequence[str],
    environment: Mapping[str, str],
    file: Path | None,
) -> Configuration:
    """Put together what was given in several places: a flag counts most, then the environment, then the file.

    Args:
        parameters: Those there are.
        flags: By parameter, for those in `FLAGS`.
        assignments: `KEY=VALUE`, as `--set` takes them; an empty value stands for the default.
        environment: Variables by name; an empty one counts as not set.
        file: A table of parameters in TOML or, if its name ends in `.json`, an object in JSON.
    """
    found = _Found(parameters)
    if file is not None:
        found.take_file(file)
    found.take_environment(environment)
    found.take_assignments(assignments)
    for key, value in flags.items():
        if value is not None and found.origins.get(key) == "--set":
            found.fault(key, f"is given twice, by {FLAGS[key]} and by --set; leave one out")
        elif value is not None:
            found.take(key, value, FLAGS[key])
    return Configuration(values=found.values, origins=found.origins, faults=tuple(found.faults))


class _Found:
    """What was found so far; a later place replaces what an earlier one said."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self._parameters = parameters
        self.values: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.faults: list[Fault] = []

    def take(self, key: str, value: Any, origin: str) -> None:
        if value in ("", None):
            self.values.pop(key, None)
            self.origins.pop(key, None)
        elif isinstance(value, str) and not is_unicode(value):
            self.fault(key, f"is not UTF-8 (from {origin})")
        else:
            self.values[key] = Secret(str(value)) if self._parameters[key].secret else value
            self.origins[key] = origin

    def fault(self, key: str, problem: str) -> None:
        self.faults.append(Fault(key=key, problem=problem))

    def take_file(self, file: Path) -> None:
        try:
            table = _table(file)
        except OSError as error:
            self.fault("--settings", f"cannot read {file}: {error.strerror}")
            return
        except (ValueError, RecursionError, msgspec.MsgspecError) as error:
            kind = "JSON" if _is_json(file) else "TOML"
            self.fault("--settings", f"{file} is no table of settings in {kind}: {error}")
            return
        if _RUNNERS.intersection(table):
            told = f"{file} holds settings of the app runner: `variance-plugin check {file}`, `run {file}`"
            self.fault("--settings", told)
            return
        for key, value in table.items():
            if key not in self._parameters:
                self.fault(printable(key), f"unknown setting{nearest(key, self._parameters)} (from {file})")
            elif not _is_value(value):
                self.fault(key, f"is neither a text, a number, yes or no, nor a list of texts (from {file})")
            else:
                self.take(key, value, str(file))

    def take_environment(self, environment: Mapping[str, str]) -> None:
        keys = {variable(key): key for key in self._parameters}
        found, faults = look_up(environment, keys, prefix=PREFIX)
        for given in found:
            self.take(given.key, given.text, given.name)
        self.faults += faults

    def take_assignments(self, assignments: Sequence[str]) -> None:
        for number, assignment in enumerate(assignments, start=1):
            key, equals, value = assignment.partition("=")
            key = key.strip()
            if key in self._parameters and equals:
                self.take(key, value, "--set")
                continue
            which = "" if len(assignments) == 1 else f" number {number}"
            if meant := nearest(key, self._parameters) if equals else "":
                self.fault(printable(key), f"unknown setting{meant} (from --set)")
            elif equals:
                # What is like no name stays unsaid: it may be the secret itself, padded with "=".
                self.fault(
                    "--set", f"what is given{which} names no setting; `variance-plugin check` lists them"
                )
            else:
                self.fault("--set", f"what is given{which} is not KEY=VALUE")


def _is_json(file: Path) -> bool:
    return file.suffix.lower() == ".json"


def _table(file: Path) -> dict[str, Any]:
    text = file.read_text(encoding="utf-8-sig")
    if not _is_json(file):
        return tomllib.loads(text)
    return msgspec.json.decode(text, type=dict[str, Any])


def _is_value(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(name, str) for name in value)
    return isinstance(value, str | int | float) or value is None
