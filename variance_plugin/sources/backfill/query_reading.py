"""The reading of one window row by row."""

import logging
from collections import deque
from collections.abc import Generator, Mapping
from datetime import datetime
from typing import Any

from ...exact_json import encode
from ...plurals import many
from .. import Broken, Positions, Record, Stream
from ..lines import Place
from .figures import Figures
from .queries import COLUMNS, Key, Queries
from .windows import Window, utc

_logger = logging.getLogger(__name__)

# As `formats` knows a row; with the columns it has from a query it is one of ClickHouse's.
_NAMES = tuple(name.replace(".", "_") for name in COLUMNS)


class QueryReading:
    """An `in_turn.Reading` of a window that is asked for by queries.

    Args:
        window: Which one.
        place: Which stream of its source it is.
        queries: Has its rows.
        saved: What an earlier start kept of it.
        positions: Where it is kept how far it is done with.
        figures: Told how far it is.
    """

    is_lost = False

    def __init__(  # noqa: PLR0913 -- as for `ExportReading`
        self,
        window: Window,
        place: int,
        *,
        queries: Queries,
        saved: Mapping[str, Any],
        positions: Positions,
        figures: Figures,
    ) -> None:
        self.window = window
        self.place = place
        self.has_ended = False
        self.last: Place | None = None
        self._queries = queries
        self._positions = positions
        self._figures = figures
        self._stream = Stream(f"{window}", place=place)
        self._given: deque[tuple[Place, Key]] = deque()
        """Those that are not done with, with the keys to go on behind."""
        after = saved.get("after")
        self._after = Key(datetime.fromisoformat(after[0]), after[1]) if after else None
        self._at = Place(int(saved["end_bytes"]), int(saved["number"])) if after else Place(0, 0)
        self.records = self._read()

    def save(self, done: Place) -> None:
        """See `Tracked`."""
        key = None
        while self._given and self._given[0][0] <= done:
            key = self._given.popleft()[1]
        if key is not None:
            after = [utc(key.timestamp), key.uuid]
            self._positions.save(
                self.window.key, {"after": after, "end_bytes": done.end_bytes, "number": done.number}
            )

    def save_end(self) -> None:
        """See `Tracked`."""
        self._positions.save(self.window.key, {"done": True, "number": self._at.number})
        self._figures.end(self.window)
        _logger.info("window %s: done, %s", self.window, many(self._at.number, "record"))

    def close(self) -> None:
        """See `in_turn.Reading`."""
        self.records.close()

    def _read(self) -> Generator[Record | Broken]:
        for key, row in self._queries.rows(self.window, self._after):
            body = encode(dict(zip(_NAMES, row, strict=True)))
            self._figures.come(len(body))
            self._at = self.last = Place(self._at.end_bytes + len(body), self._at.number + 1)
            self._given.append((self._at, key))
            yield Record(self._stream, self._at.number, self._at.end_bytes, body)
        self.has_ended = True
