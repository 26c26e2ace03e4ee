"""An exporting plugin in its host: lanes of events in, batches to the plugin, waits in between."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..clock import Clock
from ..errors import RetryError, Stopped
from ..events import Event
from ..formats import readable, unread
from ..hooks import Rejection, Storage
from ..parameters import Parameters
from ..turns import Turns
from .gate import Gate
from .hosted import HostedPlugin
from .lane import Lane, LaneSettings, Mark, join
from .meta.host_meta import HostMeta
from .outage import Outage, Wait
from .overflow import Overflow, Queue
from .tally import REJECTED

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOff:
    """Why events have to come again, after a wait."""

    events: Sequence[Any]
    """Those that are left, in order."""
    reason: str
    at_least_seconds: float = 0.0
    at_fault: bool = False
    """Whether a person has to look."""


class Exporter:
    """Brings events to one plugin's `export_events`.

    A person's events share a lane, and a lane has one batch with the plugin at a time: so they arrive in
    the order in which they were offered. Memory is bounded by two batches a lane; `offer` waits meanwhile.

    Args:
        plugin: One that has `export_events`.
        clock: The host's.
        on_progress: Called from a lane's thread when a batch has reached its end.
        memory: Keeps an outage that lasts, over restarts; None forgets it.
        ends_at_fault: Whether the host ends when the plugin raises what is no `RetryError`; else it is one.
        overflow: Where events wait on disk, for the sake of other exporters; else they wait in the source.
    """

    def __init__(  # noqa: PLR0913 -- it stands between the host and the plugin
        self,
        plugin: HostedPlugin,
        *,
        clock: Clock,
        on_progress: Callable[[], None],
        memory: Storage | None = None,
        overflow: Queue | None = None,
        ends_at_fault: bool = False,
    ) -> None:
        if plugin.hooks.export_events is None:
            raise ValueError(f"{plugin.name} has no export_events")
        self.plugin = plugin
        self._hook = plugin.hooks.export_events
        self._clock = clock
        self._on_progress = on_progress
        self._ends_at_fault = ends_at_fault
        self._settings = LaneSettings.read(Parameters(plugin.meta.config))
        self._prepare = plugin.loaded.prepare_event
        self.prepare_record = plugin.loaded.prepare_record if plugin.tally is None else None
        """See `LoadedPlugin`; None where that is not offered, or this host has to look at events."""
        self._ignored = Parameters(plugin.meta.config).names("exportEventsToIgnore")
        self._skips = plugin.loaded.skips or self._skips_ignored
        self._gate = Gate(clock)
        self._turns = Turns(clock)
        self._outage = Outage(f"outage of {plugin.name}", memory, gate=self._gate, clock=clock)
        self.lanes = [Lane(self._settings, clock) for _ in range(self._settings.concurrency)]
        self._overflow = overflow if overflow is None else self._overflow_into(overflow)
        self._threads = [
            threading.Thread(
                target=self._run_lane, args=[lane], name=f"{plugin.name}-lane-{number}", daemon=True
            )
            for number, lane in enumerate(self.lanes)
        ]
        self._failure: BaseException | None = None
        self.offered = 0
        """Events for this exporter, from the thread that reads."""
        self._beside = 0

    def start(self) -> None:
        """Open the lanes, unless the plugin is off: then its events wait until it is put right."""
        if self.wait is not None:
            seconds = self.wait.until - self._clock.monotonic()
            self.plugin.meta.logger.warning(
                "still waiting for the destination, for %.0f s more: %s", seconds, self.wait.reason
            )
        if self._overflow is not None:
            self._overflow.start(drains=self.plugin.off is None)
        if self.plugin.off is None:
            for thread in self._threads:
                thread.start()

    def skips(self, name: str) -> str | None:
        """By name alone: why the plugin leaves such events out, or None."""
        return self._skips(name)

    def wants(self, event: Event) -> bool:
        """Whether the plugin is to have it; if not, that is counted.

        A plugin that counts its events looks at their names itself.
        """
        tally = self.plugin.tally
        if tally is None or not self._ignored or event.event not in self._ignored:
            return True
        tally.ignored(_IGNORED)
        return False

    def offer(self, event: Event, size_bytes: int, mark: Mark) -> None:
        """Hand over one event; waits while there is no room for it."""
        self.offered += 1
        if self.plugin.tally is not None and not self.wants(event):
            return
        overflow = self._overflow
        if overflow is not None and (overflow.is_entered or (self.wait and self._is_full)):
            overflow.take(event, size_bytes, mark)
        else:
            self._deliver(event, size_bytes, mark)

    def put(self, offered: Any, person: Any, size_bytes: int, mark: Mark) -> None:
        """Put what the plugin takes into the lane of that person; waits while there is no room for it."""
        # Python's hash of a text differs from run to run; within one it is always the same.
        lane = hash(person if type(person) is str else repr(person))
        self.lanes[lane % len(self.lanes)].put(offered, size_bytes, mark)

    def attempt(self, events: Sequence[Any], meta: HostMeta) -> PutOff | None:
        """Call the plugin once, as soon as its destination may be asked; None when no event is left.

        From any thread. Events of the kind that it takes, and its own `meta` or a copy of it.

        Raises:
            Stopped: when the program ends first.
        """
        self._gate.pass_through()
        if self.plugin.off is not None:
            reason = f"the plugin is switched off: {self.plugin.off}"
            return PutOff(events=events, reason=reason, at_fault=True)
        if self.plugin.tally is None:
            return self._attempt(events, meta)
        with self.plugin.tally.call() as ended:
            put_off = self._attempt(events, meta)
            ended(len(events) - (0 if put_off is None else len(put_off.events)))
        return put_off

    def _attempt(self, events: Sequence[Any], meta: HostMeta) -> PutOff | None:
        try:
            self.plugin.call(self._hook, events, meta)
        except Stopped:
            raise
        except RetryError as error:
            return PutOff(
                events=events if error.events is None else error.events,
                reason=str(error),
                at_least_seconds=error.retry_after_seconds,
                at_fault=error.at_fault,
            )
        except Exception as error:
            if self._ends_at_fault:
                raise
            # Nobody knows what became of the batch: it comes again, until it goes well.
            self.plugin.tell(self._hook, error)
            return PutOff(events=events, reason=f"the plugin failed ({type(error).__name__})", at_fault=True)
        self._outage.is_over()
        return None

    def deliver(self, events: Sequence[Event]) -> None:
        """Bring events to their end now, beside the lanes; from any thread.

        Raises:
            RetryError: The plugin is switched off.
            Stopped: when the program ends first.
        """
        if self.plugin.off is not None:
            raise RetryError(f"{self.plugin.name} is switched off: {self.plugin.off}")
        self._beside += len(events)
        wanted = list(filter(self.wants, events))
        if wanted:
            self._export(wanted, Lane(self._settings, self._clock), None)

    def wait_for_destination(self) -> None:
        """Return when it may be asked. Raises `Stopped` when the program ends first."""
        self._gate.pass_through()

    def wait_after(self, put_off: PutOff) -> None:
        """Let the destination alone for a while, for the sake of every lane; the next `attempt` waits."""
        self.plugin.counts.increment(RETRIES)
        why = put_off.reason
        seconds = self._outage.goes_on(why, put_off.at_least_seconds, at_fault=put_off.at_fault)
        # The plugin has said why already, and `wait` shows it.
        logger = self.plugin.meta.logger
        self._turns.tell(why, logger.info, "trying again in %.0f s: %s", seconds, why)

    def _overflow_into(self, queue: Queue) -> Overflow:
        return Overflow(
            queue,
            self._settings,
            clock=self._clock,
            logger=self.plugin.meta.logger,
            deliver=self._deliver,
            lanes=self.lanes,
        )

    @property
    def _is_full(self) -> bool:
        return any(lane.is_full for lane in self.lanes)

    def _deliver(self, event: Event, size_bytes: int, mark: Mark) -> None:
        # Unread it takes a third of the memory, and what one exporter changes no other sees.
        offered = unread(event) if self._prepare is None else self._prepare(event, self.plugin.meta)
        if offered is not None:
            person = (event if self._prepare is None else offered).distinct_id
            self.put(offered, person, size_bytes, mark)

    def stop(self) -> None:
        """After the clock has stopped: nobody waits here any more."""
        if self._overflow is not None:
            self._overflow.close()
        for lane in self.lanes:
            lane.close()

    def finish(self, end: float | None) -> bool:
        """Flush, and wait until then for all to reach their end; returns whether the threads have ended.

        Args:
            end: As the clock's `monotonic` says it; None is for ever.
        """
        drained = True
        if self._overflow is not None:
            self._overflow.close()
            drained = self._overflow.join(end)
        for lane in self.lanes:
            lane.close()
        return join(self._threads, end, self._clock) and drained

    @property
    def failure(self) -> BaseException | None:
        """What ends the run: a fault of this host, or of the plugin where that is asked for."""
        return self._failure or (self._overflow.failure if self._overflow is not None else None)

    @property
    def seen(self) -> int:
        """Events that were offered, or are delivered beside the lanes; each by one thread."""
        return self.offered + self._beside

    @property
    def wait(self) -> Wait | None:
        """Set while a batch is put off, until one is delivered; to be read by who shows it."""
        return self._outage.wait

    @property
    def left(self) -> int:
        """Events that were offered and have not reached their end."""
        return sum(map(len, self.lanes))

    @property
    def oldest(self) -> Iterator[Mark | None]:
        """The places, in the source, of what has not reached its end: of the oldest event in each lane."""
        if self._overflow is not None:
            yield self._overflow.oldest
            if self._overflow.holds_lanes:
                return
        for lane in self.lanes:
            yield lane.oldest

    def _run_lane(self, lane: Lane) -> None:
        # What was in hand when the last run ended comes first, and has waited for as long as the outage.
        first_failure = self._outage.earlier_since
        try:
            while taken := lane.take():
                self._export(taken, lane, first_failure)
                first_failure = None
                lane.done()
                self._on_progress()
        except Stopped:
            # What is left stays the lane's own, and nothing later goes out: it would overtake it.
            self.stop()
        except BaseException as error:  # noqa: BLE001 -- a lane that ends would hold its events for ever
            self._failure = error
            self._clock.stop()
            self.stop()

    def _export(self, events: Sequence[Any], lane: Lane, first_failure: float | None) -> None:
        """Call the plugin, with events of the kind it takes, until each is delivered or rejected.

        Raises:
            Stopped: when the program ends first.
        """
        while True:
            put_off = self.attempt(events, self.plugin.meta)
            if put_off is None:
                return
            events = put_off.events
            lane.keep(len(events))
            first_failure = self._clock.monotonic() if first_failure is None else first_failure
            if self._is_too_late(first_failure):
                self._give_up(events, put_off.reason)
                return
            self.wait_after(put_off)

    def _is_too_late(self, first_failure: float) -> bool:
        hours = self._settings.max_retry_hours
        return 0 < hours * _SECONDS_PER_HOUR <= self._clock.monotonic() - first_failure

    def _give_up(self, events: Sequence[Any], reason: str) -> None:
        late = f"not delivered within {self._settings.max_retry_hours:g} h; last: {reason}"
        for event in events:
            origin = readable(getattr(event, "origin", event))  # of what the plugin made in advance
            self.plugin.meta.set_aside(Rejection(event=origin, reason=late))
        self.plugin.counts.increment(REJECTED, len(events))

    def _skips_ignored(self, name: str) -> str | None:
        return _IGNORED if name in self._ignored else None


RETRIES = "retries"
# PostHog's own parameter, read for every plugin that declares it.
_IGNORED = "listed in exportEventsToIgnore"
