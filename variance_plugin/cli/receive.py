"""`variance-plugin receive`."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from .options import ListenHost, ListenPort

# The values of `receiver.Way` and `receiver.WireFault`, which `--help` shall not wait for.
WayName: TypeAlias = Literal["group", "traits", "email", "any"]
FaultName: TypeAlias = Literal[
    "reset", "close", "half-close", "hang", "garbage", "cut short", "drip", "close after"
]


def receive(  # noqa: PLR0913 -- a command line has its options here
    *,
    port: ListenPort = 8900,
    host: ListenHost = "127.0.0.1",
    auth_header: Annotated[
        str | None,
        typer.Option("--auth-header", metavar="TEXT", help="Refuse posts with another Authorization (401)."),
    ] = None,
    shared_secret: Annotated[
        str | None,
        typer.Option("--shared-secret", metavar="TEXT", help="Refuse posts not signed with it (401)."),
    ] = None,
    accounts: Annotated[
        WayName,
        typer.Option(
            help="How a contact's account is found, as a connection has it: by group calls, by traits of an "
            "identify, or by the domain of the email; any: group calls and traits, whichever come."
        ),
    ] = "any",
    account_traits: Annotated[
        str, typer.Option(metavar="ID,NAME", help="Where an identify has the account's id and name.")
    ] = "company.id,company.name",
    connections: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Several connections, each with its own address and credentials (TOML)."
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep everything in this file, and go on with what is in it."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append every message to this file, one a line.")
    ] = None,
    answer: Annotated[
        int | None,
        typer.Option(metavar="STATUS", min=200, max=599, help="Answer posts with this HTTP status."),
    ] = None,
    fault: Annotated[
        FaultName | None, typer.Option(help="What goes wrong on the wire, in place of an answer.")
    ] = None,
    delay: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, max=3600, help="Let posts wait so long for the answer.")
    ] = 0.0,
    times: Annotated[
        int | None,
        typer.Option(metavar="COUNT", min=1, help="For so many posts only: --answer, --fault and --delay."),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    r"""Run a local Variance, to see what arrives.

    Takes messages as a Variance connection does, and shows the contacts, accounts and events that come of
    them: on a page, live, and here when it ends (Ctrl-C).

    [bold]Examples[/]

    $ variance-plugin receive --auth-header "Bearer demo" --open
    $ variance-plugin export events.jsonl \
        --webhook-url http://127.0.0.1:8900/webhook --auth-header "Bearer demo" \
        --set allowedHosts=127.0.0.1
    $ variance-plugin receive --answer 503 --times 3  # see how an export waits
    $ variance-plugin receive --state received.db     # goes on where it was
    """
    from . import receive_run as run  # noqa: PLC0415 -- `--help` needs none of it

    run.receive(
        host=host,
        port=port,
        connections=run.connections(
            connections,
            auth_header=auth_header,
            shared_secret=shared_secret,
            accounts=accounts,
            traits=account_traits,
        ),
        state=state,
        keep=keep,
        fault=run.Fault(status=answer, fault=fault, delay_seconds=delay, times=times),
        show=show,
    )
