"""From a `plugin.json` to a plugin that runs."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from variance_plugin import VariancePlugin
from variance_plugin.errors import UsageError
from variance_plugin.runtime import load_plugin

ROOT = Path(__file__).parents[2]

SOURCE = """
class Whole:
    def setup_plugin(self, meta): ...
    def export_events(self, events, meta): ...
    def teardown_plugin(self, meta): ...

class Half:
    def setup_plugin(self, meta): ...
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a module that Python finds."""
    (tmp_path / "demo_plugin_module.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("demo_plugin_module", None)


def manifest_naming(folder: Path, main: str) -> Path:
    """A `plugin.json` with this `main`."""
    path = folder / "plugin.json"
    path.write_text(json.dumps({"name": "Demo", "main": main}), encoding="utf-8")
    return path


def test_the_own_plugin_is_loaded_by_its_manifest() -> None:
    """The one at the root of the project."""
    loaded = load_plugin(ROOT / "plugin.json")

    assert isinstance(loaded.plugin, VariancePlugin)
    assert "Variance" == loaded.manifest.name


def test_any_class_with_the_hooks_will_do(folder: Path) -> None:
    """Nothing has to be inherited."""
    loaded = load_plugin(manifest_naming(folder, "demo_plugin_module:Whole"))

    assert "Whole" == type(loaded.plugin).__name__


@pytest.mark.parametrize(
    ("main", "problem"),
    [
        ("", "`main` is '', not `package.module:Class`"),
        ("index.js", "`main` is 'index.js', not `package.module:Class`"),
        ("no_such_module:Plugin", "cannot load no_such_module:Plugin: No module named 'no_such_module'"),
        ("demo_plugin_module:Other", "cannot load demo_plugin_module:Other: .* has no attribute 'Other'"),
        ("demo_plugin_module:Half", "Half has no hook export_events and no hook teardown_plugin"),
    ],
    ids=["empty", "JavaScript", "no module", "no class", "hooks missing"],
)
def test_what_cannot_be_loaded_is_told_in_the_users_words(folder: Path, main: str, problem: str) -> None:
    """With what is wrong and where."""
    with pytest.raises(UsageError, match=problem):
        load_plugin(manifest_naming(folder, main))


def test_a_manifest_that_is_not_there_is_told_with_its_path(tmp_path: Path) -> None:
    """And the system's reason."""
    with pytest.raises(UsageError, match=r"cannot read .*plugin\.json: No such file or directory"):
        load_plugin(tmp_path / "plugin.json")
