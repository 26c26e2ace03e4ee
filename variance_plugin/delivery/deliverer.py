"""Messages in, a report out that accounts for each: sends, waits seconds, halves, and says what is left."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ..clock import Clock
from ..errors import Stopped
from ..events import utc_text
from ..messages import id_in
from ..plurals import many
from ..points import Point, reached
from ..retry import retry_after_seconds, waits
from .outcome import Answer, Outcome, classify, results_of
from .rate_limit import RateLimit
from .request import ENVELOPE_BYTES, build
from .settings import DeliverySettings, PayloadFormat
from .size_limit import Search, SizeLimit
from .transport import Transport

_LONGEST_WAIT_SECONDS = 8.0
# A turn under the rate limit that is further off is left to the host, so that no call lasts for minutes.
_LONGEST_TURN_SECONDS = 30.0
# More than a fifth of the last hundred refused is no run of bad events but a wrong endpoint or mapping.
_BREAKER_WINDOW = 100
_BREAKER_REFUSALS = 20
# Of an id in a log line: PostHog's are half as long, but anybody may make up one.
_ID_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that the destination will never take."""

    reason: str
    """At most about 600 characters; may quote the answer, so it is for the dead letters and not for a log."""
    status: int | None
    attempts: int
    """Requests that it was part of."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Why messages are left, and for how long the destination is to be let alone at the least."""

    reason: str
    """Fit for a log: it quotes nothing that the destination said."""
    retry_after_seconds: float = 0.0
    at_fault: bool = False
    """The endpoint itself is wrong (address, secret, TLS): a person has to look."""


@dataclass(slots=True)
class Report:
    """What became of each message, by its index. Delivered, refused and left add up to all."""

    total: int
    delivered: set[int] = field(default_factory=set)
    refused: dict[int, Refused] = field(default_factory=dict)
    pause: Pause | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether all of them were delivered."""
        return len(self.delivered) == self.total

    def has_all(self, indices: Iterable[int]) -> bool:
        """Whether each of these messages reached its end; else some is still to be delivered."""
        if not self.refused:
            return self.delivered.issuperset(indices)
        return all(index in self.delivered or index in self.refused for index in indices)

    def refused_in(self, indices: Iterable[int]) -> int | None:
        """The first of these messages that was refused."""
        return next((index for index in indices if index in self.refused), None) if self.refused else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and what came of it, for the log and the metrics."""

    number: int
    messages: int
    body_bytes: int
    seconds: float
    outcome: Outcome
    description: str
    """Fit for a log, as a pause's reason."""
    is_page: bool
    """See `Answer`."""
    first_id: str
    """The `messageId` of the first message, as far as a log needs it."""
    last_id: str


@dataclass(frozen=True, slots=True)
class _Run:
    """Messages that are sent as one request, or in parts where that is refused."""

    messages: Sequence[bytes]
    sizes: Sequence[int]
    report: Report
    search: Search
    is_replay: bool


class _Paused(Exception):
    def __init__(self, pause: Pause) -> None:
        super().__init__(pause.reason)
        self.pause = pause


class Deliverer:
    """Delivers to one destination, for any number of lanes at once.

    What concerns the destination as a whole (the wait it asked for, the size it takes, how much it
    refuses) is shared by the lanes; a lane sends one request after the other, so order holds within it.
    """

    def __init__(
        self,
        settings: DeliverySettings,
        *,
        transport: Transport,
        clock: Clock,
        on_attempt: Callable[[Attempt], None],
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._on_attempt = on_attempt
        self._lock = threading.Lock()
        self._open_at = float("-inf")
        self._answered = False
        single = settings.payload_format is PayloadFormat.SINGLE
        self._rate = RateLimit(settings.rate_limit_per_second)
        self._limit = SizeLimit(
            max_events=1 if single else self._rate.largest_request(settings.max_batch_events),
            max_bytes=settings.max_batch_bytes - ENVELOPE_BYTES,
        )
        # Of the messages before the one that is looked at: with it, they are a window.
        self._refusals: deque[bool] = deque(maxlen=_BREAKER_WINDOW - 1)

    def deliver(self, messages: Sequence[bytes], *, is_replay: bool = False) -> Report:
        """Send them in order. Ends early, with a pause in the report, when the destination takes none now.

        Args:
            messages: As JSON.
            is_replay: Whether all of them were refused before. Of such, many may be refused once more, and
                that tells nothing of the endpoint.
        """
        report = Report(len(messages))
        sizes = list(map(len, messages))
        start = 0
        try:
            while start < len(messages):
                span = self._limit.first_run(sizes, start)
                run = _Run(messages, sizes, report, Search(), is_replay)
                outcome = self._send(run, span)
                self._limit.learn(
                    sizes[span],
                    run.search,
                    too_large=outcome is Outcome.TOO_LARGE,
                    full=span.stop < len(messages),
                )
                start = span.stop
        except _Paused as paused:
            report.pause = paused.pause
        return report

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _send(self, run: _Run, span: slice, earlier_attempts: int = 0) -> Outcome:
        """Send a part of a run, in halves where need be; says what came of it as a whole."""
        batch = run.messages[span]
        answer, outcome, attempts = self._decide(batch)
        attempts += earlier_attempts
        if outcome is Outcome.DELIVERED:
            run.search.took(run.sizes[span])
            self._settle(answer, span, attempts, run)
        elif len(batch) == 1:
            run.search.one_too_large |= outcome is Outcome.TOO_LARGE
            self._refuse(span.start, Refused(answer.reason(), answer.status, attempts), run)
        else:
            middle = (span.start + span.stop) // 2
            self._send(run, slice(span.start, middle), attempts)
            self._send(run, slice(middle, span.stop), attempts)
        return outcome

    def _decide(self, batch: Sequence[bytes]) -> tuple[Answer, Outcome, int]:
        """Attempt until the answer is about the messages; raise `_Paused` when that takes too long."""
        gave_up_at = self._clock.monotonic() + self._settings.retry_seconds
        schedule = waits(longest_seconds=_LONGEST_WAIT_SECONDS)
        for number, wait_seconds in enumerate(schedule, start=1):
            # A wait for one's turn is none for the destination: it leaves the quick retries their time.
            gave_up_at += self._take_turn(len(batch), gave_up_at)
            answer, outcome = self._attempt(batch, number)
            if outcome not in (Outcome.RETRY, Outcome.ENDPOINT_AT_FAULT):
                return answer, outcome, number
            # What the destination asks for holds for every lane, and also after this call gave up.
            asked_seconds = self._close_gate(retry_after_seconds(answer.retry_after, self._clock.now()))
            if outcome is Outcome.ENDPOINT_AT_FAULT:
                raise _Paused(Pause(answer.describe(), asked_seconds, at_fault=True))
            if self._clock.monotonic() + max(asked_seconds, wait_seconds) > gave_up_at:
                raise _Paused(Pause(answer.describe(), asked_seconds))
            self._close_gate(wait_seconds)
        raise AssertionError("the schedule has no end")

    def _attempt(self, batch: Sequence[bytes], number: int) -> tuple[Answer, Outcome]:
        request = build(batch, self._settings, sent_at=utc_text(self._clock.now()) or "")
        started = self._clock.monotonic()
        reached(Point.BEFORE_SEND)
        answer = self._transport.post(request)
        reached(Point.AFTER_SEND)
        seconds = self._clock.monotonic() - started
        outcome = classify(answer, answered_before=self._answered)
        reached(Point.AFTER_ANSWER)
        self._answered = self._answered or answer.status is not None
        self._on_attempt(
            Attempt(
                number,
                request.count,
                len(request.body),
                seconds,
                outcome,
                answer.describe(),
                answer.is_page,
                first_id=id_in(batch[0])[:_ID_CHARACTERS],
                last_id=id_in(batch[-1])[:_ID_CHARACTERS],
            )
        )
        return answer, outcome

    def _take_turn(self, messages: int, gave_up_at: float) -> float:
        """Wait until these may be sent; returns the seconds that were the rate limit's."""
        waited_seconds = 0.0
        while True:
            self._pass_gate(gave_up_at + waited_seconds)
            with self._lock:
                now = self._clock.monotonic()
                seconds = self._rate.reserve(messages, now, _LONGEST_TURN_SECONDS)
            if seconds <= 0:
                return waited_seconds
            if seconds > _LONGEST_TURN_SECONDS:
                raise _Paused(Pause("waiting for a turn under rateLimitPerSecond", seconds))
            self._wait(seconds)
            waited_seconds += seconds
            if self._open_at <= self._clock.monotonic():
                return waited_seconds
            # Meanwhile another lane was told to wait. This turn is lost.

    def _pass_gate(self, gave_up_at: float) -> None:
        """Wait until the destination may be asked again, however many lanes wait for it."""
        while (seconds := self._open_at - self._clock.monotonic()) > 0:
            if self._open_at > gave_up_at:
                raise _Paused(Pause("waiting as the destination asked", seconds))
            self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        try:
            self._clock.wait(seconds)
        except Stopped as error:
            raise _Paused(Pause("stopped while waiting for the destination")) from error

    def _close_gate(self, seconds: float) -> float:
        """Let the destination alone for so long at the least; returns for how long in all."""
        with self._lock:
            now = self._clock.monotonic()
            self._open_at = max(self._open_at, now + seconds)
            return max(self._open_at - now, 0.0)

    def _settle(self, answer: Answer, span: slice, attempts: int, run: _Run) -> None:
        """The batch was taken: message by message, if the answer says so, else as a whole."""
        indices = range(span.start, span.stop)
        results = results_of(answer, len(indices))
        if not results:
            self._accept(indices, run)
            return
        sorted_out: dict[Outcome, list[int]] = defaultdict(list)
        for index, result in zip(indices, results, strict=True):
            sorted_out[result.outcome].append(index)
        # What was taken comes first, since a refusal can end the call.
        self._accept(sorted_out[Outcome.DELIVERED], run)
        for index in sorted_out[Outcome.SUSPECT] + sorted_out[Outcome.TOO_LARGE]:
            result = results[index - span.start]
            reason = f"refused within a batch: {result.reason or result.status or 'no reason given'}"
            self._refuse(index, Refused(reason, result.status or answer.status, attempts), run)
        if again := sorted_out[Outcome.RETRY]:
            asked_seconds = self._close_gate(retry_after_seconds(answer.retry_after, self._clock.now()))
            raise _Paused(
                Pause(f"asked to send {len(again)} of {many(len(results), 'message')} again", asked_seconds)
            )

    def _accept(self, indices: Sequence[int], run: _Run) -> None:
        run.report.delivered.update(indices)
        if not run.is_replay:
            with self._lock:
                self._refusals.extend([False] * len(indices))

    def _refuse(self, index: int, refused: Refused, run: _Run) -> None:
        if not run.is_replay:
            self._count_refusal(refused)
        run.report.refused[index] = refused

    def _count_refusal(self, refused: Refused) -> None:
        with self._lock:
            if sum(self._refusals) >= _BREAKER_REFUSALS:
                reason = (
                    f"more than {_BREAKER_REFUSALS} of the last {_BREAKER_WINDOW} messages were refused: "
                    f"the endpoint or the mapping is wrong, not the events; last: HTTP {refused.status}"
                )
                raise _Paused(Pause(reason, at_fault=True))
            self._refusals.append(True)
