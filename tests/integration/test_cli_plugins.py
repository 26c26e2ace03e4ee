"""`variance-plugin plugins`: what is there, what it takes, and a new plugin from nothing."""

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from variance_plugin.cli.plugins_init import lay_out
from variance_plugin.runtime import load_plugin
from variance_plugin.testing import PluginHarness, make_event

ROOT = Path(__file__).parents[2]


def run(*arguments: object, place: Path | None = None, packages: Path | None = None) -> Any:
    """A command, as a process of its own."""
    environment = {**os.environ, "COLUMNS": "200"}
    if packages is not None:
        environment["PYTHONPATH"] = str(packages)
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def plugins(*arguments: object, place: Path | None = None, packages: Path | None = None) -> Any:
    """`variance-plugin plugins …`."""
    return run("-m", "variance_plugin", "plugins", *arguments, place=place, packages=packages)


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """A new plugin."""
    done = plugins("init", "hello", "--name", "Hello world", place=tmp_path)
    assert (0, "") == (done.returncode, done.stderr)
    return tmp_path / "hello"


def test_a_new_plugin_has_all_that_a_plugin_needs(hello: Path) -> None:
    """And passes its own tests, in a process that knows nothing of this project's."""
    files = {str(path.relative_to(hello)) for path in hello.rglob("*") if path.is_file()}
    done = run("-m", "pytest", "-q", place=hello)

    assert {
        ".gitignore",
        "README.md",
        "main.py",
        "plugin.json",
        "pyproject.toml",
        "tests/test_plugin.py",
    } == files
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_a_new_plugin_is_typed(hello: Path) -> None:
    """Strictly, with the types that this package brings."""
    done = run("-m", "mypy", "--strict", "main.py", "tests/test_plugin.py", place=hello)

    assert "Success: no issues found in 2 source files" in done.stdout, done.stdout


def test_a_new_plugin_runs_from_its_folder_a_zip_file_and_installed(hello: Path, tmp_path: Path) -> None:
    """The same files, in each of the three ways."""
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "hello")
    for origin in (hello, archive):
        with PluginHarness(origin) as harness:
            event = harness.process(make_event())
        assert event is not None
        assert "Hello world!" == event.properties["greeting"]

    packages = tmp_path / "site"
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    installed = run("-m", "pip", "install", "--quiet", *offline, "--target", packages, hello)
    assert 0 == installed.returncode, installed.stderr
    loads = "from variance_plugin.runtime import load_plugin; print(load_plugin('hello-world').plugin)"
    done = run("-c", loads, packages=packages)
    assert "hello_world_plugin.main.HelloWorld" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "name",
    ['Say "hi"', "9 lives", "json", "Ünïcode – Ärger", "a\\b", '"""', "$name", "plugin"],
)
def test_whatever_it_is_called_a_new_plugin_runs(tmp_path: Path, name: str) -> None:
    """The name stands in JSON, TOML, Python and Markdown."""
    folder = tmp_path / "made"
    if not any(character.isascii() and character.isalnum() for character in name):
        name += " x"
    lay_out(folder, name)

    ast.parse((folder / "main.py").read_text(encoding="utf-8"))
    tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert load_plugin(folder).hooks.process_event is not None


def test_a_new_plugin_overwrites_nothing(tmp_path: Path) -> None:
    """A folder with anything in it is refused, and left as it is."""
    (tmp_path / "notes.txt").write_text("mine")
    done = plugins("init", tmp_path)

    assert (2, "") == (done.returncode, done.stdout)
    assert f"the folder {tmp_path} is not empty" in done.stderr
    assert ["notes.txt"] == [path.name for path in tmp_path.iterdir()]


def test_a_name_without_letters_is_refused(tmp_path: Path) -> None:
    """Nothing could be called so."""
    done = plugins("init", tmp_path / "new", "--name", "!?")

    assert 2 == done.returncode
    assert "a plugin's name needs a letter or a digit" in done.stderr


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A place with an installed plugin that must not be imported."""
    place = tmp_path / "site"
    shutil.copytree(ROOT / "examples" / "internal_users", place / "acme_plugin")
    (place / "acme_plugin" / "__init__.py").write_text("raise SystemExit('imported')")
    information = place / "acme_plugin-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-plugin\nVersion: 1.2\n")
    (information / "entry_points.txt").write_text("[posthog.plugins]\nacme = acme_plugin.main:InternalUsers")
    return place


def test_plugins_are_listed_and_none_is_imported(packages: Path, tmp_path: Path) -> None:
    """Installed ones, and those of a folder; one that cannot be used is told, and the others are listed."""
    broken = tmp_path / "mine" / "broken"
    broken.mkdir(parents=True)
    (broken / "plugin.json").write_text('{"name": 5}')
    shutil.make_archive(str(tmp_path / "mine" / "packed"), "zip", ROOT / "examples" / "file_export")

    done = plugins("list", tmp_path / "mine", packages=packages)

    assert (0, "") == (done.returncode, done.stderr)
    lines = done.stdout.splitlines()
    assert ["name", "version", "where", "description"] == lines[0].split()
    assert ["acme", "variance", "broken", "packed"] == [line.split()[0] for line in lines[1:]]
    assert "acme      1.2      acme-plugin" in lines[1]
    assert "cannot be used: " in lines[3]
    assert "name: is required" in lines[3]


def test_the_list_is_there_as_json(packages: Path) -> None:
    """For programs: nothing is cut off."""
    done = plugins("list", "--json", packages=packages)
    [acme, variance] = json.loads(done.stdout)

    assert ("acme", "Internal users", "1.2") == (acme["name"], acme["title"], acme["version"])
    assert "variance_plugin:VariancePlugin" == variance["main"]


def test_a_plugin_tells_what_it_takes(packages: Path) -> None:
    """Each parameter with its type, default, hint, and what it hangs on; installed or not alike."""
    done = plugins("info", "acme", packages=packages)
    text = plugins("info", ROOT / "examples" / "internal_users").stdout

    assert done.stdout.splitlines()[1:] == text.splitlines()[1:]
    assert [
        "domains   string, required",
        "          Your own e-mail domains, separated by commas: `acme.example, acme.test`.",
        "whatToDo  drop | mark, default drop",
        "          Leave them out, or let them pass with the property `is_internal`.",
        "property  string, default is_internal, only if whatToDo is mark",
        "          The property that marked events have.",
    ] == text.splitlines()[4:]


def test_a_plugin_tells_what_it_takes_as_json() -> None:
    """Secrets have no default to show."""
    described = json.loads(plugins("info", "variance", "--json").stdout)
    secret = {parameter["key"]: parameter["secret"] for parameter in described["parameters"]}

    assert secret["authHeader"]
    assert not secret["webhookUrl"]


def test_a_plugin_that_is_not_there_is_told() -> None:
    """With those there are, and the nearest."""
    done = plugins("info", "varianc")

    assert (2, "") == (done.returncode, done.stdout)
    assert "has a plugin 'varianc'; there are: variance; did you mean variance?" in done.stderr
