"""`VariancePlugin`: PostHog's hooks around mapping and delivery."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from .clock import Clock, SystemClock
from .delivery import Attempt, Deliverer, Outcome, Pause, Refused, Report, RequestsTransport, Transport
from .errors import InvalidRecord, RetryError
from .events import Event, SealedEvent
from .exact_json import encode
from .formats import from_mapping, open_event
from .hooks import Metrics, MinimalMeta, Rejection
from .mapping import Draft, Fact, Mapper, Memory
from .messages import message_type
from .settings import read_settings

# Segment's receivers refuse a message over 32 KB ("HTTP API source", Max request size, in Segment's docs).
_SEGMENT_MESSAGE_BYTES = 32 * 1024
_REASON_CHARACTERS = 1024


AnyEvent: TypeAlias = Event | SealedEvent | Mapping[str, Any]


class VariancePlugin:
    """Sends PostHog events to Variance. Safe for threads between `setup_plugin` and `teardown_plugin`.

    Runs in any host that calls the hooks with a `meta` that has a `config`; see `hooks.PluginMeta`.

    Args:
        clock: In place of the host's.
        transport: In place of real connections, for tests.
    """

    opens_events = True
    """It decodes sealed events itself, one at a time; see `events.SealedEvent`."""

    def __init__(self, *, clock: Clock | None = None, transport: Transport | None = None) -> None:
        self._clock = clock
        self._transport = transport
        self._memory = Memory()
        self._warned_of_size = threading.Event()

    def setup_plugin(self, meta: MinimalMeta) -> None:
        """Check the parameters and get ready to send.

        Raises:
            SettingsError: with everything that is wrong with `meta.config`, in the user's words.
        """
        host = _Host(meta)
        settings = read_settings(meta.config)
        if not settings.delivery.verify_tls:
            host.logger.warning(
                "dangerouslySkipTlsVerification is on: anyone on the way can read and change what is sent"
            )
        self._mapper = Mapper(settings.mapping)
        self._deliverer = Deliverer(
            settings.delivery,
            transport=self._transport or RequestsTransport(settings.delivery),
            clock=self._clock or host.clock,
            on_attempt=lambda attempt: _report_attempt(attempt, host),
        )

    def teardown_plugin(self, meta: MinimalMeta) -> None:  # noqa: ARG002 -- the hook has it
        """Close the connections."""
        if deliverer := getattr(self, "_deliverer", None):
            deliverer.close()

    def skips(self, name: str) -> str | None:
        """Why every event of that name is left out, for hosts that want to spare themselves the decoding."""
        return self._mapper.skips(name)

    def export_events(self, events: Sequence[AnyEvent], meta: MinimalMeta) -> None:
        """Map and post. An event that nothing can be made of goes to `meta.reject`, alone.

        Raises:
            RetryError: with the events that are left when the destination does not take them now.
        """
        batch = _Batch(_Host(meta), Draft(self._memory))
        for event in events:
            self._add(event, batch)
        report = self._deliverer.deliver(batch.bodies)
        left = self._account(batch, report)
        for name, amount in batch.counts.items():
            batch.host.metrics.increment(name, amount)
        if report.pause is not None:
            _say_paused(report.pause, batch.host)
            raise RetryError(
                report.pause.reason, events=left, retry_after_seconds=report.pause.retry_after_seconds
            )

    def _add(self, given: AnyEvent, batch: "_Batch") -> None:
        """Map one event into the batch; one that nothing can be made of is rejected on the spot."""
        try:
            event = _opened(given)
        except InvalidRecord as error:
            batch.reject(Rejection(event=_unreadable(given), reason=f"not a PostHog event: {error}"))
            return
        try:
            mapped = self._mapper.map(event, batch.draft)
            bodies = list(map(encode, mapped.messages))
        except InvalidRecord as error:
            batch.reject(Rejection(event=event, reason=str(error)))
            return
        except Exception as error:  # noqa: BLE001 -- a fault of this project costs the event, never the run
            # The traceback, which may quote the event, is not for the log.
            batch.host.logger.error("the mapping failed on event %.80r", event.uuid)  # noqa: TRY400
            reason = f"the mapping failed: {type(error).__name__}: {error}"
            batch.reject(Rejection(event=event, reason=reason[:_REASON_CHARACTERS]))
            return
        if mapped.skipped is not None:
            batch.counts[SKIPPED + mapped.skipped] += 1
            return
        if max(map(len, bodies)) > _SEGMENT_MESSAGE_BYTES:
            self._warn_of_size(event, batch.host)
        # The decoded event and its messages go here: kept for a whole batch they would push each other out
        # of the processor's cache, at half the speed.
        batch.entries.append(_Entry(given, len(batch.bodies), len(bodies), mapped.facts))
        batch.bodies += bodies
        batch.types += map(message_type, mapped.messages)

    def _warn_of_size(self, event: Event, host: "_Host") -> None:
        if not self._warned_of_size.is_set():
            self._warned_of_size.set()
            host.logger.warning(
                "event %s becomes a message over 32 KB, Segment's limit; receivers that keep to it refuse "
                "such messages (said once)",
                event.uuid,
            )

    def _account(self, batch: "_Batch", report: Report) -> list[AnyEvent]:
        """Every event reaches its end here: delivered, rejected, or left for the next call."""
        left: list[AnyEvent] = []
        exported: list[str] = []
        for entry in batch.entries:
            indices = range(entry.first, entry.first + entry.messages)
            refused = report.refused_in(indices)
            if not report.has_all(indices):
                left.append(entry.event)
            elif refused is not None:
                batch.reject(_rejection(_opened(entry.event), batch.bodies[refused], report.refused[refused]))
            else:
                exported += batch.types[indices.start : indices.stop]
                batch.counts[DELIVERED] += 1
                if entry.facts:
                    self._memory.learn(entry.facts)
        for type_, amount in Counter(exported).items():
            batch.counts[EXPORTED + type_] += amount
        return left


# What the plugin counts, in `meta.metrics`.
DELIVERED = "events.delivered"
REJECTED = "events.rejected"
SKIPPED = "events.skipped."
EXPORTED = "messages."
ATTEMPTS = "attempts."


class _Host:
    """The host behind a `meta`, and the stand-ins for what that lacks: the table in `hooks.PluginMeta`."""

    def __init__(self, meta: MinimalMeta) -> None:
        def given(name: str, otherwise: Any) -> Any:
            found = getattr(meta, name, None)
            return otherwise if found is None else found

        self.logger: logging.Logger = given("logger", _logger)
        self.metrics: Metrics = given("metrics", _NoMetrics())
        self.clock: Clock = given("clock", _system_clock)
        self.reject: Callable[[Rejection], None] = given("reject", self._log_rejection)

    def _log_rejection(self, rejection: Rejection) -> None:
        # Of an answer only the status: what it says may quote the event.
        why = rejection.reason if rejection.status is None else f"HTTP {rejection.status}"
        self.logger.error(
            "event %.80r can never be delivered, and this host keeps no dead letters: %s",
            rejection.event.uuid,
            why,
        )


class _NoMetrics:
    def increment(self, name: str, amount: int = 1) -> None:
        pass


_logger = logging.getLogger(__package__)
_system_clock = SystemClock()


class _Entry(msgspec.Struct, gc=False):
    """One event's place in a batch; no business of the garbage collector, as nothing in it points back."""

    event: AnyEvent
    first: int
    """Index of its first message."""
    messages: int
    facts: tuple[Fact, ...]


class _Batch:
    """What one call of `export_events` has in hand."""

    def __init__(self, host: "_Host", draft: Draft) -> None:
        self.host = host
        self.draft = draft
        self.entries: list[_Entry] = []
        self.bodies: list[bytes] = []
        self.types: list[str] = []
        self.counts: Counter[str] = Counter()

    def reject(self, rejection: Rejection) -> None:
        self.host.reject(rejection)
        self.counts[REJECTED] += 1


def _rejection(event: Event, body: bytes, refused: Refused) -> Rejection:
    return Rejection(
        event=event,
        reason=refused.reason[:_REASON_CHARACTERS],
        message=body,
        status=refused.status,
        attempts=refused.attempts,
    )


def _opened(given: AnyEvent) -> Event:
    if isinstance(given, SealedEvent):
        return open_event(given)
    if isinstance(given, Event):
        return given
    if not isinstance(given, Mapping):
        raise InvalidRecord(f"a {type(given).__name__} is neither an Event nor a mapping")
    return from_mapping(dict(given))


def _unreadable(given: object) -> Event:
    """Something to carry into the dead letters what was handed over as an event and is none."""
    if isinstance(given, SealedEvent):
        return Event(event=given.event, properties={}, record=given.record, position=given.position)
    try:
        record = encode(given)
    except InvalidRecord:
        try:
            record = repr(given).encode(errors="replace")
        except RecursionError:
            record = b"nested too deep to be kept"
    return Event(event="", properties={}, record=record)


def _report_attempt(attempt: Attempt, host: _Host) -> None:
    host.metrics.increment(ATTEMPTS + attempt.outcome)
    level = logging.DEBUG if attempt.outcome is Outcome.DELIVERED else logging.INFO
    host.logger.log(
        level,
        "attempt %d: %d messages, %d bytes, %.3f s: %s (%s)",
        attempt.number,
        attempt.messages,
        attempt.body_bytes,
        attempt.seconds,
        attempt.outcome,
        attempt.description,
    )


def _say_paused(pause: Pause, host: _Host) -> None:
    if pause.at_fault:
        host.logger.error(
            "the destination is at fault, nothing is lost, somebody has to look: %s", pause.reason
        )
    else:
        host.logger.warning("the destination does not take events now: %s", pause.reason)
