"""The reading of one window from its files."""

import logging
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from ...plurals import many
from .. import Broken, Positions, Record, Stream
from ..codecs import decoded
from ..file import MAX_LINE_BYTES
from ..lines import START, Feed, Place, read_lines
from .exports import Exports, FilesGone
from .figures import Figures
from .windows import Window

_logger = logging.getLogger(__name__)


class ExportReading:
    """An `in_turn.Reading` of a window that PostHog has exported.

    Its records are counted over all its files.

    Args:
        window: Which one.
        place: Which stream of its source it is.
        exports: Has its files.
        run: Which run made them.
        files: Their ids, in order.
        saved: What an earlier start kept of it.
        positions: Where it is kept how far it is done with.
        figures: Told how far it is.
    """

    def __init__(  # noqa: PLR0913 -- where a window, its files and its state meet
        self,
        window: Window,
        place: int,
        *,
        exports: Exports,
        run: str,
        files: Sequence[str],
        saved: Mapping[str, Any],
        positions: Positions,
        figures: Figures,
    ) -> None:
        self.window = window
        self.place = place
        self.is_lost = False
        """Whether PostHog has thrown its files away, so that it has to begin anew."""
        self._exports = exports
        self._run = run
        self._files = files
        self._positions = positions
        self._figures = figures
        self._stream = Stream(f"{window}", place=place)
        self._last: Place | None = None
        self._has_ended = False
        self._final: Feed | None = None
        """Of the last file, as soon as that is read."""
        self._chunks: Generator[bytes] | None = None
        self._begun: list[tuple[Place, str]] = []
        """Where each file begins that has been opened, and which it is."""
        self._from = self._start(saved)
        self._number = self._from[2].number
        """Of the last record of the files that are read."""
        self.records = self._read()

    @property
    def has_ended(self) -> bool:
        """See `Tracked`."""
        feed = self._final
        return self._has_ended or (feed is not None and feed.behind is not None)

    @property
    def last(self) -> Place | None:
        """See `Tracked`."""
        feed = self._final
        return self._last if feed is None or feed.last is None else feed.last

    def save(self, done: Place) -> None:
        """See `Tracked`."""
        if self.is_lost:
            return
        began, file = next(begun for begun in reversed(self._begun) if begun[0] <= done)
        self._positions.save(
            self.window.key,
            {
                "run": self._run,
                "file": file,
                "file_starts": list(began),
                "end_bytes": done.end_bytes,
                "number": done.number,
            },
        )

    def save_end(self) -> None:
        """See `Tracked`."""
        if self.is_lost:
            return
        # The last record may be done with before the reader comes to what follows it.
        behind = self._final.behind if self._final else None
        number = behind.number if behind else self._number
        self._positions.save(self.window.key, {"done": True, "number": number})
        self._figures.end(self.window)
        _logger.info("window %s: done, %s", self.window, many(number, "record"))

    def close(self) -> None:
        """See `in_turn.Reading`."""
        self.records.close()
        if self._chunks is not None:
            self._chunks.close()

    def _start(self, saved: Mapping[str, Any]) -> tuple[int, Place, Place]:
        """Which file comes first, where it begins, and how far it is done with."""
        if saved.get("run") != self._run or saved.get("file") not in self._files:
            return 0, START, START
        number, end_bytes = int(saved["number"]), int(saved["end_bytes"])
        file_starts = Place(*map(int, saved["file_starts"]))
        return self._files.index(saved["file"]), file_starts, Place(end_bytes, number)

    def _read(self) -> Generator[Record | Broken]:
        first, began, at = self._from
        try:
            for index, file in enumerate(self._files[first:], start=first + 1):
                self._begun.append((began, file))
                self._chunks = self._exports.download(self._run, file, count=self._figures.come)
                feed = Feed(decoded(self._chunks))
                if at > began:
                    feed.skip(at.end_bytes - began.end_bytes)
                if index == len(self._files):
                    self._final = feed
                yield from read_lines(feed, self._stream, max_line_bytes=MAX_LINE_BYTES, start=at)
                self._last = feed.last or self._last
                began = at = feed.behind or at
                self._number = at.number
        except FilesGone as error:
            self.is_lost = True
            self._figures.fail()
            _logger.warning("window %s is asked for again, from its beginning: %s", self.window, error)
        self._has_ended = True
