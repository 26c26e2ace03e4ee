"""`Spool`: records that cannot be read twice, on disk until they are done with."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from ..errors import SpoolFull
from ..points import Point, reached
from .connection import Connection
from .file import StateFile
from .json_text import text_bytes

# What a row costs beside its record, roughly: so that a spool of tiny records has a bound on disk as well.
ROW_BYTES = 32
# So many rows are deleted at once, so that appending does not wait long in between.
# In one statement: each lets other threads go first, one by one that would be a wait for every row.
_ROWS_AT_ONCE = 100
_DELETED_AT_ONCE = 1000
# Pages that nobody uses are kept for what comes next, 64 MB of them; more go back to the file system, 4 MB
# with each deletion.
_PAGES_KEPT = 8192
_PAGES_AT_ONCE = 512


class Spool:
    """A queue of records, first in, first out. A record has a number, which is never used again.

    Safe for threads, in the one process that owns the state file.

    Args:
        state: Where it is kept.
        name: Of the queue; each name has its own.
        max_bytes: So much it holds: its records, and 32 bytes for each. On disk it takes about a fifth more.
    """

    def __init__(self, state: StateFile, name: str, max_bytes: int) -> None:
        self._state = state
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._id, self._last, self._count, self._size_bytes = state.write(
            lambda connection: _made(connection, text_bytes(name))
        )
        self._table = f"spool_{self._id}"
        self._name = name
        self._reserved_bytes = 0
        self._refusal: str | None = None
        self._acknowledged = 0
        self._is_deleting = False
        state.before_close(self.flush)

    @property
    def size_bytes(self) -> int:
        """How much it holds, as `max_bytes` counts it."""
        return self._size_bytes

    def __len__(self) -> int:
        """How many records it holds."""
        return self._count

    @property
    def trouble(self) -> str | None:
        """In words, that it had no room the last time; None once it had."""
        if self._refusal is None:
            return None
        return f"{self._refusal}: who sends has to wait until some of it is delivered"

    def append(self, records: Sequence[bytes], *, beyond_limit: bool = False) -> None:
        """Add records at the end, all or none; on disk when it returns.

        Args:
            records: In order.
            beyond_limit: Take them even if there is no room, as when the program ends.

        Raises:
            SpoolFull: when there is no room for them; nothing has been added.
            StateError: when they cannot be written now; nothing has been added.
        """
        self.submit(records, beyond_limit=beyond_limit).result()

    def submit(self, records: Sequence[bytes], *, beyond_limit: bool = False) -> Future[None]:
        """As `append`, without waiting: the future is done when they are on disk or have been refused.

        Its callbacks run in the thread that writes, and must not wait.

        Raises:
            SpoolFull: when there is no room for them; nothing has been added.
        """
        size_bytes = sum(map(len, records)) + ROW_BYTES * len(records)
        with self._lock:
            self._refusal = None if beyond_limit else self._without_room(size_bytes)
            if self._refusal is not None:
                raise SpoolFull(f"{self._refusal}, and {size_bytes:,} bytes more have come")
            self._reserved_bytes += size_bytes
        reached(Point.BEFORE_SPOOL_WRITE)
        told: Future[None] = Future()

        def tell(written: Future[int]) -> None:
            error = written.exception()
            with self._lock:
                self._reserved_bytes -= size_bytes
                if error is None:
                    self._size_bytes += size_bytes
                    self._count += len(records)
            if error is None:
                reached(Point.AFTER_SPOOL_WRITE)
                told.set_result(None)
            else:
                told.set_exception(error)

        self._state.submit(
            lambda connection: self._insert(connection, records, size_bytes)
        ).add_done_callback(tell)
        return told

    def read(self, after: int, limit_bytes: int) -> list[tuple[int, bytes]]:
        """The records behind that number, each with its own: the next one, and more up to the limit.

        Raises:
            StateError: when the file cannot be read now.
        """
        return self._state.read(
            lambda connection: self._select(connection, max(after, self._acknowledged), limit_bytes)
        )

    def acknowledge(self, up_to: int) -> None:
        """Drop the records up to this number, itself included; returns at once.

        They are not read again. Their room is free a moment later; an end without notice before that
        brings them back.
        """
        with self._lock:
            self._acknowledged = max(self._acknowledged, up_to)
            if self._is_deleting:
                return
            self._is_deleting = True
        self._delete_some()

    def flush(self) -> None:
        """Return when what was acknowledged is dropped on disk.

        Raises:
            StateError: when it cannot be written now.
        """
        count = 1
        while count:
            count, size_bytes = self._state.write(
                lambda connection: self._delete(connection, self._acknowledged)
            )
            with self._lock:
                self._count -= count
                self._size_bytes -= size_bytes

    def _without_room(self, size_bytes: int) -> str | None:
        held_bytes = self._size_bytes + self._reserved_bytes
        if held_bytes + size_bytes > self._max_bytes:
            return f"the spool {self._name} is full: it holds {held_bytes:,} of {self._max_bytes:,} bytes"
        if not self._state.has_room(self._reserved_bytes + size_bytes):
            return f"the disk of the spool {self._name} is nearly full"
        return None

    def _insert(self, connection: Connection, records: Sequence[bytes], size_bytes: int) -> int:
        # Only the writer's thread is here. A number whose transaction fails is left out.
        first = self._last + 1
        self._last += len(records)
        rows = list(enumerate(records, first))
        for at in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[at : at + _ROWS_AT_ONCE]
            connection.execute(
                f"INSERT INTO {self._table} VALUES {', '.join(['(?, ?)'] * len(some))}",  # noqa: S608
                [value for row in some for value in row],
            )
        connection.execute(
            "UPDATE spools SET last_seq = ?, records = records + ?, size_bytes = size_bytes + ? WHERE id = ?",
            (self._last, len(records), size_bytes, self._id),
        )
        return self._last

    def _select(self, connection: Connection, after: int, limit_bytes: int) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        rows = connection.execute(
            f"SELECT seq, record FROM {self._table} WHERE seq > ? ORDER BY seq",  # noqa: S608
            (after,),
        )
        for seq, record in rows:
            limit_bytes -= len(record)
            if found and limit_bytes < 0:
                break
            found.append((seq, record))
        return found

    def _delete_some(self) -> None:
        with self._lock:
            up_to = self._acknowledged
        self._state.submit(lambda connection: self._delete(connection, up_to)).add_done_callback(
            lambda future: self._deleted(up_to, future)
        )

    def _deleted(self, up_to: int, future: Future[tuple[int, int]]) -> None:
        with self._lock:
            failed = future.exception() is not None  # the next call of `acknowledge` tries again
            count, size_bytes = (0, 0) if failed else future.result()
            self._count -= count
            self._size_bytes -= size_bytes
            if failed or (count < _DELETED_AT_ONCE and up_to == self._acknowledged):
                self._is_deleting = False
                return
        self._delete_some()

    def _delete(self, connection: Connection, up_to: int) -> tuple[int, int]:
        oldest = (
            f"SELECT seq, length(record) AS size FROM {self._table} "  # noqa: S608
            "WHERE seq <= ? ORDER BY seq LIMIT ?"
        )
        last, count, record_bytes = connection.execute(
            f"SELECT max(seq), count(*), sum(size) FROM ({oldest})",  # noqa: S608
            (up_to, _DELETED_AT_ONCE),
        ).fetchone()
        if not count:
            return 0, 0
        size_bytes = record_bytes + ROW_BYTES * count
        connection.execute(f"DELETE FROM {self._table} WHERE seq <= ?", (last,))  # noqa: S608
        connection.execute(
            "UPDATE spools SET records = records - ?, size_bytes = size_bytes - ? WHERE id = ?",
            (count, size_bytes, self._id),
        )
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        if free > _PAGES_KEPT:
            connection.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
        return count, size_bytes


def _made(connection: Connection, name: bytes) -> tuple[int, int, int, int]:
    connection.execute("INSERT INTO spools VALUES (NULL, ?, 0, 0, 0) ON CONFLICT DO NOTHING", (name,))
    id_, last, records, size_bytes = connection.execute(
        "SELECT id, last_seq, records, size_bytes FROM spools WHERE name = ?", (name,)
    ).fetchone()
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS spool_{id_} (seq INTEGER PRIMARY KEY, record BLOB NOT NULL)"
    )
    return id_, last, records, size_bytes
