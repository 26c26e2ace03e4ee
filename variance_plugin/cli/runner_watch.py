"""Hears the signals while the app runner runs, and sees to it that a stop ends."""

import logging
import os
import threading
from collections.abc import Callable

from ..clock import SystemClock
from ..runner import Runner
from .closing import ExitStatus
from .stopping import INSISTENT, Signals

_logger = logging.getLogger(__name__)

_LISTEN_SECONDS = 0.25


class RunnerWatch:
    """Runs in a thread of its own, while it sees a runner through.

    Args:
        runner: Stopped when a signal asks for it; its settings say how long that may take.
        clock: The runner's.
        signals: Entered.
        say_end: Called before the process ends at once: at a second signal, or when the time is over.
    """

    def __init__(
        self,
        runner: Runner,
        clock: SystemClock,
        signals: Signals,
        *,
        say_end: Callable[[Runner, ExitStatus], None],
    ) -> None:
        self._runner = runner
        self._clock = clock
        self._signals = signals
        self._say_end = say_end
        self._deadline: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="signals", daemon=True)
        self._failure: BaseException | None = None
        """A fault of this very class; it ends the run."""

    def see_through(self, work: Callable[[], None]) -> None:
        """Do the work, and deliver what is under way then, for the time that a stop may take if it is one.

        Raises:
            Exception: What the work could not go on after; what was read before is delivered.
        """
        flush_seconds = self._runner.settings.flush_seconds
        self._thread.start()
        try:
            try:
                work()
            except BaseException:
                # Where nothing was read, what follows says all: that it could not begin, and why.
                self._stop("the source could not go on" if self._runner.progress.read else None)
                self._runner.finish(flush_seconds)
                raise
            self._runner.finish(flush_seconds if self._clock.stopped else None)
        finally:
            self._over.set()
            self._signals.wake()
            self._thread.join()
        self._failure = self._failure or self._runner.failure
        if self._failure is not None:
            _logger.critical("not stopped, but ended by %s", _kind(self._failure))

    @property
    def has_failed(self) -> bool:
        """Whether a fault of the program has ended it."""
        return self._failure is not None

    def raise_failure(self) -> None:
        """Raise that fault, if there was one."""
        if isinstance(self._failure, Exception):
            raise self._failure
        if self._failure is not None:  # raised as it is, it might end the program as if that were meant
            raise RuntimeError(type(self._failure).__name__) from self._failure

    def _stop(self, why: str | None) -> None:
        """Read no more, and deliver what was read; without a reason all is done but what plugins do last."""
        flush_seconds = self._runner.settings.flush_seconds
        if why is not None:
            _logger.info("stopping (%s): sending what was read, for %g s at the most", why, flush_seconds)
        self._deadline = self._clock.monotonic() + flush_seconds
        self._runner.host.stop()

    def _run(self) -> None:
        try:
            self._listen()
        except Exception as error:  # noqa: BLE001 -- without this thread nobody would hear signals
            self._failure = error
            self._stop(_kind(error))

    def _listen(self) -> None:
        while not self._over.is_set():
            heard = self._signals.wait(_LISTEN_SECONDS)
            if self._over.is_set():
                return
            if self._deadline is None and self._clock.stopped:
                failure = self._runner.failure
                self._stop(None if failure is None else _kind(failure))
            is_late = self._deadline is not None and self._clock.monotonic() >= self._deadline
            if is_late or (heard in INSISTENT and self._deadline is not None):
                self._end_at_once()
            elif heard is not None and self._deadline is None:
                self._stop(heard.name)

    def _end_at_once(self) -> None:
        # The other threads wait for a destination or for input, and Python would wait for them.
        self._say_end(self._runner, ExitStatus.STOPPED)
        logging.shutdown()
        os._exit(ExitStatus.STOPPED)


def _kind(failure: BaseException) -> str:
    """A fault of the program in words, without its text, which may quote an event."""
    return f"a fault of the program: {type(failure).__name__}"
