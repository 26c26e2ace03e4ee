"""The positions of one source among those of all that are kept in the state file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import state


@dataclass(frozen=True, slots=True)
class StoredPositions:
    """`sources.Positions` in the state file.

    Attributes:
        positions: Of all sources.
        source: Which one's these are: a name that stays the same from start to start.
    """

    positions: state.Positions
    source: str

    def load(self) -> dict[str, dict[str, Any]]:
        """See `Positions`.

        Raises:
            StateError: The state file cannot be used now.
        """
        return self.positions.load(self.source)

    def save(self, stream: str, position: Mapping[str, Any]) -> None:
        """See `Positions`."""
        self.positions.save(self.source, stream, position)
