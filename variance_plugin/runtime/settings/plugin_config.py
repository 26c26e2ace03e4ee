"""The plugins' own parameters: from every place, as each plugin's manifest declares them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ... import settings as variance
from ... import variables
from ...errors import Fault, SettingsError
from ...manifest import Manifest, ParameterType
from ...secret import Secret
from ...variables import is_unicode, look_up
from ..loading import plugin_values
from .faults import is_too_large, printable, shown
from .gathered import ASSIGNMENT, Gathered
from .names import CONFIG, PLUGINS, KeyPath, dotted, variable


def is_variance(manifest: Manifest) -> bool:
    """Whether this is `VariancePlugin`, whose parameters have variables of their own."""
    return manifest.main == variance.manifest().main


class PluginConfig:
    """The parameters of one plugin: a later place replaces what an earlier one said.

    Attributes:
        values: By parameter; what was not given is not in it, and what is secret is a `Secret`.
        origins: Where each came from.

    Args:
        name: The plugin's.
        manifest: The plugin's.
        gathered: Has what the file and the command line say.
    """

    def __init__(self, name: str, manifest: Manifest, gathered: Gathered) -> None:
        self.values: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self._manifest = manifest
        self._gathered = gathered
        self._path: KeyPath = (PLUGINS, name, CONFIG)
        self._faults: list[Fault] = []
        self._is_only_variance = False

    def gather(self, environment: Mapping[str, str], *, is_only_variance: bool) -> None:
        """Take what every place gives; `VARIANCE_…` only where it is clear which plugin that means."""
        self._is_only_variance = is_only_variance and is_variance(self._manifest)
        table = self._gathered.plugins[self._path[1]].get(CONFIG)
        for key, value in table.items() if isinstance(table, dict) else ():
            self._take_from_file(printable(key), value)
        if is_variance(self._manifest):
            self._take_variables(environment, {variables.variable(key): key for key in self._parameters})
        own = {variable((*self._path, key)): key for key in self._parameters}
        self._take_variables(environment, own, variable((*self._path, "")))
        for option in self._gathered.options if is_variance(self._manifest) else ():
            self._take(option.key, option.text, option.name)
        for path, text in self._gathered.parameters:
            if path[: len(self._path)] == self._path:
                self._take(path[-1], text, ASSIGNMENT)
        if is_variance(self._manifest) and not is_only_variance:
            self._refuse_shared(environment)

    def check(self) -> list[Fault]:
        """All that is wrong with them, named by their place among the runner's settings."""
        faults: dict[str, Fault] = {}
        for fault in self._faults:
            faults.setdefault(fault.key, self._placed(fault))
        try:
            if is_variance(self._manifest):
                variance.read_settings(self.values)
            else:
                plugin_values(self._manifest, self.values)
        except SettingsError as error:
            for fault in error.faults:
                faults.setdefault(fault.key, self._placed(self._advised(fault)))
        return list(faults.values())

    def in_force(self) -> Iterator[tuple[str, Any, str | None]]:
        """Each parameter, its value (a `Secret`, if it is secret), and its origin, if that is no default."""
        for key, parameter in self._parameters.items():
            value = self.values.get(key, parameter.default)
            if parameter.secret and not isinstance(value, Secret):
                value = Secret(str(value or ""))
            yield key, value, self.origins.get(key)

    def _placed(self, fault: Fault) -> Fault:
        """A fault of a variable keeps its name."""
        if fault.key not in self._parameters and fault.key not in self.values:
            return fault
        origin = None if "(from " in fault.problem else self.origins.get(fault.key)
        here = dotted((*self._path, fault.key))
        return self._gathered.told(Fault(key=here, problem=fault.problem), origin)

    @property
    def _parameters(self) -> Mapping[str, Any]:
        return self._manifest.parameters

    def _advised(self, fault: Fault) -> Fault:
        if fault.key in self.origins or fault.key not in self._parameters:
            return fault
        name = variable((*self._path, fault.key))
        if self._is_only_variance:
            name = variables.variable(fault.key)
        file = self._gathered.origins.get(())
        ways = f"by {name}" if file is None else f"below [plugins.config] in {file} or by {name}"
        return Fault(key=fault.key, problem=f"{fault.problem}; give it {ways}")

    def _take_from_file(self, key: str, value: Any) -> None:
        origin = self._gathered.origins[()]
        parameter = self._parameters.get(key)
        if not isinstance(value, str | int | float | list | dict):
            self._fault(
                key,
                f"is a {type(value).__name__}, which no parameter can be; put it in quotes (from {origin})",
            )
            return
        if is_too_large(value):
            self._fault(key, f"is {shown(value)} (from {origin})")
            return
        if parameter is not None and parameter.type is ParameterType.ATTACHMENT and isinstance(value, str):
            value = value and str(Path(origin).parent / value)
        self._take(key, value, origin)

    def _take_variables(
        self, environment: Mapping[str, str], known: Mapping[str, str], prefix: str = variables.PREFIX
    ) -> None:
        is_own = prefix != variables.PREFIX
        found, faults = look_up(environment, known, prefix=prefix, is_ours=lambda _name: is_own)
        for given in found:
            self._take(given.key, given.text, given.name)
        self._faults += faults

    def _take(self, key: str, value: Any, origin: str) -> None:
        if value == "":
            self.values.pop(key, None)
            self.origins.pop(key, None)
        elif isinstance(value, str) and not is_unicode(value):
            self._fault(key, f"is not UTF-8 (from {origin})")
        else:
            parameter = self._parameters.get(key)
            is_secret = parameter is not None and parameter.secret
            self.values[key] = Secret(str(value)) if is_secret else value
            self.origins[key] = origin

    def _refuse_shared(self, environment: Mapping[str, str]) -> None:
        known = {variables.variable(key) for key in self._parameters}
        shared = [
            name
            for name in sorted(environment)
            if name.removesuffix(variables.FILE) in known and environment[name]
        ]
        for name in [*shared, *(option.name for option in self._gathered.options)]:
            ways = variable((*self._path, "")) + "…"
            self._fault(name, f"several plugins would take it; give each its own, by {ways}")

    def _fault(self, key: str, problem: str) -> None:
        self._faults.append(Fault(key=key, problem=problem))
