"""`variance-plugin config show` and `config schema`."""

from typing import Annotated

import typer

from .options import RunnerFile, RunnerSettings

config = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="rich")


def show(
    file: RunnerFile = None,
    *,
    assignments: RunnerSettings = None,
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
