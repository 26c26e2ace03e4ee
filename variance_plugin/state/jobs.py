"""`JobQueue`: the jobs of plugins until they have run."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .connection import Connection
from .file import StateFile
from .json_text import json_text, json_value, microseconds, moment_of, text_bytes, text_of

# Of the jobs that failed so many stay, for whoever asks why; the oldest go first.
_FAILED_KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """A call of one of a plugin's `jobs`, still to be made."""

    id: int
    plugin: str
    name: str
    payload: Any
    due: datetime


class JobQueue:
    """Jobs by the time at which they are due.

    A job stays until it is `done` or has failed, so that one which was running when the process ended runs
    again: each runs at least once. One that is done never runs again.
    """

    def __init__(self, state: StateFile) -> None:
        self._state = state

    def add(self, plugin: str, name: str, payload: Any, due: datetime) -> int:
        """Keep a job; on disk when it returns. Returns its id.

        Raises:
            TypeError: when the payload is not JSON.
            StateError: when it cannot be written now.
        """
        row = (text_bytes(plugin), text_bytes(name), json_text(payload), microseconds(due))

        def insert(connection: Connection) -> int:
            connection.execute("INSERT INTO jobs (plugin, name, payload, due_at) VALUES (?, ?, ?, ?)", row)
            (id_,) = connection.execute("SELECT last_insert_rowid()").fetchone()
            return int(id_)

        return self._state.write(insert)

    def due(self, now: datetime, limit: int, *, plugins: Collection[str] | None = None) -> list[StoredJob]:
        """The jobs whose time has come, by time and, at one time, in the order in which they were added.

        Args:
            now: What the time is.
            limit: So many at the most.
            plugins: Only of these, so that the jobs of one that is busy or off do not stand in the way.

        Raises:
            StateError: when the file cannot be read now.
        """
        only = "" if plugins is None else f" AND plugin IN ({', '.join('?' * len(plugins))})"
        rows = self._state.read(
            lambda connection: connection.execute(
                "SELECT id, plugin, name, payload, due_at FROM jobs "  # noqa: S608 -- question marks alone
                f"WHERE failed_at IS NULL AND due_at <= ?{only} ORDER BY due_at, id LIMIT ?",
                (microseconds(now), *map(text_bytes, plugins or ()), limit),
            ).fetchall()
        )
        return [_job(*row) for row in rows]

    def waiting(self) -> int:
        """How many jobs have not run, due or not.

        Raises:
            StateError: when the file cannot be read now.
        """
        (count,) = self._state.read(
            lambda connection: connection.execute(
                "SELECT count(*) FROM jobs WHERE failed_at IS NULL"
            ).fetchone()
        )
        return int(count)

    def tally(self, now: datetime) -> dict[str, tuple[int, int]]:
        """Of each plugin that has jobs: how many are due, and how many will be.

        Raises:
            StateError: when the file cannot be read now.
        """
        rows = self._state.read(
            lambda connection: connection.execute(
                "SELECT plugin, sum(due_at <= ?1), sum(due_at > ?1) FROM jobs "
                "WHERE failed_at IS NULL GROUP BY plugin",
                (microseconds(now),),
            ).fetchall()
        )
        return {text_of(plugin): (due, waiting) for plugin, due, waiting in rows}

    def done(self, id: int) -> None:  # noqa: A002 -- it is the job's
        """Forget a job that has run.

        Raises:
            StateError: when it cannot be written now; the job is still there.
        """
        self._state.write(lambda connection: connection.execute("DELETE FROM jobs WHERE id = ?", (id,)))

    def fail(self, id: int, reason: str) -> None:  # noqa: A002
        """Set aside a job that has run and failed; it does not run again.

        Raises:
            StateError: when it cannot be written now; the job is still there.
        """
        row = (microseconds(self._state.clock.now()), text_bytes(reason), id)

        def set_aside(connection: Connection) -> None:
            connection.execute("UPDATE jobs SET failed_at = ?, reason = ? WHERE id = ?", row)
            connection.execute(
                "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE failed_at IS NOT NULL "
                "ORDER BY failed_at DESC, id DESC LIMIT -1 OFFSET ?)",
                (_FAILED_KEPT,),
            )

        self._state.write(set_aside)

    def failed(self) -> list[tuple[StoredJob, str]]:
        """The jobs that failed, each with its reason, the latest first.

        Raises:
            StateError: when the file cannot be read now.
        """
        rows = self._state.read(
            lambda connection: connection.execute(
                "SELECT id, plugin, name, payload, due_at, reason FROM jobs "
                "WHERE failed_at IS NOT NULL ORDER BY failed_at DESC, id DESC"
            ).fetchall()
        )
        return [(_job(*row[:-1]), text_of(row[-1])) for row in rows]


def _job(id_: int, plugin: bytes, name: bytes, payload: bytes, due_at: int) -> StoredJob:
    return StoredJob(
        id=id_,
        plugin=text_of(plugin),
        name=text_of(name),
        payload=json_value(payload),
        due=moment_of(due_at),
    )
