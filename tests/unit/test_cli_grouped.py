"""Options that several commands share, as one parameter."""

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from variance_plugin.cli.grouped import ungrouped


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """Two options."""

    red: Annotated[int, typer.Option("--red", metavar="N", min=0, help="How red.")] = 1
    names: Annotated[list[str] | None, typer.Option("--name", help="What it is called.")] = None


def output(*arguments: str) -> str:
    """Of a command with an argument, an option, those two, and another one."""
    app = typer.Typer(add_completion=False)

    def paint(
        wall: str, *, first: bool = False, colours: Colours, last: Annotated[int, typer.Option()] = 9
    ) -> None:
        """Paint a wall."""
        typer.echo(f"{wall} {first} {colours} {last}")

    app.command()(ungrouped(paint))
    return CliRunner().invoke(app, arguments).output


def test_a_group_arrives_as_what_it_is() -> None:
    """With what was typed, and the defaults of its fields."""
    assert "hall False Colours(red=1, names=None) 9\n" == output("hall")
    assert "hall True Colours(red=5, names=['a', 'b']) 2\n" == output(
        "hall", "--first", "--red", "5", "--name", "a", "--name", "b", "--last", "2"
    )


def test_its_options_are_told_and_checked_as_any_others() -> None:
    """In its place among them."""
    text = output("--help")

    found = [text.index(one) for one in ("--first", "--red", "How red.", "--name", "--last")]
    assert sorted(found) == found
    assert "Paint a wall." in text
    assert "Invalid value for '--red'" in output("hall", "--red", "-1")
