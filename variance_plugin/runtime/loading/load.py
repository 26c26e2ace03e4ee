"""From the place of a plugin to its hooks."""

from dataclasses import fields
from pathlib import Path

from ...errors import UsageError
from .discovery import find_plugin
from .importing import import_plugin
from .loaded import Hooks, LoadedPlugin
from .signatures import HOOKS


def load_plugin(origin: str | Path, *, name: str | None = None) -> LoadedPlugin:
    """Import a plugin, and look at its hooks.

    Args:
        origin: The name of an entry point, a folder, the plugin.json in it, or a zip file.
        name: How logs, metrics and settings call it; without it, as `find_plugin` does.

    Raises:
        UsageError: When there is none, when its code cannot be imported, or has hooks that cannot be called.
    """
    found = find_plugin(origin)
    name = name or found.name
    plugin = import_plugin(found, name)
    loaded = LoadedPlugin.of(plugin, found.manifest, name=name, origin=found.origin)
    if not any(getattr(loaded.hooks, one.name) for one in fields(Hooks)):
        where = found.main or "main.py"
        raise UsageError(
            f"the plugin {name} ({found.origin}) has no hook in {where}; there are {', '.join(HOOKS)}"
        )
    return loaded
