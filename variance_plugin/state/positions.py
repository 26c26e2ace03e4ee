"""`Positions`: how far each source is done with each of its streams."""

from collections.abc import Mapping
from typing import Any

from ..errors import StateError
from .connection import Connection
from .file import StateFile
from .json_text import json_text, json_value, text_bytes, text_of
from .write_behind import WriteBehind


class Positions:
    """The positions of all sources. Sources and streams are any text; a position is JSON.

    Saving does not wait for the disk, and of several positions of one stream that come shortly after one
    another only the last need get there: an end without notice repeats what lies between, and loses nothing.
    """

    def __init__(self, state: StateFile) -> None:
        self._state = state
        self._behind = WriteBehind(state, _write)

    @property
    def failure(self) -> StateError | None:
        """Why positions cannot be saved now; None when they can."""
        return self._behind.failure

    def save(self, source: str, stream: str, position: Mapping[str, Any]) -> None:
        """Replace the position of a stream; returns at once.

        Raises:
            TypeError: when the position is not JSON.
        """
        self._behind.put((text_bytes(source), text_bytes(stream)), json_text(position))

    def load(self, source: str) -> dict[str, dict[str, Any]]:
        """The last position of each stream of a source.

        Raises:
            StateError: when the state file cannot be used now.
        """
        self.flush()
        rows = self._state.read(
            lambda connection: connection.execute(
                "SELECT stream, position FROM positions WHERE source = ?", (text_bytes(source),)
            ).fetchall()
        )
        return {text_of(stream): json_value(position) for stream, position in rows}

    def forget(self, source: str) -> None:
        """Let a source begin at the beginning.

        Raises:
            StateError: when the state file cannot be used now.
        """
        self.flush()
        self._state.write(
            lambda connection: connection.execute(
                "DELETE FROM positions WHERE source = ?", (text_bytes(source),)
            )
        )

    def flush(self) -> None:
        """Return when every position is on disk.

        Raises:
            StateError: when the state file cannot be used now.
        """
        self._behind.flush()


def _write(connection: Connection, positions: Mapping[tuple[bytes, bytes], bytes]) -> None:
    connection.executemany(
        "INSERT INTO positions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET position = excluded.position",
        [(source, stream, position) for (source, stream), position in positions.items()],
    )
