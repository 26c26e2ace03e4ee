"""`variance-plugin kafka`."""

from typing import Annotated

import typer

from .options import RunnerOptions


def kafka(  # noqa: PLR0913 -- a command line has its options here
    *,
    brokers: Annotated[
        list[str] | None,
        typer.Option(
            "--brokers",
            metavar="HOST:PORT",
            help="A broker of the cluster; the others are learned from it. May be repeated.",
            show_default=False,
        ),
    ] = None,
    topic: Annotated[
        str | None,
        typer.Option(
            "--topic", metavar="NAME", help="What is read: clickhouse_events_json.", show_default=False
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group", metavar="NAME", help="The consumer group: variance-plugin.", show_default=False
        ),
    ] = None,
    read_from: Annotated[
        str | None,
        typer.Option(
            "--read-from",
            metavar="WHERE",
            help="Where a new group begins: [bold]earliest[/], [bold]latest[/] or a time.",
            show_default=False,
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when all partitions were read to their end.")
    ] = False,
    options: RunnerOptions,
) -> None:
    """Send the events of a Kafka topic, such as that of a self-hosted PostHog.

    Processes of one group share the topic. Its offsets in Kafka say how far it is: after a stop, a crash or a
    kill another member, or the next start, goes on there.

    TLS and SASL are settings of the table [bold]kafka[/]: [bold]--set kafka.tls=true[/]; the password comes
    from RUNNER_KAFKA__SASL_PASSWORD, or from the file that RUNNER_KAFKA__SASL_PASSWORD_FILE names.

    [bold]Exit status[/]: 0 all that was read is delivered, 1 some of it is in the dead letters (with --once),
    2 wrong usage or settings, or Kafka refused, 3 some of what was read is left for the next run.

    [bold]Example[/]

    $ variance-plugin kafka --brokers kafka.posthog.example:9092
    """
    from .source_run import run_source  # noqa: PLC0415 -- `--help` needs none of it

    given = {
        "--brokers": ("kafka.brokers", brokers and ",".join(brokers)),
        "--topic": ("source.topic", topic),
        "--group": ("source.group", group),
        "--read-from": ("source.read_from", read_from),
    }
    raise typer.Exit(run_source("kafka", given, options, once=once))
