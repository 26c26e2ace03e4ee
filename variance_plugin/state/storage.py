"""`meta.storage` and `meta.utils.cursor`, in the state file."""

from typing import Any

from .connection import Connection
from .file import StateFile
from .json_text import json_text, json_value, text_bytes


class StoredStorage:
    """A plugin's `hooks.Storage`.

    Args:
        state: Where it is kept.
        plugin: Whose it is; each name has its own keys.
    """

    def __init__(self, state: StateFile, plugin: str) -> None:
        self._state = state
        self._plugin = text_bytes(plugin)

    def get(self, key: str, default: Any = None) -> Any:
        """See `Storage`. Raises `StateError` when the file cannot be read now."""
        row = self._state.read(
            lambda connection: connection.execute(
                "SELECT value FROM storage WHERE plugin = ? AND key = ?", (self._plugin, text_bytes(key))
            ).fetchone()
        )
        return default if row is None else json_value(row[0])

    def set(self, key: str, value: Any) -> None:
        """See `Storage`. Raises `StateError` when the file cannot be written now."""
        row = (self._plugin, text_bytes(key), json_text(value))
        self._state.write(
            lambda connection: connection.execute(
                "INSERT INTO storage VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", row
            )
        )

    def delete(self, key: str) -> None:
        """See `Storage`. Raises `StateError` when the file cannot be written now."""
        self._state.write(
            lambda connection: connection.execute(
                "DELETE FROM storage WHERE plugin = ? AND key = ?", (self._plugin, text_bytes(key))
            )
        )


class StoredCursor:
    """A plugin's `hooks.Cursor`; its keys have nothing to do with those of the storage.

    Args:
        state: Where it is kept.
        plugin: Whose it is.
    """

    def __init__(self, state: StateFile, plugin: str) -> None:
        self._state = state
        self._plugin = text_bytes(plugin)

    def init(self, key: str, initial_value: int = 0) -> None:
        """See `Cursor`. Raises `StateError` when the file cannot be written now."""
        self._state.write(lambda connection: self._put(connection, key, initial_value))

    def increment(self, key: str, by: int = 1) -> int:
        """See `Cursor`. Raises `StateError` when the file cannot be written now."""

        def add(connection: Connection) -> int:
            row = connection.execute(
                "SELECT value FROM cursors WHERE plugin = ? AND key = ?", (self._plugin, text_bytes(key))
            ).fetchone()
            # Added here and not by SQLite, whose whole numbers end at 2^63.
            value = int(json_value(row[0]) if row else 0) + by
            self._put(connection, key, value)
            return value

        return self._state.write(add)

    def _put(self, connection: Connection, key: str, value: int) -> None:
        connection.execute(
            "INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (self._plugin, text_bytes(key), json_text(value)),
        )
