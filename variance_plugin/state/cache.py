"""`meta.cache`, in the state file."""

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from .connection import Connection
from .file import StateFile
from .json_text import json_text, json_value, microseconds, text_bytes
from .lists import part, without
from .write_behind import WriteBehind


class _Cell(NamedTuple):
    value: bytes | None
    """JSON; None when the key is to be forgotten."""
    expires_at: int | None = None


class StoredCache:
    """A plugin's `hooks.Cache`. No call waits for the disk; an end without notice forgets the last moments.

    What has a time to live outlives the host; the rest is forgotten when the next cache of the same plugin
    is made. A list is read and written whole: keep it to some hundred elements.

    Args:
        state: Where it is kept.
        plugin: Whose it is; each name has its own keys.
    """

    def __init__(self, state: StateFile, plugin: str) -> None:
        self._state = state
        self._plugin = text_bytes(plugin)
        self._lock = threading.RLock()
        self._behind = WriteBehind(state, self._write)
        state.write(
            lambda connection: connection.execute(
                "DELETE FROM cache WHERE plugin = ? AND expires_at IS NULL", (self._plugin,)
            )
        )

    def get(self, key: str, default: Any = None) -> Any:
        """See `Cache`. Raises `StateError`, as all of these, when the file cannot be read now."""
        cell = self._cell(key)
        return default if cell is None or cell.value is None else json_value(cell.value)

    def set(self, key: str, value: Any, ttl_seconds: float | None = None) -> None:
        """See `Cache`."""
        text = json_text(value)
        expires_at = None if ttl_seconds is None else self._now(ttl_seconds)
        with self._lock:
            self._behind.put(text_bytes(key), _Cell(text, expires_at))

    def incr(self, key: str) -> int:
        """See `Cache`. Raises `TypeError` when it holds something else than a whole number."""
        with self._lock:
            number, expires_at = self._open(key, 0)
            if type(number) is not int:
                raise TypeError(f"the cache holds no whole number under {key!r}")
            self._put(key, number + 1, expires_at)
            return number + 1

    def expire(self, key: str, ttl_seconds: float) -> bool:
        """See `Cache`."""
        with self._lock:
            cell = self._cell(key)
            if cell is None:
                return False
            self._behind.put(text_bytes(key), _Cell(cell.value, self._now(ttl_seconds)))
            return True

    def lpush(self, key: str, *elements: Any) -> int:
        """See `Cache`. Raises `TypeError`, as those below, when it holds something else than a list."""
        with self._lock:
            there, expires_at = self._list(key)
            changed = [*reversed(elements), *there]
            self._put(key, changed or None, expires_at)
            return len(changed)

    def lrange(self, key: str, start: int, stop: int) -> list[Any]:
        """See `Cache`."""
        return part(self._list(key)[0], start, stop)

    def llen(self, key: str) -> int:
        """See `Cache`."""
        return len(self._list(key)[0])

    def lpop(self, key: str, count: int = 1) -> list[Any]:
        """See `Cache`."""
        with self._lock:
            there, expires_at = self._list(key)
            count = max(count, 0)
            if there:
                self._put(key, there[count:] or None, expires_at)
            return there[:count]

    def lrem(self, key: str, count: int, element: Any) -> int:
        """See `Cache`."""
        with self._lock:
            there, expires_at = self._list(key)
            left = without(there, count, json_value(json_text(element)))
            if len(left) < len(there):
                self._put(key, left or None, expires_at)
            return len(there) - len(left)

    def flush(self) -> None:
        """Return when all of it is on disk.

        Raises:
            StateError: when it cannot be written now.
        """
        self._behind.flush()

    def _now(self, later_seconds: float = 0.0) -> int:
        return microseconds(self._state.clock.now() + timedelta(seconds=later_seconds))

    def _list(self, key: str) -> tuple[list[Any], int | None]:
        value, expires_at = self._open(key, [])
        if not isinstance(value, list):
            raise TypeError(f"the cache holds no list under {key!r}")
        return value, expires_at

    def _open(self, key: str, missing: Any) -> tuple[Any, int | None]:
        cell = self._cell(key)
        if cell is None or cell.value is None:
            return missing, None
        return json_value(cell.value), cell.expires_at

    def _put(self, key: str, value: Any, expires_at: int | None) -> None:
        self._behind.put(
            text_bytes(key), _Cell(None) if value is None else _Cell(json_text(value), expires_at)
        )

    def _cell(self, key: str) -> _Cell | None:
        """What is kept, unless it has expired."""
        # In this order: what leaves the first in between is in the second by then.
        cell = self._behind.get(text_bytes(key)) or self._state.read(
            lambda connection: self._stored(connection, key)
        )
        if cell is None or cell.value is None:
            return None
        return None if cell.expires_at is not None and cell.expires_at <= self._now() else cell

    def _stored(self, connection: Connection, key: str) -> _Cell | None:
        row = connection.execute(
            "SELECT value, expires_at FROM cache WHERE plugin = ? AND key = ?",
            (self._plugin, text_bytes(key)),
        ).fetchone()
        return None if row is None else _Cell(*row)

    def _write(self, connection: Connection, cells: Mapping[bytes, _Cell]) -> None:
        connection.executemany(
            "INSERT INTO cache VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
            "SET value = excluded.value, expires_at = excluded.expires_at",
            [
                (self._plugin, key, cell.value, cell.expires_at)
                for key, cell in cells.items()
                if cell.value is not None
            ],
        )
        connection.executemany(
            "DELETE FROM cache WHERE plugin = ? AND key = ?",
            [(self._plugin, key) for key, cell in cells.items() if cell.value is None],
        )
        connection.execute("DELETE FROM cache WHERE expires_at <= ?", (self._now(),))
