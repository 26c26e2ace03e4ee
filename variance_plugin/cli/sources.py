"""`variance-plugin sources`."""

from typing import Annotated

import typer


def sources(*, json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the places where events can be read, each with its short command and what it needs.

    [bold]Example[/]

    $ variance-plugin sources
    """
    from .sources_run import show  # noqa: PLC0415 -- `--help` needs none of it

    show(as_json=json)
