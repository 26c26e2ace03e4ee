"""Dead letters listed, shown, written to a file and dropped."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import typer

from ..clock import SystemClock
from ..errors import StateError, UsageError
from ..plurals import many
from ..runtime.settings import state_path
from ..state import DeadLetterStore, Group, LetterFilter, StateFile
from .dead_letters_text import count_line, counts, line, table, whole, whole_line
from .letter_options import Filters, Place
from .times import moment

_STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which letters, as the command line has it."""

    filters: Filters
    ids: Sequence[int] | None = None
    every: bool | None = None
    """Whether somebody said that all are meant; None where nobody has to."""

    def filter(self, now: datetime) -> LetterFilter:
        """As the store takes it.

        Raises:
            UsageError: When nothing was said where something must be, or a time is none.
        """
        given = self.filters
        which = LetterFilter(
            ids=self.ids or None,
            plugin=given.plugin,
            reason=given.reason,
            status=given.status,
            event=given.event,
            distinct_id=given.user,
            since=None if given.since is None else moment(given.since, now, option="--since"),
            until=None if given.until is None else moment(given.until, now, option="--until"),
        )
        if self.every is False and which == LetterFilter():
            raise UsageError("say which: by their numbers, by a filter such as --reason, or --all")
        if self.every and which != LetterFilter():
            raise UsageError("--all means all there are: leave it out, or the other filters")
        return which


def state_file(place: Place) -> Path:
    """The state file.

    Raises:
        UsageError: When there is none.
    """
    path = place.state or state_path(place.config, environment=os.environ)
    if not path.is_file():
        raise UsageError(
            f"there is no state file {path}; name it by --state, or by --config the settings that name it"
        )
    return path


@contextmanager
def opened(place: Place) -> Iterator[tuple[DeadLetterStore, datetime]]:
    """The store, beside a runner that may own it, and the time.

    Raises:
        UsageError: When there is no state file, or it cannot be used now.
    """
    clock = SystemClock()
    state = StateFile.open(state_file(place), clock, owner=False)
    try:
        yield DeadLetterStore(state, clock), clock.now()
    except StateError as error:
        raise UsageError(str(error)) from error
    finally:
        state.close()


def show_list(place: Place, chosen: Chosen, *, limit: int | None, as_json: bool) -> None:
    """Print letters, the latest first.

    Raises:
        UsageError: Of the options, and the state file.
    """
    with opened(place) as (store, now):
        which = chosen.filter(now)
        if as_json:
            for letter in store.letters(which, limit=limit):
                sys.stdout.buffer.write(line(letter))
            return
        count = store.count(which)
        if not count:
            _print([_none(which)])
            return
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        _print(table(store.letters(which, limit=limit), width))
        if limit is not None and limit < count:
            _print(["", f"{limit:,} of {many(count, 'dead letter')}; --limit 0 shows all."])


def show_counts(place: Place, chosen: Chosen, *, by: str, as_json: bool) -> None:
    """Print how many letters there are of each.

    Raises:
        UsageError: As above.
    """
    if by not in list(Group):
        raise UsageError(f"--by: {by!r} is none of {', '.join(Group)}")
    with opened(place) as (store, now):
        which = chosen.filter(now)
        counted = store.counts(Group(by), which)
    if as_json:
        for value, count in counted:
            sys.stdout.buffer.write(count_line(value, count, by))
    else:
        _print(counts(counted, by) if counted else [_none(which)])


def _none(which: LetterFilter) -> str:
    return "No dead letters." if which == LetterFilter() else "No such dead letters."


def show_letter(place: Place, id_: int, *, as_json: bool) -> None:
    """Print one letter.

    Raises:
        UsageError: When there is none, or of the state file.
    """
    with opened(place) as (store, _now):
        letter = store.get(id_)
    if letter is None:
        raise UsageError(
            f"there is no dead letter {id_}; `variance-plugin dead-letters list` shows which are"
        )
    if as_json:
        sys.stdout.buffer.write(whole_line(letter))
    else:
        _print(whole(letter))


def write_file(place: Place, chosen: Chosen, file: Path) -> None:
    """Write letters to a new file, for its owner alone, or to standard output.

    Raises:
        UsageError: When it cannot be written, or of the options and the state file.
    """
    with opened(place) as (store, now):
        found = store.export(chosen.filter(now))
        if str(file) == _STDOUT:
            sys.stdout.buffer.writelines(found)
            return
        count = 0
        try:
            # 0600 from the first moment: it holds people's events.
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                for letter in found:
                    out.write(letter)
                    count += 1
        except FileExistsError as error:
            raise UsageError(f"{file} is there already; name another file, or remove it first") from error
        except OSError as error:
            raise UsageError(f"cannot write {file}: {error.strerror}") from error
    sys.stderr.write(f"{many(count, 'dead letter')} written to {file}, for you alone; they stay.\n")


def drop_letters(place: Place, chosen: Chosen, *, asks: bool) -> None:
    """Forget letters, when whoever is asked says so.

    Raises:
        UsageError: When nobody can be asked, or of the options and the state file.
    """
    with opened(place) as (store, now):
        # By number, so that no other letter is dropped than was asked about.
        ids = store.ids(chosen.filter(now))
        if ids and asks:
            if not (sys.stdin and sys.stdin.isatty()):
                raise UsageError(f"{many(len(ids), 'dead letter')} would be gone for good: say so with --yes")
            if not typer.confirm(f"Drop {many(len(ids), 'dead letter')} for good?", err=True):
                raise typer.Exit(1)
        count = store.drop(LetterFilter(ids=ids))
    sys.stdout.write(f"{many(count, 'dead letter')} dropped.\n")


def _print(lines: Iterator[str] | Sequence[str]) -> None:
    for one in lines:
        sys.stdout.write(f"{one}\n")
