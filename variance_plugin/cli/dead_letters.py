"""`variance-plugin dead-letters list`, `show`, `replay`, `export` and `drop`."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from .options import AuthHeader, WebhookUrl

dead_letters = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="rich")

_WHICH = "Which letters"
_WHERE = "Where they are"

_Ids: TypeAlias = Annotated[
    list[int] | None,
    typer.Argument(metavar="[ID]...", help="Their numbers, as [bold]list[/] shows them.", show_default=False),
]
_Reason: TypeAlias = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="It stands in the latest reason.", rich_help_panel=_WHICH),
]
_Status: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--status",
        metavar="CODE",
        min=100,
        max=599,
        help="The HTTP status of the latest answer.",
        rich_help_panel=_WHICH,
    ),
]
_Event: TypeAlias = Annotated[
    str | None, typer.Option("--event", metavar="NAME", help="The event's name.", rich_help_panel=_WHICH)
]
_User: TypeAlias = Annotated[
    str | None,
    typer.Option("--user", metavar="ID", help="The event's distinct_id.", rich_help_panel=_WHICH),
]
_Plugin: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--plugin",
        metavar="NAME",
        help="Which plugin rejected it; empty for records that are no events.",
        rich_help_panel=_WHICH,
    ),
]
_Since: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Rejected last then or later: [bold]2026-11-25[/], [bold]2026-11-25T10:00[/] (UTC), or "
        "[bold]90m[/], [bold]24h[/], [bold]7d[/] ago.",
        rich_help_panel=_WHICH,
    ),
]
_Until: TypeAlias = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Rejected last before then.", rich_help_panel=_WHICH),
]
_All: TypeAlias = Annotated[bool, typer.Option("--all", help="All there are.", rich_help_panel=_WHICH)]
_State: TypeAlias = Annotated[
    Path | None,
    typer.Option("--state", metavar="FILE", help="The state file.", rich_help_panel=_WHERE),
]
_Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The settings of the app runner, which name the state file. Without it: "
        "[bold]runner.toml[/], if there is one.",
        rich_help_panel=_WHERE,
    ),
]
_Json: TypeAlias = Annotated[bool, typer.Option("--json", help="For programs.")]
_Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def list_letters(  # noqa: PLR0913 -- a command line has its options here
    *,
    ids: _Ids = None,
    reason: _Reason = None,
    status: _Status = None,
    event: _Event = None,
    user: _User = None,
    plugin: _Plugin = None,
    since: _Since = None,
    until: _Until = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="reason|status|event|plugin", help="How many there are of each."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="So many; 0 is all.")] = 50,
    state: _State = None,
    config: _Config = None,
    json: _Json = False,
) -> None:
    """List dead letters, the latest first, or count them.

    What is listed tells which event, whose, and why it was rejected, and nothing of what the event holds.

    [bold]Examples[/]

    $ variance-plugin dead-letters list --by reason
    $ variance-plugin dead-letters list --status 400 --since 24h
    """
    from .dead_letters_run import Chosen, Place, show_counts, show_list  # noqa: PLC0415 -- `--help` needs none of it

    which = Chosen(
        ids=ids,
        reason=reason,
        status=status,
        event=event,
        user=user,
        plugin=plugin,
        since=since,
        until=until,
    )
    if by is None:
        show_list(Place(state=state, config=config), which, limit=limit or None, as_json=json)
    else:
        show_counts(Place(state=state, config=config), which, by=by, as_json=json)


def show(
    id_: Annotated[int, typer.Argument(metavar="ID", help="As [bold]list[/] shows it.", show_default=False)],
    *,
    state: _State = None,
    config: _Config = None,
    json: _Json = False,
) -> None:
    """Show one dead letter: every refusal, the event as it was read, the message as it was refused.

    [bold]Example[/]

    $ variance-plugin dead-letters show 17
    """
    from .dead_letters_run import Place, show_letter  # noqa: PLC0415 -- likewise

    show_letter(Place(state=state, config=config), id_, as_json=json)


def replay(  # noqa: PLR0913 -- likewise
    *,
    ids: _Ids = None,
    reason: _Reason = None,
    status: _Status = None,
    event: _Event = None,
    user: _User = None,
    plugin: _Plugin = None,
    since: _Since = None,
    until: _Until = None,
    every: _All = False,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Take back what was asked for and has not been sent.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Whether to wait for what becomes of them.")
    ] = True,
    state: _State = None,
    config: _Config = None,
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
    from .dead_letters_run import Chosen, Place  # noqa: PLC0415 -- likewise

    order = replay_run.Order(
        which=Chosen(
            ids=ids,
            reason=reason,
            status=status,
            event=event,
            user=user,
            plugin=plugin,
            since=since,
            until=until,
            every=every,
        ),
        waits=wait,
        webhook_url=webhook_url,
        auth_header=auth_header,
        assignments=assignments or (),
        as_json=json,
    )
    do = replay_run.cancel if cancel else replay_run.replay
    raise typer.Exit(do(Place(state=state, config=config), order))


def export(  # noqa: PLR0913 -- likewise
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Made, for its owner alone; [bold]-[/] is standard output.",
            show_default=False,
        ),
    ],
    *,
    reason: _Reason = None,
    status: _Status = None,
    event: _Event = None,
    user: _User = None,
    plugin: _Plugin = None,
    since: _Since = None,
    until: _Until = None,
    state: _State = None,
    config: _Config = None,
) -> None:
    """Write dead letters to a file, with their events and messages; they stay where they are.

    One JSON object a line, the oldest first: rejectedAt, reason, status, attempts, source, event, message.

    [bold]Example[/]

    $ variance-plugin dead-letters export letters.jsonl --status 422
    """
    from .dead_letters_run import Chosen, Place, write_file  # noqa: PLC0415 -- likewise

    write_file(
        Place(state=state, config=config),
        Chosen(
            reason=reason,
            status=status,
            event=event,
            user=user,
            plugin=plugin,
            since=since,
            until=until,
        ),
        file,
    )


def drop(  # noqa: PLR0913 -- likewise
    *,
    ids: _Ids = None,
    reason: _Reason = None,
    status: _Status = None,
    event: _Event = None,
    user: _User = None,
    plugin: _Plugin = None,
    since: _Since = None,
    until: _Until = None,
    every: _All = False,
    yes: _Yes = False,
    state: _State = None,
    config: _Config = None,
) -> None:
    """Forget dead letters for good. Asks first, unless [bold]--yes[/] says not to.

    [bold]Example[/]

    $ variance-plugin dead-letters drop --event "test event" --until 30d
    """
    from .dead_letters_run import Chosen, Place, drop_letters  # noqa: PLC0415 -- likewise

    which = Chosen(
        ids=ids,
        reason=reason,
        status=status,
        event=event,
        user=user,
        plugin=plugin,
        since=since,
        until=until,
        every=every,
    )
    drop_letters(Place(state=state, config=config), which, asks=not yes)
