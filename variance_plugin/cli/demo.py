"""`variance-plugin demo`."""

from typing import Annotated

import typer


def demo(
    *,
    show: Annotated[
        bool, typer.Option("--open", help="Watch it in the browser, slowly, until you end it (Ctrl-C).")
    ] = False,
) -> None:
    """See it work: real events into a local Variance.

    Starts a local Variance on this machine, sends it what PostHog's SDKs sent while an invented app was used,
    and shows what Variance makes of it. Needs no account, and touches no network beyond this machine.
    """
    from .demo_run import demo as run  # noqa: PLC0415 -- `--help` needs none of it

    raise typer.Exit(run(show=show))
