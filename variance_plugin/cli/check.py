"""`variance-plugin check`."""

from pathlib import Path
from typing import Annotated

import typer

from .options import PluginOptions, configuration


def check(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="Settings of the app runner, such as [bold]runner.toml[/]: check these, and every "
            "destination in them, as [bold]run[/] would use them.",
            show_default=False,
        ),
    ] = None,
    *,
    given: PluginOptions,
    send: Annotated[
        bool,
        typer.Option(
            "--send",
            help="Also post one harmless message: a track of the event [bold]PostHog connection test[/] by "
            "the anonymous visitor [bold]posthog-connection-test[/].",
        ),
    ] = False,
) -> None:
    """Check the settings, and the connection if asked.

    Prints every parameter with its value and where it came from; secrets are masked.

    [bold]Exit status[/]: 0 all is well, 1 the message was not taken, 2 the settings cannot be used.

    [bold]Example[/]

    $ export VARIANCE_AUTH_HEADER_FILE=/run/secrets/variance
    $ variance-plugin check --webhook-url https://hooks.variance.example/c/1 --send
    $ variance-plugin check runner.toml --send
    """
    from .check_run import check as run  # noqa: PLC0415 -- `--help` needs none of it
    from .check_run import check_runner  # noqa: PLC0415 -- likewise

    if file is not None:
        raise typer.Exit(check_runner(file, given, send=send))
    raise typer.Exit(run(configuration(given), send=send))
