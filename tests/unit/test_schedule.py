"""What runs by the clock: scheduled hooks and jobs."""

import logging
import queue
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from variance_plugin.errors import StateError
from variance_plugin.manifest import Manifest
from variance_plugin.runtime import Hook, LoadedPlugin, Shared, hosted
from variance_plugin.runtime.hosted import HostedPlugin
from variance_plugin.runtime.schedule import Schedule
from variance_plugin.testing import FakeClock, InMemoryDeadLetters

LIMIT_SECONDS = 30.0
EVENING = datetime(2026, 1, 1, 23, 58, 30, tzinfo=UTC)


class Plugin:
    """Has the hooks that it is given."""

    def __init__(self, **hooks: Callable[..., Any]) -> None:
        self.__dict__.update(hooks)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job in the list."""

    id: int
    plugin: str
    name: str
    payload: Any


class Jobs:
    """A queue whose jobs are all due, and which notes what became of them."""

    def __init__(self, *waiting: Waiting) -> None:
        self.waiting = list(waiting)
        self.done_ids: list[int] = []
        self.failed: dict[int, str] = {}
        self.settled = threading.Condition()
        self.broken = False
        self.asked_for: list[list[str]] = []
        """Of each look, whose jobs."""

    def due(self, _now: datetime, limit: int, *, plugins: Collection[str]) -> Sequence[Waiting]:
        """See `JobQueue`."""
        self.asked_for.append(list(plugins))
        if self.broken:
            raise StateError("the disk is full")
        return [job for job in self.waiting if job.plugin in plugins][:limit]

    def done(self, id: int) -> None:  # noqa: A002 -- the protocol's
        """See `JobQueue`."""
        self._settle(id)
        self.done_ids.append(id)

    def fail(self, id: int, reason: str) -> None:  # noqa: A002 -- the protocol's
        """See `JobQueue`."""
        self._settle(id)
        self.failed[id] = reason

    def _settle(self, id_: int) -> None:
        with self.settled:
            self.waiting = [job for job in self.waiting if job.id != id_]
            self.settled.notify_all()

    def wait_until_none_waits(self) -> None:
        """Until all are settled."""
        with self.settled:
            assert self.settled.wait_for(lambda: not self.waiting, LIMIT_SECONDS)


class Bench:
    """A schedule whose thread is the test itself."""

    def __init__(self, jobs: Jobs) -> None:
        self.clock = FakeClock(EVENING)
        self.jobs = jobs
        self.looked_after = 0
        self._shared = Shared.in_memory(
            self.clock,
            dead_letters=InMemoryDeadLetters(),
            logger=logging.getLogger("plugins"),
        )

    def plugin(
        self, name: str, jobs: dict[str, Callable[..., Any]] | None = None, **hooks: Any
    ) -> HostedPlugin:
        """In the host."""
        loaded = LoadedPlugin.of(Plugin(**hooks), Manifest(name=name))
        named = {job: Hook(job, function) for job, function in (jobs or {}).items()}
        return hosted(replace(loaded, jobs=named), {}, self._shared)

    def schedule(self, *plugins: HostedPlugin) -> Schedule:
        """Of these plugins."""
        return Schedule(plugins, self.jobs, clock=self.clock, look_after=self._look)

    def _look(self) -> None:
        self.looked_after += 1


def noting(called: queue.Queue[str], what: str) -> Callable[..., None]:
    """A hook that says that it was called."""
    return lambda *_: called.put(what)


def test_hooks_run_when_their_minute_hour_and_day_begin() -> None:
    """By the clock of UTC, and not before."""
    bench = Bench(Jobs())
    called: queue.Queue[str] = queue.Queue()
    plugin = bench.plugin(
        "timed",
        run_every_minute=noting(called, "minute"),
        run_every_hour=noting(called, "hour"),
        run_every_day=noting(called, "day"),
    )
    schedule = bench.schedule(plugin)

    schedule.tick()
    bench.clock.advance(29)
    schedule.tick()
    assert called.empty()

    bench.clock.advance(61)
    schedule.tick()
    assert {"minute", "hour", "day"} == {called.get(timeout=LIMIT_SECONDS) for _ in range(3)}
    bench.clock.stop()
    schedule.close()
    assert called.empty()
    assert 3 == bench.looked_after


def test_a_hook_never_overlaps_itself() -> None:
    """What is due while it still runs is left out; what another plugin has to do is not."""
    bench = Bench(Jobs())
    called: queue.Queue[str] = queue.Queue()
    go_on = threading.Event()

    def slow(_meta: Any) -> None:
        called.put("slow")
        assert go_on.wait(LIMIT_SECONDS)

    schedule = bench.schedule(
        bench.plugin("slow", run_every_minute=slow),
        bench.plugin("other", run_every_day=noting(called, "other")),
    )
    bench.clock.advance(60)
    schedule.tick()
    assert "slow" == called.get(timeout=LIMIT_SECONDS)
    bench.clock.advance(60)
    schedule.tick()
    assert "other" == called.get(timeout=LIMIT_SECONDS)
    go_on.set()
    bench.clock.stop()
    schedule.close()
    assert called.empty()


def test_jobs_of_a_plugin_run_one_by_one_in_their_order() -> None:
    """With their payload and the plugin's `meta`; each is done once it has run."""
    jobs = Jobs(*[Waiting(number, "mailing", "send", {"number": number}) for number in (1, 2, 3)])
    bench = Bench(jobs)
    sent: list[tuple[Any, Any]] = []
    plugin = bench.plugin("mailing", {"send": lambda payload, meta: sent.append((payload, meta))})

    schedule = bench.schedule(plugin)
    schedule.tick()
    jobs.wait_until_none_waits()
    bench.clock.stop()
    schedule.close()

    assert [({"number": number}, plugin.meta) for number in (1, 2, 3)] == sent
    assert [1, 2, 3] == jobs.done_ids


def test_a_job_that_fails_is_told_and_the_next_runs() -> None:
    """So is one that the plugin has no function for any more."""

    def send(payload: Any, _meta: Any) -> None:
        if payload == "bad":
            raise ValueError("no such address")

    jobs = Jobs(
        Waiting(1, "mailing", "send", "bad"),
        Waiting(2, "mailing", "gone", None),
        Waiting(3, "mailing", "send", "good"),
    )
    bench = Bench(jobs)
    schedule = bench.schedule(bench.plugin("mailing", {"send": send}))
    schedule.tick()
    jobs.wait_until_none_waits()
    bench.clock.stop()
    schedule.close()

    assert [3] == jobs.done_ids
    assert {1: "it failed", 2: "the plugin has no such job any more"} == jobs.failed


def test_jobs_that_are_not_there_any_more_are_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """A plugin may have put one off for every event."""
    jobs = Jobs(*(Waiting(number, "mailing", "gone", None) for number in range(1, 51)))
    bench = Bench(jobs)
    schedule = bench.schedule(bench.plugin("mailing"))
    schedule.tick()
    jobs.wait_until_none_waits()
    bench.clock.stop()
    schedule.close()

    assert 50 == len(jobs.failed)
    assert ["there is no job 'gone' any more; it does not run"] == caplog.messages


def test_jobs_of_a_plugin_that_does_not_run_wait() -> None:
    """Until it runs again: one that was switched off, or is not in the settings now."""
    waiting = [Waiting(1, "off", "send", None), Waiting(2, "elsewhere", "send", None)]
    jobs = Jobs(*waiting)
    bench = Bench(jobs)
    plugin = bench.plugin("off", {"send": lambda _payload, _meta: None})
    plugin.switch_off("it failed")

    schedule = bench.schedule(plugin)
    schedule.tick()
    bench.clock.stop()
    schedule.close()

    assert waiting == jobs.waiting


def test_jobs_that_wait_do_not_stand_in_the_way_of_others() -> None:
    """However many a plugin has that is switched off."""
    jobs = Jobs(
        *(Waiting(number, "off", "send", None) for number in range(1, 501)), Waiting(501, "on", "send", None)
    )
    bench = Bench(jobs)
    called: queue.Queue[str] = queue.Queue()
    off, on = (bench.plugin(name, {"send": noting(called, name)}) for name in ("off", "on"))
    off.switch_off("it failed")

    schedule = bench.schedule(off, on)
    schedule.tick()
    assert "on" == called.get(timeout=LIMIT_SECONDS)
    bench.clock.stop()
    schedule.close()

    assert ([501], 500) == (jobs.done_ids, len(jobs.waiting))


def test_a_job_that_is_under_way_is_not_looked_up_again() -> None:
    """It might end in that moment, and would run twice."""
    jobs = Jobs(Waiting(1, "mailing", "send", None))
    bench = Bench(jobs)
    inside, release = threading.Event(), threading.Event()

    def send(_payload: Any, _meta: Any) -> None:
        inside.set()
        release.wait(LIMIT_SECONDS)

    schedule = bench.schedule(bench.plugin("mailing", {"send": send}))
    schedule.tick()
    assert inside.wait(LIMIT_SECONDS)
    schedule.tick()
    release.set()
    jobs.wait_until_none_waits()
    bench.clock.stop()
    schedule.close()

    assert [["mailing"], []] == jobs.asked_for


def test_a_queue_that_cannot_be_asked_is_asked_again_later(caplog: pytest.LogCaptureFixture) -> None:
    """A full disk is an operator's message, once a minute, and not the end of all that runs by the clock."""
    jobs = Jobs(Waiting(1, "mailing", "send", None))
    jobs.broken = True
    bench = Bench(jobs)
    schedule = bench.schedule(bench.plugin("mailing", {"send": lambda _payload, _meta: None}))

    for _ in range(3):
        schedule.tick()
    assert ["jobs cannot be looked up: the disk is full"] == caplog.messages
    jobs.broken = False
    schedule.tick()
    jobs.wait_until_none_waits()
    bench.clock.stop()
    schedule.close()
