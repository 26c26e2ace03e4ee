"""Exporters side by side: one that cannot take its events holds nobody up, and loses and mixes up nothing."""

import logging
import threading
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest

from variance_plugin.clock import SystemClock
from variance_plugin.errors import RetryError, SpoolFull
from variance_plugin.events import Event
from variance_plugin.manifest import Manifest
from variance_plugin.runtime import Host, LoadedPlugin, Mark, Shared, hosted
from variance_plugin.testing import InMemoryDeadLetters, make_event

LIMIT_SECONDS = 30.0
BATCH = 5


class Queue:
    """Records in a list, in place of a disk."""

    def __init__(self, *records: bytes, room: int = 10**9) -> None:
        self.rows = dict(enumerate(records, start=1))
        self.room = room
        self.refused = threading.Event()
        self._last = len(records)
        self._lock = threading.Lock()

    def append(self, records: Sequence[bytes]) -> None:
        """See `Queue` of `runtime.overflow`."""
        with self._lock:
            if len(self.rows) + len(records) > self.room:
                self.refused.set()
                raise SpoolFull("there is no room")
            for record in records:
                self._last += 1
                self.rows[self._last] = record

    def read(self, after: int, limit_bytes: int) -> list[tuple[int, bytes]]:
        """See there."""
        with self._lock:
            return [row for row in sorted(self.rows.items()) if row[0] > after][: max(1, limit_bytes // 1000)]

    def acknowledge(self, up_to: int) -> None:
        """See there."""
        with self._lock:
            self.rows = {number: record for number, record in self.rows.items() if number > up_to}


class Exporting:
    """A plugin that takes events, or nothing at all."""

    def __init__(self, *, sick: bool = False) -> None:
        self.sick = sick
        self.asked = threading.Event()
        self._changed = threading.Condition()
        self.events: list[Event] = []

    def export_events(self, events: Sequence[Event], _meta: Any) -> None:
        """See `Plugin`."""
        self.asked.set()
        if self.sick:
            raise RetryError("out of order")
        with self._changed:
            self.events += events
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        """Until so many have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= count, LIMIT_SECONDS)

    @property
    def by_person(self) -> dict[str, list[str]]:
        """Of each person, the uuids in the order in which they came."""
        found: dict[str, list[str]] = defaultdict(list)
        for event in self.events:
            found[event.distinct_id].append(event.uuid)
        return dict(found)


class Quick(SystemClock):
    """Real time, in which hours are milliseconds."""

    def wait(self, seconds: float) -> None:
        """See `Clock`."""
        super().wait(min(seconds, 0.005))

    def monotonic(self) -> float:
        """See `Clock`."""
        return super().monotonic() * 10_000


class Bench:
    """A host with two exporters, the first of which has a queue."""

    def __init__(self, first: Exporting, second: Exporting, queue: Queue) -> None:
        self.acknowledged: list[int] = []
        clock = Quick()
        shared = Shared.in_memory(
            clock,
            dead_letters=InMemoryDeadLetters(),
            logger=logging.getLogger("plugins"),
        )
        config = {"maxBatchEvents": BATCH, "concurrency": 2, "exportEventsBufferSeconds": 0.01}
        self.host = Host(
            [
                hosted(LoadedPlugin.of(plugin, Manifest(name=name)), config, shared)
                for name, plugin in (("first", first), ("second", second))
            ],
            clock=clock,
            calls=shared.calls,
            reject=lambda _: None,
            overflow={"first": queue},
            acknowledge=self.acknowledged.append,
        )
        self.host.start()

    def offer(self, events: Sequence[Event]) -> None:
        """As records with numbers from 1."""
        for event in events:
            self.host.offer(event, 100)
            mark = self.host.watermark.read
            self.host.watermark.read = Mark(mark.number + 1, mark.number)


def crowd(count: int) -> list[Event]:
    """Of seven people, in turn."""
    return [make_event(number=number, distinct_id=f"user-{number % 7}") for number in range(1, count + 1)]


def by_person(events: Sequence[Event]) -> dict[str, list[str]]:
    """Of each person, the uuids in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for event in events:
        found[event.distinct_id].append(event.uuid)
    return dict(found)


def test_a_sick_exporter_does_not_hold_the_others_and_catches_up_in_order() -> None:
    """What it could not take waits on disk; the source is done with all of it meanwhile."""
    first, second, queue = Exporting(sick=True), Exporting(), Queue()
    bench = Bench(first, second, queue)
    events = crowd(500)

    offering = threading.Thread(target=bench.offer, args=[events])
    offering.start()
    second.wait_for(400)
    offering.join(LIMIT_SECONDS)
    assert not offering.is_alive()
    assert [] == first.events
    assert len(queue.rows) > 400

    first.sick = False
    assert bench.host.finish()

    assert by_person(events) == first.by_person == second.by_person
    assert {} == queue.rows
    assert 500 == bench.acknowledged[-1]
    assert bench.host.failure is None


def test_what_waits_from_an_earlier_run_comes_first() -> None:
    """As it was when it came through the chain then."""
    events = crowd(60)
    from_before = [
        b'{"event":"order paid","uuid":"%s","distinct_id":"%s","properties":{}}'
        % (event.uuid.encode(), event.distinct_id.encode())
        for event in events[:40]
    ]
    first, second, queue = Exporting(), Exporting(), Queue(*from_before)
    bench = Bench(first, second, queue)

    bench.offer(events[40:])
    assert bench.host.finish()

    assert by_person(events) == first.by_person
    assert by_person(events[40:]) == second.by_person
    assert {} == queue.rows


def test_a_full_disk_makes_the_source_wait_and_loses_nothing() -> None:
    """When there is room again all of it comes, in order."""
    first, second, queue = Exporting(sick=True), Exporting(), Queue(room=50)
    bench = Bench(first, second, queue)
    events = crowd(400)

    offering = threading.Thread(target=bench.offer, args=[events])
    offering.start()
    assert queue.refused.wait(LIMIT_SECONDS)
    first.sick = False
    offering.join(LIMIT_SECONDS)
    assert not offering.is_alive()
    assert bench.host.finish()

    assert by_person(events) == first.by_person == second.by_person
    assert 400 == bench.acknowledged[-1]


def test_what_is_not_on_disk_when_it_is_stopped_the_source_gives_again() -> None:
    """Everything that was acknowledged is delivered, or on disk."""
    first, second, queue = Exporting(sick=True), Exporting(), Queue()
    bench = Bench(first, second, queue)
    events = crowd(300)

    offering = threading.Thread(target=bench.offer, args=[events])
    offering.start()
    second.wait_for(200)
    bench.host.stop()
    offering.join(LIMIT_SECONDS)
    assert not offering.is_alive()
    bench.host.finish(deadline_seconds=LIMIT_SECONDS)

    done = (bench.acknowledged or [0])[-1]
    kept = b"".join(queue.rows.values())
    missing = [event.uuid for event in events[:done] if event.uuid.encode() not in kept]
    assert [] == missing
    assert {event.uuid for event in events[:done]} <= {event.uuid for event in second.events}


@pytest.mark.parametrize(
    "failure", [RuntimeError("no such table"), RetryError("not now")], ids=["fault", "retry"]
)
def test_the_events_of_an_exporter_that_cannot_be_set_up_wait_on_disk(failure: Exception) -> None:
    """Until it can; the other one goes on."""
    first, second, queue = Exporting(), Exporting(), Queue()

    def setup_plugin(_meta: Any) -> None:
        raise failure

    first.setup_plugin = setup_plugin  # type: ignore[attr-defined]
    bench = Bench(first, second, queue)
    events = crowd(100)
    bench.offer(events)
    assert bench.host.finish()

    assert [] == first.events
    assert by_person(events) == second.by_person
    assert 100 == len(queue.rows)
    assert 100 == bench.acknowledged[-1]
