"""From where a plugin is to its hooks, ready to be called.

In that order: `discovery` (and `archive`, for zip files) finds it and reads its manifest, `plugin_values`
checks what the user gave for its parameters, `importing` imports its code, `signatures` and `declared` look
whether the host can call it, and `loaded` is what comes of it. Before `importing` no code of a plugin runs.
"""

from .discovery import FoundPlugin, find_plugin, installed, is_path
from .load import load_plugin
from .loaded import Hook, Hooks, LoadedPlugin
from .plugin_values import PluginValues, plugin_values

__all__ = [
    "FoundPlugin",
    "Hook",
    "Hooks",
    "LoadedPlugin",
    "PluginValues",
    "find_plugin",
    "installed",
    "is_path",
    "load_plugin",
    "plugin_values",
]
