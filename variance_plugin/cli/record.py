"""`variance-plugin record`."""

from pathlib import Path
from typing import Annotated

import typer

from .options import ListenHost, ListenPort


def record(
    *,
    port: ListenPort = 8901,
    host: ListenHost = "127.0.0.1",
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Append to this file.  [default: standard output]"),
    ] = None,
) -> None:
    """Write down what a PostHog SDK sends.

    Takes events as PostHog does, so that an app needs nothing but another host in its settings. It is for
    looking at real events and for tests: nothing is sent on.

    [bold]Examples[/]

    $ variance-plugin record --output events.jsonl
    $ variance-plugin record | variance-plugin preview -
    """
    from .record_run import record as run  # noqa: PLC0415 -- `--help` needs none of it

    run(host=host, port=port, output=output)
