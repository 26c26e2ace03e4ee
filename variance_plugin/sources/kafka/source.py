"""PostHog's events from a Kafka topic, shared with the other members of a consumer group."""

import threading
from collections.abc import Collection, Iterator

from ...clock import Clock
from .. import Broken, Position, Record
from .given import Given, Partition
from .handover import Handover
from .member import Member
from .subscription import Subscription, Writing

# Beside what the lanes hold, so much waits here, and as much again in librdkafka.
_HANDOVER_BYTES = 4 * 1024 * 1024
# It commits and leaves the group in that time; when the brokers are down, nothing would be gained by more.
_LEAVE_SECONDS = 10.0


class KafkaSource:
    """Gives the records of the partitions that the group leaves to this process; see `Source`.

    Positions are the group's offsets in Kafka, so the next process goes on behind what was acknowledged,
    whichever one of the group it is. Records of one partition come in order; those of different ones come as
    they arrive.

    Args:
        subscription: What is read, and with whom.
        clock: Ends `records` when it is stopped.
        writing: What writes to the topic meanwhile, for a process that does both.

    Raises:
        UsageError: When librdkafka does not take the properties.
    """

    def __init__(self, subscription: Subscription, clock: Clock, writing: Writing | None = None) -> None:
        self._clock = clock
        self._writing = writing
        self._given = Given()
        self._handover = Handover(self._given, _HANDOVER_BYTES)
        self._member = Member(subscription, clock=clock, given=self._given, handover=self._handover)
        self._thread = threading.Thread(target=self._member.run, name="kafka", daemon=True)
        self._read_bytes = 0
        self._closed = False
        self._records = self._read()

    @property
    def total_bytes(self) -> int | None:
        """None: nobody knows what is still to come."""
        return None

    @property
    def read_bytes(self) -> int:
        """How much of all values has been given."""
        return self._read_bytes

    @property
    def lag(self) -> int:
        """Records in the partitions of this process that are not done with."""
        return sum(partition.lag for partition in self.partitions)

    @property
    def partitions(self) -> Collection[Partition]:
        """Those that are this process' own now."""
        return tuple(self._member.assignment)

    @property
    def is_paused(self) -> bool:
        """Whether they are left alone, since the destination takes nothing."""
        return self._member.is_paused

    @property
    def rebalances(self) -> int:
        """How often partitions came or went."""
        return self._member.rebalances

    @property
    def trouble(self) -> str | None:
        """What is wrong with the brokers now, in words, or None."""
        return self._member.hearing.trouble

    @property
    def fault(self) -> str | None:
        """The same, if a person has to do something about it."""
        hearing = self._member.hearing
        return hearing.trouble if hearing.is_fault else None

    def records(self) -> Iterator[Record | Broken]:
        """See `Source`. It waits for brokers that do not answer.

        Raises:
            Exception: What ended the intake before its end.
            UsageError: When they refuse this user, know no such topic, or do not let it into the group.
        """
        return self._records

    def acknowledge(self, position: Position) -> None:
        """See `Source`. It is committed within a second, or when a partition is given up."""
        self._given.acknowledge(position)

    def close(self) -> None:
        """See `Source`. What was acknowledged is committed, and the group told, if the brokers answer."""
        self._closed = True
        if self._writing is not None:
            self._writing.intake.stop()
            self._writing.close()
        if self._thread.ident is None:
            self._member.leave()
            self._thread.start()  # what was made has to be given back, in the one thread that may
        self._member.leave()
        self._thread.join(_LEAVE_SECONDS)

    def _read(self) -> Iterator[Record | Broken]:
        if self._closed:
            return
        if self._writing is not None:
            self._writing.intake.start(lambda: None)  # Kafka itself tells of what it has
        self._thread.start()
        while (chunk := self._handover.take(self._is_over)) is not None:
            for record in chunk.records:
                if self._closed:
                    return
                yield record
            self._read_bytes += chunk.size_bytes
        if self._failure is not None and not self._closed:
            raise self._failure

    @property
    def _failure(self) -> Exception | None:
        return None if self._writing is None else self._writing.failure() or self._writing.intake.failure

    def _is_over(self) -> bool:
        return self._closed or self._clock.stopped or self._failure is not None
