"""`variance-plugin preview`."""

from typing import Annotated

import typer

from .options import Assignments, Paths, SettingsFile, configuration


def preview(
    *,
    paths: Paths,
    assignments: Assignments = None,
    settings: SettingsFile = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="One line for each event, in order: the JSON array of its messages, [] for none."
        ),
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Only the first N events.")
    ] = None,
) -> None:
    """Show what would be sent, and send nothing.

    For every event: the messages that it becomes, or why it is left out. Needs no address and no secret.

    [bold]Exit status[/]: 0, or 1 when something cannot be read or sent; 2 wrong usage or settings.

    [bold]Examples[/]

    $ variance-plugin preview events.jsonl --limit 20
    $ variance-plugin preview events.jsonl --set anonymousUsers=skip --json | jq '.[] | .type'
    """
    from .preview_run import preview as run  # noqa: PLC0415 -- `--help` needs none of it

    found = configuration(assignments=assignments, settings=settings)
    raise typer.Exit(run(found, paths, as_json=as_json, limit=limit))
