"""`StateFile`: everything that the runner has to know after a restart, in one SQLite file."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from ..clock import Clock
from ..errors import StateError, UsageError
from .connection import Connect, Connection, connect, is_fault_of_file, state_error
from .owner import Ownership, whose
from .schema import is_current, is_new, migrate
from .writer import Change, Writer

T = TypeVar("T")

_PAGE_BYTES = 8192
# A larger log is cut to this when it starts again.
_LOG_BYTES = 64 * 1024 * 1024
# What is deleted needs room first: for the log, and to bring the log into the file. So much is left for that,
# or a tenth of a disk that is small; never less than twice the log that SQLite lets grow, 1000 pages.
_RESERVE_BYTES = 64 * 1024 * 1024
_RESERVE_SHARE = 10
_LEAST_RESERVE_BYTES = 16 * 1024 * 1024


class StateFile:
    """The state file, open. What is kept in it has modules of its own, such as `storage` and `spool`.

    SQLite's write-ahead log with `synchronous=FULL`: what a `write` returned from is on disk, and survives
    the end of the process and a power cut. Read and write from any thread.
    """

    def __init__(self, path: Path, clock: Clock, *, owner: Ownership | None, connect: Connect) -> None:
        self.path = path
        self.clock = clock
        self._owner = owner
        self._connect = connect
        self._reading = threading.Lock()
        self._reader: Connection | None = None
        self._closed = False
        self._before_close: list[Callable[[], None]] = []
        self._writer = Writer(path, _prepared(path, connect, owns=owner is not None))

    @classmethod
    def open(cls, path: Path, clock: Clock, *, owner: bool = True, connect: Connect = connect) -> "StateFile":
        """Open a state file; make it, readable by its owner alone, if there is none.

        Args:
            path: Where it is. Beside it lie `-wal` and `-shm`, which are part of it, and `.lock`. It has
                to be on a disk of this machine: SQLite's log does not work over a network.
            clock: What the time is, for what is kept in it.
            owner: Whether this process is the one runner that the file belongs to. One that is not, such as
                a command, can read, and make small changes; it makes no file.
            connect: Opens a connection to the file.

        Raises:
            UsageError: when the file cannot be used: it belongs to another process or another program, was
                written by a newer version, cannot be read or written, or is not there.
        """
        path = path.resolve()  # so that two names of one file have one owner
        _make(path, owner=owner)
        ownership = Ownership(path) if owner else None
        try:
            return cls(path, clock, owner=ownership, connect=connect)
        except BaseException:
            if ownership is not None:
                ownership.release()
            raise

    @property
    def commits(self) -> int:
        """How many transactions have been committed since it was opened."""
        return self._writer.commits

    def has_room(self, size_bytes: int) -> bool:
        """Whether so much may be added, so that all of it can be deleted again; yes when nobody knows.

        Raises:
            StateError: when the file cannot be read now.
        """
        try:
            disk = os.statvfs(self.path)
        except OSError:
            return True
        share = disk.f_blocks * disk.f_frsize // _RESERVE_SHARE
        reserve = min(_RESERVE_BYTES, max(_LEAST_RESERVE_BYTES, share))
        free = disk.f_bavail * disk.f_frsize - reserve
        return not disk.f_blocks or size_bytes <= free or size_bytes <= free + self.read(_unused_bytes)

    @property
    def failure(self) -> StateError | None:
        """Why nothing could be written the last time; None once something could."""
        return self._writer.failure

    def write(self, change: Change[T]) -> T:
        """Make a change: whole and on disk when it returns, or not at all.

        Args:
            change: Called with the connection, within a transaction, by the thread that writes.

        Returns:
            What `change` returned.

        Raises:
            StateError: when the file cannot be written now; nothing has changed.
            Exception: what `change` raised; nothing has changed.
        """
        return self._writer.submit(change).result()

    def submit(self, change: Change[T]) -> Future[T]:
        """As `write`, without waiting: the future is done when the change is on disk or has failed.

        Changes are made in the order in which they are submitted. Callbacks of the future run in the thread
        that writes, and must not wait.
        """
        return self._writer.submit(change)

    def read(self, query: Callable[[Connection], T]) -> T:
        """Read what is on disk.

        Args:
            query: Called with a connection that cannot write; it keeps no rows for later.

        Raises:
            StateError: when the file cannot be read now, or is closed.
        """
        with self._reading:
            if self._closed:
                raise StateError(f"the state file {self.path} is closed")
            try:
                if self._reader is None:
                    self._reader = self._connect(self.path)
                    self._reader.execute("PRAGMA query_only = ON")
                return query(self._reader)
            except sqlite3.Error as error:
                if is_fault_of_file(error):
                    raise state_error(self.path, error) from error
                raise

    def before_close(self, flush: Callable[[], None]) -> None:
        """Have something written out before the file is closed; a `StateError` of it is passed over."""
        self._before_close.append(flush)

    def close(self) -> None:
        """Commit what was submitted, and let go of the file; a second time does nothing."""
        while self._before_close:
            with suppress(StateError):
                self._before_close.pop()()
        with self._reading:
            self._closed = True
            if self._reader is not None:
                self._reader.close()
                self._reader = None
        self._writer.close()
        if self._owner is not None:
            self._owner.release()


def _unused_bytes(connection: Connection) -> int:
    """Of the file itself: pages that were deleted from."""
    (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(pages) * _PAGE_BYTES


def _make(path: Path, *, owner: bool) -> None:
    try:
        # SQLite gives its log the permissions of the file.
        os.close(os.open(path, os.O_RDWR | (os.O_CREAT if owner else 0), 0o600))
    except FileNotFoundError as error:
        missing = f"there is no folder {path.parent} for it" if owner else "it is not there"
        raise UsageError(f"cannot open the state file {path}: {missing}") from error
    except OSError as error:
        raise UsageError(f"cannot open the state file {path}: {error.strerror}{whose(path)}") from error


def _prepared(path: Path, connect: Connect, *, owns: bool) -> Connection:
    with _told(path):
        connection = connect(path)
        try:
            if is_new(connection, path) and owns:
                # Both before the first page is written; after that they stay as they are.
                connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            elif not owns and not is_current(connection):
                raise UsageError(f"the state file {path} has an old form: start the runner once to renew it")
            _make_durable(connection, path)
            if owns and not is_current(connection):
                migrate(connection)
        except BaseException:
            with suppress(sqlite3.Error):
                connection.close()
            raise
        return connection


def _make_durable(connection: Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise UsageError(
            f"the state file {path} cannot have a write-ahead log: put it on a disk of this machine"
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise UsageError(f"cannot open the state file {path}: {error}") from error
