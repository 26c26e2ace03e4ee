"""The host of an exporting plugin: lanes of events in, batches to the plugin, waits, dead letters."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..clock import Clock
from ..errors import RetryError, Stopped
from ..events import Event
from ..hooks import Rejection
from ..parameters import Parameters
from .buffer import Buffer, BufferSettings
from .counts import Counts
from .dead_letters import DeadLetters
from .gate import Gate
from .loading import LoadedPlugin

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class HostMeta:
    """The `meta` that the plugin gets; see `hooks.PluginMeta`."""

    config: Mapping[str, Any] = field(repr=False)  # it holds secrets
    logger: logging.Logger
    metrics: Counts
    clock: Clock
    dead_letters: DeadLetters

    def reject(self, rejection: Rejection) -> None:
        """See `hooks.PluginMeta`."""
        self.dead_letters.add(rejection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The destination takes nothing now; times are the clock's `monotonic`."""

    reason: str
    since: float
    until: float


@dataclass(slots=True)
class _Lane:
    buffer: Buffer
    thread: threading.Thread | None = None
    in_hand: int = 0
    """Events of the batch that is with the plugin, or was when the lane ended without delivering them."""


class Host:
    """Runs one plugin. Call `start`, `offer` each event from one thread, then `finish`.

    A person's events share a lane, and a lane has one batch with the plugin at a time: so they arrive in
    the order in which they were offered. Memory is bounded by two batches a lane; `offer` waits meanwhile.
    """

    def __init__(
        self,
        loaded: LoadedPlugin,
        config: Mapping[str, Any],
        *,
        clock: Clock,
        dead_letters: DeadLetters,
        logger: logging.Logger,
    ) -> None:
        self.counts = Counts()
        self._plugin = loaded.plugin
        self._prepare = getattr(loaded.plugin, "prepare_event", None)
        self._meta = HostMeta(config, logger, self.counts, clock, dead_letters)
        self._gate = Gate(clock)
        self._settings = BufferSettings.read(Parameters(config))
        self._lanes: list[_Lane] = []
        self._torn_down = False
        self.wait: Wait | None = None
        """Set while a batch is put off, until one is delivered; to be read by who shows it."""
        self.failure: BaseException | None = None
        """What the plugin raised against its contract; ends the run."""

    def start(self) -> None:
        """Set up the plugin and open the lanes.

        Raises:
            SettingsError: when the plugin does not take its configuration.
        """
        try:
            self._plugin.setup_plugin(self._meta)
        except BaseException:
            self._tear_down()
            raise
        for number in range(self._settings.concurrency):
            lane = _Lane(Buffer(self._settings, self._meta.clock))
            lane.thread = threading.Thread(
                target=self._run_lane, args=[lane], name=f"lane-{number}", daemon=True
            )
            self._lanes.append(lane)
            lane.thread.start()

    @property
    def left(self) -> int:
        """Events that were offered and have not reached their end; after `finish`, they never will here."""
        return sum(lane.in_hand + len(lane.buffer) for lane in self._lanes)

    @property
    def skips(self) -> Callable[[str], str | None]:
        """By name alone: why the plugin leaves such events out, or None. For who reads the events."""
        return getattr(self._plugin, "skips", _skips_nothing)

    @property
    def stopped(self) -> bool:
        """Whether no more events should be offered."""
        return self._meta.clock.stopped

    def offer(self, event: Event, size_bytes: int) -> None:
        """Hand over one event; waits while its lane has all it can hold."""
        offered = event if self._prepare is None else self._prepare(event, self._meta)
        if offered is not None:
            # Python's hash of a text differs from run to run; within one it is always the same.
            person = event.distinct_id
            lane = hash(person if type(person) is str else repr(person))
            self._lanes[lane % len(self._lanes)].buffer.put(offered, size_bytes)

    def reject(self, rejection: Rejection) -> None:
        """Set a record aside that never became an event."""
        self._meta.reject(rejection)

    def stop(self) -> None:
        """End all waiting and let no more in; `finish` follows. A signal handler needs a thread for it."""
        self._meta.clock.stop()
        self._close_buffers()

    def finish(self, deadline_seconds: float | None = None) -> bool:
        """Flush the buffers, wait for what is in flight, tear the plugin down.

        Returns False when a lane was still busy at the deadline.
        """
        self._close_buffers()
        clock = self._meta.clock
        end = None if deadline_seconds is None else clock.monotonic() + deadline_seconds
        threads = [lane.thread for lane in self._lanes if lane.thread is not None]
        for thread in threads:
            thread.join(None if end is None else max(0.0, end - clock.monotonic()))
        self._tear_down()
        return not any(thread.is_alive() for thread in threads)

    def _close_buffers(self) -> None:
        for lane in self._lanes:
            lane.buffer.close()

    def _tear_down(self) -> None:
        if not self._torn_down:
            self._torn_down = True
            self._plugin.teardown_plugin(self._meta)

    def _run_lane(self, lane: _Lane) -> None:
        try:
            while taken := lane.buffer.take():
                lane.in_hand = len(taken)
                self._export(taken, lane)
                lane.in_hand = 0
        except Stopped:
            # Nothing later goes out either: it would overtake what is left.
            self.stop()
        except Exception as error:  # noqa: BLE001 -- a plugin may raise anything
            # Against its contract: nobody knows what became of the batch, so nothing goes on.
            self.failure = self.failure or error
            self.stop()

    def _export(self, events: Sequence[Any], lane: _Lane) -> None:
        """Call the plugin, with events of the kind it takes, until each is delivered or rejected.

        Raises:
            Stopped: when the program ends first.
        """
        clock = self._meta.clock
        first_failure: float | None = None
        while True:
            self._gate.pass_through()
            try:
                self._plugin.export_events(events, self._meta)
            except RetryError as error:
                events = events if error.events is None else error.events
                lane.in_hand = len(events)
                first_failure = clock.monotonic() if first_failure is None else first_failure
                if self._is_too_late(first_failure):
                    self._give_up(events, str(error))
                    return
                self._wait(error)
            else:
                self._gate.open()
                self.wait = None
                return

    def _wait(self, error: RetryError) -> None:
        self.counts.increment("retries")
        seconds = self._gate.close(error.retry_after_seconds)
        now = self._meta.clock.monotonic()
        before = self.wait
        self.wait = Wait(reason=str(error), since=before.since if before else now, until=now + seconds)
        # The plugin has said why already, and `wait` shows it.
        self._meta.logger.info("trying again in %.0f s: %s", seconds, error)

    def _is_too_late(self, first_failure: float) -> bool:
        hours = self._settings.max_retry_hours
        return 0 < hours * _SECONDS_PER_HOUR <= self._meta.clock.monotonic() - first_failure

    def _give_up(self, events: Sequence[Any], reason: str) -> None:
        late = f"not delivered within {self._settings.max_retry_hours:g} hours; last: {reason}"
        for event in events:
            origin = getattr(event, "origin", event)  # of what the plugin made in advance
            self.reject(Rejection(event=origin, reason=late))
        self.counts.increment("events.rejected", len(events))


def _skips_nothing(_name: str) -> None:
    return None
