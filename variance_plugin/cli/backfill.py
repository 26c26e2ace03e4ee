"""`variance-plugin backfill`."""

from typing import Annotated

import typer

from .options import ProjectOptions, RunnerOptions


def backfill(  # noqa: PLR0913 -- a command line has its options here
    *,
    begin: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="TIME",
            help="From when on, in UTC: [bold]2026-01-31[/] or [bold]2026-01-31T12:00:00Z[/].",
        ),
    ],
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="TIME",
            help="Until when, itself not included; if it is left out, now.",
            show_default=False,
        ),
    ] = None,
    project: ProjectOptions,
    include: Annotated[
        list[str] | None,
        typer.Option(
            "--include",
            metavar="EVENT",
            help="Only events of this name. May be repeated.",
            show_default=False,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", metavar="EVENT", help="No events of this name. May be repeated.", show_default=False
        ),
    ] = None,
    options: RunnerOptions,
) -> None:
    """Send what PostHog has kept of some time.

    Asks PostHog's API for it, a week at a time, and delivers it. The state file keeps how far it is: after a
    stop, a crash or a kill the same command goes on where it was, and what is done is not asked for again.

    It needs a personal API key with the scopes [bold]batch_export:read[/] and [bold]batch_export:write[/] (on
    versions of PostHog without file downloads: [bold]query:read[/]), in RUNNER_POSTHOG__PERSONAL_API_KEY, or
    in the file that RUNNER_POSTHOG__PERSONAL_API_KEY_FILE names.

    [bold]Exit status[/]: 0 all of it is delivered, 1 some is in the dead letters, 2 wrong usage or settings,
    or PostHog refused, 3 stopped before the end.

    [bold]Example[/]

    $ variance-plugin backfill --from 2026-01-01 --to 2026-03-01 --project-id 12345
    """
    from .source_run import of_project, run_source  # noqa: PLC0415 -- `--help` needs none of it

    given = {
        "--from": ("source.from", begin),
        "--to": ("source.to", end),
        "--include": ("source.include", include),
        "--exclude": ("source.exclude", exclude),
        **of_project(project),
    }
    raise typer.Exit(run_source("backfill", given, options, once=True))
