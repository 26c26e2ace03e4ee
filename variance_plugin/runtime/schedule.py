"""What runs by the clock: `run_every_*`, the plugins' jobs, and what the host itself looks after."""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from ..clock import Clock
from ..errors import StateError, Stopped
from ..turns import Turns
from .hosted import HostedPlugin

_logger = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
# Hooks and jobs wait for the network more than they compute.
_THREADS = 8
_JOBS_AT_ONCE = 100
# Among what a plugin has going; all of its jobs take turns.
_JOBS = "jobs"

_EVERY = {
    "run_every_minute": timedelta(minutes=1),
    "run_every_hour": timedelta(hours=1),
    "run_every_day": timedelta(days=1),
}


class DueJob(Protocol):
    """A job whose time has come."""

    @property
    def id(self) -> int:
        """In the queue."""
        ...

    @property
    def plugin(self) -> str:
        """Whose job it is."""
        ...

    @property
    def name(self) -> str:
        """Among the plugin's `jobs`."""
        ...

    @property
    def payload(self) -> Any:
        """What it was called with."""
        ...


class JobQueue(Protocol):
    """Where jobs wait; see `state.jobs`."""

    def due(self, now: datetime, limit: int, *, plugins: Collection[str]) -> Sequence[DueJob]:
        """Those of these plugins whose time has come, the earliest first."""
        ...

    def done(self, id: int) -> None:  # noqa: A002 -- it is the job's
        """It has run."""
        ...

    def fail(self, id: int, reason: str) -> None:  # noqa: A002
        """It has run, and failed."""
        ...


class Schedule:
    """One thread looks every second for what is due; others run it.

    `run_every_minute` runs at each full minute of UTC, the others likewise; what was missed while the host
    did not run, or while the hook itself still ran, is left out. A plugin's jobs run one after the other.

    Args:
        plugins: Whose hooks and jobs.
        jobs: Where the jobs wait.
        clock: The host's.
        look_after: Called every second, by the thread that looks.
    """

    def __init__(
        self,
        plugins: Sequence[HostedPlugin],
        jobs: JobQueue,
        *,
        clock: Clock,
        look_after: Callable[[], None],
    ) -> None:
        self._plugins = {plugin.name: plugin for plugin in plugins}
        self._jobs = jobs
        self._clock = clock
        self._look_after = look_after
        self._running: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="schedule")
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)
        self._last = clock.now()
        self._turns = Turns(clock)
        self.failure: Exception | None = None
        """A fault of this very module; the host ends then."""

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """After the clock has stopped: wait for what runs."""
        if self._thread.ident is not None:
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def is_alive(self) -> bool:
        """Whether it still looks."""
        return self._thread.is_alive()

    def tick(self) -> None:
        """Set going what has become due since the last time."""
        self._look_after()
        before, now = self._last, self._clock.now()
        self._last = now
        for plugin in self._plugins.values():
            for hook_name, interval in _EVERY.items():
                hook = getattr(plugin.hooks, hook_name)
                is_due = _count(before, interval) != _count(now, interval)
                if is_due and hook is not None and plugin.off is None:
                    self._set_going(plugin, hook_name, partial(plugin.attempt, hook, plugin.meta))
        self._run_jobs(now)

    def _run_jobs(self, now: datetime) -> None:
        # Asked before the queue is: what a plugin that is busy now has done meanwhile is not there any more.
        free = [plugin.name for plugin in self._plugins.values() if self._is_free(plugin)]
        try:
            found = self._jobs.due(now, _JOBS_AT_ONCE, plugins=free)
        except StateError as error:
            self._turns.tell("look", _logger.error, "jobs cannot be looked up: %s", error)
            return
        due: dict[str, list[DueJob]] = {}
        for job in found:
            due.setdefault(job.plugin, []).append(job)
        for name, jobs in due.items():
            plugin = self._plugins[name]
            self._set_going(plugin, _JOBS, partial(self._run_in_turn, plugin, jobs))

    def _is_free(self, plugin: HostedPlugin) -> bool:
        with self._lock:
            return plugin.off is None and (plugin.name, _JOBS) not in self._running

    def _run_in_turn(self, plugin: HostedPlugin, jobs: Sequence[DueJob]) -> None:
        for job in jobs:
            if self._clock.stopped:
                return
            hook = plugin.loaded.jobs.get(job.name)
            if hook is None:
                # A plugin may have put off one for each event.
                kind = (plugin.name, job.name)
                gone = "there is no job %r any more; it does not run"
                self._turns.tell(kind, plugin.meta.logger.error, gone, job.name)
                self._jobs.fail(job.id, "the plugin has no such job any more")
            elif plugin.attempt(hook, job.payload, plugin.meta):
                self._jobs.done(job.id)
            elif not self._clock.stopped:
                self._jobs.fail(job.id, "it failed")

    def _set_going(self, plugin: HostedPlugin, what: str, run: Callable[[], Any]) -> None:
        key = (plugin.name, what)
        with self._lock:
            if key in self._running:
                return
            self._running.add(key)

        def run_and_forget() -> None:
            try:
                run()
            except Exception as error:  # noqa: BLE001 -- of the queue, say: a disk that is full
                plugin.meta.logger.error("%s: %s", what, error)  # noqa: TRY400 -- it is no fault in the code
            finally:
                with self._lock:
                    self._running.discard(key)

        self._pool.submit(run_and_forget)

    def _run(self) -> None:
        try:
            while True:
                self.tick()
                self._clock.wait(_TICK_SECONDS)
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 -- nothing would be on time any more, and nobody would know
            self.failure = error
            self._clock.stop()


def _count(moment: datetime, interval: timedelta) -> int:
    """How many such intervals have begun since 1970."""
    return int(moment.timestamp() // interval.total_seconds())
