"""Events from files and standard input: plain or compressed, one per line or otherwise."""

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import RawIOBase
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from ..errors import InvalidRecord
from . import Broken, Position, Record
from .codecs import decoded
from .layouts import read_records
from .lines import Feed
from .paths import Input, choose

# Measured from 64 KiB to 1 MiB: no faster beyond this.
_CHUNK_BYTES = 256 * 1024
MAX_LINE_BYTES = 20 * 1024 * 1024
# 256 MB: text that is not one event per line is held in memory whole.
MAX_WHOLE_BYTES = 256_000_000


class FileSource:
    """Reads files one after another; see `Source` for what its methods promise.

    A file that cannot be read to its end, or not at all any more, gives a `Broken` there, and the next
    one is read. A file that grows while it is read is read to its new end.

    Args:
        paths: Files, folders, patterns, and `-` for standard input; see `paths.choose`.
        stdin: What `-` reads; None is the process's own.
        max_line_bytes: A longer record is `Broken`, and not held in memory.
        max_whole_bytes: So large a JSON array, or JSON over several lines, can be.

    Attributes:
        skipped: Files that were found and are not read, each with its reason.
        acknowledged: The last position acknowledged.

    Raises:
        UsageError: A path is missing or cannot be read; all such faults at once.
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        *,
        stdin: BinaryIO | None = None,
        max_line_bytes: int = MAX_LINE_BYTES,
        max_whole_bytes: int = MAX_WHOLE_BYTES,
    ) -> None:
        choice = choose(paths)
        sizes = [found.size_bytes for found in choice.inputs]
        self.skipped = choice.skipped
        self.acknowledged: Position | None = None
        self._total_bytes = None if None in sizes else sum(filter(None, sizes))
        self._read_bytes = 0
        self._stdin = stdin
        self._max_line_bytes = max_line_bytes
        self._max_whole_bytes = max_whole_bytes
        self._closed = False
        self._chunks: Generator[bytes] | None = None
        self._found: Generator[Record | Broken] | None = None
        # A chain, because each generator on the way to a record would cost as much as making the record.
        self._records = chain.from_iterable(map(self._read, choice.inputs))

    @property
    def total_bytes(self) -> int | None:
        """The files' sizes when they were looked at; None as soon as one is a pipe."""
        return self._total_bytes

    @property
    def read_bytes(self) -> int:
        """How much was read of the files as they are stored."""
        return self._read_bytes

    def records(self) -> Iterator[Record | Broken]:
        """See `Source`."""
        return self._records

    def acknowledge(self, position: Position) -> None:
        """See `Source`. It lives in memory: the next start begins anew."""
        self.acknowledged = position

    def close(self) -> None:
        """See `Source`. Standard input is left open: it is not the source's own."""
        self._closed = True
        for running in (self._found, self._chunks):
            if running:
                running.close()

    def _read(self, chosen: Input) -> Iterator[Record | Broken]:
        if self._closed:
            return iter(())
        self._chunks = self._read_chunks(chosen)
        feed = Feed(decoded(self._chunks, name=chosen.path.name if chosen.path else ""))
        self._found = read_records(
            feed, chosen.name, max_line_bytes=self._max_line_bytes, max_whole_bytes=self._max_whole_bytes
        )
        return self._found

    def _read_chunks(self, chosen: Input) -> Generator[bytes]:
        try:
            with self._open(chosen) as stream:
                # read1 gives what a pipe holds now; read would wait until the chunk is full.
                read = getattr(stream, "read1", stream.read)
                while chunk := read(_CHUNK_BYTES):
                    self._read_bytes += len(chunk)
                    yield chunk
        except OSError as error:
            raise InvalidRecord(f"cannot be read: {error.strerror}") from error

    def _open(self, chosen: Input) -> AbstractContextManager[RawIOBase | BinaryIO]:
        if chosen.path is None:
            return nullcontext(self._stdin or sys.stdin.buffer)
        return chosen.path.open("rb", buffering=0)
