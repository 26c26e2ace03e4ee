"""What is asked of SQLite, and what its errors mean."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..errors import StateError

# So long one process waits for another one's change, such as that of a command; theirs take milliseconds.
_BUSY_SECONDS = 10.0

# https://www.sqlite.org/rescode.html: what is wrong with the file, the disk or the machine, and not with one
# statement. The low byte of SQLite's extended codes.
_FILE_FAULTS = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}


class Rows(Protocol):
    """The rows that a statement gives, one by one."""

    def __iter__(self) -> Iterator[Any]:
        """Each a tuple."""
        ...

    def fetchone(self) -> Any:
        """The next one, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All that are left."""
        ...


class Connection(Protocol):
    """What is used of `sqlite3.Connection`; tests put another one in its place."""

    def execute(self, statement: str, bindings: Sequence[Any] = ..., /) -> Rows:
        """Run one statement."""
        ...

    def executemany(self, statement: str, bindings: Iterable[Sequence[Any]], /) -> object:
        """Run one statement for each of many bindings."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


Connect = Callable[[Path], Connection]
"""Opens a connection in which a statement is its own transaction until `BEGIN`. Raises `sqlite3.Error`."""


def connect(path: Path) -> Connection:
    """A `Connect` with Python's own SQLite. The file must be there."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # a connection belongs to one thread at a time, and that is seen to
    )


def is_fault_of_file(error: BaseException) -> bool:
    """Whether the state file as a whole cannot be used now, rather than one statement or value be wrong."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _FILE_FAULTS


def state_error(path: Path, error: BaseException) -> StateError:
    """In words for an operator."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        advice = "make room on its disk"
    elif code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        advice = "it is damaged: stop the runner, and put a copy in its place or a new one"
    elif code == sqlite3.SQLITE_BUSY:
        advice = "another process keeps it busy"
    else:
        advice = "look at its disk: is there room, may it be written?"
    return StateError(f"the state file {path} cannot be used now: {error}; {advice}")
