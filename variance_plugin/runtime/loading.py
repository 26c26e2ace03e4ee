"""From a manifest to a plugin that runs."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ..errors import UsageError
from ..hooks import Plugin
from ..manifest import Manifest, load_manifest

_HOOKS = ("setup_plugin", "export_events", "teardown_plugin")


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin with its manifest."""

    manifest: Manifest
    plugin: Plugin


def load_plugin(manifest_path: Path) -> LoadedPlugin:
    """Import what `main` of a `plugin.json` names (`package.module:Class`) and make one of it.

    Raises:
        UsageError: when there is no such file, module or class, or when it lacks a hook.
    """
    try:
        text = manifest_path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {manifest_path}: {error.strerror}") from error
    manifest = load_manifest(text, where=str(manifest_path))
    module_name, colon, class_name = manifest.main.partition(":")
    if not colon:
        raise UsageError(f"{manifest_path}: `main` is {manifest.main!r}, not `package.module:Class`")
    try:
        factory = getattr(import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{manifest_path}: cannot load {manifest.main}: {error}") from error
    plugin: Plugin = factory()
    missing = [hook for hook in _HOOKS if not callable(getattr(plugin, hook, None))]
    if missing:
        raise UsageError(f"{manifest.main} has no hook {' and no hook '.join(missing)}")
    return LoadedPlugin(manifest, plugin)
