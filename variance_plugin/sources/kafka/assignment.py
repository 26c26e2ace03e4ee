"""The partitions that are this process' own, and what of them is to be committed."""

from collections.abc import Iterable, Iterator

from confluent_kafka import TopicPartition

from .given import Partition


class Assignment:
    """The partitions of one topic that the group leaves to this process now.

    Changed by the thread that polls, looked at by any.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._partitions: dict[int, Partition] = {}
        self.get = self._partitions.get
        """The partition of a number; None when it is not ours."""

    def __iter__(self) -> Iterator[Partition]:
        return iter(tuple(self._partitions.values()))

    def __len__(self) -> int:
        return len(self._partitions)

    @property
    def places(self) -> list[TopicPartition]:
        """All of them, as librdkafka wants them."""
        return [TopicPartition(self._topic, number) for number in self._partitions]

    def add(self, places: Iterable[TopicPartition], now: float) -> None:
        """These are ours from now on."""
        for place in places:
            self._partitions[place.partition] = Partition(self._topic, place.partition, now)

    def among(self, places: Iterable[TopicPartition]) -> list[Partition]:
        """Those of them that are ours."""
        return [found for place in places if (found := self.get(place.partition)) is not None]

    def remove(self, places: Iterable[TopicPartition]) -> None:
        """These are ours no more."""
        for place in places:
            self._partitions.pop(place.partition, None)

    def committed(self, places: Iterable[TopicPartition], now: float | None = None) -> None:
        """The group has these offsets; a negative one is none.

        Args:
            places: The offsets.
            now: When this process committed them; None: it has only asked.
        """
        for place in places:
            partition = self.get(place.partition)
            if partition is not None and place.error is None:
                partition.committed = place.offset if place.offset >= 0 else None
                if now is not None:
                    partition.committed_at = now


def pending(partitions: Iterable[Partition]) -> list[TopicPartition]:
    """What is done with, and not committed."""
    return [
        TopicPartition(one.topic, one.number, one.done)
        for one in partitions
        if one.done is not None and one.done != one.committed
    ]
