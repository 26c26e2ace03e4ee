"""The chain: what each event passes before it is exported, and plugins that fail on the way."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from variance_plugin.errors import InvalidRecord
from variance_plugin.events import Event
from variance_plugin.formats import UnreadEvent
from variance_plugin.manifest import Manifest
from variance_plugin.records import event_in
from variance_plugin.runtime import LoadedPlugin, Shared, hosted
from variance_plugin.runtime.chain import Chain
from variance_plugin.runtime.hosted import HookLimits, HostedPlugin
from variance_plugin.testing import FakeClock, InMemoryDeadLetters, make_event

FAILURES = 3


class Plugin:
    """Has the hooks that it is given."""

    def __init__(self, **hooks: Callable[..., Any]) -> None:
        self.__dict__.update(hooks)


class Bench:
    """Plugins that share what a host has, and what it heard of their failures."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, str, str]] = []
        self.clock = FakeClock()
        self._shared = Shared.in_memory(
            self.clock,
            dead_letters=InMemoryDeadLetters(),
            logger=logging.getLogger("plugins"),
            limits=HookLimits(failures_until_disabled=FAILURES),
            report=lambda plugin, hook, error: self.failures.append((plugin, hook, str(error))),
        )

    def plugin(self, name: str, **hooks: Callable[..., Any]) -> HostedPlugin:
        """In the host."""
        return hosted(LoadedPlugin.of(Plugin(**hooks), Manifest(name=name)), {}, self._shared)


@pytest.fixture
def bench() -> Bench:
    """A fresh one."""
    return Bench()


def adding(key: str) -> Callable[[Event, Any], Event]:
    """A `process_event` that puts one property more at the end."""

    def process_event(event: Event, _meta: Any) -> Event:
        event.properties = {**event.properties, key: len(event.properties)}
        return event

    return process_event


def test_an_event_passes_every_plugin_in_order(bench: Bench) -> None:
    """Each sees what the one before it made."""
    chain = Chain(
        [bench.plugin("first", process_event=adding("a")), bench.plugin("b", process_event=adding("b"))]
    )

    processed = chain.process(make_event())

    assert processed is not None
    assert {"a": 0, "b": 1} == processed.properties


def test_what_a_plugin_drops_no_other_sees(bench: Bench) -> None:
    """It is counted for the plugin that dropped it."""
    seen: list[Event] = []
    dropping = bench.plugin("dropping", process_event=lambda _event, _meta: None)
    chain = Chain([dropping, bench.plugin("next", process_event=lambda event, _meta: seen.append(event))])

    assert chain.process(make_event()) is None
    assert [] == seen
    assert 1 == dropping.counts["events.dropped"]


def test_an_async_hook_is_one_as_well(bench: Bench) -> None:
    """As PostHog's were, mostly."""

    async def process_event(event: Event, _meta: Any) -> Event:
        await asyncio.sleep(0)
        event.event = "renamed"
        return event

    processed = Chain([bench.plugin("async", process_event=process_event)]).process(make_event())

    assert processed is not None
    assert "renamed" == processed.event


def test_a_failure_leaves_the_event_as_it_was(bench: Bench) -> None:
    """Also where the plugin had changed half of it, deep inside."""

    def fails_halfway(event: Event, _meta: Any) -> Event:
        event.properties["nested"]["list"].append("changed")
        event.event = "changed"
        raise KeyError("plan")

    chain = Chain(
        [
            bench.plugin("first", process_event=adding("a")),
            bench.plugin("failing", process_event=fails_halfway),
            bench.plugin("last", process_event=adding("z")),
        ]
    )
    processed = chain.process(make_event(properties={"nested": {"list": []}}))

    assert processed is not None
    assert ("order paid", {"nested": {"list": []}, "a": 1, "z": 2}) == (processed.event, processed.properties)
    assert [("failing", "process_event", "'plan'")] == bench.failures


def test_what_is_neither_an_event_nor_none_is_a_failure(bench: Bench) -> None:
    """Such as a hook that forgot to return."""
    failing = bench.plugin("failing", process_event=lambda _event, _meta: {"event": "a dict"})
    event = make_event()

    processed = Chain([failing]).process(event)

    assert event == processed
    assert [("failing", "process_event", "returned a dict, neither the event nor None")] == bench.failures
    assert 1 == failing.counts["hook_failures.process_event"]


@pytest.mark.parametrize(
    ("attribute", "value", "told"),
    [
        ("event", ["paid"], "returned an event without a name: `event` has to be a text"),
        ("event", "", "returned an event without a name: `event` has to be a text"),
        ("event", None, "returned an event without a name: `event` has to be a text"),
        ("properties", None, "returned an event without properties: they have to be a dict"),
        ("properties", "{}", "returned an event without properties: they have to be a dict"),
        (
            "person_properties",
            5,
            "returned an event whose `person_properties` are neither a dict nor None",
        ),
    ],
)
def test_an_event_that_no_exporter_could_read_is_a_failure(
    bench: Bench, attribute: str, value: Any, told: str
) -> None:
    """It would come again and again, and hold up all that follows; so it goes on as it was."""

    def process_event(event: Event, _meta: Any) -> Event:
        setattr(event, attribute, value)
        return event

    processed = Chain([bench.plugin("spoiling", process_event=process_event)]).process(make_event())

    assert processed is not None
    assert ("order paid", {}, None) == (processed.event, processed.properties, processed.person_properties)
    assert [("spoiling", "process_event", told)] == bench.failures


def test_a_plugin_that_fails_again_and_again_is_switched_off(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """Loudly; the others go on."""

    def fails(_event: Event, _meta: Any) -> Event:
        raise ValueError("amiss")

    failing = bench.plugin("failing", process_event=fails)
    chain = Chain([failing, bench.plugin("good", process_event=adding("a"))])
    for _ in range(FAILURES + 2):
        processed = chain.process(make_event())
        assert processed is not None
        assert {"a": 0} == processed.properties

    assert FAILURES == len(bench.failures)
    assert "process_event failed 3 times in a row; last: ValueError: amiss" == failing.off
    assert "switched off until the next start" in caplog.messages[-1]
    assert ("plugins", logging.ERROR) == caplog.record_tuples[-1][:2]


def test_failures_that_are_not_in_a_row_switch_nothing_off(bench: Bench) -> None:
    """A bad event now and then is the event's fault."""

    def picky(event: Event, _meta: Any) -> Event:
        if "bad" in event.properties:
            raise ValueError("amiss")
        return event

    plugin = bench.plugin("picky", process_event=picky)
    chain = Chain([plugin])
    for _ in range(2 * FAILURES):
        chain.process(make_event(properties={"bad": 1}))
        chain.process(make_event())

    assert 2 * FAILURES == len(bench.failures)
    assert plugin.off is None


def test_failures_alike_are_told_once_a_minute(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A hook that fails with every other event would fill the log; each other failure is told at once."""

    def picky(event: Event, _meta: Any) -> Event:
        if "bad" in event.properties:
            raise TypeError("other") if event.properties["bad"] == "other" else ValueError("amiss")
        return event

    chain = Chain([bench.plugin("picky", process_event=picky)])
    for bad in (1, 2, "other", 3):
        chain.process(make_event(properties={"bad": bad}))
        chain.process(make_event())
    bench.clock.advance(60)
    chain.process(make_event(properties={"bad": 4}))

    assert [
        "process_event failed: ValueError: amiss",
        "process_event failed: TypeError: other",
        "process_event failed: ValueError: amiss (and 2 more since the last such line)",
    ] == caplog.messages
    assert 5 == len(bench.failures)


def test_on_event_hears_of_what_came_through_and_can_change_nothing(bench: Bench) -> None:
    """Each listener has a copy; one that fails hurts nobody."""
    heard: list[Event] = []

    def listens(event: Event, _meta: Any) -> None:
        event.properties["mine"] = True
        heard.append(event)

    def fails(_event: Event, _meta: Any) -> None:
        raise ValueError("deaf")

    chain = Chain(
        [
            bench.plugin("listening", on_event=listens),
            bench.plugin("failing", on_event=fails),
            bench.plugin("processing", process_event=adding("a")),
        ]
    )
    processed = chain.process(make_event())

    assert processed is not None
    assert {"a": 0} == processed.properties
    assert [{"a": 0, "mine": True}] == [event.properties for event in heard]
    assert [("failing", "on_event", "deaf")] == bench.failures


RECORD = b'{"event":"order paid","uuid":"1","distinct_id":"ada","properties":{"plan":"team"}}'


def test_an_event_that_nobody_looks_at_is_never_decoded(bench: Bench) -> None:
    """A plugin that lets it pass costs no more than the call."""
    event = event_in(RECORD)
    chain = Chain([bench.plugin("passing", process_event=lambda event, _meta: event)])

    processed = chain.process(event)

    assert processed is event
    assert type(processed) is UnreadEvent


def test_the_record_of_a_changed_event_is_the_event_as_it_is(bench: Bench) -> None:
    """What waits on disk or ends in the dead letters is what would have been exported."""
    processed = Chain([bench.plugin("first", process_event=adding("a"))]).process(
        event_in(RECORD, "a.jsonl:7")
    )

    assert processed is not None
    assert {"plan": "team", "a": 1} == event_in(processed.record).properties
    assert "a.jsonl:7" == processed.position


def test_a_record_that_is_no_event_is_not_the_plugins_fault(bench: Bench) -> None:
    """The first who looks at it finds out; nobody is blamed."""
    plugin = bench.plugin("looking", process_event=adding("a"))

    with pytest.raises(InvalidRecord):
        Chain([plugin]).process(event_in(b'{"event":"order paid","properties":17}'))
    assert [] == bench.failures


def test_a_value_that_is_not_json_is_a_failure_of_the_plugin_that_put_it_there(bench: Bench) -> None:
    """The event goes on as it was."""

    def process_event(event: Event, _meta: Any) -> Event:
        event.properties["socket"] = object()
        return event

    processed = Chain([bench.plugin("odd", process_event=process_event)]).process(event_in(RECORD))

    assert processed is not None
    assert {"plan": "team"} == processed.properties
    assert ["odd"] == [plugin for plugin, _, _ in bench.failures]
