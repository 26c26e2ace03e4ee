"""`variance-plugin export`."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from .options import Paths, PluginOptions, configuration


def export(  # noqa: PLR0913 -- a command line has its options here
    *,
    paths: Paths,
    given: PluginOptions,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FILE",
            help="Keeps how far it is, and dead letters: after whatever end, the same command goes on from "
            "there. Made if there is none.",
        ),
    ] = None,
    dead_letters: Annotated[
        Path | None,
        typer.Option(
            "--dead-letters",
            metavar="FILE",
            help="Where events go that can never be delivered, each with its reason. Made when there is one. "
            "Without it: [bold]dead-letters.jsonl[/], or the state file.",
        ),
    ] = None,
    give_up_after: Annotated[
        float | None,
        typer.Option(
            "--give-up-after",
            metavar="SECONDS",
            min=0,
            help="End with status 3 when the destination took nothing for so long. Without it an outage is "
            "waited out.",
        ),
    ] = None,
    stop_within: Annotated[
        float,
        typer.Option(
            "--stop-within",
            metavar="SECONDS",
            min=0,
            help="At Ctrl-C, SIGTERM or the end of its terminal, so long may it take to send what was read.",
        ),
    ] = 8.0,  # Docker and many others kill ten seconds after they asked
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell of every request.")] = False,
) -> None:
    r"""Send events to Variance.

    What cannot be sent now is tried again until the destination takes it; what can never be sent is set
    aside with its reason. An event that is sent twice keeps its [bold]messageId[/], so running it again does
    no harm.

    [bold]Settings[/] come from flags, then from the environment ([bold]VARIANCE_WEBHOOK_URL[/],
    [bold]VARIANCE_AUTH_HEADER[/], [bold]VARIANCE_SEND_IP[/] …, each also with [bold]_FILE[/] behind it for
    a file that holds the value), then from the settings file: the first that has a value wins.

    [bold]Exit status[/]: 0 all delivered, 1 some rejected, 2 wrong usage or settings, 3 stopped before the
    end.

    [bold]Examples[/]

    $ variance-plugin export events.jsonl --settings variance.toml
    $ variance-plugin export 'exports/*.jsonl.gz' \
        --webhook-url https://hooks.variance.example/c/1 --auth-header "Bearer …"
    $ variance-plugin export exports/ --state export.db  # goes on where it was
    $ zcat export.jsonl.gz | variance-plugin export -
    """
    from . import export_run  # noqa: PLC0415 -- `--help` needs none of it

    if state is not None and dead_letters is not None:
        raise UsageError("--dead-letters: the state file keeps them; leave out one of the two")
    order = export_run.Order(
        paths=paths,
        dead_letters=dead_letters or Path("dead-letters.jsonl"),
        state=state,
        give_up_after_seconds=give_up_after,
        flush_seconds=stop_within,
        as_json=as_json,
        verbose=verbose,
    )
    raise typer.Exit(export_run.export(configuration(given), order))
