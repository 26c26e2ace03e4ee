"""docs/runner.md is held to the program: its example, its settings, its metrics."""

import re
import tomllib
from pathlib import Path

import jsonschema_rs
import pytest

from variance_plugin.errors import SettingsError
from variance_plugin.manifest import Manifest, load_manifest
from variance_plugin.runtime.settings import PluginSettings, keys, read, schema
from variance_plugin.runtime.watching.metric_list import METRICS
from variance_plugin.settings import manifest

_PAGE = (Path(__file__).parents[2] / "docs" / "runner.md").read_text(encoding="utf-8")
_TOML = re.findall(r"```toml\n(.*?)```", _PAGE, re.DOTALL)
_SETTINGS = {".".join(path).replace("*.", ""): key for path, key in keys().items()}


def manifest_of(plugin: PluginSettings) -> Manifest:
    """Of the plugins in the examples."""
    if plugin.origin == "variance":
        return manifest()
    assert plugin.is_path
    return load_manifest(b'{"name": "Internal users", "config": [{"key": "domains"}]}', where="a test")


def _section(name: str) -> str:
    return _PAGE.split(f"### {name}\n", 1)[1].split("\n#", 1)[0]


def test_the_example_can_be_used(tmp_path: Path) -> None:
    """The first one, whole, with the secret from the environment; and it says what is in force anyway."""
    file = tmp_path / "runner.toml"
    file.write_text(_TOML[0], encoding="utf-8")

    found = read(file, environment={"VARIANCE_AUTH_HEADER": "Bearer demo"}, manifest_of=manifest_of)

    assert ["internal-users", "variance"] == [plugin.name for plugin in found.settings.plugins]
    assert tmp_path / "GeoLite2-City.mmdb" == found.settings.geoip.database


def test_the_other_example_lacks_nothing_but_its_secrets(tmp_path: Path) -> None:
    """Two destinations from one plugin."""
    file = tmp_path / "runner.toml"
    file.write_text(_TOML[1], encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        read(file, environment={"RUNNER_SOURCE__PATHS": "x"}, manifest_of=manifest_of)

    assert ["plugins.eu.config.authHeader", "plugins.us.config.authHeader"] == [
        fault.key for fault in raised.value.faults
    ]


def test_the_example_keeps_to_the_schema_and_a_slip_does_not() -> None:
    """As an editor checks it."""
    validator = jsonschema_rs.validator_for(schema())
    example = tomllib.loads(_TOML[0])

    assert [] == [error.message for error in validator.iter_errors(example)]
    slips = [
        {**example, "stat": "x"},
        {**example, "logs": {"level": "warn"}},
        {**example, "plugins": [{"from": "x"}]},
        {**example, "source": {"type": "file", "paths": []}},
        {**example, "hooks": {"timeout_seconds": 0}},
    ]
    assert [False] * len(slips) == [validator.is_valid(slip) for slip in slips]


def test_every_setting_has_its_heading() -> None:
    """In their order, and no other; a plugin's parameters are a table of their own."""
    headings = re.findall(r"^### (\S+)$", _PAGE, re.MULTILINE)
    names = list(_SETTINGS)
    names.insert(names.index("plugins.enabled") + 1, "plugins.config")

    assert names == headings


@pytest.mark.parametrize("name", list(_SETTINGS))
def test_the_documented_default_is_the_real_one(name: str) -> None:
    """And so are the bounds, the choices, and what is secret or required."""
    key, section = _SETTINGS[name], _section(name)
    if key.is_secret:
        assert section.startswith("Secret. Default: empty")
    elif key.required:
        assert section.startswith("Required.")
    elif key.wanted.startswith("one of ") and "Default" not in section:
        choices = key.wanted.removeprefix("one of ").split(", ")
        assert f"`{key.default}` (default)" in section
        assert all(f"`{choice}`" in section for choice in choices)
    else:
        found = re.search(r"Default: `?([^`,;.\n]*(?:\.[a-z0-9][^`,;.\n]*)*)", section)
        assert found is not None
        default = "empty" if key.default in (None, "", []) else key.default
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        shown = shown.lower() if isinstance(default, bool) else shown
        assert found[1] in (shown, "as listed")
        for bound in re.findall(r"[\d,.]*\d", key.wanted if "number" in key.wanted else ""):
            assert bound.replace(",", "") in section


def test_every_metric_has_its_row() -> None:
    """Name, kind, labels and what it tells, in the order of the list."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", _PAGE, re.MULTILINE)

    assert [
        (metric.name, str(metric.kind), ", ".join(f"`{label}`" for label in metric.labels), metric.help)
        for metric in METRICS
    ] == rows
