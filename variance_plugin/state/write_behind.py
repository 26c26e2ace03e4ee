"""`WriteBehind`: keeps the newest value of each key, without making whoever says it wait for the disk."""

import threading
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from typing import Generic, TypeVar

from ..errors import StateError
from .connection import Connection
from .file import StateFile

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class WriteBehind(Generic[K, V]):
    """Values on their way into a table.

    At most one write is under way; the next one takes along all that came meanwhile. A value that could not
    be written stays here, and is tried again with the next one, or by `flush`.

    Args:
        state: Where they go.
        write: Puts the values of some keys into their table, within a transaction.
    """

    def __init__(self, state: StateFile, write: Callable[[Connection, Mapping[K, V]], None]) -> None:
        self.failure: StateError | None = None
        """Why the last write failed; None once one has succeeded."""
        self._state = state
        self._write = write
        # Not a plain lock: a write that is refused at once is settled within `put`.
        self._lock = threading.RLock()
        self._pending: dict[K, V] = {}
        self._is_under_way = False
        state.before_close(self.flush)

    def put(self, key: K, value: V) -> None:
        """Keep this value of the key soon, and no older one; returns at once."""
        with self._lock:
            self._pending[key] = value
            if not self._is_under_way:
                self._send()

    def get(self, key: K) -> V | None:
        """The value if it is not on disk yet."""
        with self._lock:
            return self._pending.get(key)

    def flush(self) -> None:
        """Return when everything that was put is on disk.

        Raises:
            StateError: when it cannot be written now.
        """
        with self._lock:
            if not self._pending:
                return
        self._settle(self._state.write(self._write_pending))

    def _send(self) -> None:
        self._is_under_way = True
        self._state.submit(self._write_pending).add_done_callback(self._is_back)

    def _write_pending(self, connection: Connection) -> dict[K, V]:
        with self._lock:
            values = dict(self._pending)
        self._write(connection, values)
        return values

    def _is_back(self, future: Future[dict[K, V]]) -> None:
        with self._lock:
            self._is_under_way = False
            error = future.exception()
            if error is None:
                self._settle(future.result())
                if self._pending:
                    self._send()
            else:
                self.failure = error if isinstance(error, StateError) else StateError(str(error))

    def _settle(self, written: dict[K, V]) -> None:
        with self._lock:
            self.failure = None
            for key, value in written.items():
                if self._pending.get(key) is value:
                    del self._pending[key]
