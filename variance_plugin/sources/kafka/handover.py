"""Between the thread that reads from Kafka, which must not stop, and the pipeline, which may have to wait."""

import threading
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from .. import Broken, Record
from .given import Given, Partition, Run

# So often the pipeline's thread looks whether the program ends while nothing comes.
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records that were read at once, with the runs that they make."""

    records: list[Record | Broken]
    runs: list[Run]
    size_bytes: int


class Handover:
    """A queue of chunks that tells whether there is room, and leaves it to the reader to stop reading.

    Args:
        given: Told what the pipeline takes.
        limit_bytes: With so much in it there is no room. What was read by then is taken all the same.
    """

    def __init__(self, given: Given, limit_bytes: int) -> None:
        self._given = given
        self._limit_bytes = limit_bytes
        self._changed = threading.Condition()
        self._chunks: deque[Chunk] = deque()
        self._bytes = 0
        self._ended = False
        self._failure: BaseException | None = None

    def put(self, chunk: Chunk) -> None:
        """Add a chunk; never waits."""
        with self._changed:
            self._chunks.append(chunk)
            self._bytes += chunk.size_bytes
            self._changed.notify_all()

    def has_room(self, seconds: float) -> bool:
        """Whether there is room for more, waiting for it so long at the most."""
        with self._changed:
            return self._changed.wait_for(lambda: self._bytes < self._limit_bytes, seconds)

    def drop(self, partitions: Collection[Partition]) -> None:
        """Take back what has not been taken of these: they are not ours to give any more."""
        streams = {partition.stream for partition in partitions}
        with self._changed:
            for chunk in self._chunks:
                chunk.records[:] = [one for one in chunk.records if one.position.stream not in streams]
                chunk.runs[:] = [run for run in chunk.runs if run.partition not in partitions]

    def end(self, failure: BaseException | None = None) -> None:
        """No more comes, for that reason if there is one."""
        with self._changed:
            self._ended = True
            self._failure = self._failure or failure
            self._changed.notify_all()

    def take(self, is_over: Callable[[], bool]) -> Chunk | None:
        """The next chunk, waiting for it; None at the end of what comes, or when it is over.

        Raises:
            BaseException: The reason why no more comes.
        """
        with self._changed:
            while not self._chunks:
                if self._ended and self._failure is not None:
                    raise self._failure
                if self._ended or is_over():
                    return None
                self._changed.wait(_LOOK_SECONDS)
            chunk = self._chunks.popleft()
            self._bytes -= chunk.size_bytes
            # Under this lock: between the two a partition could be taken away.
            self._given.add(chunk.runs)
            self._changed.notify_all()
            return chunk
