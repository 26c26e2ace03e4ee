"""From what was given to one checked object, with every fault at once and where each value came from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from ...errors import Fault, SettingsError, UsageError
from ...manifest import Manifest
from .faults import faults_of
from .gathered import Gathered, Option
from .names import ADAPTER, CONFIG, PLUGIN_ADAPTER, PLUGINS, SOURCE, KeyPath, dotted, keys, ways_to_give
from .plugin_config import PluginConfig, is_variance
from .sources import DEFAULT_SOURCE, BackfillSource, HttpSource, KafkaSource
from .tables import PluginSettings, PosthogSettings, RunnerSettings

FILE_NAME = "runner.toml"
STATE = "state"
DEFAULT = "default"

ManifestOf: TypeAlias = Callable[[PluginSettings], Manifest]
"""Reads a plugin's manifest, without importing the plugin; raises `UsageError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value that is in force.

    Attributes:
        key: The setting's name: `source.paths`.
        value: A `Secret`, if it is secret; None where there is none.
        origin: Where it came from: a file, a variable, an option, or `default`.
    """

    key: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The settings of a run, and where they came from."""

    settings: RunnerSettings
    values: tuple[Value, ...]


def read(  # noqa: PLR0913 -- where settings may come from, one by one
    file: Path | None,
    *,
    environment: Mapping[str, str],
    options: Sequence[Option] = (),
    assignments: Sequence[str] = (),
    manifest_of: ManifestOf,
    looks_for_file: bool = True,
    needs_source: bool = True,
) -> InForce:
    """The settings: the command line counts most, then the environment, then the file.

    Args:
        file: None stands for `runner.toml` in the current folder, if there is one.
        environment: Variables by name: `RUNNER_…`, and for `VariancePlugin` also `VARIANCE_…`.
        options: What a command has an option of its own for.
        assignments: `KEY=VALUE`, as `--set` takes them.
        manifest_of: Tells which parameters a plugin has.
        looks_for_file: Whether None stands for that file, or for none at all.
        needs_source: Whether the source counts; else it is not looked at, and none is read.

    Raises:
        SettingsError: With all that is wrong, each with its key, what is allowed, and where it came from.
    """
    gathered = Gathered()
    if file is not None or (looks_for_file and Path(FILE_NAME).is_file()):
        gathered.take_file(file or Path(FILE_NAME))
    gathered.take_environment(environment)
    gathered.take_options(options)
    gathered.take_assignments(assignments)
    tables = {SOURCE: {}} | gathered.tables | {PLUGINS: list(gathered.plugins.values())}
    if not needs_source:
        tables[SOURCE] = {"type": "none"}
    if isinstance(tables[SOURCE], dict):
        tables[SOURCE] = {"type": DEFAULT_SOURCE} | tables[SOURCE]
    file_given = gathered.origins.get(())
    faults = list(gathered.faults)
    settings: RunnerSettings | None = None
    try:
        settings = ADAPTER.validate_python(tables)
    except ValidationError as error:
        told = {fault.key for fault in faults}
        found = faults_of(error, list(gathered.plugins), gathered.origins, gathered.told)
        faults += [fault for fault in found if fault.key not in told]
    else:
        faults += [
            gathered.told(fault, gathered.option(fault.key)) for fault in _at_odds(settings, file_given)
        ]
    configs = _Configs(gathered, environment, manifest_of)
    faults += configs.faults
    if faults and looks_for_file and file_given is None:
        faults.insert(0, Fault(key=FILE_NAME, problem="is not in this folder, and no other file was named"))
    if settings is None or faults:
        raise SettingsError(faults)
    plugins = [replace(plugin, config=configs.values(plugin.name)) for plugin in settings.plugins]
    settings = replace(settings, plugins=tuple(_in_order(plugins)))
    return InForce(settings=settings, values=tuple(_in_force(settings, gathered.origins, configs)))


def state_path(file: Path | None, *, environment: Mapping[str, str]) -> Path:
    """Where the state is, whatever else is missing or wrong: who looks at it needs no more than that.

    Args:
        file: See `read`.
        environment: See `read`.

    Raises:
        SettingsError: When the file cannot be read, or the path is none.
    """
    gathered = Gathered()
    if file is not None or Path(FILE_NAME).is_file():
        gathered.take_file(file or Path(FILE_NAME))
    gathered.take_environment(environment)
    path = gathered.tables.get(STATE, keys()[(STATE,)].default)
    if not isinstance(path, str) or not path:
        raise SettingsError([Fault(key=STATE, problem="is not a path")])
    return Path(path)


class _Configs:
    """The parameters of the plugins that run, checked one plugin by one, whatever is wrong elsewhere."""

    def __init__(self, gathered: Gathered, environment: Mapping[str, str], manifest_of: ManifestOf) -> None:
        self.faults: list[Fault] = []
        self._known: dict[str, PluginConfig] = {}
        manifests = dict(self._manifests(gathered, manifest_of))
        only = sum(map(is_variance, manifests.values())) == 1
        for name, manifest in manifests.items():
            config = self._known[name] = PluginConfig(name, manifest, gathered)
            config.gather(environment, is_only_variance=only)
            self.faults += config.check()

    def values(self, plugin: str) -> dict[str, Any]:
        """Of a plugin that runs; of others nothing is known."""
        return self._known[plugin].values if plugin in self._known else {}

    def in_force(self, plugin: str) -> Iterator[Value]:
        """Every parameter of a plugin that runs."""
        if plugin in self._known:
            for key, value, origin in self._known[plugin].in_force():
                yield Value(key=dotted((PLUGINS, plugin, CONFIG, key)), value=value, origin=origin or DEFAULT)

    def _manifests(self, gathered: Gathered, manifest_of: ManifestOf) -> Iterator[tuple[str, Manifest]]:
        for name, table in gathered.plugins.items():
            try:
                # Whatever else is wrong with it: its parameters can be looked at.
                usable = {key: table[key] for key in ("name", "from", "enabled") if key in table}
                plugin = PLUGIN_ADAPTER.validate_python(usable)
                if plugin.enabled:
                    yield name, manifest_of(plugin)
            except ValidationError:
                continue  # told already, together with all the tables
            except UsageError as error:
                path = (PLUGINS, name, "from")
                fault = Fault(key=dotted(path), problem=str(error))
                self.faults.append(gathered.told(fault, gathered.origins.get(path)))


def _at_odds(settings: RunnerSettings, file: str | None) -> Iterator[Fault]:
    """What is wrong with values that are fine each by itself."""
    if not any(plugin.enabled for plugin in settings.plugins):
        yield Fault(key=PLUGINS, problem="none of them is enabled; events would lead nowhere")
    source = settings.source
    if isinstance(source, HttpSource) and not source.tokens and not source.webhook_token:
        yield Fault(
            key="source.tokens",
            problem="nobody may send events: give the keys of your projects (phc_…), or source.webhook_token",
        )
    if isinstance(source, HttpSource) and source.forward_to and not source.tokens:
        yield Fault(
            key="source.forward_to",
            problem="is for what SDKs send, and source.tokens lets none of them in",
        )
    posthog = settings.posthog
    for name in ("report_exceptions", "report_exports"):
        if getattr(posthog, name) and not posthog.project_key:
            yield Fault(
                key=f"posthog.{name}", problem="is on, and needs posthog.project_key, which is not set"
            )
    if isinstance(settings.source, BackfillSource):
        yield from _backfill_at_odds(settings.source, file)
        yield from _without_project("a backfill", posthog, file)
    elif settings.cohorts.sync:
        yield from _without_project("cohorts", posthog, file)
    yield from _kafka_at_odds(settings)


def _backfill_at_odds(source: BackfillSource, file: str | None) -> Iterator[Fault]:
    if not source.from_:
        yield _needed("a backfill", (SOURCE, "from"), file)
    elif source.to and source.to <= source.from_:
        yield Fault(
            key=dotted((SOURCE, "to")),
            problem=f"is not after {source.from_:%Y-%m-%dT%H:%M:%SZ}, where it begins",
        )


def _without_project(what: str, posthog: PosthogSettings, file: str | None) -> Iterator[Fault]:
    """What it takes to ask PostHog about a project."""
    for name in ("project_id", "personal_api_key"):
        if not getattr(posthog, name):
            yield _needed(what, ("posthog", name), file)


def _needed(what: str, path: KeyPath, file: str | None) -> Fault:
    return Fault(key=dotted(path), problem=f"is needed for {what}; {ways_to_give(path, file)}")


def _kafka_at_odds(settings: RunnerSettings) -> Iterator[Fault]:
    source = settings.source
    topic = source.topic if isinstance(source, KafkaSource | HttpSource) else ""
    by = "kafka.dead_letter_topic" if settings.kafka.dead_letter_topic else ""
    yield from settings.kafka.at_odds(by="source.topic" if topic else by, topic=topic)


def _in_order(plugins: Sequence[PluginSettings]) -> list[PluginSettings]:
    """By `order`; one without stands where it is listed, counted from 1."""
    places = {
        plugin.name: number if plugin.order is None else plugin.order
        for number, plugin in enumerate(plugins, start=1)
    }
    return sorted(plugins, key=lambda plugin: places[plugin.name])


def _in_force(settings: RunnerSettings, origins: Mapping[KeyPath, str], configs: _Configs) -> Iterator[Value]:
    for path in keys():
        if path[0] != PLUGINS and (found := _value(settings, path, origins)) is not None:
            yield found
    for plugin in settings.plugins:
        for path in keys():
            if path[0] == PLUGINS and path[2:] != ("name",):
                found = _value(plugin, path[2:], origins, (PLUGINS, plugin.name))
                if found is not None:
                    yield found
        yield from configs.in_force(plugin.name)


_ATTRIBUTES = {
    (PLUGINS, "from"): "origin",  # an empty one stands for the name
    ("from",): "from_",
}


def _value(table: Any, path: KeyPath, origins: Mapping[KeyPath, str], prefix: KeyPath = ()) -> Value | None:
    for name in path:
        attribute = _ATTRIBUTES.get((*prefix[:1], name), name)
        if not hasattr(table, attribute):
            return None  # of another kind of source
        table = getattr(table, attribute)
    path = (*prefix, *path)
    return Value(key=dotted(path), value=table, origin=origins.get(path, DEFAULT))
