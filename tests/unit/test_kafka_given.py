"""How far each partition is done with, over records of many that are acknowledged in the order of reading."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from variance_plugin.sources import Broken, Position, Record
from variance_plugin.sources.kafka.given import Given, Partition, Run
from variance_plugin.sources.kafka.handover import Chunk, Handover

SECONDS = 10.0


class Reading:
    """Records of some partitions, read and given in an order."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.given = Given()
        self.partitions = {number: Partition("events", number) for number in numbers}
        self.positions: list[Position] = []
        self._next = dict.fromkeys(numbers, 100)

    def give(self, order: Sequence[int]) -> None:
        """One record of each of these partitions, in this order."""
        runs: list[Run] = []
        for number in order:
            partition, offset = self.partitions[number], self._next[number]
            self._next[number] += 1
            self.positions.append(Position(partition.stream, offset, len(self.positions) + 1))
            if runs and runs[-1].partition is partition:
                runs[-1].last, runs[-1].end_bytes = offset, len(self.positions)
            else:
                runs.append(Run(partition, offset, len(self.positions)))
        self.given.add(runs)

    @property
    def done(self) -> dict[int, int | None]:
        """By partition."""
        return {number: partition.done for number, partition in self.partitions.items()}


def test_what_is_acknowledged_is_done_with_in_every_partition() -> None:
    """The partition of the record itself up to it, the others as far as they were read by then."""
    reading = Reading([0, 1, 2])
    reading.give([0, 0, 1, 1, 0, 0])

    reading.given.acknowledge(reading.positions[4])

    assert {0: 103, 1: 102, 2: None} == reading.done


def test_what_came_earlier_changes_nothing_afterwards() -> None:
    """An offset never goes back."""
    reading = Reading([0, 1])
    reading.give([0, 1, 0, 1])
    reading.given.acknowledge(reading.positions[3])

    reading.given.acknowledge(reading.positions[0])

    assert {0: 102, 1: 102} == reading.done


def test_a_partition_that_went_and_came_back_is_another() -> None:
    """What was under way of the first must not be committed for the second, which began elsewhere."""
    reading = Reading([0])
    reading.give([0, 0])
    gone = reading.partitions[0]
    reading.partitions[0] = Partition("events", 0)

    reading.given.acknowledge(reading.positions[1])

    assert (102, None) == (gone.done, reading.partitions[0].done)


@given_any(st.data())
def test_the_done_offsets_are_those_of_a_plain_count(data: Any) -> None:
    """Whatever the order, the chunks and the acknowledgements: compared with counting record by record."""
    chunks = data.draw(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=8), min_size=1, max_size=6))
    reading = Reading(range(4))
    for chunk in chunks:
        reading.give(chunk)
    order = [number for chunk in chunks for number in chunk]
    reached = 0
    for place in data.draw(st.lists(st.integers(1, len(order)), max_size=6)):
        reading.given.acknowledge(reading.positions[place - 1])
        reached = max(reached, place)
        counted = {number: order[:reached].count(number) for number in range(4)}
        assert {number: 100 + count if count else None for number, count in counted.items()} == reading.done


def test_who_gives_a_partition_up_waits_until_nothing_of_it_is_under_way() -> None:
    """Others may be under way still; and at the end of the program nobody waits."""
    reading = Reading([0, 1])
    reading.give([0, 1])
    first, second = reading.partitions.values()
    waited: list[bool] = []
    thread = threading.Thread(target=lambda: waited.append(reading.given.wait_until_done([first], SECONDS)))
    thread.start()

    assert not reading.given.wait_until_done([second], 0)
    reading.given.acknowledge(reading.positions[0])
    thread.join(SECONDS)
    assert [True] == waited

    reading.given.give_up()
    assert reading.given.wait_until_done([second], SECONDS)


def chunk(partition: Partition, *offsets: int) -> Chunk:
    """Records of one partition."""
    records: list[Record | Broken] = [Record(partition.stream, n, n, b"{}") for n in offsets]
    return Chunk(records, [Run(partition, offsets[-1], offsets[-1])], size_bytes=len(offsets))


def test_the_hand_over_tells_when_there_is_room_and_takes_what_was_read_anyway() -> None:
    """Whoever reads from Kafka must never wait for it."""
    handover = Handover(Given(), limit_bytes=2)
    partition = Partition("events", 0)
    handover.put(chunk(partition, 1))
    assert handover.has_room(0)
    handover.put(chunk(partition, 2, 3, 4))
    assert not handover.has_room(0)

    handover.take(lambda: False)

    assert not handover.has_room(0)
    handover.take(lambda: False)
    assert handover.has_room(0)


def test_what_of_a_lost_partition_waits_in_the_hand_over_is_not_given() -> None:
    """Its next owner reads it; the rest is given as it was."""
    given = Given()
    handover = Handover(given, limit_bytes=100)
    lost, kept = Partition("events", 0), Partition("events", 1)
    both = Chunk(
        [*chunk(lost, 1, 2).records, *chunk(kept, 7).records],
        [Run(lost, 2, 2), Run(kept, 7, 7)],
        size_bytes=3,
    )
    handover.put(both)

    handover.drop([lost])

    taken = handover.take(lambda: False)
    assert taken is not None
    assert ["events[1]@7"] == [str(record.position) for record in taken.records]
    assert given.wait_until_done([lost], 0)
    assert not given.wait_until_done([kept], 0)


def test_the_hand_over_ends_with_its_reason_once_all_is_taken() -> None:
    """What was read before the fault is worth as much as ever."""
    handover = Handover(Given(), limit_bytes=100)
    handover.put(chunk(Partition("events", 0), 1))
    handover.end(ValueError("gone"))
    handover.end()

    assert handover.take(lambda: False) is not None
    with pytest.raises(ValueError, match="gone"):
        handover.take(lambda: False)


def test_the_hand_over_ends_with_the_program() -> None:
    """Also while nothing comes."""
    over = threading.Event()
    handover = Handover(Given(), limit_bytes=100)
    taken: list[Chunk | None] = []
    thread = threading.Thread(target=lambda: taken.append(handover.take(over.is_set)))
    thread.start()

    over.set()
    thread.join(SECONDS)

    assert [None] == taken


def test_the_lag_counts_from_what_is_done_with() -> None:
    """Else from what the group has, else from where reading began; of what nobody knows it is 0."""
    partition = Partition("events", 0)
    assert 0 == partition.lag
    partition.end, partition.begun, partition.next = 50, 10, 20
    assert 40 == partition.lag
    partition.committed = 5
    assert 45 == partition.lag
    partition.done = partition.next = 60  # further than when somebody looked last
    assert 0 == partition.lag
