"""The host: runs plugins, feeds them events, and keeps what they reject."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..clock import Clock
from ..errors import UsageError
from ..events import Event
from ..formats import UnreadEvent, glance, is_named, place, unread
from ..hooks import Rejection, Storage
from .calls import Calls
from .chain import Chain
from .exporter import Exporter
from .hosted import HostedPlugin
from .lane import Mark
from .meta.feedback import is_own, may_be_own
from .outage import Wait
from .overflow import Queue
from .replay import Replays
from .schedule import Schedule
from .unwanted import LeftOut, Unwanted
from .watching.counts import Counts
from .watermark import Watermark


class Host:
    """Runs plugins: a chain that every event passes, exporters side by side, what runs by the clock.

    Call `start`, `offer` each event from one thread, then `finish`.

    Args:
        plugins: In the order of the chain.
        clock: Everybody's.
        calls: Through which the hooks are called.
        reject: Keeps a record that never became an event.
        memory: Where outages of destinations are remembered over restarts.
        overflow: By an exporter's name, where its events go while it cannot take them and others can.
        schedule: What runs by the clock.
        replays: Dead letters that are sent once more.
        guards: Whether events that a runner captured are left out, so that it does not feed itself.
        ends_at_fault: Whether an exporter that raises what is no `RetryError` ends the run; else it waits.
        acknowledge: Told, as the run goes on, the last record that is done with.
    """

    def __init__(  # noqa: PLR0913 -- it stands where all of them meet
        self,
        plugins: Sequence[HostedPlugin],
        *,
        clock: Clock,
        calls: Calls,
        reject: Callable[[Rejection], None],
        memory: Storage | None = None,
        overflow: Mapping[str, Queue] | None = None,
        schedule: Schedule | None = None,
        replays: Replays | None = None,
        guards: bool = False,
        ends_at_fault: bool = False,
        acknowledge: Callable[[Any], None] = lambda _record: None,
    ) -> None:
        self.plugins = plugins
        self.chain = Chain(plugins)
        self.reject = reject
        """Sets a record aside that never became an event."""
        self._chained = not self.chain.is_empty
        self.watermark = Watermark(self._oldest, acknowledge)
        self.own = 0
        """Events that a runner captured, and that were left out."""
        self._guards = guards
        self._clock = clock
        self._calls = calls
        self._schedule = schedule
        self._replays = replays
        self._in_chain = threading.Lock()
        queues = overflow or {}
        self.exporters = [
            Exporter(
                plugin,
                clock=clock,
                memory=memory,
                overflow=queues.get(plugin.name),
                ends_at_fault=ends_at_fault,
                on_progress=self.watermark.move,
            )
            for plugin in plugins
            if plugin.hooks.export_events is not None
        ]
        self._unwanted = Unwanted(self.exporters)
        # Others want events, and what waits elsewhere for their sake waits as an event.
        alone = len(self.exporters) == 1 and not queues
        self._prepare_record = self.exporters[0].prepare_record if alone else None
        self.takes_records = self._prepare_record is not None and not self._chained
        """Whether `take` tries to."""

    def start(self) -> None:
        """Set up the plugins, one after the other, and open the lanes.

        Raises:
            UsageError: When a plugin does not take its configuration, or no exporter is left.
            Stopped: When the host ends first.
        """
        try:
            for plugin in self.plugins:
                plugin.set_up()
            if self.exporters and all(exporter.plugin.off for exporter in self.exporters):
                reasons = "; ".join(f"{one.plugin.name}: {one.plugin.off}" for one in self.exporters)
                raise UsageError(f"no plugin is left that exports: {reasons}")
        except BaseException:
            self._tear_down()
            raise
        for exporter in self.exporters:
            exporter.start()
        if self._replays is not None:
            self._replays.begin(self.exporters, self.process)
        if self._schedule is not None:
            self._schedule.start()

    def skips(self, name: str) -> LeftOut | None:
        """By name alone: as what such events are left out, or None. For who reads the events, and counts."""
        if self._chained:
            return None  # a plugin may give it another name
        return self._unwanted.named(name)

    def take(self, record: bytes, position: Any) -> bool:
        """Hand over a record as it was read, if nobody needs an event of it; waits as `offer` does.

        Args:
            record: Its JSON text, whatever that holds.
            position: See `Event`.

        Returns:
            Whether it was one event, and that has reached a lane or its end; else nothing was done with it.
        """
        if not self.takes_records or (self._guards and may_be_own(record)):
            return False
        return self._prepared(record, position)

    def offer(self, event: Event, size_bytes: int) -> None:
        """Hand over one event of the record that is being read; waits while a lane has all it can hold."""
        if self._guards and may_be_own(event.record) and is_own(event.properties):
            self.own += 1
            return
        mark = self.watermark.read
        processed = event
        if self._chained:
            with self._in_chain:  # as in `process`, whose call would cost as much as many a plugin
                passed = self.chain.process(event)
            if passed is None:
                return
            if type(passed) is UnreadEvent:
                if self._prepared(*place(passed)):
                    return
                name, record = glance(passed)
                left_out = self._unwanted.named(name)
                if left_out is not None and is_named(record, name):
                    left_out.count += 1
                    return
                if self._prepare_record is not None:
                    passed.properties  # noqa: B018 -- to look at it reads it: the record alone did not do
            processed = passed
        for exporter in self.exporters:
            exporter.offer(processed, size_bytes, mark)

    def _prepared(self, record: bytes, position: Any) -> bool:
        """What `take` does, once it is plain that nobody else needs the event."""
        prepare = self._prepare_record
        if prepare is None:
            return False
        exporter = self.exporters[0]
        made = prepare(record, exporter.plugin.meta)
        if made is None:
            return False
        if isinstance(made, str):
            self._unwanted.because(made).count += 1
        else:
            made.position = position
            exporter.offered += 1
            exporter.put(made, made.distinct_id, len(record), self.watermark.read)
        return True

    def process(self, event: Event) -> Event | None:
        """The event as the chain leaves it; None when a plugin drops it. From any thread, one at a time.

        Raises:
            InvalidRecord: When the record turns out to be no event.
            Stopped: When the host ends first.
        """
        with self._in_chain:
            return self.chain.process(event)

    def deliver(self, events: Sequence[Event]) -> None:
        """Bring events that no source has read to their end now: through the chain, then to every exporter.

        It returns when each is delivered or a dead letter. From any thread.

        Raises:
            RetryError: An exporter is switched off.
            Stopped: When the host ends first.
        """
        processed = [event for given in events if (event := self.process(given)) is not None]
        for exporter in self.exporters:
            # Each its own: what it changes no other sees.
            exporter.deliver([unread(event) for event in processed])

    def look_after(self) -> None:
        """What has to be looked at every second or so, by whoever has the time."""
        self._calls.interrupt_overdue()
        self.watermark.move()
        if self._replays is not None:
            self._replays.look()

    @property
    def counts(self) -> Counts:
        """Of the exporter, or the first one."""
        return self.exporters[0].plugin.counts

    def seen(self, exporter: Exporter) -> int:
        """Events that were there for an exporter, with those that it left out by their names."""
        return exporter.seen + self._unwanted.count

    @property
    def stopped(self) -> bool:
        """Whether no more events should be offered."""
        return self._clock.stopped

    @property
    def left(self) -> int:
        """Events that were offered and have not reached their end; after `finish`, they never will here."""
        return sum(exporter.left for exporter in self.exporters)

    @property
    def wait(self) -> Wait | None:
        """The longest wait of an exporter that is put off now; to be read by who shows it."""
        waits = [wait for exporter in self.exporters if (wait := exporter.wait) is not None]
        return min(waits, key=lambda wait: wait.since, default=None)

    @property
    def failure(self) -> BaseException | None:
        """A fault that has ended the run: something here did not do what it must."""
        failures = [exporter.failure for exporter in self.exporters]
        if self._schedule is not None:
            failures.append(self._schedule.failure)
        if self._replays is not None:
            failures.append(self._replays.failure)
        return next(filter(None, failures), None)

    def stop(self) -> None:
        """End all waiting and let no more in; `finish` follows. A signal handler needs a thread for it."""
        self._clock.stop()
        for exporter in self.exporters:
            exporter.stop()

    def finish(self, deadline_seconds: float | None = None) -> bool:
        """Flush the lanes, wait for what is in flight, tear the plugins down.

        Returns False when a lane was still busy at the deadline.
        """
        end = None if deadline_seconds is None else self._clock.monotonic() + deadline_seconds
        ended = min([exporter.finish(end) for exporter in self.exporters], default=True)
        self.watermark.move()
        if self._replays is not None:
            ended = self._replays.finish(end) and ended
        if self._schedule is not None:
            self._clock.stop()
            self._schedule.close()
        self._tear_down()
        self._calls.close()
        return ended

    def _tear_down(self) -> None:
        for plugin in self.plugins:
            plugin.tear_down()

    def _oldest(self) -> Iterator[Mark | None]:
        for exporter in self.exporters:
            yield from exporter.oldest
