"""`variance-plugin preview`."""

from typing import Annotated

import typer

from ..errors import UsageError
from .options import Assignments, Paths, PluginOptions, SettingsFile, configuration


def preview(  # noqa: PLR0913 -- one for each option
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
    summary: Annotated[
        bool,
        typer.Option(
            "--summary", help="Not each event, but what comes of all: contacts, accounts, names, traits."
        ),
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Only the first N events.")
    ] = None,
) -> None:
    """Show what would be sent, and send nothing.

    For every event: the messages that it becomes and the difference they make, or why it is left out. Needs
    no address and no secret.

    [bold]Exit status[/]: 0, or 1 when something cannot be read or sent; 2 wrong usage or settings; 3 stopped
    by Ctrl-C (summary).

    [bold]Examples[/]

    $ variance-plugin preview events.jsonl --limit 20
    $ variance-plugin preview exports/ --summary
    $ variance-plugin preview events.jsonl --set anonymousUsers=skip --json | jq '.[] | .type'
    """
    if as_json and summary:
        raise UsageError("--json and --summary: choose one; the first is for each event, the second for all")
    found = configuration(PluginOptions(assignments=assignments, settings=settings))
    if summary:
        from .preview_summary import summarize  # noqa: PLC0415 -- `--help` needs none of it

        raise typer.Exit(summarize(found, paths, limit=limit))
    from .preview_run import preview as run  # noqa: PLC0415 -- likewise

    raise typer.Exit(run(found, paths, as_json=as_json, limit=limit))
