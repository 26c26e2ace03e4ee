"""`variance-plugin plugins list`, `plugins info` and `plugins init`."""

from pathlib import Path
from typing import Annotated

import typer

plugins = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="rich")

_Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


def list_plugins(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Plugins that are not installed: their folders or zip files, or a folder full of those.",
            show_default=False,
        ),
    ] = None,
    *,
    json: _Json = False,
) -> None:
    """List the plugins that are installed, and those in the folders given.

    Reads their manifests only: nothing of a plugin is run.

    [bold]Example[/]

    $ variance-plugin plugins list plugins/
    """
    from .plugins_run import show_list  # noqa: PLC0415 -- `--help` needs none of it

    show_list(folders or (), as_json=json)


def info(
    plugin: Annotated[
        str,
        typer.Argument(
            metavar="NAME|PATH",
            help="An installed plugin's name, or a folder or zip file (with a slash: [bold]./hello[/]).",
            show_default=False,
        ),
    ],
    *,
    json: _Json = False,
) -> None:
    """Show what a plugin is, and every parameter that it takes.

    Reads its manifest only: nothing of the plugin is run.

    [bold]Example[/]

    $ variance-plugin plugins info ./plugins/hello
    """
    from .plugins_run import show_info  # noqa: PLC0415 -- likewise

    show_info(plugin, as_json=json)


def init(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Made if it is not there; must be empty.", show_default=False),
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="TEXT", help="What the plugin is called; else as the folder."),
    ] = None,
) -> None:
    """Lay out a new plugin that runs, is tested, and can be installed.

    [bold]Example[/]

    $ variance-plugin plugins init plugins/hello --name "Hello world"
    """
    from .plugins_init import lay_out  # noqa: PLC0415 -- likewise

    lay_out(folder, name)
