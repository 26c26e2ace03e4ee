"""Bytes to records: one JSON text per line.

The loop in `read_lines` runs once per event, so it does what every line needs and no more.
"""

import json
from collections.abc import Generator, Iterable, Iterator
from io import BytesIO
from typing import Self

import msgspec

from ..errors import InvalidRecord
from . import Broken, Position, Record, Stream

_any_json = msgspec.json.Decoder(msgspec.Raw)


class Feed:
    """The bytes of one stream, chunk by chunk, in which a fault is an end like another.

    Attributes:
        fault: After the end: why the rest of the stream is missing, or None when it is not.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.fault: str | None = None
        self._chunks = chunks
        self._put_back = b""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if chunk := self._put_back:
            self._put_back = b""
            return chunk
        try:
            return next(self._chunks)
        except InvalidRecord as fault:
            self.fault = str(fault)
            raise StopIteration from fault

    def put_back(self, chunk: bytes) -> None:
        """Give this chunk once more, before the others."""
        self._put_back = chunk


class _Unfinished:
    """A line whose end is in a later chunk; once it is too long, its bytes are let go."""

    def __init__(self, max_bytes: int) -> None:
        self.size_bytes = 0
        self._max_bytes = max_bytes
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        self.size_bytes += len(part)
        if self.size_bytes > self._max_bytes:
            self._parts.clear()
        else:
            self._parts.append(part)

    def take(self, stream: Stream, number: int, end_bytes: int) -> Record | Broken | None:
        """What the line is now that it has ended, None when it is blank; then begin anew."""
        body = b"".join(self._parts).rstrip()
        too_long = self.size_bytes > self._max_bytes
        self.size_bytes = 0
        self._parts.clear()
        if too_long:
            return Broken(
                position=Position(stream, number, end_bytes), reason=too_long_reason(self._max_bytes)
            )
        return Record(body, stream, number, end_bytes) if body else None


def read_lines(
    feed: Feed, stream: Stream, *, max_line_bytes: int, start_bytes: int = 0
) -> Generator[Record | Broken]:
    """Every line that is not blank, without its line end and other white space behind it.

    Args:
        feed: The text, cut anywhere.
        stream: What the positions name.
        max_line_bytes: A line longer than this, its end included, is `Broken` and never held whole.
        start_bytes: How much of the stream stood before the text: a byte order mark.
    """
    line_feed = ord("\n")
    number = 0
    end_bytes = start_bytes
    unfinished = _Unfinished(max_line_bytes)
    # A line that begins and ends within a chunk is no longer than the chunk; that saves asking each.
    for chunk in _no_larger(feed, max_line_bytes):
        lines = BytesIO(chunk)  # shares the chunk's memory and finds its lines without Python code
        if unfinished.size_bytes:
            line = lines.readline()
            unfinished.add(line)
            if line[-1] != line_feed:
                continue
            number += 1
            end_bytes += unfinished.size_bytes
            if found := unfinished.take(stream, number, end_bytes):
                yield found
        for line in lines:
            if line[-1] != line_feed:
                unfinished.add(line)
                break
            number += 1
            end_bytes += len(line)
            if body := line.rstrip():
                yield Record(body, stream, number, end_bytes)
    if feed.fault:
        yield Broken(position=Position(stream, number + 1, end_bytes), reason=feed.fault)
    elif unfinished.size_bytes and (
        found := unfinished.take(stream, number + 1, end_bytes + unfinished.size_bytes)
    ):
        yield _last(found)


def is_json(text: bytes) -> bool:
    """Whether this is one whole JSON value, `NaN` and lone surrogates let through."""
    try:
        _any_json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        pass
    else:
        return True
    try:
        json.loads(text)
    except ValueError:
        return False
    except RecursionError:  # too deep to tell
        return text.endswith((b"}", b"]"))
    return True


def too_long_reason(max_bytes: int) -> str:
    """Why a record of more than `max_bytes` is not read."""
    return f"longer than {max_bytes:,} bytes"


def _no_larger(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    for chunk in chunks:
        for at in range(0, len(chunk), max_bytes):
            yield chunk[at : at + max_bytes]


def _last(found: Record | Broken) -> Record | Broken:
    """A last line without a line end is a record if it is whole: some writers leave the end out."""
    if isinstance(found, Record) and not is_json(found.body):
        return Broken(position=found.position, reason="the file ends in the middle of this line")
    return found
