"""`VariancePlugin`: PostHog's hooks around mapping and delivery."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from .clock import Clock, SystemClock
from .delivery import Attempt, Deliverer, Outcome, Pause, Refused, Report, RequestsTransport, Transport
from .errors import InvalidRecord, RetryError
from .events import Event
from .exact_json import encode
from .formats import from_mapping, place, readable
from .hooks import Metrics, MinimalMeta, Rejection
from .mapping import Mapper, Memory, Prepared, bodies_of, prepared, types_of
from .plurals import many
from .settings import read_settings
from .turns import Turns

# Segment's receivers refuse a message over 32 KB ("HTTP API source", Max request size, in Segment's docs).
_SEGMENT_MESSAGE_BYTES = 32 * 1024
_REASON_CHARACTERS = 1024


AnyEvent: TypeAlias = Event | Mapping[str, Any]


class VariancePlugin:
    """Sends PostHog events to Variance. Safe for threads between `setup_plugin` and `teardown_plugin`.

    Runs in any host that calls the hooks with a `meta` that has a `config`; see `hooks.PluginMeta`.

    Args:
        clock: In place of the host's.
        transport: In place of real connections, for tests.
    """

    counts_events = True
    """An offer to this project's host: what is delivered, rejected and left out is counted here."""

    def __init__(self, *, clock: Clock | None = None, transport: Transport | None = None) -> None:
        self._clock = clock
        self._transport = transport
        self._memory = Memory()
        self._warned_of_size = threading.Event()
        self._known_host: _Host | None = None

    def setup_plugin(self, meta: MinimalMeta) -> None:
        """Check the parameters and get ready to send.

        Raises:
            SettingsError: with everything that is wrong with `meta.config`, in the user's words.
        """
        host = self._host(meta)
        settings = read_settings(meta.config)
        if not settings.delivery.verify_tls:
            host.logger.warning(
                "dangerouslySkipTlsVerification is on: anyone on the way can read and change what is sent"
            )
        self._mapper = Mapper(settings.mapping)
        self._turns = Turns(self._clock or host.clock)
        self._deliverer = Deliverer(
            settings.delivery,
            transport=self._transport or RequestsTransport(settings.delivery),
            clock=self._clock or host.clock,
            on_attempt=lambda attempt: _report_attempt(attempt, host, self._turns),
        )

    def teardown_plugin(self, meta: MinimalMeta) -> None:  # noqa: ARG002 -- the hook has it
        """Close the connections."""
        if deliverer := getattr(self, "_deliverer", None):
            deliverer.close()

    def _host(self, meta: MinimalMeta) -> "_Host":
        """The same for the same `meta`: it is asked for with every event."""
        known = self._known_host
        if known is None or known.meta is not meta:
            self._known_host = known = _Host(meta)
        return known

    def skips(self, name: str) -> str | None:
        """Why every event of that name is left out, for hosts that want to spare themselves the decoding."""
        return self._mapper.skips(name)

    def prepare_record(self, record: bytes, meta: MinimalMeta) -> Prepared | str | None:
        """Make the messages of an event that is like many before it, from its JSON text.

        For hosts that have no use for the event itself: of a batch export hardly any needs more.
        Gives in words why the event is left out, which the host counts; and None when `prepare_event` has to
        look at it: it may be a text of another shape, and what is wrong with it is said there.
        """
        try:
            mapped = self._mapper.read(record, self._memory)
            if mapped is None:
                return None
            if mapped.skipped is not None:
                return mapped.skipped
            made = mapped if isinstance(mapped, Prepared) else prepared(mapped, record, None)
        except Exception:  # noqa: BLE001 -- it happens again, where there is an event to tell of
            return None
        if made.facts or made.ahead or len(made.body) > _SEGMENT_MESSAGE_BYTES:
            self._note(made, meta)
        return made

    def prepare_event(self, given: AnyEvent, meta: MinimalMeta) -> Prepared | None:
        """Make an event's messages; None when it is left out, or rejected since nothing can be made of it.

        For hosts that have the event in hand one by one: what is made of it at once, while it is still in
        the processor's cache, costs half, and the lanes are left with nothing but sending.
        """
        host = self._host(meta)
        try:
            event = given if isinstance(given, Event) else _opened(given)
        except InvalidRecord as error:
            _reject(Rejection(event=_unreadable(given), reason=f"not a PostHog event: {error}"), host)
            return None
        try:
            mapped = self._mapper.map(event, self._memory)
            if mapped.skipped is not None:
                host.metrics.increment(SKIPPED + mapped.skipped)
                return None
            record, position = place(event)
            if isinstance(mapped, Prepared):
                made = mapped
                made.position = position
            else:
                made = prepared(mapped, record, position, None if record else event)
        except InvalidRecord as error:
            _reject(Rejection(event=readable(event), reason=str(error)), host)
            return None
        except Exception as error:  # noqa: BLE001 -- a fault of this project costs the event, never the run
            event = readable(event)
            kind = type(error).__name__
            # The traceback, and the error's own text, may quote the event and are not for the log.
            failed = "the mapping failed on event %.80r: %s"
            self._turns.tell(kind, host.logger.error, failed, event.uuid, kind)
            reason = f"the mapping failed: {kind}: {error}"
            _reject(Rejection(event=event, reason=reason[:_REASON_CHARACTERS]), host)
            return None
        self._note(made, meta)
        return made

    def _note(self, made: Prepared, meta: MinimalMeta) -> None:
        """Note what there is to note of messages that are on their way; of most there is nothing."""
        if made.largest_bytes > _SEGMENT_MESSAGE_BYTES:
            self._warn_of_size(made.origin, self._host(meta))
        if made.facts:
            self._memory.learn(made.facts)

    def export_events(self, events: Sequence[AnyEvent | Prepared], meta: MinimalMeta) -> None:
        """Map, where that is not done yet, and post.

        An event that nothing can be made of goes to `meta.reject`, alone.

        Raises:
            RetryError: with the events that are left when the destination does not take them now.
        """
        host = self._host(meta)
        batch: list[Prepared] = []
        unprepared: dict[int, AnyEvent] = {}
        for event in events:
            if isinstance(event, Prepared):
                batch.append(event)
            elif (made := self.prepare_event(event, meta)) is not None:
                unprepared[id(made)] = event
                batch.append(made)
        report = self._deliverer.deliver(bodies_of(batch), is_replay=host.is_replay)
        left = self._account(batch, report, host)
        if report.pause is not None:
            _say_paused(report.pause, host, self._turns)
            raise RetryError(
                report.pause.reason,
                events=self._given_back(left, unprepared) if unprepared else left,
                retry_after_seconds=report.pause.retry_after_seconds,
                at_fault=report.pause.at_fault,
            )

    def _account(self, batch: Sequence[Prepared], report: Report, host: "_Host") -> list[Prepared]:
        """Every event reaches its end here: delivered, rejected, or left for the next call."""
        left: list[Prepared] = []
        delivered = batch
        if not report.is_delivered:
            delivered = []
            first = 0
            for one in batch:
                indices = range(first, first + 1 + len(one.ahead))
                first = indices.stop
                refused = report.refused_in(indices)
                if not report.has_all(indices):
                    left.append(one)
                elif refused is not None:
                    self._memory.forget(one.facts)
                    body = bodies_of([one])[refused - indices.start]
                    _reject(_rejection(readable(one.origin), body, report.refused[refused]), host)
                else:
                    delivered.append(one)
        host.metrics.increment(DELIVERED, len(delivered))
        for type_, amount in types_of(delivered).items():
            host.metrics.increment(EXPORTED + type_, amount)
        return left

    def _given_back(
        self, left: Sequence[Prepared], unprepared: Mapping[int, AnyEvent]
    ) -> list[AnyEvent | Prepared]:
        """What is left, as it was given: that is mapped again the next time, and must tell its news again."""
        for one in left:
            if id(one) in unprepared:
                self._memory.forget(one.facts)
        return [unprepared.get(id(one), one) for one in left]

    def _warn_of_size(self, event: Event, host: "_Host") -> None:
        if not self._warned_of_size.is_set():
            self._warned_of_size.set()
            host.logger.warning(
                "event %s becomes a message over 32 KB, Segment's limit; receivers that keep to it refuse "
                "such messages (said once)",
                event.uuid,
            )


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

        self.meta = meta
        self.logger: logging.Logger = given("logger", _logger)
        self.metrics: Metrics = given("metrics", _NoMetrics())
        self.clock: Clock = given("clock", _system_clock)
        self.reject: Callable[[Rejection], None] = given("reject", self._log_rejection)
        # Offers of this project's own host: whether these are dead letters that are sent once more, and
        # how values are spread, beside the sums.
        self.is_replay: bool = given("is_replay", otherwise=False)
        self.observe: Callable[[str, float], None] = getattr(self.metrics, "observe", _observe_nothing)

    def _log_rejection(self, rejection: Rejection) -> None:
        # Each has its line, since nothing else tells of it. Of an answer only the status: what it says may
        # quote the event.
        why = rejection.reason if rejection.status is None else f"HTTP {rejection.status}"
        self.logger.error(
            "event %.80r can never be delivered, and this host keeps no dead letters: %s",
            rejection.event.uuid,
            why,
        )


def _observe_nothing(_name: str, _value: float) -> None:
    pass


class _NoMetrics:
    def increment(self, name: str, amount: int = 1) -> None:
        pass


_logger = logging.getLogger(__package__)
_system_clock = SystemClock()


def _reject(rejection: Rejection, host: _Host) -> None:
    host.reject(rejection)
    host.metrics.increment(REJECTED)


def _rejection(event: Event, body: bytes, refused: Refused) -> Rejection:
    return Rejection(
        event=event,
        reason=refused.reason[:_REASON_CHARACTERS],
        message=body,
        status=refused.status,
        attempts=refused.attempts,
    )


def _opened(given: object) -> Event:
    if isinstance(given, Event):
        return given
    if not isinstance(given, Mapping):
        raise InvalidRecord(f"a {type(given).__name__} is neither an Event nor a mapping")
    return from_mapping(dict(given))


def _unreadable(given: object) -> Event:
    """Something to carry into the dead letters what was handed over as an event and is none."""
    try:
        record = encode(given)
    except InvalidRecord:
        try:
            record = repr(given).encode(errors="replace")
        except RecursionError:
            record = b"nested too deep to be kept"
    return Event(event="", properties={}, record=record)


def _report_attempt(attempt: Attempt, host: _Host, turns: Turns) -> None:
    host.metrics.increment(ATTEMPTS + attempt.outcome)
    host.observe("attempt_seconds", attempt.seconds)
    host.observe("attempt_messages", attempt.messages)
    host.observe("attempt_bytes", attempt.body_bytes)
    level = logging.DEBUG if attempt.outcome is Outcome.DELIVERED else logging.INFO
    host.logger.log(
        level,
        "attempt %d: %s, %d bytes, %.3f s: %s (%s)%s",
        attempt.number,
        many(attempt.messages, "message"),
        attempt.body_bytes,
        attempt.seconds,
        attempt.outcome,
        attempt.description,
        f"; {attempt.first_id} to {attempt.last_id}" if attempt.messages > 1 else f"; {attempt.first_id}",
        extra={
            "attempt": attempt.number,
            "messages": attempt.messages,
            "body_bytes": attempt.body_bytes,
            "seconds": round(attempt.seconds, 6),
            "outcome": str(attempt.outcome),
            "answer": attempt.description,
            "first_id": attempt.first_id,
            "last_id": attempt.last_id,
        },
    )
    if attempt.is_page and attempt.outcome is Outcome.DELIVERED:
        turns.tell(
            "page",
            host.logger.warning,
            "the destination takes what is sent, but shows a web page, which no webhook does: "
            "is webhookUrl the address of your Variance connection?",
        )


def _say_paused(pause: Pause, host: _Host, turns: Turns) -> None:
    """Once for all lanes: they find out at the same time."""
    if pause.at_fault:
        log, text = (
            host.logger.error,
            "the destination is at fault, nothing is lost, somebody has to look: %s",
        )
    else:
        log, text = host.logger.warning, "the destination does not take events now: %s"
    turns.tell(("paused", pause.reason), log, text, pause.reason)
