"""What comes by a pipe is kept in the spool until it is done with, whatever happens in between."""

import gzip
import io
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.errors import StateError
from variance_plugin.sources import Broken, Position, Record, Stream
from variance_plugin.sources.intake import StreamIntake
from variance_plugin.sources.spool import SpoolSource, entry
from variance_plugin.testing import InMemorySpool

SECONDS = 10.0
"""More than any of these takes, so that a fault is no hang."""
_A_MOMENT_SECONDS = 0.2


def shown(found: Record | Broken) -> str:
    """Its body or, when it is broken, where and why."""
    return found.body.decode() if isinstance(found, Record) else str(found)


class Pipe:
    """A pipe; what is written to it, the source can read."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        self._writing: int | None = writing
        self.stream = os.fdopen(reading, "rb")

    def write(self, text: bytes) -> None:
        """Write all of it; waits while the pipe is full."""
        while text and self._writing is not None:
            text = text[os.write(self._writing, text) :]

    def write_all(self, text: bytes) -> None:
        """Write this, and no more."""
        self.write(text)
        self.end()

    def end(self) -> None:
        """No more is written."""
        if self._writing is not None:
            os.close(self._writing)
            self._writing = None


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe that is closed in the end."""
    pipe = Pipe()
    yield pipe
    pipe.end()  # first: who reads holds the stream's lock until then
    pipe.stream.close()


class WatchedSpool(InMemorySpool):
    """Tells when it was appended to, and when it was full."""

    def __init__(self, max_bytes: int = 1_000_000) -> None:
        super().__init__(max_bytes)
        self.appended = threading.Semaphore(0)
        self.refused = threading.Event()

    def append(self, records: Sequence[bytes], *, beyond_limit: bool = False) -> None:
        """See `Spool`."""
        try:
            super().append(records, beyond_limit=beyond_limit)
        except StateError:
            self.refused.set()
            raise
        for _ in records:
            self.appended.release()


def test_what_an_earlier_run_left_comes_first() -> None:
    """The order in which it was taken in holds over restarts."""
    spool = InMemorySpool()
    spool.append([b"1", b"2"])

    with closing(SpoolSource(spool, StreamIntake(io.BytesIO(b"3\n4\n"), spool))) as source:
        found = list(source.records())

    assert ["1", "2", "3", "4"] == [shown(record) for record in found]
    assert ["stdin:1", "stdin:2", "stdin:3", "stdin:4"] == [str(record.position) for record in found]


def test_a_line_is_given_before_the_next_one_is_written(pipe: Pipe) -> None:
    """`tail -f events.jsonl | …` must not wait until some buffer is full."""
    spool = InMemorySpool()
    with closing(SpoolSource(spool, StreamIntake(pipe.stream, spool))) as source:
        for number in range(3):
            pipe.write(b'{"a":%d}\n' % number)

            assert f'{{"a":{number}}}' == shown(next(source.records()))
        pipe.end()
        assert [] == list(source.records())


def test_a_full_spool_leaves_the_pipe_unread_until_there_is_room(pipe: Pipe) -> None:
    """Whoever writes waits; memory does not grow, and nothing is lost."""
    lines = [b'"%050d"' % number for number in range(20_000)]
    spool = WatchedSpool(max_bytes=5_000)
    intake = StreamIntake(pipe.stream, spool)
    writer = threading.Thread(target=pipe.write_all, args=[b"\n".join(lines)], daemon=True)
    writer.start()
    with closing(SpoolSource(spool, intake)) as source:
        first = next(source.records())
        assert spool.refused.wait(SECONDS)
        writer.join(_A_MOMENT_SECONDS)  # to read a megabyte takes less
        assert writer.is_alive()

        came = [shown(first)]
        source.acknowledge(first.position)
        for record in source.records():
            came.append(shown(record))
            source.acknowledge(record.position)
    writer.join(SECONDS)

    assert [line.decode() for line in lines] == came
    assert [] == spool.entries


def test_a_stop_keeps_what_was_taken_in_even_beyond_the_limit(pipe: Pipe) -> None:
    """Nobody else has it any more."""
    spool = WatchedSpool(max_bytes=100)
    source = SpoolSource(spool, StreamIntake(pipe.stream, spool))
    pipe.write(b"".join(b"%050d\n" % number for number in range(100)))
    next(source.records())
    assert spool.refused.wait(SECONDS)

    source.close()
    pipe.end()

    assert [b"%050d" % number for number in range(100)] == [body for _, body in spool.entries]
    assert [] == list(source.records())
    rest = SpoolSource(spool).records()
    assert ["stdin:1", "stdin:2"] == [str(record.position) for record in islice(rest, 2)]


def test_a_stop_does_not_wait_for_a_silent_pipe(pipe: Pipe) -> None:
    """What is written to it afterwards is not taken in any more."""
    spool = InMemorySpool()
    source = SpoolSource(spool, StreamIntake(pipe.stream, spool))
    pipe.write(b'{"a":1}\n')
    assert '{"a":1}' == shown(next(source.records()))

    source.close()
    pipe.write(b'{"a":2}\n')
    pipe.end()

    assert [(1, b'{"a":1}')] == spool.entries


def test_what_cannot_be_read_comes_out_broken_with_its_reason() -> None:
    """Also after a restart; the dead letters get it like any other."""
    lines = b"1\n" + b"x" * 100 + b'\n{"a":'
    spool = InMemorySpool()
    first = SpoolSource(spool, StreamIntake(io.BytesIO(lines), spool, max_line_bytes=50))
    list(first.records())
    first.close()

    assert [
        "1",
        "stdin:2: longer than 50 bytes (<stdin>:2)",
        "stdin:3: the file ends in the middle of this line (<stdin>:3)",
    ] == [shown(found) for found in SpoolSource(spool).records()]


def test_a_record_larger_than_the_whole_spool_is_taken_when_the_spool_is_empty() -> None:
    """Waiting for room would be waiting for ever."""
    spool = InMemorySpool(max_bytes=60)
    pipe = io.BytesIO(b"1\n" + b"x" * 100 + b"\n3\n")
    came = []
    with closing(SpoolSource(spool, StreamIntake(pipe, spool))) as source:
        for found in source.records():
            came.append(shown(found))
            source.acknowledge(found.position)

    assert ["1", "x" * 100, "3"] == came


def test_a_write_that_fails_is_tried_again_and_says_why_meanwhile() -> None:
    """A full disk is an operator's message and not a loss."""

    class FullDisk(WatchedSpool):
        """Until somebody makes room."""

        is_full = True

        def append(self, records: Sequence[bytes], *, beyond_limit: bool = False) -> None:
            """See `Spool`."""
            if self.is_full:
                self.refused.set()
                raise StateError("the disk is full")
            super().append(records, beyond_limit=beyond_limit)

    spool = FullDisk()
    intake = StreamIntake(io.BytesIO(b"1\n2\n"), spool)
    source = SpoolSource(spool, intake)
    came: list[str] = []
    reader = threading.Thread(target=lambda: came.extend(map(shown, source.records())), daemon=True)
    reader.start()
    try:
        assert spool.refused.wait(SECONDS)
        spool.refused.clear()
        intake.has_room()
        assert spool.refused.wait(SECONDS)
        assert "the disk is full" == intake.waiting_for
    finally:
        spool.is_full = False
        intake.has_room()
        reader.join(SECONDS)
        source.close()

    assert ["1", "2"] == came
    assert intake.waiting_for is None


def test_a_fault_of_the_intake_ends_the_records_behind_what_it_took_in() -> None:
    """A thread that dies takes the run down in order, and not in silence."""

    class Torn(io.BytesIO):
        """A stream that breaks in a way nobody foresaw."""

        def read1(self, size: int | None = -1, /) -> bytes:
            """Nothing for the second time."""
            if self.tell():
                raise ZeroDivisionError
            return super().read1(size)

    spool = InMemorySpool()
    came: list[str] = []
    source = SpoolSource(spool, StreamIntake(Torn(b"1\n2\n"), spool))
    with closing(source), pytest.raises(ZeroDivisionError):
        came.extend(map(shown, source.records()))

    assert ["1", "2"] == came


def test_a_stop_before_the_start_is_no_mistake() -> None:
    """Whoever ends things need not know how far they came."""
    spool = InMemorySpool()
    source = SpoolSource(spool, StreamIntake(io.BytesIO(b"1\n"), spool))

    source.close()

    assert [] == list(source.records())


@given(start=st.sampled_from([b"", b"\0", b"\0b", b"\0r"]), rest=st.binary(min_size=1, max_size=20))
def test_any_body_comes_out_of_the_spool_as_it_went_in(start: bytes, rest: bytes) -> None:
    """Whatever a line holds: what is no JSON is for others to say."""
    body = start + rest
    spool = InMemorySpool()
    spool.append([entry(Record(Stream("<stdin>"), 1, len(body), body))])

    (after,) = SpoolSource(spool).records()

    assert isinstance(after, Record)
    assert body == after.body


@given(reason=st.text(max_size=30), body=st.binary(max_size=30))
def test_any_reason_and_what_was_read_come_out_of_the_spool(reason: str, body: bytes) -> None:
    """What UTF-8 cannot say is replaced, and so is the one character that divides them."""
    spool = InMemorySpool()
    spool.append([entry(Broken(position=Position(Stream("<stdin>"), 1, 0), reason=reason, body=body))])

    (broken,) = SpoolSource(spool).records()

    assert isinstance(broken, Broken)
    told = reason.encode(errors="replace").decode().replace("\0", " ")
    assert (f"{told} (<stdin>:1)", body) == (broken.reason, broken.body)


@given(
    counts=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 8), st.integers(0, 8)), max_size=6),
    packed=st.booleans(),
)
def test_over_any_restarts_everything_comes_until_it_is_acknowledged(
    counts: list[tuple[int, int, int]], *, packed: bool
) -> None:
    """Each run pipes some lines in, reads some, and acknowledges some of these.

    What a run that ends early has not taken from the pipe is still in it.
    """
    spool = InMemorySpool()
    pipe = b""
    left: list[str] = []
    number = 0
    for piped, given_count, acknowledged in counts:
        new = [str(number + step) for step in range(piped)]
        number += piped
        left += new
        text = "".join(f"{line}\n" for line in new).encode()
        stream = io.BytesIO(pipe + (gzip.compress(text) if packed else text))
        source = SpoolSource(spool, StreamIntake(stream, spool))
        found = list(islice(source.records(), given_count))
        assert left[:given_count] == [shown(record) for record in found]
        done = min(acknowledged, len(found))
        if done:
            source.acknowledge(found[done - 1].position)
        source.close()
        pipe = stream.read()
        left = left[done:]

    last = SpoolSource(spool, StreamIntake(io.BytesIO(pipe), spool))
    assert left == [shown(record) for record in last.records()]
