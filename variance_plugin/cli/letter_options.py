"""What the `dead-letters` commands share: which letters are meant, and where they are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

_WHICH = "Which letters"
_WHERE = "Where they are"

Ids: TypeAlias = Annotated[
    list[int] | None,
    typer.Argument(metavar="[ID]...", help="Their numbers, as [bold]list[/] shows them.", show_default=False),
]
All: TypeAlias = Annotated[bool, typer.Option("--all", help="All there are.", rich_help_panel=_WHICH)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Letters that are all of this; None is for any."""

    reason: Annotated[
        str | None,
        typer.Option(
            "--reason", metavar="TEXT", help="It stands in the latest reason.", rich_help_panel=_WHICH
        ),
    ] = None
    status: Annotated[
        int | None,
        typer.Option(
            "--status",
            metavar="CODE",
            min=100,
            max=599,
            help="The HTTP status of the latest answer.",
            rich_help_panel=_WHICH,
        ),
    ] = None
    event: Annotated[
        str | None, typer.Option("--event", metavar="NAME", help="The event's name.", rich_help_panel=_WHICH)
    ] = None
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="ID", help="The event's distinct_id.", rich_help_panel=_WHICH),
    ] = None
    plugin: Annotated[
        str | None,
        typer.Option(
            "--plugin",
            metavar="NAME",
            help="Which plugin rejected it; empty for records that are no events.",
            rich_help_panel=_WHICH,
        ),
    ] = None
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Rejected last then or later: [bold]2026-11-25[/], [bold]2026-11-25T10:00[/] (UTC), or "
            "[bold]90m[/], [bold]24h[/], [bold]7d[/] ago.",
            rich_help_panel=_WHICH,
        ),
    ] = None
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Rejected last before then.", rich_help_panel=_WHICH),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody says that the letters are; None stands for what nobody said."""

    state: Annotated[
        Path | None,
        typer.Option("--state", metavar="FILE", help="The state file.", rich_help_panel=_WHERE),
    ] = None
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="The settings of the app runner, which name the state file. Without it: "
            "[bold]runner.toml[/], if there is one.",
            rich_help_panel=_WHERE,
        ),
    ] = None
