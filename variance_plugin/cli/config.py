"""`variance-plugin config show` and `config schema`."""

from pathlib import Path
from typing import Annotated

import typer

config = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="rich")


def show(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="The settings in TOML. Without it: [bold]runner.toml[/], if there is one.",
            show_default=False,
        ),
    ] = None,
    *,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any setting, such as [bold]--set logs.level=debug[/]. May be repeated.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Show the runner's settings that are in force, and where each came from.

    Secrets are masked. All that is wrong is named at once.

    [bold]Exit status[/]: 0 they can be used, 2 they cannot.

    [bold]Example[/]

    $ RUNNER_LOGS__LEVEL=debug variance-plugin config show runner.toml
    """
    from .config_run import show as run  # noqa: PLC0415 -- `--help` needs none of it

    run(file, assignments=assignments or (), as_json=json)


def schema() -> None:
    """Print the JSON Schema of runner.toml, for editors.

    [bold]Example[/]

    $ variance-plugin config schema > runner.schema.json

    An editor that knows Taplo's directives uses it where the first line of runner.toml is
    [bold]#:schema ./runner.schema.json[/].
    """
    from .config_run import print_schema  # noqa: PLC0415 -- likewise

    print_schema()
