"""The runner's settings on the screen."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ..manifest import Manifest
from ..runtime.loading import find_plugin
from ..runtime.settings import InForce, PluginSettings, read, schema
from ..secret import Secret
from .wording import address, printable

_MASKED = "***"
_NOTHING = "-"


def show(file: Path | None, *, assignments: Sequence[str], as_json: bool) -> None:
    """Print every setting with its value and where it came from.

    Raises:
        SettingsError: With all that is wrong with them.
    """
    found = read(file, environment=os.environ, assignments=assignments, manifest_of=manifest_of)
    sys.stdout.write(to_json(found) if as_json else to_text(found))


def print_schema() -> None:
    """Print the JSON Schema."""
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")


def to_text(found: InForce) -> str:
    """A line for each setting; an empty one before each table."""
    rows = [(value.key, _text(value.value), value.origin) for value in found.values]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines, before = [], rows[0][0]
    for key, value, origin in rows:
        if _table_of(key) != _table_of(before):
            lines.append("")
        lines.append(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {printable(origin)}")
        before = key
    return "\n".join(lines) + "\n"


def to_json(found: InForce) -> str:
    """One object: by setting, its value and its origin."""
    values = {value.key: {"value": _plain(value.value), "origin": value.origin} for value in found.values}
    return json.dumps(values, indent=2) + "\n"


def _table_of(key: str) -> str:
    steps = key.split(".")
    return ".".join(steps[: 2 if steps[0] == "plugins" else 1]) if len(steps) > 1 else ""


def _text(value: Any) -> str:
    if isinstance(value, Secret):
        return _MASKED if value else _NOTHING
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, list | tuple):
        return printable(", ".join(map(str, value))) or _NOTHING
    if isinstance(value, Mapping):
        return printable(", ".join(f"{name}={_text(one)}" for name, one in value.items())) or _NOTHING
    return printable(_without_query(value))


def _plain(found: Any) -> Any:
    if isinstance(found, Secret):
        return _MASKED if found else None
    if isinstance(found, Path):
        return str(found)
    if isinstance(found, Mapping):
        return {name: _plain(one) for name, one in found.items()}
    if isinstance(found, datetime):
        return _moment(found)
    return _without_query(found) if isinstance(found, str) else found


def _moment(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _without_query(value: Any) -> str:
    """An address may hold a secret in its query."""
    text = str(value)
    return address(text) if text.startswith(("http://", "https://")) else text


def manifest_of(plugin: PluginSettings) -> Manifest:
    """A plugin's manifest; nothing of the plugin is imported.

    Raises:
        UsageError: When there is none.
    """
    return find_plugin(plugin.origin).manifest
