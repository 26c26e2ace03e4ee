"""Where events come from: the role of a source, and what it hands to the pipeline.

A source gives records in its own order, each with its position. The pipeline acknowledges a position
once that record and all before it are delivered or dead; a source that is made anew begins behind it.
Each module here is one source; what only one of them needs is imported inside.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Protocol

import msgspec


class Unit(StrEnum):
    """What a position counts."""

    LINE = "line"
    """Lines, from 1; line 0 stands for the stream as a whole."""
    ELEMENT = "element"
    """Elements of a JSON array, from 0, as `jq '.[0]'` counts."""
    ROW = "row"
    """Rows of a table, from 1."""
    OFFSET = "offset"
    """Offsets of a Kafka partition, from 0, as Kafka's own tools count."""


class Stream(msgspec.Struct, frozen=True):
    """One numbered run of records: a file, say. Its records share the object.

    Attributes:
        name: As the user knows it: a file's path as it was typed or found.
        unit: What its positions count.
        place: Which of its source's streams it is, from 0, in the order in which they are read.
    """

    name: str
    unit: Unit = Unit.LINE
    place: int = 0


class Position(msgspec.Struct, frozen=True):
    """Where a record stands; `str()` is for messages: `events.jsonl:17`, `events.json[3]`, `topic[3]@17`.

    Attributes:
        stream: Which file.
        number: Which line or element of it, counted as `stream.unit` says.
        end_bytes: How much of the stream, decompressed, is behind the reader once it has this record.
    """

    stream: Stream
    number: int
    end_bytes: int

    def __str__(self) -> str:
        if self.stream.unit is Unit.ELEMENT:
            return f"{self.stream.name}[{self.number}]"
        if self.stream.unit is Unit.OFFSET:
            return f"{self.stream.name}@{self.number}"
        return f"{self.stream.name}:{self.number}" if self.number else self.stream.name


class Record(Position, frozen=True, gc=False):
    """One JSON text as it was read, at its position.

    One is made for every line of every file, so it is flat, and unknown to the garbage collector, which it
    cannot keep busy: nothing in it points back.

    Attributes:
        body: The JSON text, without the line end; not yet known to be JSON.
    """

    body: bytes

    @property
    def position(self) -> Position:
        """The position alone, for who keeps it longer than the text."""
        return Position(self.stream, self.number, self.end_bytes)

    def __repr__(self) -> str:
        """Without the body: an event is personal data, and a repr ends up in logs."""
        return f"Record({str(self)!r}, {len(self.body)} bytes)"


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """What stood here could not be read; `str()` is `events.jsonl:17: <reason>`.

    Attributes:
        position: Where; the reader goes on behind it, with the next line or the next file.
        reason: Why, in words for a person; never a payload.
        body: What could be read of it, for its dead letter; none of what was too long to be held.
    """

    position: Position
    reason: str
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.position}: {self.reason}"

    def __repr__(self) -> str:
        """Without the body, as `Record`'s."""
        return f"Broken({str(self)!r}, {len(self.body)} bytes)"


class Positions(Protocol):
    """Where a source keeps how far it is done, beyond the life of the process.

    What is kept for a stream is the source's own affair: JSON, a few hundred bytes.
    """

    def load(self) -> Mapping[str, Mapping[str, Any]]:
        """What was saved last for each stream."""
        ...

    def save(self, stream: str, position: Mapping[str, Any]) -> None:
        """Replace what is kept for this stream. It does not wait for the disk; called by any thread."""
        ...


class Source(Protocol):
    """Where the pipeline reads. One reading: what it gave once it does not give again.

    **Going on.** What was acknowledged is never given again, and everything else is, in the same order, by
    the next source that is made for the same streams and the same store of positions. So a crash repeats at
    most what was given and not yet acknowledged, and loses nothing. A source without a store begins at the
    beginning.

    **Who calls.** `records` belongs to one thread. `acknowledge` may come from another one, a call at a
    time; any thread may look at the two byte counts. `close` comes once the reading thread has stopped.

    **Who owns.** The store of positions is whoever made it; the source closes neither it nor a stream that
    it was given.
    """

    @property
    def total_bytes(self) -> int | None:
        """How much there is to read, or None when there is no telling. A file may still grow.

        What an earlier reading is done with does not count where it can be passed over.
        """
        ...

    @property
    def read_bytes(self) -> int:
        """How much of it has been read, at least; counted as `total_bytes` is, compressed."""
        ...

    def records(self) -> Iterator[Record | Broken]:
        """The records in order; a second call goes on where the first one stands.

        What cannot be read comes as `Broken`, in its place; it is no reason to stop.
        """
        ...

    def acknowledge(self, position: Position) -> None:
        """This record, broken or not, and all before it, of whichever stream, are delivered or dead.

        Neither waits nor raises. One that stands before another acknowledged one changes nothing.
        """
        ...

    def close(self) -> None:
        """Give back what is held open; `records` ends. Closing twice is no mistake."""
        ...
