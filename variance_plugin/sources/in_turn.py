"""One stream after another, as one run of records."""

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from typing import Generic, Protocol, TypeVar

from . import Broken, Position, Record
from .progress import Progress, Tracked

StartT = TypeVar("StartT")


class Reading(Tracked, Protocol):
    """The reading of one stream, from its bytes to its records."""

    @property
    def records(self) -> Generator[Record | Broken]:
        """What is still to be read of it."""
        ...

    def close(self) -> None:
        """No more records."""
        ...


class InTurn(Generic[StartT]):
    """Opens each stream when the one before has ended; `Source` says what the methods promise.

    Args:
        starts: What to read; asked for one by one.
        open_reading: Opens one, and is told which stream of the source it is.
        is_tracked: Whether it is kept how far each is done with.
    """

    def __init__(
        self,
        starts: Iterable[StartT],
        open_reading: Callable[[StartT, int], Reading],
        *,
        is_tracked: bool,
    ) -> None:
        self._open_reading = open_reading
        self._progress = Progress() if is_tracked else None
        self._reading: Reading | None = None
        self._closed = False
        # Chains, because each generator on the way to a record would cost as much as making the record.
        self._records = chain.from_iterable(chain.from_iterable(map(self._read, enumerate(starts))))

    def records(self) -> Iterator[Record | Broken]:
        """See `Source`."""
        return self._records

    def acknowledge(self, position: Position) -> None:
        """See `Source`."""
        if self._progress is not None:
            self._progress.acknowledge(position)

    def close(self) -> None:
        """See `Source`."""
        self._closed = True
        if self._reading is not None:
            self._reading.close()

    def _read(self, numbered: tuple[int, StartT]) -> tuple[Iterable[Record | Broken], ...]:
        """The records of one stream, and behind them none, but a note that they have ended."""
        if self._closed:
            return ()
        place, start = numbered
        self._reading = self._open_reading(start, place)
        if self._progress is None:
            return (self._reading.records,)
        self._progress.begun(self._reading)
        return (self._reading.records, self._end_mark(self._progress))

    def _end_mark(self, progress: Progress) -> Iterator[Record | Broken]:
        progress.ended()
        yield from ()
