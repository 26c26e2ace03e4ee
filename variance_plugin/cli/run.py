"""`variance-plugin run`."""

from typing import Annotated

import typer

from .options import RunnerFile, RunnerSettings


def run(
    file: RunnerFile = None,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End when the source has no more; else run until stopped.")
    ] = False,
    assignments: RunnerSettings = None,
) -> None:
    """Run plugins on PostHog's events, day in, day out.

    Reads the source, passes each event through the plugins' process_event, and brings it to every plugin that
    exports. How far it is, the plugins' storage, jobs and dead letters are kept in the state file: after a
    stop, a crash or a kill it goes on where it was.

    SIGTERM, Ctrl-C and the end of its terminal stop it in order: what was read is delivered, for
    flush_seconds at the most. A second one stops it at once, and loses nothing either.

    [bold]Exit status[/]: 0 all that was read is delivered, 1 some of it is in the dead letters (with --once),
    2 wrong usage or settings, 3 some of what was read is left for the next run, or it was stopped before the
    source had no more (with --once).

    [bold]Example[/]

    $ variance-plugin run runner.toml
    """
    from .run_run import run as start  # noqa: PLC0415 -- `--help` needs none of it

    raise typer.Exit(start(file, once=once, assignments=assignments or ()))
