"""Imports a plugin's code: of a package as any other, of a folder or archive under a name of its own."""

import importlib
import itertools
import re
import sys
import traceback
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from ...errors import UsageError
from .discovery import FoundPlugin

_Made = TypeVar("_Made")

_MAIN = "main.py"
_PREFIX = "posthog_plugin_"
_numbers = itertools.count(1)


def import_plugin(found: FoundPlugin, name: str) -> Any:
    """An instance of the plugin's class, or its module.

    The files of a folder or an archive become a package that no other plugin sees, so that each may have a
    `main.py`; they import each other as `from . import other`.

    Args:
        found: The plugin.
        name: How it is called, for messages and tracebacks.

    Raises:
        UsageError: When its code cannot be imported, or its class not be made; with the place in its code.
    """
    target, _, attribute = (found.main or _MAIN).partition(":")
    whose = f"the plugin {name} ({found.origin})"
    if target.endswith((".js", ".ts")):
        raise UsageError(
            f"{whose} is JavaScript: its `main` is {found.main!r}, and this runner takes Python; "
            "docs/migrating.md shows the way"
        )
    if found.root is None:
        module = _guarded(lambda: importlib.import_module(target), found, f"{whose} cannot be imported")
    else:
        module = _import_files(found, found.root, target, whose, name)
    if not attribute:
        return module
    made = getattr(module, attribute, None)
    if made is None:
        raise UsageError(f"{whose} has no {attribute} in {target}")
    if not isinstance(made, type):
        return made
    return _guarded(made, found, f"{whose} cannot be made: {attribute}() failed")


def _import_files(found: FoundPlugin, root: str, target: str, whose: str, name: str) -> ModuleType:
    is_file = target.endswith(".py")
    steps = target.removesuffix(".py").split("/" if is_file else ".")
    if not all(steps) or ".." in steps or "." in steps:
        raise UsageError(f"{whose} has the `main` {found.main!r}, which is no file in it and no module")
    if not is_file and _is_elsewhere(steps[0], root):
        failed = f"{whose} cannot be imported"
        return _guarded(lambda: importlib.import_module(target), found, failed)
    package = _make_package(root, name)
    module_name = ".".join([package, *steps])
    try:
        return _guarded(
            lambda: importlib.import_module(module_name), found, f"{whose} cannot be imported", module_name
        )
    except BaseException:
        for imported in [one for one in sys.modules if one == package or one.startswith(f"{package}.")]:
            del sys.modules[imported]
        raise


def _is_elsewhere(top: str, root: str) -> bool:
    """Whether a module that `main` names is not one of these files: it is installed, or in use already.

    Of a package in use, this very one in its checkout, there must not be a second copy: its classes would
    have the same names, and not be the same.
    """
    used = getattr(sys.modules.get(top), "__file__", None)
    if used is not None and Path(used).is_relative_to(root):
        return True
    try:
        return PathFinder.find_spec(top, [root]) is None and find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _make_package(root: str, name: str) -> str:
    """An empty package around these files; returns its name."""
    importlib.invalidate_caches()
    package = f"{_PREFIX}{next(_numbers)}_{re.sub(r'[^A-Za-z0-9]', '_', name)}"
    spec = ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [root]
    sys.modules[package] = module_from_spec(spec)
    return package


def _guarded(call: Callable[[], _Made], found: FoundPlugin, failed: str, module_name: str = "") -> _Made:
    """What the call returns; whatever the plugin's code raises is told as its own fault."""
    try:
        return call()
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and f"{module_name}.".startswith(f"{error.name}."):
            missing = (found.main or _MAIN).partition(":")[0]
            raise UsageError(f"{failed}: there is no {missing} in it") from error
        text = str(error.msg if isinstance(error, SyntaxError) else error)
        text = re.sub(rf"\b{_PREFIX}\d+_\w+", "", text)  # a relative import, as it was written
        told = f"{type(error).__name__}: {text}" if text else type(error).__name__
        raise UsageError(f"{failed}: {told} ({_place(error, found)}){_hint(error, found)}") from error


def _place(error: BaseException, found: FoundPlugin) -> str:
    """The file and line in the plugin's own code, or the last there is."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_within(error.filename, found)}:{error.lineno}"
    frames = [
        (frame.filename, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen")
        and frame.filename != __file__
        and Path(frame.filename).parent.name != "importlib"
    ]
    own = [frame for frame in frames if found.root is not None and frame[0].startswith(found.root)]
    place = (own or frames or [("?", 0)])[-1]
    return f"{_within(place[0], found)}:{place[1]}"


def _within(file: str, found: FoundPlugin) -> str:
    inside = found.root is not None and file.startswith(found.root)
    return file[len(found.root or "") :].lstrip("/\\") if inside else file


def _hint(error: BaseException, found: FoundPlugin) -> str:
    if not isinstance(error, ModuleNotFoundError) or not error.name or found.root is None:
        return ""
    top = error.name.partition(".")[0]
    if top.startswith(_PREFIX):
        return ""
    if PathFinder.find_spec(top, [found.root]) is not None:
        return f"; it is one of the plugin's own files: write `from . import {top}`"
    return "; it has to be installed where the runner is"
