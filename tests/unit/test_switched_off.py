"""A plugin that was switched off while it ran: none of its hooks is called any more, and its events wait."""

import logging
from collections.abc import Sequence
from typing import Any

from variance_plugin.events import Event
from variance_plugin.manifest import Manifest
from variance_plugin.runtime import Host, LoadedPlugin, Shared, hosted
from variance_plugin.runtime.hosted import HookLimits
from variance_plugin.testing import FakeClock, InMemoryDeadLetters, make_event

FAILURES = 3


class Hiding:
    """Hides names before it exports, and fails at that: what it exported then would not be hidden."""

    def __init__(self) -> None:
        self.exported: list[Event] = []

    def process_event(self, event: Event, _meta: Any) -> Event:
        """See `ProcessesEvents`."""
        raise ValueError(event.event)

    def export_events(self, events: Sequence[Event], _meta: Any) -> None:
        """See `ExportsEvents`."""
        self.exported += events


def test_what_it_would_export_waits_for_the_next_start() -> None:
    """Its events are left, and not lost; whoever asks hears that a person has to look."""
    clock = FakeClock(on_wait=lambda _seconds: clock.stop())
    shared = Shared.in_memory(
        clock,
        dead_letters=InMemoryDeadLetters(),
        logger=logging.getLogger("plugins"),
        limits=HookLimits(failures_until_disabled=FAILURES),
    )
    plugin = Hiding()
    host = Host(
        [hosted(LoadedPlugin.of(plugin, Manifest(name="hiding")), {"concurrency": 1}, shared)],
        clock=clock,
        calls=shared.calls,
        reject=lambda _: None,
    )
    host.start()
    for number in range(1, FAILURES + 1):
        host.offer(make_event(number=number), 100)

    host.finish()

    assert ([], FAILURES) == (plugin.exported, host.left)
    assert host.wait is not None
    assert host.wait.at_fault
    assert host.wait.reason.startswith("the plugin is switched off: process_event failed 3 times in a row")
