"""`meta.jobs`: a plugin's jobs by name, put into the durable queue with the time at which they are due."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, Protocol

from ...clock import Clock
from ...hooks import Unit

_SECONDS = {
    Unit.MILLISECONDS: 0.001,
    Unit.SECONDS: 1.0,
    Unit.MINUTES: 60.0,
    Unit.HOURS: 3600.0,
    Unit.DAYS: 86_400.0,
    Unit.WEEKS: 604_800.0,
}


class JobQueue(Protocol):
    """Where jobs wait."""

    def add(self, plugin: str, name: str, payload: Any, due: datetime) -> object:
        """Keep a job; on disk when it returns."""
        ...


class PluginJobs:
    """A `hooks.Jobs`.

    Args:
        plugin: Whose jobs they are.
        names: Of its `jobs`.
        queue: Where they wait.
        clock: Says what time it is.
    """

    def __init__(self, plugin: str, names: Collection[str], *, queue: JobQueue, clock: Clock) -> None:
        self._plugin = plugin
        self._names = frozenset(names)
        self._queue = queue
        self._clock = clock

    def __getattr__(self, name: str) -> Callable[..., "UnscheduledJob"]:
        if name not in self.__dict__.get("_names", ()):
            known = ", ".join(sorted(self.__dict__.get("_names", ()))) or "none"
            raise AttributeError(f"the plugin has no job {name!r} in `jobs`: {known}")

        def job(payload: Any = None) -> UnscheduledJob:
            return UnscheduledJob(lambda due: self._queue.add(self._plugin, name, payload, due), self._clock)

        return job


class UnscheduledJob:
    """A `hooks.Job`.

    Args:
        add: Puts it into the queue for that time.
        clock: Says what time it is.
    """

    def __init__(self, add: Callable[[datetime], object], clock: Clock) -> None:
        self._add = add
        self._clock = clock

    def run_now(self) -> None:
        """See `Job`."""
        self._add(self._clock.now())

    def run_in(self, duration: float, unit: str) -> None:
        """See `Job`."""
        seconds = duration * _SECONDS[_unit(unit)]
        if not seconds >= 0:  # nor is NaN
            raise ValueError(f"a job cannot run in {duration} {unit}: that is no time to come")
        try:
            due = self._clock.now() + timedelta(seconds=seconds)
        except OverflowError as error:
            raise ValueError(f"a job cannot run in {duration} {unit}: that is after the year 9999") from error
        self._add(due)

    def run_at(self, moment: datetime) -> None:
        """See `Job`."""
        if moment.utcoffset() is None:
            raise ValueError(
                f"the time {moment.isoformat()} of a job has no zone: say which, such as datetime.UTC"
            )
        now = self._clock.now()
        self._add(max(moment.astimezone(now.tzinfo), now))


def _unit(name: str) -> Unit:
    text = str(name).lower()
    try:
        return Unit(text if text.endswith("s") else f"{text}s")
    except ValueError:
        raise ValueError(f"{name!r} is no unit of time; take one of {', '.join(Unit)}") from None
