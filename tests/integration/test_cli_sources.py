"""`variance-plugin sources`, and the short commands as a whole: what they have in common."""

import json
import subprocess
import sys
from typing import get_args

import pytest

from variance_plugin import extras
from variance_plugin.cli.sources_run import SOURCE_TYPES, show
from variance_plugin.errors import UsageError
from variance_plugin.extras import Extra, needed
from variance_plugin.runtime.settings import Source, schema


def _run(*arguments: str) -> str:
    program = [sys.executable, "-m", "variance_plugin", *arguments]
    return subprocess.run(program, check=True, capture_output=True, text=True, timeout=30).stdout


def test_every_type_of_source_is_listed_once() -> None:
    """What `sources` lists is what `source.type` can be, and nothing else."""
    forms = get_args(get_args(Source)[0]) if get_args(Source) else (Source,)
    types = [get_args(form.__annotations__["type"])[0] for form in forms]

    assert sorted(types) == sorted(one.type for one in SOURCE_TYPES)
    assert all(f'"{type_}"' in json.dumps(schema()) for type_ in types)


def test_sources_lists_each_with_what_it_needs() -> None:
    """The table names each type with its command; the development environment has all extras."""
    printed = _run("sources")

    for one in SOURCE_TYPES:
        [line] = [line for line in printed.splitlines() if line.split()[:1] == [one.type]]
        assert "installed" in line


def test_what_installs_a_missing_extra_can_be_copied(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whole on a line of its own, however narrow the terminal is."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(extras, "find_spec", lambda _module: None)

    show(as_json=False)
    lines = capsys.readouterr().out.splitlines()

    assert [f"  {extra.install}" for extra in (Extra.BUCKET, Extra.SERVE, Extra.KAFKA)] == [
        line for line in lines if "pip install" in line
    ]


def test_sources_says_the_same_for_programs() -> None:
    """With --json it is a list of objects, one a type."""
    listed = json.loads(_run("sources", "--json"))

    assert [one.type for one in SOURCE_TYPES] == [entry["type"] for entry in listed]
    assert {True} == {entry["installed"] for entry in listed}


@pytest.mark.parametrize("extra", list(Extra))
def test_a_missing_extra_says_the_line_that_installs_it(extra: Extra) -> None:
    """Who uses a part whose packages are missing is told the exact `pip install` line."""
    with pytest.raises(UsageError) as raised, needed(extra, "this"):
        raise ImportError

    expected = f"this needs packages that are not installed: pip install 'posthog-variance-plugin[{extra}]'"
    assert expected == str(raised.value)
