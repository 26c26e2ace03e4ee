"""How far each reading of a source is done with, told by one thread and read on by another."""

import threading
from typing import Protocol

from . import Position
from .lines import Place


class Tracked(Protocol):
    """The reading of one stream, whose end may be met long before its records are done with."""

    @property
    def place(self) -> int:
        """Which stream of its source it is."""
        ...

    @property
    def has_ended(self) -> bool:
        """Whether the end was met, and no more is given, or only the last record."""
        ...

    @property
    def last(self) -> Place | None:
        """Once it has ended: where the last record stands; None when there was none."""
        ...

    def save(self, done: Place) -> None:
        """Keep that the record which stands there, and all before it, are done with."""
        ...

    def save_end(self) -> None:
        """Keep that all of it is, once it has ended."""
        ...


class Progress:
    """Has readings saved as they are acknowledged."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, Tracked] = {}
        """By place; each until it has ended and all of it is acknowledged."""
        self._acknowledged = (-1, Place(0, 0))

    def begun(self, reading: Tracked) -> None:
        """Its records are given from now on."""
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
                reading.save(reached[1])

    def _finish(self) -> None:
        for place, reading in list(self._open.items()):
            waits = reading.last is not None and self._acknowledged < (place, reading.last)
            if reading.has_ended and not waits:
                del self._open[place]
                reading.save_end()
