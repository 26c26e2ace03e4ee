"""Group commit: one thread writes, and everything that waits goes to disk together."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..errors import StateError
from ..points import Point, reached
from .connection import Connection, is_fault_of_file, state_error

T = TypeVar("T")
Change = Callable[[Connection], T]


@dataclass(slots=True)
class _Waiting:
    change: Change[Any]
    future: Future[Any]
    result: Any = None
    error: Exception | None = None


class Writer:
    """Makes changes in the order in which they came, each whole or not at all.

    While one commit is on its way to the disk, what comes meanwhile gathers for the next: the more callers,
    the more changes one commit carries. A change that fails costs itself alone. When the file fails, every
    change of the transaction is undone and its caller is told; the next one is tried anew.

    Args:
        path: Of the file, for messages.
        connection: Used by the writer's thread only, from now on; closed with it.
    """

    def __init__(self, path: Path, connection: Connection) -> None:
        self.commits = 0
        """How many transactions have been committed."""
        self.failure: StateError | None = None
        """Why the last transaction could not be written; None once one could."""
        self._path = path
        self._connection = connection
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="state-writer", daemon=True)
        self._thread.start()

    def submit(self, change: Change[T]) -> Future[T]:
        """Make a change soon; the future is done when it is on disk, or else has the reason as its exception.

        Its callbacks run in the writer's thread and must not wait.
        """
        future: Future[T] = Future()
        with self._changed:
            if not self._closed:
                self._waiting.append(_Waiting(change, future))
                self._changed.notify_all()
                return future
        future.set_exception(StateError(f"the state file {self._path} is closed"))
        return future

    def close(self) -> None:
        """Commit what waits, and let go of the connection; changes that come later are refused."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._take():
            self._write(batch)
        self._connection.close()

    def _take(self) -> list[_Waiting]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            taken, self._waiting = self._waiting, []
            return taken

    def _write(self, batch: list[_Waiting]) -> None:
        batch = [waiting for waiting in batch if waiting.future.set_running_or_notify_cancel()]
        try:
            self._commit(batch)
        except Exception as error:  # noqa: BLE001 -- of whatever kind: each caller hears of it
            with suppress(Exception):  # SQLite has undone it already, mostly
                self._connection.execute("ROLLBACK")
            told = self._told(error)
            self.failure = told if isinstance(told, StateError) else self.failure
            for waiting in batch:
                waiting.error = waiting.error or told
        else:
            self.failure = None
        for waiting in batch:
            if waiting.error is not None:
                waiting.future.set_exception(waiting.error)
            else:
                waiting.future.set_result(waiting.result)

    def _told(self, error: Exception) -> Exception:
        if not is_fault_of_file(error):
            return error
        told = state_error(self._path, error)
        told.__cause__ = error
        return told

    def _commit(self, batch: list[_Waiting]) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for waiting in batch:
            execute("SAVEPOINT change")
            try:
                waiting.result = waiting.change(self._connection)
            except Exception as error:
                if is_fault_of_file(error):
                    raise
                waiting.error = error
                execute("ROLLBACK TO change")
            execute("RELEASE change")
        reached(Point.BEFORE_COMMIT)
        execute("COMMIT")
        self.commits += 1
        reached(Point.AFTER_COMMIT)
