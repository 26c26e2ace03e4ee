"""From a folder, a zip file or an installed package to a plugin with its hooks."""

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from variance_plugin import VariancePlugin
from variance_plugin.errors import UsageError
from variance_plugin.runtime import LoadedPlugin, load_plugin
from variance_plugin.runtime.loading import find_plugin

ROOT = Path(__file__).parents[2]

CLASS = """
class Demo:
    def process_event(self, event, meta):
        return event
"""


def lay_out(folder: Path, files: dict[str, str], **manifest: Any) -> Path:
    """A plugin's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.json").write_text(json.dumps({"name": "Demo", **manifest}), encoding="utf-8")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def zip_up(folder: Path, path: Path, *, top: str = "") -> Path:
    """The folder's files as a zip file, within a folder of its own where `top` names one."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, Path(top) / file.relative_to(folder))
    return path


def process(loaded: LoadedPlugin, event: Any) -> Any:
    """What its `process_event` makes of it."""
    assert loaded.hooks.process_event is not None
    return loaded.hooks.process_event.function(event, None)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place where Python finds packages, with one installed plugin whose import would be heard of."""
    place = tmp_path / "site-packages"
    lay_out(place / "acme_plugin", {"__init__.py": "raise AssertionError('imported')"}, main="acme_plugin")
    information = place / "acme_plugin-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-plugin\nVersion: 1.2\n")
    (information / "entry_points.txt").write_text("[posthog.plugins]\nacme = acme_plugin.main:Acme\n")
    monkeypatch.syspath_prepend(str(place))
    return place


def test_the_own_plugin_is_loaded_by_its_entry_point_and_by_its_folder() -> None:
    """The same class, not a copy of it: a second one would raise another `RetryError`."""
    for loaded in (load_plugin("variance"), load_plugin(ROOT), load_plugin(ROOT / "plugin.json")):
        assert type(loaded.plugin) is VariancePlugin
        assert "Variance" == loaded.manifest.name
        assert loaded.prepare_event is not None
        assert loaded.skips is not None


@pytest.mark.parametrize(
    ("main", "file"),
    [
        ("main.py", "main.py"),
        ("main.py:Demo", "main.py"),
        ("", "main.py"),
        ("source/demo.py:Demo", "source/demo.py"),
        ("source.demo:Demo", "source/demo.py"),
        ("demo_of_nobody", "demo_of_nobody.py"),
    ],
)
@pytest.mark.parametrize("shape", ["folder", "zip", "zip with a folder"])
def test_a_plugin_is_a_class_or_a_module_in_a_folder_or_a_zip_file(
    tmp_path: Path, shape: str, main: str, file: str
) -> None:
    """`main` names a file or a module of it, and its class, if it has one."""
    text = CLASS if ":" in main else "def process_event(event, meta):\n    return event\n"
    place = lay_out(tmp_path / "demo", {file: text}, main=main)
    if shape != "folder":
        top = "demo-1a2b3c" if shape == "zip with a folder" else ""
        place = zip_up(place, tmp_path / "demo.zip", top=top)

    loaded = load_plugin(place, name="mine")

    assert "an event" == process(loaded, "an event")
    assert ("mine", str(place)) == (loaded.name, loaded.origin)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_a_plugins_files_import_each_other_and_read_their_data(tmp_path: Path, packed: bool) -> None:  # noqa: FBT001
    """Relatively, also from within a function, as long as the plugin runs."""
    place = lay_out(
        tmp_path / "demo",
        {
            "main.py": (
                "import pkgutil\n"
                "from .shared import name\n"
                "def process_event(event, meta):\n"
                "    from .parts import late\n"
                "    return [name, late.name, pkgutil.get_data(__name__, 'names.txt')]\n"
            ),
            "shared.py": "name = 'shared'",
            "parts/late.py": "from ..shared import name as other\nname = 'late ' + other",
            "names.txt": "acme",
        },
    )
    if packed:
        place = zip_up(place, tmp_path / "demo.zip", top="demo-main")

    assert ["shared", "late shared", b"acme"] == process(load_plugin(place), None)


def test_plugins_with_the_same_file_names_do_not_meet(tmp_path: Path) -> None:
    """Nor do two plugins of one folder: each has its own module, and so its own globals."""
    text = "seen = []\ndef process_event(event, meta):\n    seen.append({0!r})\n    return seen\n"
    one = lay_out(tmp_path / "one", {"main.py": text.format("one")})
    two = lay_out(tmp_path / "two", {"main.py": text.format("two")})

    plugins = [load_plugin(one), load_plugin(two), load_plugin(one, name="again")]

    assert [["one"], ["two"], ["one"]] == [process(plugin, None) for plugin in plugins]
    assert "main" not in sys.modules


def test_a_module_of_a_folder_is_its_own_wherever_the_program_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python finds `main` in the current folder, too, and there must not be one for all."""
    place = lay_out(tmp_path / "demo", {"main.py": "from .other import process_event"}, main="main")
    (place / "other.py").write_text("def process_event(event, meta): return event")
    monkeypatch.syspath_prepend(str(place))

    assert 5 == process(load_plugin(place), 5)
    assert "main" not in sys.modules


def test_the_main_of_a_folder_may_be_an_installed_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the folder is only where the manifest is."""
    (tmp_path / "code_of_acme.py").write_text("def process_event(event, meta): return event")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert 5 == process(load_plugin(lay_out(tmp_path / "demo", {}, main="code_of_acme")), 5)
    monkeypatch.delitem(sys.modules, "code_of_acme")


def test_nothing_is_imported_before_it_is_loaded(elsewhere: Path) -> None:
    """A look at an installed plugin reads its manifest only; loading it is what imports it."""
    found = find_plugin("acme")

    assert ("acme", "acme-plugin", "1.2") == (found.name, found.origin, found.version)
    assert "acme_plugin" not in sys.modules
    with pytest.raises(
        UsageError, match=r"cannot be imported: AssertionError: imported \(.*__init__\.py:1\)"
    ):
        load_plugin("acme")
    assert "Demo" == json.loads((elsewhere / "acme_plugin" / "plugin.json").read_text())["name"]


def test_an_entry_point_that_two_packages_have_is_refused(elsewhere: Path) -> None:
    """Which one is meant would hang on the order of folders."""
    other = elsewhere / "twin-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: twin\nVersion: 1.0\n")
    (other / "entry_points.txt").write_text("[posthog.plugins]\nacme = twin:Acme\n")

    with pytest.raises(UsageError, match="both have a plugin 'acme'; uninstall one of them"):
        find_plugin("acme")


def test_an_installed_plugin_without_a_manifest_is_refused(elsewhere: Path) -> None:
    """With what its author has to do."""
    (elsewhere / "acme_plugin" / "plugin.json").unlink()

    with pytest.raises(UsageError, match=r"acme-plugin has the plugin 'acme', but no plugin\.json beside"):
        find_plugin("acme")


@pytest.mark.parametrize(
    ("files", "manifest", "problem"),
    [
        ({}, {"main": "index.js"}, "is JavaScript: its `main` is 'index.js', and this runner takes Python"),
        ({}, {"main": "main.py"}, r"cannot be imported: there is no main\.py in it"),
        ({}, {}, r"cannot be imported: there is no main\.py in it"),
        ({}, {"main": "none.such:Demo"}, r"cannot be imported: there is no none\.such in it"),
        ({}, {"main": "../main.py"}, r"has the `main` '\.\./main\.py', which is no file in it and no module"),
        ({}, {"main": "/main.py"}, r"has the `main` '/main\.py', which is no file in it and no module"),
        ({"main.py": CLASS}, {"main": "main.py:Dome"}, r"has no Dome in main\.py"),
        ({"main.py": CLASS}, {}, r"has no hook in main\.py; there are setup_plugin, process_event, "),
        (
            {"main.py": "class Demo:\n    def __init__(self):\n        self.a = 1 / 0\n"},
            {"main": "main.py:Demo"},
            r"cannot be made: Demo\(\) failed: ZeroDivisionError: division by zero \(main\.py:3\)",
        ),
        (
            {"main.py": "class Demo:\n    def __init__(self, more): ...\n"},
            {"main": "main.py:Demo"},
            r"cannot be made: Demo\(\) failed: TypeError: .*missing 1 required positional argument: 'more'",
        ),
        (
            {"main.py": "import json\n\njson.loads('{')\n"},
            {},
            r"cannot be imported: JSONDecodeError: .* \(main\.py:3\)$",
        ),
        ({"main.py": "def broken(:\n"}, {}, r"cannot be imported: SyntaxError: .* \(main\.py:1\)$"),
        ({"main.py": "import sys\nsys.exit(5)\n"}, {}, r"cannot be imported: SystemExit: 5 \(main\.py:2\)$"),
        (
            {"main.py": "import shared\n", "shared.py": ""},
            {},
            r"'shared' \(main\.py:1\); it is one of the plugin's own files: write `from \. import shared`$",
        ),
        ({"main.py": "from .none import a"}, {}, r"No module named '\.none' \(main\.py:1\)$"),
        (
            {"main.py": "import not_installed\n"},
            {},
            r"No module named 'not_installed' \(main\.py:1\); it has to be installed where the runner is",
        ),
        ({"main.py": "def process_event(event): ..."}, {}, r"process_event\(event\) should be process_event"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_what_cannot_be_loaded_is_told_with_the_plugin_and_the_place(
    tmp_path: Path,
    files: dict[str, str],
    manifest: dict[str, str],
    problem: str,
    packed: bool,  # noqa: FBT001
) -> None:
    """In the user's words, and nothing of it stays behind."""
    place = lay_out(tmp_path / "demo", files, **manifest)
    if packed:
        place = zip_up(place, tmp_path / "demo.zip")
    before = {*sys.modules}

    with pytest.raises(UsageError, match=problem) as caught:
        load_plugin(place, name="mine")

    assert f"the plugin mine ({place}) " in str(caught.value)
    left = [name for name in {*sys.modules} - before if name.startswith("posthog_plugin_")]
    assert not left or "cannot be imported" not in str(caught.value)


def test_what_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path, an entry point, a folder without a manifest, a folder that was meant."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    for origin, problem in {
        f"{tmp_path}/none": "there is no folder or zip file .*/none",
        f"{tmp_path}/empty": r"the folder .*/empty has no plugin\.json, and so it is no plugin",
        "varianse": r"no installed package has a plugin 'varianse'; there are: .*; did you mean variance\?$",
        "other": r"no installed package has a plugin 'other'; there are: variance$",
        "here": r"there are: variance; for the folder of that name write \./here$",
    }.items():
        with pytest.raises(UsageError, match=problem):
            load_plugin(origin)
