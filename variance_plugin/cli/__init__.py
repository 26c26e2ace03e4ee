"""The command line. One module per command; what a command does is imported when it runs.

In the order in which an export passes through: `export` (its options), `configuration` (which value from
where), `export_run`, and beside it `watch` (the thread that shows and listens) with `display`, `notices` and
`stopping`; at the end `closing`.
"""

import inspect
import sys
import traceback
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ..__about__ import NAME, __version__
from ..errors import SettingsError, UsageError
from .backfill import backfill
from .bucket import bucket
from .check import check
from .config import config, schema, show
from .dead_letters import dead_letters, drop, list_letters, replay
from .dead_letters import export as export_letters
from .dead_letters import show as show_letter
from .demo import demo
from .export import export
from .grouped import ungrouped
from .kafka import kafka
from .plugins import info, init, list_plugins, plugins
from .preview import preview
from .receive import receive
from .record import record
from .run import run
from .serve import serve
from .sources import sources
from .streams import CannotWrite, make_usable, unread
from .sync_cohorts import sync_cohorts

_DEBUG = "--debug"
_PROGRAM = "variance-plugin"
_USAGE, _FAULT = 2, 3  # closing.ExitStatus, which `--help` shall not wait for

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,  # `main` says what went wrong
)


def _help(function: Callable[..., None]) -> str:
    """Its docstring, with prose that may be wrapped anew and examples that may not: click's mark says so."""
    paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")
    return "\n\n".join(f"\b{text}" if text.startswith("$") else " ".join(text.split()) for text in paragraphs)


def _add(commands: typer.Typer, command: Callable[..., None], name: str | None = None) -> None:
    commands.command(name, help=_help(command))(ungrouped(command))


_command: Callable[..., None]
for _command in (
    demo,
    preview,
    check,
    export,
    run,
    bucket,
    backfill,
    kafka,
    serve,
    sync_cohorts,
    sources,
    receive,
    record,
):
    _add(app, _command)
for _command in (show, schema):
    _add(config, _command)
_add(plugins, list_plugins, "list")
for _command in (info, init):
    _add(plugins, _command)
_add(dead_letters, list_letters, "list")
for _command in (show_letter, replay, export_letters, drop):
    _add(dead_letters, _command)
app.add_typer(
    dead_letters, name="dead-letters", help="Look at what could not be delivered, send it again, drop it."
)
app.add_typer(plugins, name="plugins", help="Look at plugins, and begin a new one.")
app.add_typer(config, name="config", help="Look at the settings of the app runner.")


def main() -> NoReturn:
    """Run the command line of this process and end it with a status: see `closing.ExitStatus`."""
    # Taken out here, so that it may stand anywhere.
    arguments = [argument for argument in sys.argv[1:] if argument != _DEBUG]
    debug = len(arguments) < len(sys.argv) - 1
    make_usable()
    try:
        app(args=arguments, prog_name=_PROGRAM)
        sys.exit(0)
    except UsageError as error:
        _say_mistake(error)
        sys.exit(_FAULT if isinstance(error, CannotWrite) else _USAGE)
    except Exception as error:  # noqa: BLE001 -- nobody shall see a traceback who did not ask for it
        if debug:
            traceback.print_exc()
        _say_fault(error)
        sys.exit(_FAULT)
    finally:
        _flush()


def _flush() -> None:
    """Else Python does, and ends with 120 when that fails, whatever the status was."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            try:
                with unread(stream):
                    stream.flush()
            except CannotWrite as error:
                _say_mistake(error)
                sys.exit(_FAULT)


def _show_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"{NAME} {__version__}")
        raise typer.Exit


def _program(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
    debug: Annotated[
        bool, typer.Option(_DEBUG, help="Show the traceback of a fault in the program.")
    ] = False,
) -> None:
    """Send PostHog events to Variance: all of them delivered, or set aside with their reason.

    [bold]To begin[/]

    $ variance-plugin demo                  # see it work, without any account
    $ variance-plugin preview events.jsonl  # what would be sent, and what not
    $ variance-plugin check --send          # are address and secret right?
    $ variance-plugin export events.jsonl   # send it

    The last two take [bold]--webhook-url[/] and [bold]--auth-header[/], or VARIANCE_WEBHOOK_URL and
    VARIANCE_AUTH_HEADER from the environment.
    """


app.callback(help=_help(_program))(_program)


def _say_mistake(error: UsageError) -> None:
    if isinstance(error, SettingsError) and len(error.faults) > 1:
        typer.echo("Error: these settings cannot be used:", err=True)
        for fault in error.faults:
            typer.echo(f"  {fault}", err=True)
    else:
        typer.echo(f"Error: {error}", err=True)


def _say_fault(error: Exception) -> None:
    """Type and place only: the text of an unforeseen error may quote an event."""
    places = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    typer.echo(
        f"Error: a fault in the program itself ({type(error).__name__}{place}); "
        f"run it with {_DEBUG} for the traceback",
        err=True,
    )
