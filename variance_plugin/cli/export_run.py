"""An export from its settings to its exit status."""

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ..clock import SystemClock
from ..errors import UsageError
from ..pipeline import Progress, run, summarize
from ..plugin import VariancePlugin
from ..runtime import Host, LoadedPlugin, lone_host
from ..settings import manifest, read_settings
from ..sources import Broken, Record
from ..sources.file import FileSource
from ..sources.paths import Input, choose
from .closing import Closing, ExitStatus
from .collecting import seldom_collected
from .configuration import Configuration
from .display import Display, open_display
from .keeping import Keeping, in_file, in_state, refuse_stdin
from .notices import Notices
from .reading import open_source, tell_skipped_files
from .stopping import Signals
from .streams import CannotWrite, unread
from .watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the command line asks of an export, beside the plugin's settings."""

    paths: Sequence[str]
    dead_letters: Path
    state: Path | None
    """Keeps dead letters and how far it is, in the place of that file."""
    give_up_after_seconds: float | None
    flush_seconds: float
    """So long a stop may take."""
    as_json: bool
    verbose: bool


def export(configuration: Configuration, order: Order) -> ExitStatus:
    """Read, deliver, sum up.

    Raises:
        UsageError: Before anything is read: of settings, files and the place for dead letters.
        Exception: What nobody foresaw, after the summary.
    """
    configuration.checked(read_settings)
    clock = SystemClock()
    with _keeping(order, clock) as keeping, closing(_opened(order, keeping, clock)) as source:
        display = open_display(source.total_bytes)
        try:
            tell_skipped_files(source, display.say)
            return _deliver(
                configuration, order, clock=clock, keeping=keeping, source=source, display=display
            )
        finally:
            display.close()


def _keeping(order: Order, clock: SystemClock) -> AbstractContextManager[Keeping]:
    if order.state is None:
        _check_dead_letters(order)
        return in_file(order.dead_letters, clock)
    refuse_stdin(order.paths)
    return in_state(order.state, clock)


def _opened(order: Order, keeping: Keeping, clock: SystemClock) -> FileSource:
    return open_source(order.paths, stopped=lambda: clock.stopped, positions=keeping.positions)


def _deliver(  # noqa: PLR0913 -- it stands where all of them meet
    configuration: Configuration,
    order: Order,
    *,
    clock: SystemClock,
    keeping: Keeping,
    source: FileSource,
    display: Display,
) -> ExitStatus:
    notices = Notices(display.say, clock, verbose=order.verbose)

    def acknowledge(record: Record | Broken | None) -> None:
        if record is not None:
            source.acknowledge(record.position)

    host = lone_host(
        LoadedPlugin.of(VariancePlugin(), manifest()),
        configuration.values,
        clock=clock,
        dead_letters=keeping.dead_letters,
        unreadable=keeping.unreadable,
        logger=notices.logger(),
        acknowledge=acknowledge,
    )
    progress = Progress()

    def conclude() -> ExitStatus:
        display.close()
        summary = summarize(host, progress)
        end = Closing(
            summary=summary,
            seconds=watch.seconds,
            dead_letters=keeping.where,
            shown_by=keeping.shown_by,
            stopped_by=None if watch.reached_end and not summary.left else _why_stopped(watch, host),
        )
        try:
            _print(end, as_json=order.as_json)
        except CannotWrite as error:
            display.say(f"Error: {error}", loud=True)
            return ExitStatus.STOPPED
        return end.status

    def at_once() -> None:
        # The other threads wait for the destination or for input, and Python would wait for them.
        os._exit(conclude())

    failure: BaseException | None = None
    with Signals() as signals, seldom_collected():
        host.start()
        with Watch(
            host=host,
            source=source,
            progress=progress,
            display=display,
            notices=notices,
            signals=signals,
            clock=clock,
            give_up_after_seconds=order.give_up_after_seconds,
            flush_seconds=order.flush_seconds,
            at_once=at_once,
        ) as watch:
            try:
                run(chain(source.records(), watch.end_mark()), host, progress)
            except Exception as error:  # noqa: BLE001 -- what was read is delivered first; raised below
                failure = error
                watch.stop(str(error) if isinstance(error, UsageError) else "a fault of the program")
            host.finish(order.flush_seconds if host.stopped else None)
        status = conclude()
    if (trouble := keeping.trouble()) is not None:
        display.say(f"How far it is was not saved: {trouble}", loud=True)
    failure = failure or host.failure or watch.failure
    if failure is not None and not isinstance(failure, UsageError):
        raise failure
    return status


def _why_stopped(watch: Watch, host: Host) -> str:
    if isinstance(host.failure, UsageError):
        return str(host.failure)
    if host.failure is not None:
        return f"a fault of the plugin ({type(host.failure).__name__})"
    return watch.stopped_by or "a fault"


def _print(end: Closing, *, as_json: bool) -> None:
    with unread(sys.stdout):
        sys.stdout.write(end.to_json().decode() if as_json else end.to_text())
        sys.stdout.write("\n")
        sys.stdout.flush()


def _check_dead_letters(order: Order) -> None:
    """Better now than at the first rejected event, hours later."""
    path = order.dead_letters
    folder = path.parent
    if path.is_dir():
        problem = "it is a folder"
    elif not folder.is_dir():
        problem = f"there is no folder {folder}"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        problem = "you may not write there"
    elif path.exists() and any(_is_same(path, chosen) for chosen in choose(order.paths).inputs):
        problem = "it is among the files to read, and would grow while it is read"
    else:
        return
    raise UsageError(f"cannot write the dead letters to {path}: {problem}; name another by --dead-letters")


def _is_same(path: Path, chosen: Input) -> bool:
    if chosen.path is None:
        return sys.stdin is not None and os.path.samestat(os.fstat(sys.stdin.fileno()), path.stat())
    return chosen.path.samefile(path)
