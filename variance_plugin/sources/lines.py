"""Bytes to records: one JSON text per line.

The loop in `read_lines` runs once per event, so it does what every line needs and no more.
"""

import json
from collections.abc import Generator, Iterable, Iterator
from typing import NamedTuple, Self

import msgspec

from ..errors import InvalidRecord
from . import Broken, Position, Record, Stream

_any_json = msgspec.json.Decoder(msgspec.Raw)


class Place(NamedTuple):
    """A place in a stream; of two, the one that is reached later is greater.

    Attributes:
        end_bytes: As in `Position`.
        number: As in `Position`.
    """

    end_bytes: int
    number: int


START = Place(0, 0)


class Feed:
    """The bytes of one stream, chunk by chunk, in which a fault is an end like another.

    Attributes:
        fault: After the end: why the rest of the stream is missing, or None when it is not.
        behind: After the end: where to go on if the stream grows, which is ahead of a line that is cut off.
        last: After the end: where the last record stands, broken or not; None when there was none.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.fault: str | None = None
        self.last: Place | None = None
        self.behind: Place | None = None
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

    def skip(self, size_bytes: int) -> bool:
        """Pass over so many bytes, and say whether a line ended there. To be shorter is a fault."""
        last = b""
        for chunk in self:
            if len(chunk) >= size_bytes:
                self.put_back(chunk[size_bytes:])
                return (last + chunk[:size_bytes]).endswith(b"\n")
            size_bytes -= len(chunk)
            last = chunk[-1:]
        self.fault = self.fault or "the file is shorter than it was when it was read before"
        return True

    def end(self, last: Place | None, behind: Place) -> None:
        """Told by who makes records of it, once the end is met and before the last record is given."""
        self.last, self.behind = last, behind


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

    def rest(self) -> bytes:
        """What there is of it; nothing of a line that is too long."""
        return b"".join(self._parts)

    def take(self, stream: Stream, number: int, end_bytes: int) -> Record | Broken | None:
        """What the line is now that it has ended, None when it is blank; then begin anew."""
        body = self.rest().rstrip()
        too_long = self.size_bytes > self._max_bytes
        self.size_bytes = 0
        self._parts.clear()
        if too_long:
            return Broken(
                position=Position(stream, number, end_bytes), reason=too_long_reason(self._max_bytes)
            )
        return Record(stream, number, end_bytes, body) if body else None


class _Blanks:
    """The latest run of blank lines: so a reader knows its last record and need not note every one."""

    def __init__(self) -> None:
        self._before = self._after = Place(-1, -1)

    def add(self, before: Place, after: Place) -> None:
        if before != self._after:
            self._before = before
        self._after = after

    def cut_from(self, end: Place) -> Place:
        """The end without the blank lines ahead of it."""
        return self._before if end == self._after else end


def read_lines(
    feed: Feed, stream: Stream, *, max_line_bytes: int, start: Place = START
) -> Generator[Record | Broken]:
    """Every line that is not blank, without its line end and other white space behind it.

    A last line that is cut off leaves the reader ahead of it: when it has grown, it is read whole.

    Args:
        feed: The text, cut anywhere.
        stream: What the positions name.
        max_line_bytes: A line longer than this, its end included, is `Broken` and never held whole.
        start: What stood before the text, lines and bytes: a byte order mark, say.
    """
    end_bytes, number = start
    blanks = _Blanks()
    unfinished = _Unfinished(max_line_bytes)
    # A line that begins and ends within a chunk is no longer than the chunk; that saves asking each.
    for chunk in _no_larger(feed, max_line_bytes):
        at = 0
        if unfinished.size_bytes:
            at = chunk.find(b"\n") + 1
            unfinished.add(chunk[:at] if at else chunk)
            if not at:
                continue
            before = Place(end_bytes, number)
            number += 1
            end_bytes += unfinished.size_bytes
            if found := unfinished.take(stream, number, end_bytes):
                yield found
            else:
                blanks.add(before, Place(end_bytes, number))
        while (end := chunk.find(b"\n", at)) >= 0:
            line = chunk[at:end]
            end += 1
            number += 1
            end_bytes += end - at
            # Where there is nothing to strip, that makes no copy, which would cost as much as all the rest.
            if body := line.rstrip():
                yield Record(stream, number, end_bytes, body)
            else:
                blanks.add(Place(end_bytes - (end - at), number - 1), Place(end_bytes, number))
            at = end
        if at < len(chunk):
            unfinished.add(chunk[at:])
    whole = Place(end_bytes, number)
    if feed.fault:
        feed.end(Place(end_bytes, number + 1), whole)
        body = unfinished.rest()
        yield Broken(position=Position(stream, number + 1, end_bytes), reason=feed.fault, body=body)
    elif unfinished.size_bytes and (
        found := unfinished.take(stream, number + 1, end_bytes + unfinished.size_bytes)
    ):
        found = _last(found, end_bytes)
        last = Place(found.position.end_bytes, number + 1)
        feed.end(last, whole if isinstance(found, Broken) else last)
        yield found
    else:
        last = blanks.cut_from(whole)
        feed.end(last if last > start else None, last)


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


def _last(found: Record | Broken, start_bytes: int) -> Record | Broken:
    """A last line without a line end is a record if it is whole: some writers leave the end out."""
    if isinstance(found, Record) and is_json(found.body):
        return found
    reason = "the file ends in the middle of this line" if isinstance(found, Record) else found.reason
    position = Position(found.position.stream, found.position.number, start_bytes)
    return Broken(position=position, reason=reason, body=found.body)
