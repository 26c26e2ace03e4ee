"""How far each reading of a source is done with, told by one thread and read on by another."""

import threading

from . import Position, Positions
from .bookmark import Bookmark
from .lines import Place
from .reading import Reading


class Progress:
    """Saves the bookmarks of readings as they are acknowledged.

    Args:
        positions: Where they are saved.
    """

    def __init__(self, positions: Positions) -> None:
        self._positions = positions
        self._lock = threading.Lock()
        self._open: dict[int, Reading] = {}
        """By place; each until it has ended and all of it is acknowledged."""
        self._acknowledged = (-1, Place(0, 0))

    def begun(self, reading: Reading) -> None:
        """Its records are given from now on."""
        if reading.start.key is not None:
            with self._lock:
                self._open[reading.place] = reading

    def ended(self) -> None:
        """The reading that began last gives no more records; or it was closed, which changes nothing."""
        with self._lock:
            self._finish()

    def acknowledge(self, position: Position) -> None:
        """See `Source`."""
        with self._lock:
            reached = (position.stream.place, Place(position.end_bytes, position.number))
            if reached <= self._acknowledged:
                return
            self._acknowledged = reached
            self._finish()
            reading = self._open.get(reached[0])
            if reading is not None:
                self._save(reading, reading.bookmark(reached[1]))

    def _finish(self) -> None:
        for place, reading in list(self._open.items()):
            waits = reading.last is not None and self._acknowledged < (place, reading.last)
            if reading.has_ended and not waits:
                del self._open[place]
                self._save(reading, reading.last_bookmark())

    def _save(self, reading: Reading, bookmark: Bookmark) -> None:
        if reading.start.key is not None:
            self._positions.save(reading.start.key, bookmark.to_json())
