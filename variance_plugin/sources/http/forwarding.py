"""Copies of what SDKs sent go on to PostHog, from a queue on disk, at their own pace."""

import logging
import os
import threading
from collections import Counter, deque
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

from ...clock import Clock
from ...delivery import Answer, Outcome, classify
from ...errors import InvalidRecord, StateError
from ...retry import retry_after_seconds, waits
from ...turns import Turns
from ..spool import Spool
from .copies import kept, request_of
from .exchange import Request
from .keeping import Keeper
from .upstream import NoReply, Reply, Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

_logger = logging.getLogger(__name__)

SENDERS = 16
_REPLY_SECONDS = 30.0
_BATCH_BYTES = 1024 * 1024
# A request that is under way at the end is sent again by the next run.
_END_SECONDS = 1.0


class Fate(StrEnum):
    """What came of a copy."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """PostHog does not take it, and would not if it came again."""
    NOT_KEPT = "not kept"
    """There was no room for it, or the disk failed."""
    PUT_OFF = "put off"
    """An attempt that failed; another follows."""


class Forwarding:
    """Keeps copies and sends them, each until PostHog has taken or refused it.

    Several are under way at once, so that they may overtake each other. While PostHog takes nothing all of
    them wait, and nobody else does.

    Args:
        spool: Holds them. Nobody else may use it.
        upstream: Where they go.
        clock: Says how late they are.

    Attributes:
        counts: By what came of them.
    """

    def __init__(self, spool: Spool, upstream: Upstream, clock: Clock) -> None:
        self.counts: Counter[Fate] = Counter()
        self._spool = spool
        self.upstream = upstream
        self._clock = clock
        self._keeper = Keeper(spool, self._wake)
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._gate = threading.Condition(self._lock)
        self._ready: deque[tuple[int, bytes]] = deque()
        self._under_way: dict[int, None] = {}
        self._last_read = 0
        self._refused_with: set[int] = set()
        self._turns = Turns(clock)
        self._stopped = False
        self._not_before = 0.0
        self._waits: Iterator[float] = waits()
        self._is_waiting = False
        self._senders = [
            threading.Thread(target=self._run, name=f"forwarding-{number}", daemon=True)
            for number in range(SENDERS)
        ]

    def start(self) -> None:
        """Send what an earlier run has left, and what is still to come."""
        for sender in self._senders:
            sender.start()

    async def keep(self, request: Request) -> None:
        """Keep a copy; never raises: what cannot be kept is counted, and its sender does not suffer."""
        try:
            await self._keeper.keep([kept(request, nonce=os.urandom(16).hex())])
        except StateError:
            self._count(Fate.NOT_KEPT)

    def stop(self) -> None:
        """Send no more; what has not been taken is there for the next run."""
        self._keeper.close()
        with self._lock:
            self._stopped = True
            self._news.notify_all()
            self._gate.notify_all()
        for sender in self._senders:
            if sender.is_alive():
                sender.join(_END_SECONDS / SENDERS)
        self.upstream.close()

    def _run(self) -> None:
        while (found := self._next()) is not None:
            number, entry = found
            if self._deliver(entry):
                self._done(number)

    def _next(self) -> tuple[int, bytes] | None:
        with self._lock:
            while not self._stopped:
                if not self._ready:
                    self._ready.extend(self._read())
                if self._ready:
                    number, entry = self._ready.popleft()
                    self._under_way[number] = None
                    if self._ready:
                        self._news.notify()  # for another sender
                    return number, entry
                self._news.wait()
        return None

    def _read(self) -> list[tuple[int, bytes]]:
        try:
            found = [*self._spool.read(self._last_read, _BATCH_BYTES)]
        except StateError:
            return []  # the next copy wakes a sender again
        self._last_read = found[-1][0] if found else self._last_read
        return found

    def _deliver(self, entry: bytes) -> bool:
        """Try until its fate is known; False when it is to be left for the next run."""
        while self._may_send():
            try:
                request = request_of(entry, self._clock.now())
                outcome = self._judge(self.upstream.send(request, seconds=_REPLY_SECONDS))
            except InvalidRecord as error:
                self._turns.tell(InvalidRecord, _logger.warning, "a copy for PostHog is given up: %s", error)
                outcome = Fate.REFUSED
            except NoReply as error:
                self._put_off(error.answer)
                continue
            self._count(outcome)
            if outcome is not Fate.PUT_OFF:
                return True
        return False

    def _judge(self, reply: Reply) -> Fate:
        answer = Answer(
            status=reply.status, retry_after=reply.headers.get("retry-after"), body=reply.body[:_BATCH_BYTES]
        )
        means = classify(answer)
        if means is Outcome.DELIVERED and b'"retry"' not in reply.body:
            self._go_on()
            return Fate.DELIVERED
        # A project's key that PostHog does not know is the affair of one client, and of no other.
        if means in (Outcome.SUSPECT, Outcome.TOO_LARGE) or reply.status == HTTPStatus.UNAUTHORIZED:
            self._go_on()
            if reply.status not in self._refused_with:
                self._refused_with.add(reply.status)
                _logger.warning("PostHog refused a copy (said once): %s", answer.describe())
            return Fate.REFUSED
        self._put_off(answer, counts=False)
        return Fate.PUT_OFF

    def _may_send(self) -> bool:
        with self._lock:
            while not self._stopped and (left := self._not_before - self._clock.monotonic()) > 0:
                self._gate.wait(left)
            return not self._stopped

    def _put_off(self, answer: Answer, *, counts: bool = True) -> None:
        """Let all wait: what is wrong with one is wrong with PostHog, or with the way there."""
        if counts:
            self._count(Fate.PUT_OFF)
        asked = retry_after_seconds(answer.retry_after, self._clock.now())
        with self._lock:
            now = self._clock.monotonic()
            if self._not_before > now:
                return  # another one was quicker to say so
            self._not_before = now + max(asked, next(self._waits))
            told, self._is_waiting = self._is_waiting, True
        if not told:
            _logger.warning("PostHog does not take copies (%s); they wait on disk", answer.describe())

    def _go_on(self) -> None:
        with self._lock:
            told, self._is_waiting = self._is_waiting, False
            self._waits = waits()
        if told:
            _logger.info("PostHog takes copies again")

    def _done(self, number: int) -> None:
        with self._lock:
            del self._under_way[number]
            # Numbers were taken in their order, so the first of those under way is the least.
            oldest = next(iter(self._under_way), None)
            if oldest is None:
                oldest = self._ready[0][0] if self._ready else self._last_read + 1
        self._spool.acknowledge(oldest - 1)

    def _count(self, fate: Fate) -> None:
        with self._lock:
            self.counts[fate] += 1

    def _wake(self) -> None:
        with self._lock:
            self._news.notify()
