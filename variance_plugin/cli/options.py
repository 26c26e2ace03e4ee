"""Arguments and options that several commands share."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from .configuration import Configuration

_SETTINGS = "Settings"

Paths: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Files with PostHog events (JSON lines, also compressed), folders of them, patterns such as "
        "[bold]'exports/*.jsonl.gz'[/], or [bold]-[/] for standard input.",
        show_default=False,
    ),
]
WebhookUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--webhook-url", metavar="URL", help="Address of your Variance connection.", rich_help_panel=_SETTINGS
    ),
]
AuthHeader: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--auth-header",
        metavar="TEXT",
        help="Sent word for word as [bold]Authorization[/]. Others on this machine can see what is on a "
        "command line: better set VARIANCE_AUTH_HEADER or VARIANCE_AUTH_HEADER_FILE.",
        rich_help_panel=_SETTINGS,
    ),
]
Assignments: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any parameter of the plugin, such as [bold]--set sendIp=no[/]. May be repeated. "
        "[bold]check[/] lists them all.",
        rich_help_panel=_SETTINGS,
    ),
]
SettingsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help='Parameters in a TOML file, one a line, without sections: [bold]sendIp = "no"[/]. A name that '
        "ends in .json: an object in JSON.",
        rich_help_panel=_SETTINGS,
    ),
]

RunnerFile: TypeAlias = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="The settings in TOML. Without it: [bold]runner.toml[/], if there is one.",
        show_default=False,
    ),
]
RunnerSettings: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any setting, such as [bold]--set logs.level=debug[/]. May be repeated.",
    ),
]
ListenPort: TypeAlias = Annotated[
    int, typer.Option(metavar="NUMBER", min=0, max=65535, help="Where to listen; 0 takes a free one.")
]
ListenHost: TypeAlias = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Only this machine can reach it unless told otherwise.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """What every command takes that runs the app runner on one source.

    None stands for what the environment says, or the default.
    """

    webhook_url: WebhookUrl = None
    auth_header: AuthHeader = field(default=None, repr=False)
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FILE",
            help="Where it is kept how far it is, and what cannot be delivered: [bold]variance.db[/] in the "
            "current folder unless another is named.",
            show_default=False,
            rich_help_panel=_SETTINGS,
        ),
    ] = None
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any parameter of the plugin, such as [bold]--set sendIp=no[/], or setting of the runner, "
            "such as [bold]--set logs.level=debug[/]. May be repeated.",
            rich_help_panel=_SETTINGS,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectOptions:
    """Which project of PostHog is asked; None as above."""

    project_id: Annotated[
        int | None,
        typer.Option(
            "--project-id",
            metavar="NUMBER",
            help="Of the project in PostHog, as in the address of its pages.",
            show_default=False,
            rich_help_panel=_SETTINGS,
        ),
    ] = None
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar="URL",
            help="Where PostHog is: https://us.posthog.com unless another is named.",
            show_default=False,
            rich_help_panel=_SETTINGS,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginOptions:
    """What commands take that need `VariancePlugin` and no runner; None as above."""

    webhook_url: WebhookUrl = None
    auth_header: AuthHeader = field(default=None, repr=False)
    assignments: Assignments = None
    settings: SettingsFile = None


def configuration(given: PluginOptions) -> "Configuration":
    """What was given to this process, by these options and by its environment."""
    from ..settings import manifest  # noqa: PLC0415 -- `--help` needs none of it
    from .configuration import resolve  # noqa: PLC0415

    return resolve(
        manifest().parameters,
        flags={"webhookUrl": given.webhook_url, "authHeader": given.auth_header},
        assignments=given.assignments or (),
        environment=os.environ,
        file=given.settings,
    )
