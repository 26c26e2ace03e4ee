"""`process_event` and `on_event` of every plugin, in order."""

from collections.abc import Sequence
from typing import Any

from ..errors import InvalidRecord, Stopped
from ..events import Event
from ..formats import UnreadEvent, place, unread
from ..records import event_in, record_of
from .hosted import HostedPlugin


class Chain:
    """What every event passes before any plugin exports it.

    A plugin that fails on an event hurts itself alone: the event goes on down the chain as it was.

    Args:
        plugins: In their order.
    """

    def __init__(self, plugins: Sequence[HostedPlugin]) -> None:
        self._processing = [
            (one, hook, one.callers(hook)) for one in plugins if (hook := one.hooks.process_event) is not None
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
        for plugin, hook, callers in self._processing:
            if plugin.off is not None or passed is None:
                continue
            record, position = place(passed)
            try:
                processed = next(callers)(passed, plugin.meta)
                if type(processed) is UnreadEvent:  # as most events, which a plugin is not interested in
                    passed = processed
                elif processed is not None:
                    passed = checked(processed)
                    passed.record, passed.position = record_of(passed), position
                else:
                    passed = None
                    plugin.counts.increment(DROPPED)
            except Stopped:
                raise
            except Exception as error:  # noqa: BLE001 -- a plugin may raise anything
                passed = _as_it_was(record, position, error)
                plugin.failed(hook, error)
            else:
                plugin.went_well(hook)
        if self._listening and passed is not None:
            self._tell(passed)
        return passed

    def _tell(self, event: Event) -> None:
        for plugin, hook in self._listening:
            if plugin.off is None:
                # Each its own: what it changes nobody else sees.
                plugin.attempt(hook, unread(event), plugin.meta)


def _as_it_was(record: bytes, position: Any, error: Exception) -> Event:
    """The event ahead of a plugin that failed on it. Raises `InvalidRecord` where it was none already."""
    before = event_in(record, position)
    if isinstance(error, InvalidRecord):
        before.event  # noqa: B018 -- looking at it tells whether the record was at fault, and not the plugin
    return before


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
