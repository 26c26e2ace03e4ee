"""The reading of one object: from ranges of its bytes to its records, and how far it is done with."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, repeat

from ...errors import InvalidRecord
from .. import Broken, Position, Record, Stream, Unit
from ..codecs import MAGIC_BYTES, Codec, codec_of, decoded
from ..layouts import Layout, Resumption, read_records
from ..lines import Feed, Place
from .choosing import Start
from .done import At, Done
from .names import Kind
from .parquet import RangedFile, Rows
from .patience import Patience
from .store import Object, Store, StoreFault

# Large enough for the way there and back to be worth it, and small enough to be asked for again.
BLOCK_BYTES = 8 * 1024 * 1024
# The reader of lines is no faster with larger pieces.
_PIECE_BYTES = 256 * 1024
# Of a Parquet file: ten columns, of which two are large, are read side by side. With eight blocks of 4 MB the
# whole program took 24 MB more.
_PARQUET_BLOCK_BYTES = 2 * 1024 * 1024
_PARQUET_BLOCKS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the readings of a bucket share.

    Attributes:
        store: The bucket.
        patience: Waits for it.
        done: What is done with.
        set_aside: Objects that could not be read, with their versions; added to here.
        max_line_bytes: A longer record is `Broken`.
        max_whole_bytes: So large a JSON array, or JSON over several lines, can be.
    """

    store: Store
    patience: Patience
    done: Done
    max_line_bytes: int
    max_whole_bytes: int
    set_aside: set[tuple[str, str]] = field(default_factory=set)

    def fetch(self, found: Object, begin: int, end: int, *, coming: Future[bytes] | None = None) -> bytes:
        """These bytes of an object, however long it takes.

        Args:
            found: Which.
            begin: From where.
            end: To where.
            coming: The first try, if that has begun.

        Raises:
            StoreFault: They cannot be had any more.
            Stopped: The clock was stopped meanwhile.
        """
        tries: Iterator[Callable[[], bytes]] = repeat(partial(self.store.read, found, begin, end))
        if coming is not None:
            tries = chain((coming.result,), tries)

        def read() -> bytes:
            return next(tries)()

        return self.patience.ask(read)

    def sought(self, start: Start) -> Start:
        """The same, and how much of it need not be fetched.

        Raises:
            StoreFault: See `Store`.
        """
        at = start.at
        if at is None or at.layout is not Layout.LINES or at.end_bytes == 0:
            return start
        try:
            head = self.store.read(start.found, 0, MAGIC_BYTES)
        except StoreFault as fault:
            if fault.is_of_the_object:
                return start  # and the reading says why
            raise
        is_plain = codec_of(head, start.found.name) is Codec.PLAIN
        # One byte ahead: it tells whether the last line had its end.
        return replace(start, seek_bytes=at.end_bytes - 1) if is_plain else start


class ObjectReading:
    """See `in_turn.Reading`. How far it is may be saved by another thread than the one that reads.

    Args:
        start: What to read, and from where on.
        place: Which stream of its source it is.
        shared: Of the bucket.
        count: Told how many more bytes were read, as they are stored.
    """

    def __init__(self, start: Start, place: int, shared: Shared, count: Callable[[int], None]) -> None:
        self.place = place
        self._start = start
        self._shared = shared
        self._count = count
        self._counted_bytes = 0
        self._was_lost = False
        self._stream = Stream(
            shared.store.root + start.found.key,
            Unit.ROW if start.name.kind is Kind.PARQUET else Unit.LINE,
            place,
        )
        self._layout: Layout | None = None
        self._rows: Rows | None = None
        self._feed: Feed | None = None
        if start.missing is not None:
            self.records = self._missing(start.missing)
        elif start.name.kind is Kind.PARQUET:
            self.records = self._read_rows()
        else:
            self.records = self._read_lines()

    @property
    def has_ended(self) -> bool:
        """See `Tracked`."""
        return self._behind is not None

    @property
    def last(self) -> Place | None:
        """See `Tracked`."""
        if self._feed is not None:
            return self._feed.last
        last = 1 if self._rows is None else self._rows.last
        return None if last is None else Place(0, last)

    @property
    def _behind(self) -> Place | None:
        """Once it has ended: where to go on, if there was more to be had of it."""
        if self._feed is not None:
            return self._feed.behind
        behind = 0 if self._rows is None else self._rows.behind
        return None if behind is None else Place(0, behind)

    def save(self, done: Place) -> None:
        """See `Tracked`."""
        found = self._start.found
        self._shared.done.reached(
            At(
                name=self._stream.name,
                version=found.version,
                layout=self._layout,
                number=done.number,
                end_bytes=done.end_bytes,
            )
        )

    def save_end(self) -> None:
        """See `Tracked`."""
        found = self._start.found
        if self._was_lost:
            self._shared.set_aside.add((found.key, found.version))
            self.save(self._behind or Place(0, 0))
        else:
            self._shared.done.add(found.key, self._start.name, found.version)

    def close(self) -> None:
        """See `in_turn.Reading`."""
        self.records.close()

    def _missing(self, reason: str) -> Generator[Record | Broken]:
        yield Broken(position=Position(self._stream, 1, 0), reason=reason)

    def _read_lines(self) -> Generator[Record | Broken]:
        found, at, seek_bytes = self._start.found, self._start.at, self._start.seek_bytes
        chunks = self._chunks(seek_bytes)
        self._feed = Feed(chunks if seek_bytes else decoded(chunks, name=found.name))
        resumption = None
        if at is not None and at.layout is not None:
            resumption = Resumption(at.layout, at.place, missing_bytes=seek_bytes)
        self._layout, records = read_records(
            self._feed,
            self._stream,
            max_line_bytes=self._shared.max_line_bytes,
            max_whole_bytes=self._shared.max_whole_bytes,
            resumption=resumption,
        )
        return records

    def _chunks(self, begin: int) -> Generator[bytes]:
        size_bytes = self._start.found.size_bytes
        self._counted_bytes = begin
        # The next block is on its way while this one is read: a bucket takes its time to answer.
        ahead = ThreadPoolExecutor(1, thread_name_prefix="bucket")
        coming: Future[bytes] | None = None
        try:
            for at in range(begin, size_bytes, BLOCK_BYTES):
                end = min(at + BLOCK_BYTES, size_bytes)
                block = self._fetch(at, end, coming=coming)
                if end < size_bytes:
                    following = end, min(end + BLOCK_BYTES, size_bytes)
                    coming = ahead.submit(self._shared.store.read, self._start.found, *following)
                for piece in range(0, len(block), _PIECE_BYTES):
                    self._count_to(at + piece + _PIECE_BYTES)
                    yield block[piece : piece + _PIECE_BYTES]
        finally:
            ahead.shutdown(wait=False, cancel_futures=True)

    def _read_rows(self) -> Generator[Record | Broken]:
        found, at = self._start.found, self._start.at
        file = RangedFile(
            found.size_bytes, self._fetch, block_bytes=_PARQUET_BLOCK_BYTES, blocks=_PARQUET_BLOCKS
        )
        self._rows = Rows(
            file,
            self._stream,
            after=0 if at is None else at.number,
            max_row_bytes=self._shared.max_line_bytes,
            count=lambda part: self._count_to(int(part * found.size_bytes)),
        )
        return self._rows.records()

    def _fetch(self, begin: int, end: int, *, coming: Future[bytes] | None = None) -> bytes:
        """Raises: InvalidRecord, Stopped."""
        try:
            return self._shared.fetch(self._start.found, begin, end, coming=coming)
        except StoreFault as fault:
            self._was_lost = True
            raise InvalidRecord(str(fault)) from fault

    def _count_to(self, read_bytes: int) -> None:
        read_bytes = min(read_bytes, self._start.found.size_bytes)
        if read_bytes > self._counted_bytes:
            self._count(read_bytes - self._counted_bytes)
            self._counted_bytes = read_bytes
