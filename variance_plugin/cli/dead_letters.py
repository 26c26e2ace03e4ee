"""`variance-plugin dead-letters list`, `show`, `replay`, `export` and `drop`."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from .letter_options import All, Filters, Ids, Place
from .options import AuthHeader, WebhookUrl

dead_letters = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="rich")

_Json: TypeAlias = Annotated[bool, typer.Option("--json", help="For programs.")]


def list_letters(  # noqa: PLR0913 -- a command line has its options here
    *,
    ids: Ids = None,
    filters: Filters,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="reason|status|event|plugin", help="How many there are of each."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="So many; 0 is all.")] = 50,
    place: Place,
    json: _Json = False,
) -> None:
    """List dead letters, the latest first, or count them.

    What is listed tells which event, whose, and why it was rejected, and nothing of what the event holds.

    [bold]Examples[/]

    $ variance-plugin dead-letters list --by reason
    $ variance-plugin dead-letters list --status 400 --since 24h
    """
    from .dead_letters_run import Chosen, show_counts, show_list  # noqa: PLC0415 -- `--help` needs none of it

    which = Chosen(filters, ids=ids)
    if by is None:
        show_list(place, which, limit=limit or None, as_json=json)
    else:
        show_counts(place, which, by=by, as_json=json)


def show(
    id_: Annotated[int, typer.Argument(metavar="ID", help="As [bold]list[/] shows it.", show_default=False)],
    *,
    place: Place,
    json: _Json = False,
) -> None:
    """Show one dead letter: every refusal, the event as it was read, the message as it was refused.

    [bold]Example[/]

    $ variance-plugin dead-letters show 17
    """
    from .dead_letters_run import show_letter  # noqa: PLC0415 -- likewise

    show_letter(place, id_, as_json=json)


def replay(  # noqa: PLR0913 -- likewise
    *,
    ids: Ids = None,
    filters: Filters,
    every: All = False,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Take back what was asked for and has not been sent.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Whether to wait for what becomes of them.")
    ] = True,
    place: Place,
    webhook_url: WebhookUrl = None,
    auth_header: AuthHeader = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any parameter of the plugin, and any setting of the runner. May be repeated.",
        ),
    ] = None,
    json: _Json = False,
) -> None:
    """Send dead letters again, through the same mapping and delivery, with the settings of today.

    While a runner has the state file, that one sends them; otherwise this command does. What is delivered is
    no dead letter any more, nor is what the rules leave out by now. What is refused again stays one letter,
    with a longer history, and is not sent again by itself.

    [bold]Exit status[/]: 0 all delivered, 1 some refused again or not sent, 2 wrong usage or settings, 3 some
    still to be sent.

    [bold]Examples[/]

    $ variance-plugin dead-letters replay --reason "unknown field"
    $ variance-plugin dead-letters replay 17 18
    """
    from . import replay_run  # noqa: PLC0415 -- likewise
    from .dead_letters_run import Chosen  # noqa: PLC0415 -- likewise

    order = replay_run.Order(
        which=Chosen(filters, ids=ids, every=every),
        waits=wait,
        webhook_url=webhook_url,
        auth_header=auth_header,
        assignments=assignments or (),
        as_json=json,
    )
    do = replay_run.cancel if cancel else replay_run.replay
    raise typer.Exit(do(place, order))


def export(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Made, for its owner alone; [bold]-[/] is standard output.",
            show_default=False,
        ),
    ],
    *,
    filters: Filters,
    place: Place,
) -> None:
    """Write dead letters to a file, with their events and messages; they stay where they are.

    One JSON object a line, the oldest first: rejectedAt, reason, status, attempts, source, event, message.

    [bold]Example[/]

    $ variance-plugin dead-letters export letters.jsonl --status 422
    """
    from .dead_letters_run import Chosen, write_file  # noqa: PLC0415 -- likewise

    write_file(place, Chosen(filters), file)


def drop(
    *,
    ids: Ids = None,
    filters: Filters,
    every: All = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    place: Place,
) -> None:
    """Forget dead letters for good. Asks first, unless [bold]--yes[/] says not to.

    [bold]Example[/]

    $ variance-plugin dead-letters drop --event "test event" --until 30d
    """
    from .dead_letters_run import Chosen, drop_letters  # noqa: PLC0415 -- likewise

    drop_letters(place, Chosen(filters, ids=ids, every=every), asks=not yes)
