"""What the host counts, and leaves out, for exporting plugins that do not do so themselves."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from variance_plugin import plugin
from variance_plugin.events import Event
from variance_plugin.hooks import PluginMeta, Rejection, RetryError
from variance_plugin.manifest import Manifest
from variance_plugin.runtime import Host, LoadedPlugin, Shared, hosted, tally
from variance_plugin.testing import FakeClock, InMemoryDeadLetters, make_event

Export = Callable[[Sequence[Event], PluginMeta], None]


class Exporting:
    """A stranger's plugin."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self.names: list[str] = []

    def export_events(self, events: Sequence[Event], meta: PluginMeta) -> None:
        """See `Plugin`."""
        self._export(events, meta)
        self.names += [event.event for event in events]


class Processing:
    """Takes part in the chain: then nobody can tell by the names in the source what will be exported."""

    def process_event(self, event: Event, _meta: PluginMeta) -> Event:
        """See `Plugin`."""
        event.event = event.event.upper()
        return event


class Bench:
    """A host of some plugins, the first of them watched."""

    def __init__(self, *plugins: Any, **config: Any) -> None:
        clock = FakeClock()
        self.dead_letters = InMemoryDeadLetters()
        shared = Shared.in_memory(clock, dead_letters=self.dead_letters, logger=logging.getLogger("demo"))
        self.host = Host(
            [
                hosted(
                    LoadedPlugin.of(one, Manifest(name=f"demo-{number}")),
                    {"maxBatchEvents": 10, **config},
                    shared,
                )
                for number, one in enumerate(plugins)
            ],
            clock=clock,
            calls=shared.calls,
            reject=lambda _: None,
        )

    def run(self, events: Sequence[Event]) -> None:
        """All of them, to the end."""
        self.host.start()
        for event in events:
            self.host.offer(event, 100)
        assert self.host.finish()

    @property
    def sums(self) -> tuple[int, int]:
        """Delivered and rejected."""
        return self.host.counts[tally.DELIVERED], self.host.counts[tally.REJECTED]


def crowd(count: int) -> list[Event]:
    """Of several users, so that all lanes have some."""
    return [make_event(number=number, distinct_id=f"user-{number % 7}") for number in range(1, count + 1)]


def test_what_a_plugin_takes_is_counted_as_delivered() -> None:
    """Its own code need not count anything."""
    bench = Bench(Exporting(lambda _events, _meta: None))

    bench.run(crowd(100))

    assert (100, 0) == bench.sums


def test_what_it_rejects_is_counted_and_not_as_delivered() -> None:
    """Delivered and rejected add up to what was offered, whichever lane it was in."""

    def export(events: Sequence[Event], meta: PluginMeta) -> None:
        for event in events:
            if event.distinct_id == "user-3":
                meta.reject(Rejection(event=event, reason="no"))

    bench = Bench(Exporting(export))

    bench.run(crowd(70))

    assert (60, 10) == bench.sums
    assert 10 == len(bench.dead_letters.rejections)


def test_what_an_async_plugin_rejects_is_counted_likewise() -> None:
    """Although its hooks run in a thread of the host's."""
    kept: list[PluginMeta] = []

    class Async(Exporting):
        async def setup_plugin(self, meta: PluginMeta) -> None:
            kept.append(meta)

        async def export_events(self, events: Sequence[Event], meta: PluginMeta) -> None:  # type: ignore[override]
            await asyncio.sleep(0)
            meta.reject(Rejection(event=events[0], reason="no"))
            await asyncio.to_thread(kept[0].reject, Rejection(event=events[1], reason="no"))

    bench = Bench(Async(lambda _events, _meta: None), concurrency=1)

    bench.run([make_event(number=number) for number in range(1, 6)])

    assert (3, 2) == bench.sums


def test_what_is_rejected_in_the_chain_is_taken_off_no_delivery() -> None:
    """It was never given to `export_events`."""

    class Rejecting(Exporting):
        def process_event(self, event: Event, meta: PluginMeta) -> Event | None:
            if event.event != "bad":
                return event
            meta.reject(Rejection(event=event, reason="bad"))
            return None

    bench = Bench(Rejecting(lambda _events, _meta: None))

    bench.run([make_event("good", number=1), make_event("bad", number=2), make_event("good", number=3)])

    assert (2, 1) == bench.sums


def test_what_comes_again_counts_once_it_is_done() -> None:
    """One event at a time, the others come back: each is delivered once."""

    def export(events: Sequence[Event], _meta: PluginMeta) -> None:
        if len(events) > 1:
            raise RetryError("one at a time", events=events[1:])

    bench = Bench(Exporting(export))

    bench.run(crowd(40))

    assert (40, 0) == bench.sums


def test_what_is_given_up_is_rejected_once() -> None:
    """`maxRetryHours`: the host sets it aside, the plugin did nothing."""

    def export(_events: Sequence[Event], _meta: PluginMeta) -> None:
        raise RetryError("never")

    bench = Bench(Exporting(export), maxRetryHours="1", concurrency=1)

    bench.run(crowd(5))

    assert (0, 5) == bench.sums


@pytest.mark.parametrize(
    "others",
    [[], [Processing()], [Exporting(lambda _e, _m: None)]],
    ids=["alone", "behind a chain", "beside another"],
)
def test_names_to_ignore_do_not_reach_the_plugin(others: list[Any]) -> None:
    """`exportEventsToIgnore`, alone, behind a chain that renames events, and beside another exporter."""
    ignoring = Exporting(lambda _events, _meta: None)
    bench = Bench(ignoring, *others, exportEventsToIgnore="left out, LEFT OUT")

    bench.run([make_event("kept", number=1), make_event("left out", number=2), make_event("kept", number=3)])

    assert 2 == len(ignoring.names)
    assert {"kept"} == {name.lower() for name in ignoring.names}
    assert {"listed in exportEventsToIgnore": 1} == bench.host.counts.under(tally.SKIPPED)
    assert (2, 0) == bench.sums


def test_the_plugin_of_this_project_counts_under_the_same_names() -> None:
    """And tells the host not to count a second time."""
    assert (plugin.DELIVERED, plugin.REJECTED, plugin.SKIPPED) == (
        tally.DELIVERED,
        tally.REJECTED,
        tally.SKIPPED,
    )
    assert LoadedPlugin.of(plugin.VariancePlugin(), Manifest(name="variance")).counts_events
