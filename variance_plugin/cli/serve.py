"""`variance-plugin serve`."""

from typing import Annotated

import typer

from .options import RunnerOptions


def serve(  # noqa: PLR0913 -- a command line has its options here
    *,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen",
            metavar="ADDRESS:PORT",
            help="Where events are posted to: [bold]127.0.0.1:8902[/] unless another is named; only this "
            "machine can reach that.",
            show_default=False,
        ),
    ] = None,
    tokens: Annotated[
        list[str] | None,
        typer.Option(
            "--token",
            metavar="phc_…",
            help="The key of a project whose SDKs may send; [bold]*[/] is any. May be repeated.",
            show_default=False,
        ),
    ] = None,
    forward_to: Annotated[
        str | None,
        typer.Option(
            "--forward-to",
            metavar="URL",
            help="Send a copy of what SDKs send on to your PostHog, such as https://eu.i.posthog.com.",
            show_default=False,
        ),
    ] = None,
    tls_certificate: Annotated[
        str | None,
        typer.Option(
            "--tls-certificate",
            metavar="FILE",
            help="A certificate in PEM, to speak TLS; plain HTTP without one. Read again when it changes.",
            show_default=False,
        ),
    ] = None,
    tls_key: Annotated[
        str | None,
        typer.Option(
            "--tls-key",
            metavar="FILE",
            help="Its key in PEM, where that is in a file of its own.",
            show_default=False,
        ),
    ] = None,
    trusted_proxies: Annotated[
        int | None,
        typer.Option(
            "--trusted-proxies",
            metavar="NUMBER",
            min=0,
            help="How many proxies of yours stand in front; clients' addresses are taken from what they say.",
            show_default=False,
        ),
    ] = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="Listen to nobody: deliver what an earlier run took in, and end."),
    ] = False,
    options: RunnerOptions,
) -> None:
    """Take events from PostHog's webhook destination and from its SDKs, and export them.

    An event is on disk before it is answered 200; nobody who sends one waits for Variance. SDKs need a
    --token, the webhook destination the token in RUNNER_SOURCE__WEBHOOK_TOKEN (or that with _FILE).

    SIGTERM and Ctrl-C stop it in order; what was taken in and not yet delivered is there for the next run.

    [bold]Exit status[/]: 0 all that was read from the spool is delivered, 1 some of it is in the dead letters
    (with --once), 2 wrong usage or settings, 3 some of what was read is left for the next run.

    [bold]Examples[/]

    $ variance-plugin serve --token phc_…
    $ variance-plugin serve --listen 0.0.0.0:8902 --token phc_… --forward-to https://eu.i.posthog.com
    """
    from .source_run import run_source  # noqa: PLC0415 -- `--help` needs none of it

    given = {
        "--listen": ("source.listen", listen),
        "--token": ("source.tokens", tokens),
        "--forward-to": ("source.forward_to", forward_to),
        "--tls-certificate": ("source.tls_certificate", tls_certificate),
        "--tls-key": ("source.tls_key", tls_key),
        "--trusted-proxies": ("source.trusted_proxies", trusted_proxies),
    }
    raise typer.Exit(run_source("http", given, options, once=once))
