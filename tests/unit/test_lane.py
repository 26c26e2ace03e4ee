"""Where a lane's events come together until they make a batch."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.clock import SystemClock
from variance_plugin.errors import SettingsError
from variance_plugin.parameters import Parameters
from variance_plugin.runtime import LaneSettings
from variance_plugin.runtime.lane import Lane, Mark
from variance_plugin.testing import FakeClock, make_event

LIMIT_SECONDS = 30.0
START = Mark(1, None)


def buffer(events: int = 3, size_bytes: int = 1_000, seconds: float = 3_600.0) -> Lane:
    """A buffer on real time, which only fills up or is closed unless told otherwise."""
    settings = LaneSettings(buffer_events=events, buffer_bytes=size_bytes, buffer_seconds=seconds)
    return Lane(settings, SystemClock())


def numbers(batch: list[object]) -> list[str]:
    """The uuids' last digits, for short."""
    return [str(getattr(event, "uuid", ""))[-2:] for event in batch]


def put(target: Lane, *wanted: int, size_bytes: int = 1) -> None:
    """Put events with these numbers."""
    for number in wanted:
        target.put(make_event(number=number), size_bytes, START)


def in_thread(call: Callable[[], object]) -> threading.Thread:
    """Start it elsewhere."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def test_a_batch_is_ready_when_it_has_enough_events() -> None:
    """In the order in which they were put."""
    lane = buffer(events=3)
    put(lane, 1, 2, 3)

    assert ["01", "02", "03"] == numbers([*lane.take()])
    assert 3 == len(lane)
    lane.done()
    assert 0 == len(lane)


def test_a_batch_is_ready_when_it_has_enough_bytes() -> None:
    """However few events they are."""
    lane = buffer(events=100, size_bytes=1_000)
    put(lane, 1, 2, size_bytes=500)

    assert ["01", "02"] == numbers([*lane.take()])


def test_a_batch_is_ready_when_its_time_has_come() -> None:
    """An event does not wait for company longer than `exportEventsBufferSeconds`."""
    lane = buffer(events=100, seconds=0.01)
    put(lane, 1)

    assert ["01"] == numbers([*lane.take()])


def test_who_takes_waits_for_the_first_event() -> None:
    """And its time runs from then on, not from the beginning of the wait."""
    lane = buffer(events=100, seconds=0.01)
    taken: list[list[str]] = []
    taker = in_thread(lambda: taken.append(numbers([*lane.take()])))

    put(lane, 1)
    taker.join(LIMIT_SECONDS)

    assert [["01"]] == taken


def test_who_puts_waits_while_a_full_batch_is_not_taken() -> None:
    """Memory is bounded: never more than one batch, whoever is faster."""
    lane = buffer(events=3)
    most: list[int] = []
    producer = in_thread(lambda: put(lane, *range(30)))

    batches = []
    for _ in range(10):
        batches.append(numbers([*lane.take()]))
        most.append(len(lane))
    producer.join(LIMIT_SECONDS)

    assert [f"{number:02x}" for number in range(30)] == [number for batch in batches for number in batch]
    assert max(most) <= 3


def test_a_closed_buffer_gives_what_it_has_and_then_says_that_there_is_no_more() -> None:
    """Without any waiting."""
    lane = buffer(events=3)
    put(lane, 1)

    lane.close()

    assert ["01"] == numbers([*lane.take()])
    assert [] == lane.take()
    assert [] == lane.take()


def test_closing_ends_the_waits_of_both_ends() -> None:
    """Who waits for room puts and goes on, so that the event is counted; who waits for events ends."""
    full, empty = buffer(events=1), buffer()
    put(full, 1)
    producer = in_thread(lambda: put(full, 2))
    consumer = in_thread(empty.take)

    full.close()
    empty.close()
    producer.join(LIMIT_SECONDS)
    consumer.join(LIMIT_SECONDS)

    assert not producer.is_alive()
    assert not consumer.is_alive()
    assert 2 == len(full)


@given(
    sizes=st.lists(st.integers(0, 300), max_size=40),
    most_events=st.integers(1, 10),
    most_bytes=st.integers(1, 1_000),
)
def test_batches_are_the_events_in_order_and_full_ones_but_for_the_last(
    sizes: list[int], most_events: int, most_bytes: int
) -> None:
    """Nothing is lost, doubled or moved between the two ends."""
    settings = LaneSettings(buffer_events=most_events, buffer_bytes=most_bytes, buffer_seconds=3_600)
    lane = Lane(settings, FakeClock())

    def produce() -> None:
        for number, size_bytes in enumerate(sizes):
            lane.put(make_event(number=number), size_bytes, START)
        lane.close()

    producer = in_thread(produce)
    batches: list[list[int]] = []
    while events := lane.take():
        batches.append([int(number, 16) for number in numbers([*events])])
    producer.join(LIMIT_SECONDS)

    assert [*range(len(sizes))] == [number for batch in batches for number in batch]
    for batch in batches[:-1]:
        assert len(batch) <= most_events
        assert len(batch) == most_events or sum(sizes[number] for number in batch) >= most_bytes
        assert sum(sizes[number] for number in batch[:-1]) < most_bytes


def test_the_settings_are_read_from_the_plugins_parameters() -> None:
    """With PostHog's own names and defaults, also for a plugin that declares none of them."""
    assert LaneSettings() == LaneSettings.read(Parameters({}))

    parameters = Parameters({"exportEventsBufferBytes": "-1", "concurrency": 0})
    assert LaneSettings() == LaneSettings.read(parameters)
    with pytest.raises(SettingsError, match=r"(?s)exportEventsBufferBytes.*concurrency"):
        parameters.check()
