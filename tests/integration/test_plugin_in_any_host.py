"""The plugin in hosts that are not this project's: a `meta` with little in it, plain dicts as events."""

import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from tests.benches.wire import config_for
from variance_plugin import Event, PluginMeta, RetryError, SettingsError, VariancePlugin, delivery, hooks
from variance_plugin.receiver import Answer, LocalVariance, Post
from variance_plugin.runtime.meta.host_meta import HostMeta
from variance_plugin.testing import FakeClock, InMemoryMeta, ScriptedTransport, make_event, running

# --- a host of twenty lines ---------------------------------------------------------------------


@dataclass(frozen=True)
class BareMeta:
    """All that a host has to offer."""

    config: Mapping[str, Any]


def twenty_line_host(config: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> None:
    """Set up, export until nothing is left, tear down."""
    meta = BareMeta(config)
    plugin = VariancePlugin()
    try:
        plugin.setup_plugin(meta)
        left: Sequence[Any] = events
        while left:
            try:
                plugin.export_events(left, meta)
                left = ()
            except RetryError as error:
                left = left if error.events is None else error.events
    finally:
        plugin.teardown_plugin(meta)


def test_a_host_of_twenty_lines_will_do(variance: LocalVariance, caplog: pytest.LogCaptureFixture) -> None:
    """Dicts as events, a `meta` with a `config` alone; a failure and bad events are no trouble."""
    refused = Answer(status=400, body=b"no such plan: ada@acme.example")
    outage = iter([Answer(status=401)])

    def answer(post: Post) -> Answer:
        return next(outage, refused if b"bad-one" in post.body else Answer())

    variance.answer_with(answer)
    events = [
        {"event": "order paid", "uuid": f"id-{number}", "distinct_id": "ada", "properties": {}}
        for number in range(5)
    ]
    bad = {"event": "order paid", "uuid": "bad-one", "distinct_id": "ada", "properties": {}}

    twenty_line_host(
        config_for(variance.url),
        [*events, bad, {"no": "event"}],
    )

    assert {"order paid": 5} == variance.summary().events
    gone = "can never be delivered, and this host keeps no dead letters"
    assert [
        f"event None {gone}: not a PostHog event: no event name: `event` is missing",
        "the destination is at fault, nothing is lost, somebody has to look: HTTP 401",
        f"event 'bad-one' {gone}: HTTP 400",
    ] == [record.getMessage() for record in caplog.records]
    assert {("variance_plugin", logging.ERROR)} == {
        (record.name, record.levelno) for record in caplog.records
    }


def test_what_a_meta_has_as_none_counts_as_missing(variance: LocalVariance) -> None:
    """PostHog's own `meta` has every attribute, and some are empty."""
    meta: Any = SimpleNamespace(
        config=config_for(variance.url),
        logger=None,
        metrics=None,
        clock=None,
        reject=None,
    )

    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events([make_event()], meta)

    assert {"order paid": 1} == variance.summary().events


def test_what_a_meta_has_is_used() -> None:
    """Logger, metrics, clock and dead letters are the host's."""
    meta = InMemoryMeta({"webhookUrl": "https://variance.example/", "authHeader": "x"})
    transport = ScriptedTransport(
        [delivery.Answer(status=503), delivery.Answer(status=200), delivery.Answer(status=400)]
    )

    with running(VariancePlugin(transport=transport), meta) as plugin:
        plugin.export_events([make_event(number=1)], meta)
        plugin.export_events([make_event(number=2)], meta)

    assert 1 == len(meta.clock.waits)
    assert 1 == len(meta.rejections)
    assert {"retry": 1, "delivered": 1, "suspect": 1} == meta.counts.under("attempts.")
    assert transport.closed


def test_the_hosts_stop_ends_the_plugins_waits() -> None:
    """With `meta.clock` the wait before a quick retry ends with everything else."""
    meta = InMemoryMeta(
        {"webhookUrl": "https://variance.example/", "authHeader": "x"},
        clock=FakeClock(),
    )
    meta.clock.stop()
    transport = ScriptedTransport([delivery.Answer(status=503)])

    with (
        running(VariancePlugin(transport=transport), meta) as plugin,
        pytest.raises(RetryError, match="stopped while waiting"),
    ):
        plugin.export_events([make_event()], meta)


def test_a_wrong_configuration_is_told_at_the_start() -> None:
    """And the plugin can be torn down all the same."""
    with pytest.raises(SettingsError, match="webhookUrl: is required"):
        twenty_line_host({}, [])


def test_every_meta_of_this_project_is_a_whole_one() -> None:
    """For the type checker: what the protocols promise is there."""
    whole: list[PluginMeta] = [InMemoryMeta({})]
    least: list[hooks.MinimalMeta] = [BareMeta({}), *whole]

    assert {"config", "logger", "metrics", "clock", "reject"} <= {*dir(HostMeta)}
    assert all(meta.config == {} for meta in least)


# --- events of every kind -----------------------------------------------------------------------


def deep(levels: int) -> dict[str, Any]:
    """An event whose properties are nested so deep."""
    properties: dict[str, Any] = {}
    innermost = properties
    for _ in range(levels):
        innermost["p"] = innermost = {}
    return {"event": "order paid", "uuid": "deep", "distinct_id": "ada", "properties": properties}


ODD = [
    pytest.param(deep(500), id="deep"),
    pytest.param(deep(100_000), id="bottomless"),
    pytest.param({"event": 5}, id="no name"),
    pytest.param({}, id="empty"),
    pytest.param(None, id="none"),
    pytest.param("order paid", id="text"),
    pytest.param(["order paid"], id="list"),
    pytest.param({"event": "order paid", "properties": "{"}, id="broken properties"),
    pytest.param({"event": "order paid", "properties": {"x": object()}, "distinct_id": "a"}, id="no JSON"),
    pytest.param({"event": "order paid", "properties": {5: 5}, "distinct_id": "a"}, id="number as key"),
    pytest.param({"event": "order paid", "distinct_id": "a", "timestamp": "soon"}, id="no time"),
    pytest.param({"event": "order paid", "properties": {}}, id="nobody"),
    pytest.param({"event": "order paid", "distinct_id": "a", "properties": {"x": float("nan")}}, id="NaN"),
    pytest.param(
        {"event": "order paid", "distinct_id": "a", "properties": {"x": 10**5_000}}, id="huge number"
    ),
    pytest.param({"event": "order \ud83d", "distinct_id": "a", "properties": {}}, id="lone surrogate"),
]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_event_costs_at_most_itself(variance: LocalVariance, odd: Any) -> None:
    """Delivered, or rejected alone with a reason: its neighbours are delivered, and the call returns."""
    meta = InMemoryMeta(config_for(variance.url))

    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events([make_event(number=1), odd, make_event(number=2)], meta)

    assert variance.summary().events["order paid"] >= 2
    assert 3 == meta.counts["events.delivered"] + meta.counts["events.rejected"]
    assert meta.counts["events.rejected"] == len(meta.rejections)
    assert all(
        rejection.reason and rejection.event.record
        for rejection in meta.rejections
        if rejection.event.event == ""
    )


class Exploding(dict[str, Any]):
    """What another plugin in the chain might leave behind: nobody foresaw it."""

    def get(self, *_: object) -> Any:
        """Fail."""
        raise RuntimeError("ada@acme.example")

    __iter__ = items = keys = values = get


def test_a_fault_of_the_mapping_costs_the_event_and_not_the_run(
    variance: LocalVariance, caplog: pytest.LogCaptureFixture
) -> None:
    """Rejected with the fault as its reason; the log has its uuid, the kind, and nothing of its content."""
    meta = InMemoryMeta(config_for(variance.url))
    odd = Event(event="order paid", uuid="odd", distinct_id="ada", properties=Exploding())

    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events([make_event(number=1), odd, make_event(number=2)], meta)

    assert {"order paid": 2} == variance.summary().events
    assert ["the mapping failed: RuntimeError: ada@acme.example"] == [
        rejection.reason for rejection in meta.rejections
    ]
    assert ["the mapping failed on event 'odd': RuntimeError"] == caplog.messages
    assert "ada@acme.example" not in caplog.text


def test_faults_of_the_mapping_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Of a kind one a minute has its line, with how many had none; each event is a dead letter."""
    clock = FakeClock()
    meta = InMemoryMeta({"webhookUrl": "https://hooks.example/1", "authHeader": "Bearer demo"})
    plugin = VariancePlugin(transport=ScriptedTransport(), clock=clock)

    def odd(number: int) -> Event:
        return Event(event="paid", uuid=str(number), distinct_id="ada", properties=Exploding())

    with running(plugin, meta):
        plugin.export_events([odd(number) for number in range(1_000)], meta)
        clock.advance(60)
        plugin.export_events([odd(1_000)], meta)

    assert 1_001 == len(meta.rejections)
    assert [
        "the mapping failed on event '0': RuntimeError",
        "the mapping failed on event '1000': RuntimeError (and 999 more since the last such line)",
    ] == caplog.messages


def test_lanes_that_find_the_same_out_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """An outage is told once for all of them, and then once a minute."""
    clock = FakeClock()
    meta = InMemoryMeta(config_for("https://hooks.example/variance", retrySeconds="0"))
    transport = ScriptedTransport(lambda _request: delivery.Answer(status=503))

    with running(VariancePlugin(clock=clock, transport=transport), meta) as plugin:
        for seconds in (0.0, 1.0, 60.0):
            clock.advance(seconds)
            with pytest.raises(RetryError):
                plugin.export_events([make_event("order paid")], meta)

    told = "the destination does not take events now: HTTP 503"
    assert [told, f"{told} (and 1 more since the last such line)"] == caplog.messages


def test_a_message_over_segments_limit_is_warned_of_once(
    variance: LocalVariance, caplog: pytest.LogCaptureFixture
) -> None:
    """It is legal here, but other receivers refuse it."""
    meta = InMemoryMeta(config_for(variance.url))
    large = [make_event(number=number, properties={"text": "x" * 40_000}) for number in range(3)]

    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events(large, meta)

    assert {"order paid": 3} == variance.summary().events
    (warning,) = caplog.records
    assert "32 KB" in warning.getMessage()


# --- threads ------------------------------------------------------------------------------------


@dataclass
class CountingMetrics:
    """Sums, with a lock."""

    sums: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def increment(self, name: str, amount: int = 1) -> None:
        """See `Metrics`."""
        with self.lock:
            self.sums[name] += amount


def test_eight_threads_may_export_at_the_same_time(variance: LocalVariance) -> None:
    """Through failures, bad events and halving: every event of every thread reaches one end, and one only."""
    counts = iter(range(1_000_000))

    def answer(post: Post) -> Answer:
        count = next(counts)
        if count % 7 == 3:
            return Answer(status=503)
        if count % 11 == 5:
            return Answer(status=413)
        return Answer(status=400) if b'"bad":true' in post.body else Answer()

    variance.answer_with(answer)
    metrics = CountingMetrics()
    rejected: list[str] = []
    meta: Any = SimpleNamespace(
        config=config_for(variance.url, maxBatchEvents="20"),
        metrics=metrics,
        clock=FakeClock(),
        reject=lambda rejection: rejected.append(rejection.event.uuid),
    )
    lanes = [
        [
            make_event(
                number=1_000 * lane + number,
                distinct_id=f"user-{lane}",
                properties={"bad": True} if number % 50 == 9 else {},
            )
            for number in range(200)
        ]
        for lane in range(8)
    ]

    def export(plugin: VariancePlugin, events: list[Event]) -> None:
        left: Sequence[Any] = events
        while left:
            batch, rest = left[:40], left[40:]
            try:
                plugin.export_events(batch, meta)
                left = rest
            except RetryError as error:
                left = [*(error.events or ()), *rest]

    with running(VariancePlugin(), meta) as plugin:
        threads = [threading.Thread(target=export, args=[plugin, events]) for events in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    delivered = Counter(
        str(message["messageId"])
        for post in variance.posts
        if post.status == 200
        for message in post.messages
        if isinstance(message, dict)
    )
    everything = {event.uuid for events in lanes for event in events}
    assert everything == {*delivered} | {*rejected}
    assert {1} == {*delivered.values()}
    assert {*delivered}.isdisjoint(rejected)
    assert (len(delivered), len(rejected)) == (
        metrics.sums["events.delivered"],
        metrics.sums["events.rejected"],
    )
    assert len({post.connection_id for post in variance.posts}) <= 8
