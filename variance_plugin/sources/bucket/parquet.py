"""The rows of a Parquet file, each as one JSON text, as PostHog writes it in its other format.

Compressed is what is inside the file; `.zst` in `.parquet.zst` only says how (PostHog's S3 documentation).
"""

import io
import os
from collections.abc import Callable, Generator, Iterator
from typing import Any

import msgspec

from ...errors import InvalidRecord
from ...extras import Extra, needed
from .. import Broken, Position, Record, Stream
from ..lines import too_long_reason

# So many rows are held at once, a megabyte of usual ones; and of large ones as many as have so many bytes.
_BATCH_ROWS = 256
_BATCH_BYTES = 4 * 1024 * 1024
# What Arrow reads of one column at a time: else it would take the column's whole part of a row group.
_COLUMN_BYTES = 256 * 1024
# After so many bytes of rows what has become free is given back to the system.
_MOST_HELD_BYTES = 4 * 1024 * 1024

# Columns of JSON text, which are objects in PostHog's JSON lines (`s3_default_fields`, and what others add).
_JSON_TEXTS = frozenset(["properties", "person_properties", "set", "set_once"])

_encoder = msgspec.json.Encoder(enc_hook=str)
_any_json = msgspec.json.Decoder(msgspec.Raw)


def require() -> None:
    """Check that what reads Parquet is installed, and have it use memory sparingly.

    Raises:
        UsageError: It is not; the message names the command that installs it.
    """
    # Arrow's own allocator keeps more of what was freed: 25 MB with row groups of 18 MB. It is chosen once,
    # by this alone, when Arrow is first imported.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    with needed(Extra.BUCKET, "Parquet"):
        import pyarrow.parquet  # noqa: F401, PLC0415 -- an extra


class RangedFile(io.RawIOBase):
    """A file whose bytes are fetched by ranges; the latest blocks are kept, since columns are read in turn.

    Args:
        size_bytes: Of the file.
        fetch: Gives the bytes from one place to ahead of another.
        block_bytes: The least that is fetched at once.
        blocks: So many are kept.
    """

    def __init__(
        self, size_bytes: int, fetch: Callable[[int, int], bytes], *, block_bytes: int, blocks: int
    ) -> None:
        super().__init__()
        self._size_bytes = size_bytes
        self._fetch = fetch
        self._block_bytes = block_bytes
        self._blocks_kept = blocks
        self._blocks: dict[int, bytes] = {}
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """See `io`."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size_bytes}[whence]
        return self._at

    def tell(self) -> int:
        """See `io`."""
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """So many bytes, or all that are left."""
        end = self._size_bytes if size < 0 else min(self._at + size, self._size_bytes)
        parts = []
        while self._at < end:
            number, skip = divmod(self._at, self._block_bytes)
            part = self._block(number)[skip : skip + end - self._at]
            parts.append(part)
            self._at += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _block(self, number: int) -> bytes:
        block = self._blocks.pop(number, None)
        if block is None:
            begin = number * self._block_bytes
            block = self._fetch(begin, min(begin + self._block_bytes, self._size_bytes))
            if len(self._blocks) == self._blocks_kept:
                del self._blocks[next(iter(self._blocks))]
        self._blocks[number] = block
        return block


class Rows:
    """The records of one Parquet file.

    A part of it that cannot be decoded is one `Broken`, and what stands behind it is read. When the file
    raises `InvalidRecord`, all that is left of it is one.

    Args:
        file: The file.
        stream: What the positions name.
        after: Rows up to this one, counted from 1, are not given.
        max_row_bytes: A larger one is `Broken`.
        count: Told which part of the file is behind the reader, from 0 to 1.

    Attributes:
        behind: After the end: the number of the last row that was read; None until then.
        last: After the end: the number of the last record, broken or not; None when there was none.
    """

    def __init__(
        self,
        file: RangedFile,
        stream: Stream,
        *,
        after: int,
        max_row_bytes: int,
        count: Callable[[float], None],
    ) -> None:
        import pyarrow as pa  # noqa: PLC0415 -- an extra

        self.behind: int | None = None
        self.last: int | None = None
        self._file = file
        self._stream = stream
        self._after = after
        self._max_row_bytes = max_row_bytes
        self._count = count
        self._number = 0
        self._held_bytes = 0
        self._damage = (pa.ArrowException, OSError)

    def records(self) -> Generator[Record | Broken]:
        """All of them, once."""
        from pyarrow import parquet  # noqa: PLC0415 -- an extra

        fault = None
        try:
            # Else a part that the file says to be a gigabyte would be one on the heap.
            opened = parquet.ParquetFile(self._file, buffer_size=_COLUMN_BYTES, pre_buffer=False)
            for group in range(opened.num_row_groups):
                yield from self._group(opened, group)
        except InvalidRecord as error:
            fault = str(error)
        except self._damage as error:
            fault = f"cannot be read as Parquet: {_words(error)}"
        behind = max(self._number, self._after)
        last = behind if fault is None else behind + 1
        self.last = last if last > self._after else None
        self.behind = behind
        if fault is not None:
            yield self._broken(last, fault)

    def _group(self, opened: Any, group: int) -> Iterator[Record | Broken]:
        about = opened.metadata.row_group(group)
        end = self._number + about.num_rows
        if end > self._after:
            row_bytes = max(1, about.total_byte_size // max(1, about.num_rows))
            size = max(1, min(_BATCH_ROWS, _BATCH_BYTES // row_bytes))
            try:
                for batch in opened.iter_batches(size, row_groups=[group], use_threads=False):
                    yield from self._batch(batch)
                    self._count(self._number / opened.metadata.num_rows)
                    self._let_go(batch.nbytes)
            except self._damage as error:
                reason = f"the rows from {self._number + 1:,} to here cannot be read: {_words(error)}"
                yield self._broken(end, reason)
        self._number = end

    def _batch(self, batch: Any) -> Iterator[Record | Broken]:
        skip = min(max(self._after - self._number, 0), batch.num_rows)
        self._number += skip
        for body in _bodies(batch.slice(skip)):
            self._number += 1
            if isinstance(body, str):
                yield self._broken(self._number, body)
            elif len(body) > self._max_row_bytes:
                yield self._broken(self._number, too_long_reason(self._max_row_bytes))
            else:
                yield Record(self._stream, self._number, 0, body)

    def _let_go(self, size_bytes: int) -> None:
        """Give back now and then what is free, of which far more comes together than is in use."""
        import pyarrow as pa  # noqa: PLC0415 -- an extra

        self._held_bytes += size_bytes
        if self._held_bytes > _MOST_HELD_BYTES:
            self._held_bytes = 0
            pa.default_memory_pool().release_unused()

    def _broken(self, number: int, reason: str) -> Broken:
        return Broken(position=Position(self._stream, number, 0), reason=reason)


def _bodies(batch: Any) -> Iterator[bytes | str]:
    """The rows, each as JSON; a text is why there is none."""
    names = batch.schema.names
    columns = list(map(_spelled, batch.columns))
    try:
        values = [
            map(_nested, column.to_pylist()) if name in _JSON_TEXTS else column.to_pylist()
            for name, column in zip(names, columns, strict=True)
        ]
        bodies = [_encoder.encode(dict(zip(names, row, strict=True))) for row in zip(*values, strict=True)]
    except (ValueError, TypeError, msgspec.MsgspecError):  # one of them; the others are not amiss
        for number in range(batch.num_rows):
            yield _body(names, columns, number)
    else:
        yield from bodies


def _body(names: list[str], columns: list[Any], number: int) -> bytes | str:
    row = {}
    for name, column in zip(names, columns, strict=True):
        try:
            value = column[number].as_py()
            row[name] = _nested(value) if name in _JSON_TEXTS else value
            _encoder.encode(row[name])
        except (ValueError, TypeError, msgspec.MsgspecError) as error:
            return f"`{name}` cannot be read: {type(error).__name__}"
    return _encoder.encode(row)


def _spelled(column: Any) -> Any:
    """Times as text, in UTC: a cast that needs no list of time zones, which not every machine has."""
    import pyarrow as pa  # noqa: PLC0415 -- an extra
    from pyarrow import compute  # noqa: PLC0415

    if not pa.types.is_timestamp(column.type):
        return column
    text = column.cast(pa.timestamp("us"), safe=False).cast(pa.string())
    return compute.binary_join_element_wise(compute.replace_substring(text, " ", "T"), "+00:00", "")


def _nested(text: Any) -> Any:
    """An object in a text as the object, unread; anything else as it is, for others to judge."""
    if type(text) is str and text.startswith("{"):
        try:
            return _any_json.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            pass
    return text


def _words(error: Exception) -> str:
    """Its first line: the rest is for who made Arrow."""
    return str(error).partition("\n")[0].rstrip(".")[:200]
