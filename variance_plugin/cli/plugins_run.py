"""Plugins and their manifests on the screen."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..errors import UsageError
from ..manifest import Manifest, Parameter, ParameterType
from ..runtime.loading import FoundPlugin, find_plugin, installed
from ..runtime.loading.archive import MANIFEST
from .wording import printable, shortened

_DESCRIPTION_WIDTH = 70
_HEADINGS = ("name", "version", "where", "description")


def show_list(paths: Sequence[Path], *, as_json: bool) -> None:
    """Print the installed plugins and those at the paths; what is wrong with one is told in its line.

    Raises:
        UsageError: When there is nothing at a path.
    """
    entries = [_looked_at(origin) for origin in [*installed(), *_plugins_at(paths)]]
    if as_json:
        _print_json(entries)
        return
    rows = [(entry["name"], entry.get("version") or "-", entry["where"], _told(entry)) for entry in entries]
    _print_rows([_HEADINGS, *rows])


def show_info(origin: str, *, as_json: bool) -> None:
    """Print a manifest.

    Raises:
        UsageError: When there is no such plugin, or its manifest cannot be used.
    """
    found = find_plugin(origin)
    if as_json:
        described = _described(found)
        described["parameters"] = [_plain(parameter) for parameter in found.manifest.parameters.values()]
        _print_json(described)
        return
    sys.stdout.write("\n".join(_text(found)) + "\n")


def _plugins_at(paths: Sequence[Path]) -> Iterator[str]:
    """A plugin, or each of those in a folder; as `find_plugin` takes them."""
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no folder or zip file {path}")
        if not path.is_dir() or (path / MANIFEST).exists():
            yield _as_path(path)
            continue
        for inner in sorted(path.iterdir()):
            if (inner / MANIFEST).exists() or inner.suffix == ".zip":
                yield _as_path(inner)


def _as_path(path: Path) -> str:
    text = str(path)
    return text if "/" in text or "\\" in text else f"./{text}"


def _looked_at(origin: str) -> dict[str, Any]:
    try:
        return _described(find_plugin(origin))
    except UsageError as error:
        return {"name": Path(origin).stem, "where": origin, "problem": str(error)}


def _told(entry: Mapping[str, Any]) -> str:
    if "problem" in entry:
        return f"cannot be used: {entry['problem']}"
    return shortened(entry["description"], _DESCRIPTION_WIDTH)


def _described(found: FoundPlugin) -> dict[str, Any]:
    return {
        "name": found.name,
        "title": found.manifest.name,
        "version": found.version,
        "where": found.origin,
        "description": found.manifest.description,
        "url": found.manifest.url,
        "main": found.main,
    }


def _plain(parameter: Parameter) -> dict[str, Any]:
    """As JSON, without what it does not have."""
    fields: dict[str, Any] = msgspec.to_builtins(parameter)
    return {
        name: value
        for name, value in fields.items()
        if value not in ("", [], (), None, False) or name in ("default", "required", "secret")
    }


def _text(found: FoundPlugin) -> Iterator[str]:
    manifest = found.manifest
    version = f" {found.version}" if found.version else ""
    yield printable(f"{manifest.name} ({found.origin}{version})")
    for line in (manifest.description, manifest.url):
        if line:
            yield printable(line)
    yield ""
    yield from _parameters(manifest) if manifest.parameters else ["It takes no parameters."]


def _parameters(manifest: Manifest) -> Iterator[str]:
    width = max(map(len, manifest.parameters))
    for key, parameter in manifest.parameters.items():
        yield printable(f"{key:<{width}}  {_summary(parameter)}")
        for line in (parameter.hint or parameter.name).splitlines():
            yield printable(f"{'':<{width}}  {line}")


def _summary(parameter: Parameter) -> str:
    kind = " | ".join(parameter.choices) if parameter.type is ParameterType.CHOICE else str(parameter.type)
    parts = [kind]
    if parameter.required:
        parts.append("required")
    elif parameter.required_if:
        parts.append(f"required if {_conditions(parameter.required_if)}")
    if parameter.secret:
        parts.append("secret")
    elif parameter.default not in ("", None):
        default = parameter.default
        parts.append(f"default {default if isinstance(default, str) else json.dumps(default)}")
    if parameter.visible_if:
        parts.append(f"only if {_conditions(parameter.visible_if)}")
    return ", ".join(parts)


def _conditions(conditions: Sequence[object]) -> str:
    return " and ".join(map(str, conditions))


def _print_rows(rows: Sequence[Sequence[str]]) -> None:
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(_HEADINGS) - 1)]
    for row in shown:
        padded = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        sys.stdout.write("  ".join([*padded, row[-1]]).rstrip() + "\n")


def _print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
