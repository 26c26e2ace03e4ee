"""PostHog's events into Variance: the plugin, and what a host needs to run it."""

from .__about__ import __version__
from .errors import InvalidRecord, RetryError, SettingsError, UsageError, VarianceError
from .events import Event
from .hooks import Metrics, MinimalMeta, Plugin, PluginMeta, Rejection
from .plugin import VariancePlugin

__all__ = [
    "Event",
    "InvalidRecord",
    "Metrics",
    "MinimalMeta",
    "Plugin",
    "PluginMeta",
    "Rejection",
    "RetryError",
    "SettingsError",
    "UsageError",
    "VarianceError",
    "VariancePlugin",
    "__version__",
]
