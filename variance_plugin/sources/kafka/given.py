"""What the pipeline has been given, partition by partition, and how far each is done with."""

import threading
from collections import deque
from collections.abc import Collection, Iterable

from .. import Position, Stream, Unit


class Partition:
    """A partition for as long as it is this process' to read. When it comes back, it is another one.

    Attributes:
        topic: Whose.
        number: Which.
        stream: What positions call it: `clickhouse_events_json[3]`.
        begun: The first offset that was read.
        next: Behind the last offset that was read.
        done: Behind what is done with, to be committed; None until something is.
        committed: What the group has; None while nobody knows.
        committed_at: When this process committed that, by its clock; until it does, when the partition came.
        end: Behind the last record that there was when somebody looked.
        at_end: Whether its end has been seen.
    """

    __slots__ = (
        "at_end",
        "begun",
        "committed",
        "committed_at",
        "done",
        "end",
        "next",
        "number",
        "stream",
        "topic",
    )

    def __init__(self, topic: str, number: int, now: float = 0.0) -> None:
        self.topic = topic
        self.number = number
        self.stream = Stream(f"{topic}[{number}]", Unit.OFFSET, number)
        self.begun: int | None = None
        self.next: int | None = None
        self.done: int | None = None
        self.committed: int | None = None
        self.committed_at = now
        self.end = 0
        self.at_end = False

    @property
    def lag(self) -> int:
        """Records that are there and not done with, as far as is known."""
        known = [offset for offset in (self.done, self.committed, self.begun) if offset is not None]
        return max(self.end, self.next or 0) - known[0] if known else 0


class Run:
    """Records of one partition that came in a row.

    Attributes:
        partition: Theirs.
        last: The offset of the last one.
        end_bytes: The `Position.end_bytes` of the last one.
    """

    __slots__ = ("end_bytes", "last", "partition")

    def __init__(self, partition: Partition, last: int, end_bytes: int) -> None:
        self.partition = partition
        self.last = last
        self.end_bytes = end_bytes


class Given:
    """Knows the partitions in the order in which their records were given.

    `Position.end_bytes` counts what was read of all partitions together, so it is the place in that order:
    what is acknowledged up to there is some whole runs and the beginning of another. This costs a run
    something, and a record nothing. Safe for threads.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._runs: deque[Run] = deque()
        self._acknowledged = 0

    def add(self, runs: Iterable[Run]) -> None:
        """These are given now, in this order."""
        with self._changed:
            self._runs += runs

    def acknowledge(self, position: Position) -> None:
        """This one and all before it are done with."""
        end_bytes = position.end_bytes
        with self._changed:
            if end_bytes <= self._acknowledged:
                return
            self._acknowledged = end_bytes
            reached = 0
            while self._runs and self._runs[0].end_bytes <= end_bytes:
                run = self._runs.popleft()
                run.partition.done = run.last + 1
                reached = run.end_bytes
            if self._runs and reached != end_bytes:
                self._runs[0].partition.done = position.number + 1
            self._changed.notify_all()

    def wait_until_done(self, partitions: Collection[Partition], seconds: float) -> bool:
        """Wait, so long at the most, until nothing of these is under way; returns whether it is so."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not any(run.partition in partitions for run in self._runs), seconds
            )

    def give_up(self) -> None:
        """Nobody shall wait any more: let `wait_until_done` return."""
        with self._changed:
            self._runs.clear()
            self._changed.notify_all()
