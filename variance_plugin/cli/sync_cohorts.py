"""`variance-plugin sync-cohorts`."""

from typing import Annotated

import typer

from .options import ProjectOptions, RunnerOptions


def sync_cohorts(
    *,
    cohorts: Annotated[
        list[str],
        typer.Argument(metavar="COHORT", help="Cohorts in PostHog, by number or name.", show_default=False),
    ],
    every: Annotated[
        float | None,
        typer.Option(
            "--every", metavar="HOURS", help="Sync again and again, until stopped; else once.", min=0.1
        ),
    ] = None,
    project: ProjectOptions,
    options: RunnerOptions,
) -> None:
    """Tell Variance who is in PostHog's cohorts, as traits of contacts.

    Each member gets a trait that is true, called like the cohort: [bold]Completed Order (last 30 days)[/] is
    completed_order_last_30_days. For who has left it is false. The state file remembers what was told: the
    first sync tells all members, later ones only changes.

    It needs a personal API key with the scopes [bold]cohort:read[/] and [bold]person:read[/], and
    [bold]query:read[/] for persons whose events alone tell by which id they are known, in
    RUNNER_POSTHOG__PERSONAL_API_KEY, or in the file that RUNNER_POSTHOG__PERSONAL_API_KEY_FILE names.

    [bold]Exit status[/]: 0 all of it is delivered, 1 some is in the dead letters, 2 wrong usage or settings,
    PostHog refused, or it has no such cohort, 3 stopped before the end.

    [bold]Example[/]

    $ variance-plugin sync-cohorts 'Power users' 42 --project-id 12345
    """
    from .source_run import of_project, run_source  # noqa: PLC0415 -- `--help` needs none of it

    given = {
        "COHORT": ("cohorts.sync", cohorts),
        "--every": ("cohorts.every_hours", every),
        **of_project(project),
    }
    raise typer.Exit(run_source("none", given, options, once=every is None))
