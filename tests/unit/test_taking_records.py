"""Records that become messages without being decoded, and how a host hands them on."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from tests.benches.rows import row
from variance_plugin import Event, VariancePlugin
from variance_plugin.formats import UnreadEvent, glance
from variance_plugin.manifest import Manifest
from variance_plugin.mapping.layouts import EVENTS_TO_LEARN
from variance_plugin.pipeline import Progress, run, summarize
from variance_plugin.runtime import Host, LoadedPlugin, Shared, hosted
from variance_plugin.sources import Record, Stream
from variance_plugin.testing import (
    FakeClock,
    InMemoryDeadLetters,
    InMemoryMeta,
    ScriptedTransport,
    messages_in,
    running,
)

CONFIG: Mapping[str, Any] = {"webhookUrl": "https://hooks.example/variance", "authHeader": "Bearer demo"}
PAID, CLICKED = row({"total": 1}), row({"total": 1}, event="$autocapture")


def prepared(*records: bytes, learns_from: bytes = PAID) -> tuple[list[Any], InMemoryMeta]:
    """What the plugin makes of records once it knows those of that name."""
    meta = InMemoryMeta(config=CONFIG)
    with running(VariancePlugin(transport=ScriptedTransport()), meta) as plugin:
        assert [None] * EVENTS_TO_LEARN == [
            plugin.prepare_record(learns_from, meta) for _ in range(EVENTS_TO_LEARN)
        ]
        return [plugin.prepare_record(record, meta) for record in records], meta


def test_the_plugin_makes_the_messages_of_a_record_it_knows() -> None:
    """With whose they are, which is all that a host needs to keep them in order."""
    [made], _ = prepared(PAID)

    assert "u-42" == made.distinct_id
    assert {"total": 1} == json.loads(made.body)["properties"]


def test_the_plugin_says_why_a_record_is_left_out() -> None:
    """In the words in which it is counted."""
    [reason], meta = prepared(CLICKED, learns_from=CLICKED)

    assert "system event not named in systemEvents" == reason
    assert {} == meta.counts.under("")


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(PAID[:-1], id="no-json"),
        pytest.param(b"[" + PAID + b"]", id="a-list"),
        pytest.param(b'{"batch":[' + PAID + b"]}", id="a-batch"),
        pytest.param(row({"total": 1}, event="another"), id="another-name"),
        pytest.param(row({"total": 1}, distinct_id=""), id="of-nobody"),
        pytest.param(row({"total": 1}, timestamp="yesterday"), id="at-no-time"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_the_plugin_does_not_judge_what_it_does_not_know(record: bytes) -> None:
    """Who looks at the event says what is wrong with it, or that nothing is."""
    made, meta = prepared(record)

    assert [None] == made
    assert [] == meta.rejections


def test_a_large_message_is_spoken_of_here_as_well(caplog: pytest.LogCaptureFixture) -> None:
    """A receiver that keeps to Segment's limit refuses it."""
    [made], _ = prepared(row({"total": "x" * 40_000}))

    assert len(made.body) > 40_000
    assert ["WARNING"] == [record.levelname for record in caplog.records]


class Taking:
    """Takes records but those of nobody, and leaves out clicks."""

    def __init__(self) -> None:
        self.exported: list[Any] = []

    def prepare_record(self, record: bytes, _meta: Any) -> Any:
        """See `LoadedPlugin`."""
        event = json.loads(record)
        if not event["distinct_id"]:
            return None
        return "a click" if event["event"] == "$autocapture" else Made(event["distinct_id"])

    counts_events = True

    def export_events(self, events: list[Any], _meta: Any) -> None:
        """See `Plugin`."""
        self.exported += events


class Made:
    """What such a plugin makes of a record."""

    def __init__(self, distinct_id: str) -> None:
        self.distinct_id = distinct_id
        self.position: Any = None


class Looking:
    """Takes part in the chain, and does with an event what its name says."""

    def process_event(self, event: Event, _meta: Any) -> Event | None:
        """See `Plugin`."""
        assert type(event) is UnreadEvent
        name, _ = glance(event)
        if name == "read":
            assert {} == event.properties
        elif name == "changed":
            event.event = "renamed"
        return None if name == "dropped" else event


def host_of(*plugins: Any, guards: bool = False, config: Mapping[str, Any] | None = None) -> Host:
    """A host of these."""
    clock = FakeClock()
    shared = Shared.in_memory(clock, dead_letters=InMemoryDeadLetters(), logger=logging.getLogger("plugins"))
    return Host(
        [hosted(LoadedPlugin.of(one, Manifest(name="demo")), config or {}, shared) for one in plugins],
        clock=clock,
        calls=shared.calls,
        reject=lambda _: None,
        guards=guards,
    )


def run_through(host: Host, *records: bytes) -> Progress:
    """Records to their end."""
    progress = Progress()
    host.start()
    run((Record(Stream("file"), at, 0, body) for at, body in enumerate(records, start=1)), host, progress)
    assert host.finish()
    return progress


def test_a_host_hands_on_what_is_made_of_records_and_events_alike() -> None:
    """Each with the place where it was read, for the dead letters; what is left out is counted."""
    plugin = Taking()
    host = host_of(plugin)

    found = summarize(host, run_through(host, PAID, CLICKED, row({}, distinct_id=""), PAID))

    assert {("Made", "file:1"), ("Made", "file:4"), ("UnreadEvent", "file:3")} == {
        (type(event).__name__, str(event.position)) for event in plugin.exported
    }
    assert (4, {"a click": 1}) == (found.read, found.skipped)
    assert 4 == host.seen(host.exporters[0])


def test_a_host_makes_events_where_another_exporter_has_them_too() -> None:
    """What one makes of a record is not what the other takes."""
    plugin = Taking()

    run_through(host_of(Taking(), plugin), PAID, CLICKED)

    assert ["UnreadEvent"] * 2 == [type(event).__name__ for event in plugin.exported]


def test_a_host_takes_the_record_of_an_event_that_its_chain_has_not_looked_at() -> None:
    """One that the chain has read, or changed, goes on as that event; one that it drops does not go on."""
    plugin = Taking()
    host = host_of(Looking(), plugin)
    records = [row({}, event=name) for name in ("read", "changed", "dropped", "paid", "$autocapture")]

    found = summarize(host, run_through(host, *records))

    assert [("Made", "file:4"), ("UnreadEvent", "read"), ("UnreadEvent", "renamed")] == sorted(
        (type(event).__name__, event.event if isinstance(event, Event) else str(event.position))
        for event in plugin.exported
    )
    assert (5, {"a click": 1}) == (found.read, found.skipped)


def test_a_host_that_guards_looks_at_what_may_be_its_own() -> None:
    """A runner's own events are found and left out; others with that word in them are not."""
    plugin = Taking()
    host = host_of(plugin, guards=True)

    run_through(host, row({"$variance_runner": "x"}), row({"said": "$variance_runner"}), PAID)

    assert 1 == host.own
    assert ["Made", "UnreadEvent"] == sorted(type(event).__name__ for event in plugin.exported)


@pytest.mark.parametrize("chain", [pytest.param([], id="alone"), pytest.param([Looking()], id="in-a-chain")])
def test_a_record_that_a_plugin_could_not_take_is_tried_once(chain: list[Any]) -> None:
    """Then it is decoded, and the plugin has the event."""
    tried: list[bytes] = []

    class Trying(VariancePlugin):
        def prepare_record(self, record: bytes, meta: Any) -> Any:
            tried.append(record)
            return super().prepare_record(record, meta)

        def prepare_event(self, given: Any, meta: Any) -> Any:
            assert type(given) is Event
            return super().prepare_event(given, meta)

    transport = ScriptedTransport()
    host = host_of(*chain, Trying(transport=transport), config=CONFIG)

    records = [PAID, CLICKED, b'{"event":"a","distinct_id":1,"properties":3}']

    found = summarize(host, run_through(host, *records))

    assert records == tried
    assert (3, 1, {"system event not named in systemEvents": 1}, 1) == (
        found.read,
        found.delivered,
        found.skipped,
        found.rejected,
    )


def test_a_subclass_that_only_prepares_events_in_its_own_way_is_asked_for_each() -> None:
    """Records would pass it by, and what it does to events with them."""

    class Renaming(VariancePlugin):
        def prepare_event(self, given: Any, meta: Any) -> Any:
            given.event = "renamed"
            return super().prepare_event(given, meta)

    transport = ScriptedTransport()
    host = host_of(Renaming(transport=transport), config=CONFIG)

    run_through(host, *[PAID] * (EVENTS_TO_LEARN + 5))

    assert ["renamed"] * (EVENTS_TO_LEARN + 5) == [
        message["event"] for request in transport.requests for message in messages_in(request)
    ]
