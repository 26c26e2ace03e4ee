"""The events in a topic of four partitions, read by one process; a real broker where one was fetched."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tests.stand_ins.kafka import produce, start

_PARTITIONS = 4


@contextmanager
def rows(events: Path, _folder: Path) -> Iterator[Sequence[str]]:
    """As they are, in turn to each partition."""
    with closing(start()) as cluster:
        topic = cluster.topic("events", partitions=_PARTITIONS)
        with events.open("rb") as lines:
            produce(cluster.brokers, topic, lines, partitions=_PARTITIONS)
        yield ["type=kafka", f"kafka.brokers={cluster.brokers}", f"topic={topic}"]
