"""`variance-plugin receive`."""

from pathlib import Path
from typing import Annotated

import typer


def receive(  # noqa: PLR0913 -- a command line has its options here
    *,
    port: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=65535, help="Where to listen; 0 takes a free one.")
    ] = 8900,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Only this machine can reach it unless told otherwise.")
    ] = "127.0.0.1",
    auth_header: Annotated[
        str | None,
        typer.Option("--auth-header", metavar="TEXT", help="Refuse posts with another Authorization (401)."),
    ] = None,
    shared_secret: Annotated[
        str | None,
        typer.Option("--shared-secret", metavar="TEXT", help="Refuse posts not signed with it (401)."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append every message to this file, one a line.")
    ] = None,
    answer: Annotated[
        int | None,
        typer.Option(metavar="STATUS", min=200, max=599, help="Answer every post with this HTTP status."),
    ] = None,
) -> None:
    r"""Run a local Variance, to see what arrives.

    Takes messages as a Variance connection does and, when it ends (Ctrl-C), shows the contacts, accounts and
    events that came of them.

    [bold]Examples[/]

    $ variance-plugin receive --auth-header "Bearer demo"
    $ variance-plugin export events.jsonl \
        --webhook-url http://127.0.0.1:8900/webhook --auth-header "Bearer demo" \
        --set allowedHosts=127.0.0.1
    $ variance-plugin receive --answer 503  # see how an export waits
    """
    from .receive_run import receive as run  # noqa: PLC0415 -- `--help` needs none of it

    run(host=host, port=port, auth_header=auth_header, shared_secret=shared_secret, keep=keep, answer=answer)
