"""The runner's settings: `runner.toml`, the environment and the command line, as one checked value.

In the order in which a value passes through: `gathered` (what was given, and where), `tables` with `kinds`
and `sources` (what there is, and what it may be), `faults` (what is wrong with it), `plugin_config` (the
plugins' own parameters), `reading` (all of it). `names` tells one by one what there is.
"""

from .gathered import ASSIGNMENT, Option
from .kafka import KafkaSettings, SaslMechanism
from .names import dotted, keys, schema, variable
from .reading import FILE_NAME, InForce, ManifestOf, Value, read, state_path
from .sources import BackfillSource, BucketSource, FileSource, KafkaSource, Source
from .tables import (
    CohortSettings,
    GeoipSettings,
    HookSettings,
    LogFormat,
    LogLevel,
    LogSettings,
    MetricsSettings,
    PluginSettings,
    PosthogSettings,
    RunnerSettings,
    SpoolSettings,
)

__all__ = [
    "ASSIGNMENT",
    "FILE_NAME",
    "BackfillSource",
    "BucketSource",
    "CohortSettings",
    "FileSource",
    "GeoipSettings",
    "HookSettings",
    "InForce",
    "KafkaSettings",
    "KafkaSource",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "ManifestOf",
    "MetricsSettings",
    "Option",
    "PluginSettings",
    "PosthogSettings",
    "RunnerSettings",
    "SaslMechanism",
    "Source",
    "SpoolSettings",
    "Value",
    "dotted",
    "keys",
    "read",
    "schema",
    "state_path",
    "variable",
]
