"""Since when a destination takes nothing, and until when it is let alone; known over restarts."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..clock import Clock
from ..errors import StateError
from ..hooks import Storage
from .gate import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The destination takes nothing now; times are the clock's `monotonic`."""

    reason: str
    since: float
    until: float
    at_fault: bool = False
    """Whether a person has to look; waiting alone will not help."""


class Outage:
    """Remembers the wait for one destination, in this run and in the next.

    Args:
        key: Where in the memory it stands.
        memory: What survives; None remembers nothing.
        gate: Closed at the start for what is left of the last run's wait.
        clock: The host's.
    """

    def __init__(self, key: str, memory: Storage | None, *, gate: Gate, clock: Clock) -> None:
        self._key = key
        self._memory = memory
        self._gate = gate
        self._clock = clock
        self._lock = threading.Lock()
        self.wait: Wait | None = None
        """Set while a batch is put off, until one is delivered, and from the start for what is left of the
        last run's wait; to be read by who shows it."""
        self.earlier_since: float | None = None
        """Since when, if the last run ended in it."""
        self._recall()

    def goes_on(self, reason: str, at_least_seconds: float, *, at_fault: bool = False) -> float:
        """Close the gate after a failure; returns for how many seconds."""
        seconds = self._gate.close(at_least_seconds)
        with self._lock:
            now = self._clock.monotonic()
            since = self.wait.since if self.wait else self.earlier_since
            since = now if since is None else since
            self.wait = Wait(reason=reason, since=since, until=now + seconds, at_fault=at_fault)
            self._remember(self.wait)
        return seconds

    def is_over(self) -> None:
        """After a success."""
        self._gate.open()
        if self.wait is None and self.earlier_since is None:
            return
        with self._lock:
            self.wait = self.earlier_since = None
            self._remember(None)

    def _remember(self, wait: Wait | None) -> None:
        if self._memory is None:
            return
        try:
            if wait is None:
                self._memory.delete(self._key)
                return
            now = self._clock.now()
            lasted = timedelta(seconds=self._clock.monotonic() - wait.since)
            kept = {
                "since": (now - lasted).isoformat(),
                "at": now.isoformat(),
                "seconds": wait.until - self._clock.monotonic(),
                "reason": wait.reason,
                "at_fault": wait.at_fault,
            }
            self._memory.set(self._key, kept)
        except StateError:
            return  # the next start would wait anew; the events themselves do not depend on it

    def _recall(self) -> None:
        kept = None if self._memory is None else self._memory.get(self._key)
        if kept is None:
            return
        now = self._clock.now()
        since, at = (datetime.fromisoformat(kept[name]) for name in ("since", "at"))
        self.earlier_since = self._clock.monotonic() - max((now - since).total_seconds(), 0.0)
        # A clock that was put back in between makes the wait no longer than it was.
        seconds_left = kept["seconds"] - max((now - at).total_seconds(), 0.0)
        if seconds_left > 0:
            self._gate.close_for(seconds_left)
            self.wait = Wait(
                reason=kept.get("reason", "it took nothing when the last run ended"),
                since=self.earlier_since,
                until=self._clock.monotonic() + seconds_left,
                at_fault=kept.get("at_fault", False),
            )
