"""Events that no exporter wants: they end ahead of the exporters, and are counted for each of them."""

import logging
from typing import Any

import pytest

from variance_plugin.events import Event
from variance_plugin.exact_json import encode
from variance_plugin.manifest import Manifest
from variance_plugin.pipeline import Progress, run, summarize
from variance_plugin.runtime import Counts, Host, LoadedPlugin, Shared, hosted
from variance_plugin.sources import Record, Stream
from variance_plugin.testing import FakeClock, InMemoryDeadLetters

NAMES = ["paid", "$pageleave", "boring", "$pageleave", "tried"]
SYSTEM, BORING = "events.skipped.a system event", "events.skipped.listed in exportEventsToIgnore"


class Exporting:
    """Leaves out what PostHog names itself."""

    counts_events = True

    def skips(self, name: str) -> str | None:
        """See `LoadedPlugin`."""
        return "a system event" if name[0] == "$" else None

    def export_events(self, _events: Any, _meta: Any) -> None:
        """See `Plugin`."""


class Ignoring:
    """Has no opinion on names, but its user has."""

    def export_events(self, _events: Any, _meta: Any) -> None:
        """See `Plugin`."""


class Looking:
    """Takes part in the chain, and changes nothing."""

    def process_event(self, event: Event, _meta: Any) -> Event:
        """See `Plugin`."""
        return event


def host_of(*plugins: Any) -> Host:
    """A host whose plugins shall ignore `boring` and `$pageleave`."""
    clock = FakeClock()
    shared = Shared.in_memory(clock, dead_letters=InMemoryDeadLetters(), logger=logging.getLogger("plugins"))
    config = {"exportEventsToIgnore": "boring, $pageleave"}
    return Host(
        [hosted(LoadedPlugin.of(one, Manifest(name="demo")), config, shared) for one in plugins],
        clock=clock,
        calls=shared.calls,
        reject=lambda _: None,
    )


def run_through(host: Host) -> Progress:
    """Events of all names, to their end."""
    records = [
        Record(Stream("events"), number, 0, encode({"event": name, "distinct_id": "kim", "properties": {}}))
        for number, name in enumerate(NAMES, start=1)
    ]
    progress = Progress()
    host.start()
    run(records, host, progress)
    assert host.finish()
    return progress


@pytest.mark.parametrize("chain", [pytest.param([], id="alone"), pytest.param([Looking()], id="in-a-chain")])
def test_what_is_left_out_ahead_of_the_exporters_is_counted_for_each(chain: list[Any]) -> None:
    """By its own reason, once, whether the name was looked at in the source or behind a chain."""
    host = host_of(*chain, Exporting(), Ignoring())

    run_through(host)

    first, second = host.exporters
    assert {SYSTEM: 2} == first.plugin.counts.under("")
    assert {BORING: 3, "events.delivered": 2} == second.plugin.counts.under("")
    assert [5, 5] == [host.seen(exporter) for exporter in host.exporters]


@pytest.mark.parametrize("chain", [pytest.param([], id="alone"), pytest.param([Looking()], id="in-a-chain")])
def test_the_summary_tells_them_once(chain: list[Any]) -> None:
    """All that was read is delivered or left out."""
    host = host_of(*chain, Ignoring())

    found = summarize(host, run_through(host))

    assert (5, 2, {"listed in exportEventsToIgnore": 3}, 0) == (
        found.read,
        found.delivered,
        found.skipped,
        found.left,
    )


def test_a_name_that_is_only_asked_about_counts_nothing() -> None:
    """As when cohorts want to know whether their events would arrive."""
    host = host_of(Ignoring())

    assert host.skips("boring") is not None
    assert {} == host.counts.under("")


def test_sums_that_are_kept_elsewhere_are_read_with_the_others() -> None:
    """Whenever somebody asks, and as they are then."""
    counts, elsewhere = Counts(), {"b": 2}
    counts.increment("a")
    counts.increment("b")
    counts.add(lambda: elsewhere)

    assert ({"b": 3, "a": 1}, 3) == (counts.under(""), counts["b"])
    elsewhere["b"] = 5
    assert 6 == counts["b"]
