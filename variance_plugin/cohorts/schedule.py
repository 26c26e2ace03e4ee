"""Syncs in a thread of their own: one, or one after the other for as long as a runner runs."""

import logging
import threading
from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from ..clock import Clock
from ..errors import RetryError, Stopped, UsageError
from ..events import utc_text
from .membership import Memory

_logger = logging.getLogger(__name__)

_NAME = "schedule of cohorts"
_KEY = "last"


class Outcome(StrEnum):
    """How a sync ended."""

    DONE = "done"
    FAILED = "failed"


class Sync(Protocol):
    """One sync, such as `CohortSync`."""

    def run(self) -> None:
        """Raises `UsageError`, `RetryError` and `Stopped`."""
        ...

    def close(self) -> None:
        """After the last one."""
        ...


class SyncSchedule:
    """Runs a sync as soon as it is due.

    When the last one ended stands in the state file, so that a start does not sync ahead of time.

    Args:
        sync: What to run.
        memory: Keeps when it ran last.
        every: How long after one the next one is due.
        clock: Ends the waiting.
    """

    def __init__(self, sync: Sync, *, memory: Memory, every: timedelta, clock: Clock) -> None:
        self._sync = sync
        self._memory = memory
        self._every = every
        self._clock = clock
        self._thread: threading.Thread | None = None
        self.failure: Exception | None = None
        """Why the only sync could not be done, or a fault of this program."""
        self.outcomes: Counter[Outcome] = Counter()
        """How the syncs of this run have ended."""
        self.refusal: str | None = None
        """Why the last one could not be done, if a person has to look."""

    def begin(self, *, once: bool) -> None:
        """Sync from now on; once means at once, and no more."""
        self._thread = threading.Thread(target=self._run, args=[once], name="cohorts", daemon=True)
        self._thread.start()

    def join(self, seconds: float | None) -> bool:
        """Wait until it has ended; returns whether it has."""
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self, once: bool) -> None:  # noqa: FBT001 -- it comes through the thread's arguments
        try:
            while True:
                if not once:
                    self._wait()
                try:
                    self._sync.run()
                except (UsageError, RetryError) as error:
                    self.outcomes[Outcome.FAILED] += 1
                    if once:
                        raise
                    self.refusal = str(error) if isinstance(error, UsageError) else None
                    _logger.error("the cohorts could not be synced: %s", error)  # noqa: TRY400 -- no fault in the code
                else:
                    self.outcomes[Outcome.DONE] += 1
                    self.refusal = None
                self._memory.save(_NAME, _KEY, {"ended": self._clock.now().isoformat()})
                if once:
                    return
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 -- somebody waits for it, and nobody would know
            self.failure = error
            if not once:
                self._clock.stop()
        finally:
            self._sync.close()

    def _wait(self) -> None:
        last = self._memory.load(_NAME).get(_KEY)
        if last is not None:
            due = datetime.fromisoformat(last["ended"]) + self._every
            seconds = (due - self._clock.now()).total_seconds()
            if seconds > 0:
                _logger.info("the next sync of the cohorts is due at %s", utc_text(due.isoformat()))
            self._clock.wait(seconds)
