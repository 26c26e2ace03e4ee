"""What is read of a cluster, and with whom."""

from collections.abc import Callable
from dataclasses import dataclass

from ..spool import Intake
from .access import ClusterAccess

EARLIEST = "earliest"
LATEST = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A topic, read by a consumer group.

    Attributes:
        access: How to reach the brokers.
        topic: What is read.
        group: The consumer group; its members share the partitions.
        read_from: Where to begin where the group has committed nothing: `earliest`, `latest` (what comes from
            now on), or a time, which is that of the record in Kafka.
        once: Whether to end when each partition has been read to its end.
    """

    access: ClusterAccess
    topic: str
    group: str
    read_from: str = EARLIEST
    once: bool = False

    def __str__(self) -> str:
        return f"Kafka ({self.access}), topic {self.topic}, group {self.group}"


@dataclass(frozen=True, slots=True)
class Writing:
    """What writes to the topic that is read, in the same process.

    Attributes:
        intake: Takes in what it writes.
        failure: Tells why it can write no more, or None.
        close: Called when it has stopped.
    """

    intake: Intake
    failure: Callable[[], Exception | None]
    close: Callable[[], None]
