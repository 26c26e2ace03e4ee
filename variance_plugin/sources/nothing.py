"""No events at all, for a runner that has other things to do."""

from collections.abc import Iterator

from . import Broken, Position, Record


class Nothing:
    """Ends at once; see `Source`."""

    total_bytes = 0
    read_bytes = 0

    def records(self) -> Iterator[Record | Broken]:
        """See `Source`."""
        return iter(())

    def acknowledge(self, position: Position) -> None:
        """See `Source`."""

    def close(self) -> None:
        """See `Source`."""
