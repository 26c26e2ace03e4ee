"""SQLite as the file store needs it: one connection, and errors that turn a post away."""

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .refusal import Refusal, Refused
from .schema import open_schema


class Database:
    """A state file that is open. Everything raises `Refused` when the file fails: the disk is full, say.

    Args:
        path: The file; made if it is not there, for its owner only.

    Raises:
        UsageError: it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
            open_schema(self._connection)
        except OSError as error:
            raise UsageError(
                f"cannot use {path} as state: {error.strerror}; name a file that can be written"
            ) from error
        except sqlite3.Error as error:
            self._connection.close()
            raise UsageError(
                f"cannot use {path} as state: {error}; name a new file, or one that an earlier `receive` "
                "made and that none has open now"
            ) from error

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Run a statement as it stands."""
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise Refused(Refusal.STATE, str(error)) from error

    def read(self, query: str, *values: Any) -> list[Any]:
        """All rows."""
        return self.execute(query, *values).fetchall()

    def count(self, what: str, *values: Any) -> int:
        """How many rows there are in what follows FROM."""
        [(count,)] = self.read(f"SELECT count(*) FROM {what}", *values)  # noqa: S608 -- the store's own words
        return int(count)

    def write(self, statement: str, *values: Any) -> None:
        """Change something, within a transaction that begins when there is none."""
        self._begin()
        self.execute(statement, *values)

    def write_all(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """The same for many rows."""
        self._begin()
        try:
            self._connection.executemany(statement, rows)
        except sqlite3.Error as error:
            raise Refused(Refusal.STATE, str(error)) from error

    def commit(self) -> None:
        """End the transaction."""
        self.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction, if there is one: some errors have undone it already."""
        if self._connection.in_transaction:
            self._connection.rollback()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self.execute("BEGIN IMMEDIATE")
