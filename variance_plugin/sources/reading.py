"""The reading of one file, or of standard input: from its bytes to its records and its bookmark."""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from io import FileIO
from typing import Protocol

from ..errors import InvalidRecord
from . import Positions, Stream
from .bookmark import SAMPLE_BYTES, Bookmark, Sample
from .codecs import decoded
from .layouts import read_records
from .lines import Feed, Place
from .resume import Start

# Measured from 64 KiB to 1 MiB: no faster beyond this.
_CHUNK_BYTES = 256 * 1024


class Readable(Protocol):
    """A stream of bytes; one that has `read1` is asked by that, so as not to wait for a full chunk."""

    def read(self, size: int, /) -> bytes:
        """So many bytes at the most; none at the end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What all readings of a source share.

    Attributes:
        max_line_bytes: A longer record is `Broken`, and not held in memory.
        max_whole_bytes: So large a JSON array, or JSON over several lines, can be.
        stdin: What `-` reads; None is the process's own.
        positions: Where it is kept how far each file is done with; None where it is not.
    """

    max_line_bytes: int
    max_whole_bytes: int
    stdin: Readable | None = None
    positions: Positions | None = None


class Reading:
    """Opens its file at once; `close` gives it back, and so does its end.

    Its bookmarks may be saved by another thread than the one that reads.

    Args:
        start: What to read, and from where on.
        place: Which stream of its source it is.
        settings: Of the source.
        count: Told how many bytes were read, as they are stored.
    """

    def __init__(self, start: Start, place: int, settings: Settings, count: Callable[[int], None]) -> None:
        self.start = start
        self.place = place
        self._settings = settings
        self._count = count
        self._head = start.samples[:1]
        self._tail = (b"", 0)
        """The last bytes that were read, and where they end."""
        self._known_bytes: int | None = 0
        self._chunks = self._read_chunks()
        name = start.chosen.path.name if start.chosen.path else ""
        self._feed = Feed(self._chunks if start.standing.seek_bytes else decoded(self._chunks, name=name))
        self._layout, self.records = read_records(
            self._feed,
            Stream(start.chosen.name, place=place),
            max_line_bytes=settings.max_line_bytes,
            max_whole_bytes=settings.max_whole_bytes,
            resumption=start.standing.resumption,
        )

    @property
    def has_ended(self) -> bool:
        """Whether the end was met, and no more is given, or only the last record."""
        return self._feed.behind is not None

    @property
    def last(self) -> Place | None:
        """Once it has ended: where the last record stands; None when there was none."""
        return self._feed.last

    def save(self, done: Place) -> None:
        """See `Tracked`."""
        self._save(done, None)

    def save_end(self) -> None:
        """See `Tracked`."""
        self._save(self._feed.behind or Place(0, 0), self._known_bytes)

    def close(self) -> None:
        """No more records."""
        self.records.close()
        self._chunks.close()

    def _save(self, place: Place, done_bytes: int | None) -> None:
        key, positions = self.start.key, self._settings.positions
        if key is None or positions is None:
            return
        bookmark = Bookmark(
            layout=self._layout,
            number=place.number,
            end_bytes=place.end_bytes,
            done_bytes=done_bytes,
            samples=self._samples(),
        )
        positions.save(key, bookmark.to_json())

    def _read_chunks(self) -> Generator[bytes]:
        end_bytes = self.start.standing.seek_bytes
        opened_bytes = 0
        try:
            with self._open() as stream:
                if self.start.key is not None and isinstance(stream, FileIO):
                    # What stands behind a fault is done with too: the reading of it ends there each time.
                    self._known_bytes = opened_bytes = os.fstat(stream.fileno()).st_size
                    stream.seek(end_bytes)
                # read1 gives what a pipe holds now; read would wait until the chunk is full.
                read = getattr(stream, "read1", stream.read)
                while chunk := read(_CHUNK_BYTES):
                    end_bytes += len(chunk)
                    if self.start.key is not None:
                        self._remember(chunk, end_bytes)
                    self._count(len(chunk))
                    yield chunk
        except OSError as error:
            self._known_bytes = None  # the next start tries again
            raise InvalidRecord(f"cannot be read: {error.strerror}") from error
        if end_bytes < opened_bytes:
            self._known_bytes = end_bytes  # its old size again is more than was read of it
            raise InvalidRecord(f"it became shorter while it was read: it ends at byte {end_bytes:,}")

    def _remember(self, chunk: bytes, end_bytes: int) -> None:
        self._known_bytes = max(self._known_bytes or 0, end_bytes)
        self._tail = (chunk[-SAMPLE_BYTES:], end_bytes)
        if not self._head:
            head = chunk[:SAMPLE_BYTES]
            self._head = (Sample.of(head, end_bytes=len(head)),)

    def _samples(self) -> tuple[Sample, ...]:
        tail, end_bytes = self._tail
        # Nothing was read of a file that is no longer there: it is known by what was known before.
        return (*self._head, Sample.of(tail, end_bytes=end_bytes)) if tail else self.start.samples

    def _open(self) -> AbstractContextManager[Readable]:
        path = self.start.chosen.path
        if path is None:
            return nullcontext(self._settings.stdin or sys.stdin.buffer)
        return FileIO(path)
