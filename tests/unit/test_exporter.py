"""The host: lanes, retries, dead letters, stopping. The plugins here are small ones of the tests' own."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from variance_plugin.clock import Clock
from variance_plugin.errors import RetryError, SettingsError, UsageError
from variance_plugin.events import Event
from variance_plugin.hooks import PluginMeta, Rejection
from variance_plugin.manifest import Manifest
from variance_plugin.runtime import LoadedPlugin, lone_host
from variance_plugin.testing import FakeClock, InMemoryDeadLetters, make_event

LIMIT_SECONDS = 30.0
Export = Callable[[Sequence[Event], PluginMeta], None]


class Recorder:
    """A plugin that notes what it is given, and then does what the test wants."""

    def __init__(self, export: Export = lambda _events, _meta: None) -> None:
        self._export = export
        self._lock = threading.Lock()
        self.calls: list[list[Event]] = []
        self.hooks: list[str] = []

    def setup_plugin(self, meta: PluginMeta) -> None:
        """See `Plugin`."""
        self.hooks.append("setup")
        if meta.config.get("colour"):
            raise SettingsError([])

    def export_events(self, events: Sequence[Event], meta: PluginMeta) -> None:
        """See `Plugin`."""
        with self._lock:
            self.calls.append(list(events))
        self._export(events, meta)

    def teardown_plugin(self, _meta: PluginMeta) -> None:
        """See `Plugin`."""
        self.hooks.append("teardown")

    @property
    def exported(self) -> list[Event]:
        """Every event of every call."""
        return [event for call in self.calls for event in call]


class Bench:
    """A host on a fake clock with everything in memory."""

    def __init__(self, plugin: Recorder, *, clock: Clock | None = None, **config: Any) -> None:
        self.plugin = plugin
        self.clock = clock or FakeClock()
        self.dead_letters = InMemoryDeadLetters()
        self.host = lone_host(
            LoadedPlugin.of(plugin, Manifest(name="demo")),
            {"maxBatchEvents": 10, **config},
            clock=self.clock,
            dead_letters=self.dead_letters,
            logger=logging.getLogger("demo"),
        )

    def run(self, events: Sequence[Event], deadline_seconds: float | None = None) -> bool:
        """Start, offer everything, finish."""
        self.host.start()
        for event in events:
            self.host.offer(event, 100)
        return self.host.finish(deadline_seconds)


def crowd(users: int, each: int) -> list[Event]:
    """Events of several users, interleaved; `number` counts within a user."""
    return [
        make_event(number=number + 1, distinct_id=f"user-{user}")
        for number in range(each)
        for user in range(users)
    ]


def by_user(events: Sequence[Event]) -> dict[str, list[str]]:
    """The uuids of each user's events, in order."""
    users = defaultdict(list)
    for event in events:
        users[event.distinct_id].append(event.uuid)
    return dict(users)


def test_every_event_reaches_the_plugin_once_and_each_users_in_order() -> None:
    """Over several lanes, in batches no larger than set."""
    bench = Bench(Recorder())
    events = crowd(users=20, each=30)

    assert bench.run(events)

    assert by_user(events) == by_user(bench.plugin.exported)
    assert max(map(len, bench.plugin.calls)) <= 10
    assert ["setup", "teardown"] == bench.plugin.hooks
    assert (0, None) == (bench.host.left, bench.host.failure)


def test_a_batch_is_with_the_plugin_in_one_thread_and_lanes_work_side_by_side() -> None:
    """As many calls at a time as there are lanes: each waits here until all are in."""
    together = threading.Barrier(3)

    def export(_events: Sequence[Event], _meta: PluginMeta) -> None:
        together.wait(LIMIT_SECONDS)

    bench = Bench(Recorder(export), concurrency=3)
    lanes: dict[int, str] = {}
    for number in range(1_000):
        lanes.setdefault(hash(f"user-{number}") % 3, f"user-{number}")

    bench.run([make_event(distinct_id=user) for user in lanes.values()])

    assert 3 == len(bench.plugin.calls)
    assert bench.host.failure is None


def test_what_a_plugin_could_not_deliver_is_given_to_it_again_after_a_wait() -> None:
    """Only what is left, in order, until there is none; nothing of the lane overtakes it."""

    def export(events: Sequence[Event], _meta: PluginMeta) -> None:
        if len(events) > 1:
            raise RetryError("one at a time", events=events[1:])

    bench = Bench(Recorder(export), concurrency=1)
    events = crowd(users=1, each=12)

    bench.run(events)

    assert [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 2, 1] == [len(call) for call in bench.plugin.calls]
    assert [event.uuid for event in events] == [call[0].uuid for call in bench.plugin.calls]
    assert 10 == bench.host.counts["retries"]
    assert 0 == bench.host.left


def test_an_error_without_events_means_all_of_them() -> None:
    """The batch comes again whole."""
    failures = iter([RetryError("not now"), RetryError("not now")])

    def export(_events: Sequence[Event], _meta: PluginMeta) -> None:
        for failure in failures:
            raise failure

    bench = Bench(Recorder(export), concurrency=1)

    bench.run(crowd(users=1, each=5))

    assert [5, 5, 5] == [len(call) for call in bench.plugin.calls]


def test_the_host_waits_as_long_as_the_destination_asks() -> None:
    """In every lane: the wait belongs to the destination."""
    clock = FakeClock()
    failed = threading.Event()

    def export(_events: Sequence[Event], _meta: PluginMeta) -> None:
        if not failed.is_set():
            failed.set()
            raise RetryError("HTTP 503", retry_after_seconds=600)

    bench = Bench(Recorder(export), clock=clock, concurrency=1)

    bench.run(crowd(users=1, each=5))

    assert 600 <= clock.monotonic() <= 600.001


def test_an_outage_of_days_is_waited_out() -> None:
    """By default nothing is ever given up."""
    clock = FakeClock()

    def export(_events: Sequence[Event], _meta: PluginMeta) -> None:
        if clock.monotonic() < 3 * 24 * 3600:
            raise RetryError("HTTP 503")

    bench = Bench(Recorder(export), clock=clock)

    bench.run(crowd(users=8, each=3))

    assert [] == bench.dead_letters.rejections
    assert 0 == bench.host.left


def test_what_passes_the_age_that_is_set_is_dead_and_not_dropped() -> None:
    """`maxRetryHours`: to the dead letters with the last reason; the lane goes on with what follows."""
    clock = FakeClock()

    def export(events: Sequence[Event], _meta: PluginMeta) -> None:
        if events[0].distinct_id == "user-0" and clock.monotonic() < 10 * 3600:
            raise RetryError("HTTP 503")

    bench = Bench(Recorder(export), clock=clock, concurrency=1, maxRetryHours="2", maxBatchEvents=1)

    bench.run(crowd(users=2, each=1))

    (rejection,) = bench.dead_letters.rejections
    assert ("user-0", "not delivered within 2 h; last: HTTP 503") == (
        rejection.event.distinct_id,
        rejection.reason,
    )
    assert 2 * 3600 <= clock.monotonic() <= 2 * 3600 + 300
    assert 1 == bench.host.counts["events.rejected"]
    assert 0 == bench.host.left


def test_rejections_go_to_the_dead_letters() -> None:
    """Those of the plugin, through its `meta`, and those of who reads the records."""
    bench = Bench(
        Recorder(lambda events, meta: meta.reject(Rejection(event=events[0], reason="HTTP 400", status=400)))
    )
    bench.host.start()

    bench.host.offer(make_event(number=1), 1)
    bench.host.reject(Rejection(event=make_event(number=2), reason="not JSON"))
    bench.host.finish()

    assert {("HTTP 400", 400), ("not JSON", None)} == {
        (rejection.reason, rejection.status) for rejection in bench.dead_letters.rejections
    }


def test_memory_is_bounded_while_the_plugin_is_slow() -> None:
    """`offer` waits: never more than two batches a lane are on their way."""
    offered = 0
    most = 0
    done = 0

    def export(events: Sequence[Event], _meta: PluginMeta) -> None:
        nonlocal most, done
        most = max(most, offered - done)
        done += len(events)

    bench = Bench(Recorder(export), concurrency=1)
    bench.host.start()
    for event in crowd(users=1, each=500):
        bench.host.offer(event, 100)
        offered += 1
    bench.host.finish()

    assert 500 == done
    assert most <= 2 * 10 + 1


# --- stopping -----------------------------------------------------------------------------------


def test_stopping_flushes_what_the_destination_takes() -> None:
    """Buffers that are not full are exported; nothing is left."""
    bench = Bench(Recorder())
    bench.host.start()
    for event in crowd(users=10, each=3):
        bench.host.offer(event, 100)

    bench.host.stop()

    assert bench.host.finish()
    assert 30 == len(bench.plugin.exported)
    assert 0 == bench.host.left


def test_stopping_during_an_outage_leaves_everything_and_overtakes_nothing() -> None:
    """The waits end; what is left is counted; no later batch of a lane goes out before an earlier one."""

    def export(_events: Sequence[Event], meta: PluginMeta) -> None:
        meta.clock.stop()
        raise RetryError("HTTP 503", retry_after_seconds=60)

    bench = Bench(Recorder(export), concurrency=1)

    assert bench.run(crowd(users=1, each=25))

    assert 1 == len(bench.plugin.calls)
    assert (25, None) == (bench.host.left, bench.host.failure)
    assert bench.host.stopped
    assert [] == bench.dead_letters.rejections


def test_what_is_still_in_flight_at_the_deadline_counts_as_left() -> None:
    """A lane that hangs does not hold up the end, and its events are not forgotten."""
    release, inside = threading.Event(), threading.Event()

    def export(_events: Sequence[Event], _meta: PluginMeta) -> None:
        inside.set()
        release.wait(LIMIT_SECONDS)

    bench = Bench(Recorder(export), concurrency=1)
    bench.host.start()
    for event in crowd(users=1, each=10):
        bench.host.offer(event, 100)
    assert inside.wait(LIMIT_SECONDS)

    finished = bench.host.finish(deadline_seconds=0.0)
    left = bench.host.left
    release.set()

    assert not finished
    assert 10 == left
    assert ["setup", "teardown"] == bench.plugin.hooks


@pytest.mark.parametrize("error", [ValueError("odd"), UsageError("cannot write")], ids=["any", "usage"])
def test_a_plugin_that_breaks_its_contract_ends_the_run(error: Exception) -> None:
    """Nobody knows what became of its batch: it is left, the host stops, and the failure can be seen."""

    def export(_events: Sequence[Event], _meta: PluginMeta) -> None:
        raise error

    bench = Bench(Recorder(export), concurrency=1)

    assert bench.run(crowd(users=1, each=25))

    assert error is bench.host.failure
    assert bench.host.stopped
    assert 25 == bench.host.left
    assert "teardown" == bench.plugin.hooks[-1]


def test_a_plugin_that_does_not_start_is_torn_down_once() -> None:
    """The settings error reaches the caller; finishing afterwards tears nothing down again."""
    bench = Bench(Recorder(), colour="red")

    with pytest.raises(SettingsError):
        bench.host.start()
    bench.host.finish()

    assert ["setup", "teardown"] == bench.plugin.hooks


def test_a_plugin_may_say_which_events_need_not_be_decoded() -> None:
    """One that does not say it gets all of them."""
    plugin = Recorder()
    assert Bench(plugin).host.skips("$autocapture") is None

    plugin.skips = lambda name: "not exported" if name.startswith("$") else None  # type: ignore[attr-defined]

    left_out = Bench(plugin).host.skips("$autocapture")
    assert left_out is not None
    assert ("not exported",) == left_out.reasons


def test_the_meta_does_not_show_the_configuration() -> None:
    """It holds secrets."""
    seen: list[str] = []
    bench = Bench(
        Recorder(lambda _events, meta: seen.append(repr(meta))), authHeader="Bearer phc_demo_secret"
    )

    bench.run(crowd(users=1, each=1))

    assert 1 == len(seen)
    assert "phc_demo_secret" not in seen[0]
