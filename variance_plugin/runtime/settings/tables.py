"""The tables of `runner.toml`, as checked values. What stands below a field is what editors and docs show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from ...secret import Secret
from ..loading import is_path
from .kafka import KafkaSettings
from .kinds import (
    NUMBER,
    GivenName,
    HttpAddress,
    ListenAddress,
    OptionalNumber,
    OptionalPath,
    OptionalPlace,
    PluginName,
    RequiredPath,
    SecretText,
    host_and_port,
)
from .sources import Source
from .strictness import STRICT

DEFAULT_PLUGIN = "variance"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginSettings:
    """A plugin that runs."""

    __pydantic_config__ = STRICT

    name: PluginName
    """How logs, metrics and variables call it; no two have the same."""
    from_: Annotated[str, Field(alias="from")] = ""
    """Where it is: a folder or a zip file (with a `/`, or ending in `.zip`), or the name of the entry point
    of an installed package. Empty: the entry point called like the plugin."""
    order: OptionalPlace = None
    """Its place among the plugins, the least first. Without it: as listed."""
    enabled: bool = True
    """Whether it runs."""
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The plugin's own parameters, as its plugin.json declares them."""

    @property
    def origin(self) -> str:
        """Where it is to be found: a path, or the name of an entry point."""
        return self.from_ or self.name

    @property
    def is_path(self) -> bool:
        """Whether that is a folder or a zip file."""
        return is_path(self.origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """How much a plugin may take before the runner steps in."""

    __pydantic_config__ = STRICT

    timeout_seconds: Annotated[float, Field(ge=0.1, le=86_400), NUMBER] = 30.0
    """So long may a hook take, but for export_events."""
    export_timeout_seconds: Annotated[float, Field(ge=1, le=86_400), NUMBER] = 600.0
    """So long may export_events take, which waits for others."""
    failures_until_disabled: Annotated[int, Field(ge=1, le=1_000_000_000), NUMBER] = 100
    """After so many failures of one hook in a row its plugin is switched off; the others go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolSettings:
    """Where events are kept that cannot be read twice."""

    __pydantic_config__ = STRICT

    max_bytes: Annotated[int, Field(ge=1_000_000, le=1_000_000_000_000_000), NUMBER] = 10_000_000_000
    """When so much has come together, senders are asked to come again later."""


def _nothing() -> Secret:
    return Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class PosthogSettings:
    """Your own PostHog project, for `meta.posthog` and for what the runner tells. Off until a key is set."""

    __pydantic_config__ = STRICT

    host: HttpAddress = "https://us.i.posthog.com"
    """Where its events go."""
    project_key: SecretText = field(default_factory=_nothing)
    """The project's key (phc_…); needed to capture events."""
    personal_api_key: SecretText = field(default_factory=_nothing)
    """A personal key (phx_…); needed for meta.posthog.api, and for what is asked of PostHog: a
    backfill, cohorts."""
    project_id: OptionalNumber = None
    """The project's number, as in the address of its pages; needed for what is asked of PostHog."""
    report_exceptions: bool = False
    """Whether exceptions of plugins are captured there."""
    report_exports: bool = False
    """Whether what was exported is captured there, once an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortSettings:
    """Which of PostHog's cohorts become traits, beside what the source gives."""

    __pydantic_config__ = STRICT

    sync: tuple[GivenName, ...] = ()
    """Numbers and names of cohorts. Empty: none."""
    every_hours: Annotated[float, Field(ge=0.1, le=8_784), NUMBER] = 24.0
    """How long after one sync the next one is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoipSettings:
    """For `meta.geoip`."""

    __pydantic_config__ = STRICT

    database: OptionalPath = None
    """A MaxMind file, such as GeoLite2-City.mmdb. Empty: no address is found."""


class LogFormat(StrEnum):
    """How a log line is written."""

    AUTO = "auto"
    HUMAN = "human"
    JSON = "json"


class LogLevel(StrEnum):
    """Which log lines are written: those, and what is graver."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What is logged, to standard error."""

    __pydantic_config__ = STRICT

    format: LogFormat = LogFormat.AUTO
    """human: for people. json: one object a line. auto: human on a terminal, json elsewhere."""
    level: LogLevel = LogLevel.INFO
    """The least grave lines that are written. debug: each request that went well, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """Where the runner can be looked at."""

    __pydantic_config__ = STRICT

    listen: ListenAddress = "127.0.0.1:9464"
    """Address and port of /metrics, /healthz and /readyz; port 0 takes a free one. `off`: none."""

    @property
    def address(self) -> tuple[str, int] | None:
        """Where to listen; None when it is off."""
        return host_and_port(self.listen)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """Settings of the app runner, `variance-plugin run`."""

    __pydantic_config__ = STRICT

    state: RequiredPath = Path("variance.db")
    """The SQLite file of positions, the plugins' storage, jobs, dead letters and spool."""
    flush_seconds: Annotated[float, Field(ge=0, le=86_400), NUMBER] = 30.0
    """So long may it take, when asked to stop, to send what was read."""
    source: Source
    """Where events come from."""
    plugins: tuple[PluginSettings, ...] = field(
        default_factory=lambda: (PluginSettings(name=DEFAULT_PLUGIN),)
    )
    """The plugins that run, in their order."""
    hooks: HookSettings = field(default_factory=HookSettings)
    """How much a plugin may take."""
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    """Where events are kept that cannot be read twice."""
    posthog: PosthogSettings = field(default_factory=PosthogSettings)
    """Your own PostHog project."""
    cohorts: CohortSettings = field(default_factory=CohortSettings)
    """Which cohorts become traits."""
    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    """A Kafka cluster."""
    geoip: GeoipSettings = field(default_factory=GeoipSettings)
    """Where addresses are."""
    logs: LogSettings = field(default_factory=LogSettings)
    """What is logged."""
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    """Where the runner can be looked at."""

    @property
    def secrets(self) -> Iterator[Secret]:
        """All that are set, so that logs and telemetry can mask them."""
        candidates = [self.posthog.project_key, self.posthog.personal_api_key, *self.kafka.secrets]
        candidates += [
            value
            for one in fields(self.source)
            if isinstance(value := getattr(self.source, one.name), Secret)
        ]
        for plugin in self.plugins:
            candidates += [value for value in plugin.config.values() if isinstance(value, Secret)]
        return (secret for secret in candidates if secret)
