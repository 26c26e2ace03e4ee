"""`process_event` and `on_event` of every plugin, in order."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from ..errors import InvalidRecord, Stopped
from ..events import Event
from ..formats import UnreadEvent, place, unread
from ..records import event_in, record_of
from .hosted import HostedPlugin
from .loading import Hook


class Chain:
    """What every event passes before any plugin exports it.

    A plugin that fails on an event hurts itself alone: the event goes on down the chain as it was.

    Args:
        plugins: In their order.
    """

    def __init__(self, plugins: Sequence[HostedPlugin]) -> None:
        self._processing = [
            (one, hook, one.caller(hook)) for one in plugins if (hook := one.hooks.process_event) is not None
        ]
        self._listening = [(one, hook) for one in plugins if (hook := one.hooks.on_event) is not None]

    @property
    def is_empty(self) -> bool:
        """Whether no plugin wants to see events here."""
        return not (self._processing or self._listening)

    def process(self, event: Event) -> Event | None:
        """The event as the plugins leave it, with `record` as it is then; None when one of them drops it.

        Raises:
            InvalidRecord: When the record turns out to be no event.
            Stopped: When the host ends first.
        """
        if type(event) is not UnreadEvent and not event.record:
            event.record = record_of(event)
        passed: Event | None = event
        for plugin, hook, call in self._processing:
            if plugin.off is None and passed is not None:
                passed = _processed(plugin, hook, call, passed)
        if passed is not None:
            for plugin, hook in self._listening:
                if plugin.off is None:
                    # Each its own: what it changes nobody else sees.
                    plugin.attempt(hook, unread(passed), plugin.meta)
        return passed


def _processed(plugin: HostedPlugin, hook: Hook, call: Callable[..., Any], event: Event) -> Event | None:
    record, position = place(event)
    try:
        processed = call(event, plugin.meta)
        if processed is not None and type(processed) is not UnreadEvent:
            event = checked(processed)
            event.record, event.position = record_of(event), position
    except Stopped:
        raise
    except Exception as error:  # noqa: BLE001 -- a plugin may raise anything
        before = event_in(record, position)
        if isinstance(error, InvalidRecord):
            before.event  # noqa: B018 -- looking at it tells whether the record was at fault, and not the plugin
        plugin.failed(hook, error)
        return before
    plugin.went_well(hook)
    if processed is None:
        plugin.counts.increment(DROPPED)
        return None
    return cast("Event", processed)


def checked(processed: object) -> Event:
    """What a plugin returned, if it is an event that can be read when it was written down.

    If not, no exporter could do anything with it, ever: it would hold up all that comes after it.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(processed, Event):
        raise TypeError(f"returned a {type(processed).__name__}, neither the event nor None")
    name: object = processed.event  # whatever its type says, a plugin may have put anything there
    properties: object = processed.properties
    if not isinstance(name, str) or not name:
        raise TypeError("returned an event without a name: `event` has to be a text")
    if not isinstance(properties, dict):
        raise TypeError("returned an event without properties: they have to be a dict")
    if not isinstance(processed.person_properties, dict | None):
        raise TypeError("returned an event whose `person_properties` are neither a dict nor None")
    return processed


DROPPED = "events.dropped"
