"""Events that cannot be read twice: on disk before they count, and dropped once they are done with."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Protocol

from ..errors import StateError
from . import Broken, Position, Record, Stream

# So much is in memory at once, beside what the pipeline holds.
_BATCH_BYTES = 1024 * 1024

# No JSON begins with it, so it marks what is not to be handed on as it is stored.
_MARK = b"\0"
_BROKEN = _MARK + b"b"
_RECORD = _MARK + b"r"


class Spool(Protocol):
    """A queue of bytes that outlives the process; `state` has the one on disk.

    Every entry has a number, which is never used again, not even after a restart.
    """

    @property
    def size_bytes(self) -> int:
        """How much it holds, as its limit counts; 0 when there is nothing in it."""
        ...

    def append(self, records: Sequence[bytes], *, beyond_limit: bool = False) -> None:
        """Add them at the end, all or none; they are on disk when it returns.

        Raises:
            SpoolFull: There is no room, and `beyond_limit` does not say to take them all the same.
            StateError: They cannot be written now.
        """
        ...

    def read(self, after: int, limit_bytes: int) -> Sequence[tuple[int, bytes]]:
        """The entries behind this number, in order: the next one, and more up to the limit."""
        ...

    def acknowledge(self, up_to: int) -> None:
        """Drop the entries up to this number, itself included; a smaller one than before changes nothing.

        Their room may take a moment to be free.
        """
        ...


class Wake(Protocol):
    """Tells whoever waits that something happened."""

    def __call__(self) -> None:
        """Called by any thread."""
        ...


class Intake(Protocol):
    """What fills a spool: standard input, say."""

    @property
    def has_ended(self) -> bool:
        """Whether no more is appended. Whatever was taken in by then is in the spool."""
        ...

    @property
    def failure(self) -> Exception | None:
        """Why it ended before its end, or None."""
        ...

    def start(self, appended: Wake) -> None:
        """Begin, in a thread; `appended` is called after every change to the spool, and at the end."""
        ...

    def has_room(self) -> None:
        """Told when entries were dropped from the spool."""
        ...

    def give_way(self) -> None:
        """Called ahead of each record that is given: wait a moment, if what comes in is more urgent."""
        ...

    def stop(self) -> None:
        """Take no more; what was taken is in the spool when it returns."""
        ...


class SpoolSource:
    """Gives what is in a spool, from earlier runs first; see `Source` for what its methods promise.

    It ends when the intake has ended and the spool holds no more. A position counts the entries of the
    spool over all runs: `stdin:17`.

    Args:
        spool: Holds everything between intake and acknowledgement. Closed by whoever made it.
        intake: What fills it meanwhile; None gives only what is there.
        name: What positions call it.
    """

    def __init__(self, spool: Spool, intake: Intake | None = None, *, name: str = "stdin") -> None:
        self._spool = spool
        self._intake = intake
        self._stream = Stream(name)
        self._news = threading.Event()
        self._closed = False
        self._read_bytes = 0
        self._records = self._drain()

    @property
    def total_bytes(self) -> int | None:
        """None: nobody knows what is still to come."""
        return None

    @property
    def read_bytes(self) -> int:
        """How much of the spool has been given."""
        return self._read_bytes

    def records(self) -> Iterator[Record | Broken]:
        """See `Source`.

        Raises:
            StateError: The spool cannot be read.
            Exception: What ended the intake before its end, once all that was taken in has been given.
        """
        return self._records

    def acknowledge(self, position: Position) -> None:
        """See `Source`."""
        with suppress(StateError):  # a later one drops these too; without a later one they are repeated
            self._spool.acknowledge(position.number)
        if self._intake is not None:
            self._intake.has_room()

    def close(self) -> None:
        """See `Source`. What the intake has taken in is in the spool afterwards, for the next run."""
        self._closed = True
        self._news.set()
        if self._intake is not None:
            self._intake.stop()

    def _drain(self) -> Iterator[Record | Broken]:
        if self._intake is not None and not self._closed:
            self._intake.start(self._news.set)
        after = 0
        while not self._closed:
            self._news.clear()
            # In this order: what is appended in between is seen, here or by the news of it.
            has_ended = self._intake is None or self._intake.has_ended
            entries = self._spool.read(after, _BATCH_BYTES)
            if not entries and has_ended:
                break
            if not entries:
                self._news.wait()
            for number, stored in entries:
                if self._intake is not None:
                    self._intake.give_way()
                if self._closed:
                    return
                self._read_bytes += len(stored)
                yield self._found(number, stored)
                after = number
        if self._intake is not None and self._intake.failure is not None and not self._closed:
            raise self._intake.failure

    def _found(self, number: int, stored: bytes) -> Record | Broken:
        if not stored.startswith(_MARK):
            return Record(self._stream, number, self._read_bytes, stored)
        if stored.startswith(_BROKEN):
            reason, _, body = stored.removeprefix(_BROKEN).partition(_MARK)
            position = Position(self._stream, number, self._read_bytes)
            return Broken(position=position, reason=reason.decode(errors="replace"), body=body)
        return Record(self._stream, number, self._read_bytes, stored.removeprefix(_RECORD))


def entry(found: Record | Broken) -> bytes:
    """What to append to a spool for it: the body as it is, or what is left of it, why, and where it was."""
    if isinstance(found, Broken):
        reason = f"{found.reason} ({found.position})".encode(errors="replace")
        return b"%b%b%b%b" % (_BROKEN, reason.replace(_MARK, b" "), _MARK, found.body)
    return body_entry(found.body)


def body_of(stored: bytes) -> bytes:
    """The body in what `body_entry` made."""
    return stored.removeprefix(_RECORD)


def body_entry(body: bytes) -> bytes:
    """What to append to a spool for a record's body: any bytes, also such as are no JSON."""
    return _RECORD + body if body.startswith(_MARK) else body
