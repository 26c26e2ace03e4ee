"""Command lines as the pages show them, held to the program."""

import shlex
from typing import Any

import typer.main

from variance_plugin.cli import app


def parsed(line: str) -> dict[str, Any]:
    """What the program makes of a line, whose first word is its own name; a comment may follow.

    Raises:
        Exception: When it is no command, or has no such option.
    """
    command: Any = typer.main.get_command(app)
    words = shlex.split(line, comments=True)[1:]
    while hasattr(command, "commands"):  # typer brings classes of its own, which are none of click's
        command = command.commands[words.pop(0)]
    found: dict[str, Any] = command.make_context(line, words).params
    return found
