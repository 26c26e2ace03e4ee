"""The documentation is held to the program: its names, its links, its examples."""

import re
from pathlib import Path
from typing import cast

import pytest
import typer.main

from variance_plugin.cli import app
from variance_plugin.receiver import LocalVariance
from variance_plugin.settings import manifest

_ROOT = Path(__file__).parents[2]
_PAGES = [*sorted((_ROOT / "docs").glob("*.md")), _ROOT / "README.md", _ROOT / "CHANGELOG.md"]


def _text(name: str) -> str:
    return (_ROOT / name).read_text(encoding="utf-8")


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return set(map(_anchor, headings))


def test_every_parameter_has_its_heading_in_their_order() -> None:
    """`docs/configuration.md` has one heading for each parameter of plugin.json, and no other."""
    headings = re.findall(r"^### (\w+)$", _text("docs/configuration.md"), re.MULTILINE)
    assert list(manifest().parameters) == headings


@pytest.mark.parametrize("key", list(manifest().parameters))
def test_the_documented_default_is_the_real_one(key: str) -> None:
    """What `docs/configuration.md` says of a parameter names its default and all its choices."""
    parameter = manifest().parameters[key]
    section = _text("docs/configuration.md").split(f"### {key}\n", 1)[1].split("\n#", 1)[0]
    if parameter.choices:
        assert f"`{parameter.default}` (default)" in section
        assert all(f"`{choice}`" in section for choice in parameter.choices)
    elif parameter.required or key in ("authHeader", "sharedSecret"):
        assert section.startswith(("Required.", "Secret."))
    else:
        default = re.search(r"Default: ([^,;.\n]+(?:\.\d+)?)", section)
        assert default is not None
        assert default[1] in (str(parameter.default) or "empty", "empty" if not parameter.default else "")


def test_every_command_has_its_heading() -> None:
    """`docs/commands.md` has one heading for each command of the program."""
    headings = re.findall(r"^## ([\w-]+)$", _text("docs/commands.md"), re.MULTILINE)
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert sorted(commands) == sorted(headings)


@pytest.mark.parametrize("name", sorted(typer.main.get_command(app).commands))  # type: ignore[attr-defined]
def test_every_option_is_named_below_its_commands_heading(name: str) -> None:
    """Those of a command's own commands, too."""
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    options = [
        [*parameter.opts, *parameter.secondary_opts]
        for one in (command, *getattr(command, "commands", {}).values())
        for parameter in one.params
        if parameter.opts[0].startswith("--")
    ]
    section = _text("docs/commands.md").split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]

    # Of --wait and --no-wait one says both.
    missing = [names for names in options if not any(re.search(rf"{one}(?![\w-])", section) for one in names)]
    assert [] == missing


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link to a file of the project has that file, and that heading in it."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert [] == broken


def test_the_readmes_plugin_example_delivers() -> None:
    """The Python of the README, with a local Variance at its address, delivers its event."""
    [code] = re.findall(r"```python\n(.*?)```", _text("README.md"), re.DOTALL)
    with LocalVariance(authorization="Bearer demo") as variance:
        code = code.replace("https://hooks.example/variance", variance.url).replace("Bearer …", "Bearer demo")
        code = code.replace("config={", 'config={"allowedHosts": "127.0.0.1", ')
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - it is our own page
        [message] = [cast("dict[str, str]", message) for post in variance.posts for message in post.messages]
    assert ("track", "signed up", "kim") == (message["type"], message["event"], message["userId"])


def test_the_readme_names_the_two_commands() -> None:
    """A newcomer finds `make demo` and `make test`."""
    assert all(command in _text("README.md") for command in ("make demo", "make test"))
