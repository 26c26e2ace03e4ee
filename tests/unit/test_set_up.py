"""`setup_plugin`: tried again when it asks for it, and what becomes of a plugin whose set-up fails."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from variance_plugin.clock import Clock
from variance_plugin.errors import UsageError
from variance_plugin.events import Event
from variance_plugin.hooks import RetryError
from variance_plugin.manifest import Manifest
from variance_plugin.runtime import Host, LoadedPlugin, Shared, hosted
from variance_plugin.testing import FakeClock, InMemoryDeadLetters, make_event


class Plugin:
    """Fails so many times before its set-up goes well; exports if it is asked to."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = iter(failures)
        self.at: list[float] = []
        self.exported: list[Event] = []

    def setup_plugin(self, meta: Any) -> None:
        """See `Plugin`."""
        self.at.append(meta.clock.monotonic())
        for failure in self._failures:
            raise failure

    def export_events(self, events: Sequence[Event], _meta: Any) -> None:
        """See `Plugin`."""
        self.exported += events


class AsyncPlugin(Plugin):
    """The same with a coroutine."""

    async def setup_plugin(self, meta: Any) -> None:  # type: ignore[override]  # noqa: D102 -- it is said above
        super().setup_plugin(meta)


def host(*plugins: Any, clock: Clock) -> Host:
    """Of plugins that are called first and second."""
    shared = Shared.in_memory(clock, dead_letters=InMemoryDeadLetters(), logger=logging.getLogger("plugins"))
    named = zip(("first", "second"), plugins, strict=False)
    return Host(
        [hosted(LoadedPlugin.of(plugin, Manifest(name=name)), {}, shared) for name, plugin in named],
        clock=clock,
        calls=shared.calls,
        reject=lambda _: None,
    )


@pytest.mark.parametrize("kind", [Plugin, AsyncPlugin], ids=["ordinary", "async"])
def test_a_set_up_is_tried_five_times_with_waits_that_double(
    kind: Callable[..., Plugin], caplog: pytest.LogCaptureFixture
) -> None:
    """After 5, 10, 20 and 40 s; then the plugin is switched off, and says so; the others go on."""
    clock = FakeClock()
    plugin, other = kind(*[RetryError("not there yet")] * 5), Plugin()
    running = host(plugin, other, clock=clock)
    running.start()
    began = plugin.at[0]

    running.offer(make_event(), 100)
    running.finish()

    assert [0, 5, 15, 35, 75] == [at - began for at in plugin.at]
    assert "setup_plugin asked 5 times to be tried again: not there yet" == running.plugins[0].off
    assert "the plugin is switched off until the next start" in caplog.text
    assert (0, 1) == (len(plugin.exported), len(other.exported))


def test_a_set_up_that_goes_well_in_the_end_is_forgiven() -> None:
    """The last of five tries is one as well."""
    plugin = Plugin(*[RetryError("not there yet")] * 4)
    running = host(plugin, clock=FakeClock())

    running.start()
    running.offer(make_event(), 100)
    running.finish()

    assert (5, None, 1) == (len(plugin.at), running.plugins[0].off, len(plugin.exported))


def test_another_error_switches_the_plugin_off_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """It would fail again; what it said is in the log and in the reason."""
    plugin, other = Plugin(KeyError("region")), Plugin()
    running = host(plugin, other, clock=FakeClock())

    running.start()
    running.finish()

    assert 1 == len(plugin.at)
    assert "setup_plugin failed: KeyError: 'region'" == running.plugins[0].off
    assert "setup_plugin failed: KeyError: 'region'" in caplog.messages


def test_a_users_mistake_ends_the_start_and_names_the_plugin() -> None:
    """Of several plugins nobody could tell whose it is."""
    running = host(Plugin(), Plugin(UsageError("name a region")), clock=FakeClock())

    with pytest.raises(UsageError, match=r"^the plugin second: name a region$"):
        running.start()


def test_a_run_in_which_no_exporter_is_left_ends_with_the_reasons() -> None:
    """Nothing would ever be delivered."""
    running = host(Plugin(ValueError("one")), Plugin(ValueError("two")), clock=FakeClock())

    with pytest.raises(UsageError) as told:
        running.start()

    assert (
        "no plugin is left that exports: first: setup_plugin failed: ValueError: one; "
        "second: setup_plugin failed: ValueError: two"
    ) == str(told.value)
