"""`variance-plugin bucket`."""

from typing import Annotated

import typer

from .options import RunnerOptions


def bucket(  # noqa: PLR0913 -- each is an option
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="Where PostHog puts its batch exports: [bold]s3://bucket/prefix[/], or one of "
            "[bold]gs://[/] or [bold]az://[/], or a folder.",
            show_default=False,
        ),
    ],
    *,
    match: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="Only objects whose names behind the prefix are like this: [bold]*[/] stands for any text.",
            show_default=False,
        ),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Only exports with something from then on: a day or a time, in UTC.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only exports with something from before then.",
            show_default=False,
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The address of a store of your own that speaks the protocol of S3, such as MinIO's.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what is still to come, until stopped.")
    ] = False,
    options: RunnerOptions,
) -> None:
    """Send what PostHog's batch exports put into a bucket, each of them once.

    Reads JSON lines and Parquet in the order of the export windows. What was read is kept in the state file:
    the next start goes on with what has come since, after a stop, a crash or a kill, too.

    Credentials come from where AWS', Google's and Azure's own tools take them: the environment, or the
    machine's role; and for S3 a profile, with [bold]--set source.profile=NAME[/].

    [bold]Exit status[/]: 0 all that was read is delivered, 1 some of it is in the dead letters, 2 wrong usage
    or settings, 3 some of what was read is left for the next run, or it was stopped before it was through.

    [bold]Example[/]

    $ variance-plugin bucket s3://acme-exports/posthog --follow
    """
    from .source_run import run_source  # noqa: PLC0415 -- `--help` needs none of it

    given = {
        "URL": ("source.url", url),
        "--match": ("source.match", match),
        "--from": ("source.from", from_),
        "--to": ("source.to", to),
        "--endpoint": ("source.endpoint", endpoint),
    }
    raise typer.Exit(run_source("bucket", given, options, once=not follow))
