"""A source that does not end: what has come since is read, again and again."""

import logging
from collections.abc import Callable, Iterator

from ..clock import Clock
from ..errors import StateError, UsageError
from . import Broken, Position, Record, Source

_logger = logging.getLogger(__name__)

_LOOK_WHETHER_DONE_SECONDS = 0.1


class Following:
    """Reads a source to its end, and once all of it is done with, opens it anew, for ever.

    Args:
        open_source: Opens it where the one before left off.
        clock: Ends the waiting.
        look_again_seconds: How long it is let alone at its end.

    Raises:
        UsageError: When it cannot be opened the first time.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        *,
        clock: Clock,
        look_again_seconds: float,
    ) -> None:
        self._open = open_source
        self._clock = clock
        self._look_again_seconds = look_again_seconds
        self._source = open_source()
        self._acknowledged: Position | None = None
        self._records = self._read()

    @property
    def total_bytes(self) -> int | None:
        """Of the present reading."""
        return self._source.total_bytes

    @property
    def read_bytes(self) -> int:
        """Of the present reading."""
        return self._source.read_bytes

    def records(self) -> Iterator[Record | Broken]:
        """See `Source`.

        Raises:
            Stopped: When the clock is stopped while there is nothing to read.
        """
        return self._records

    def acknowledge(self, position: Position) -> None:
        """See `Source`."""
        self._source.acknowledge(position)
        self._acknowledged = position

    def close(self) -> None:
        """See `Source`."""
        self._source.close()

    def _read(self) -> Iterator[Record | Broken]:
        told = ""
        while True:
            last = None
            for last in self._source.records():
                yield last
            if last is not None:
                self._wait_for(last.position)
            self._clock.wait(self._look_again_seconds)
            try:
                source = self._open()
            except UsageError as error:
                if told != str(error):
                    _logger.warning("there is nothing to read now: %s", error)
                told = str(error)
            except StateError:
                pass  # it has been said already; how far it was is known once the state can be used
            else:
                told = ""
                self._source.close()
                self._source = source

    def _wait_for(self, last: Position) -> None:
        # What is under way still would be read once more.
        while self._acknowledged != last:
            self._clock.wait(_LOOK_WHETHER_DONE_SECONDS)
