"""The harness for people who test their own plugins; `testing` hands it out."""

from .plugin_harness import PluginHarness
from .stand_ins import Captured

__all__ = ["Captured", "PluginHarness"]
