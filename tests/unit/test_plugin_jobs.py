"""`meta.jobs`: when a job is due."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.hooks import Jobs, Unit
from variance_plugin.runtime.meta.plugin_jobs import PluginJobs
from variance_plugin.testing import FakeClock

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Queue:
    """What was added, in order."""

    def __init__(self) -> None:
        self.added: list[tuple[str, str, Any, datetime]] = []

    def add(self, plugin: str, name: str, payload: Any, due: datetime) -> int:
        """See `JobQueue`."""
        self.added.append((plugin, name, payload, due))
        return len(self.added)


@pytest.fixture
def queue() -> Queue:
    """Empty."""
    return Queue()


@pytest.fixture
def jobs(queue: Queue) -> Jobs:
    """Of a plugin that has two."""
    return PluginJobs("mailer", ["report", "clean"], queue=queue, clock=FakeClock(NOW))


def test_a_job_that_runs_now_is_due_now(jobs: Jobs, queue: Queue) -> None:
    """It goes into the queue with the plugin's name, its own, and its payload."""
    jobs.report({"day": 1}).run_now()

    assert [("mailer", "report", {"day": 1}, NOW)] == queue.added


@pytest.mark.parametrize(
    ("duration", "unit", "expected"),
    [
        (1500, "milliseconds", timedelta(seconds=1.5)),
        (90, "seconds", timedelta(seconds=90)),
        (30, "minutes", timedelta(minutes=30)),
        (1, "hour", timedelta(hours=1)),
        (0.5, "days", timedelta(hours=12)),
        (2, "WEEKS", timedelta(weeks=2)),
        (0, "second", timedelta(0)),
    ],
)
def test_a_job_runs_in_so_much_time(
    jobs: Jobs, queue: Queue, duration: float, unit: str, expected: timedelta
) -> None:
    """In PostHog's units, in singular or plural."""
    jobs.clean(None).run_in(duration, unit)

    assert [("mailer", "clean", None, NOW + expected)] == queue.added


@pytest.mark.parametrize("unit", list(Unit))
def test_every_unit_can_be_given(jobs: Jobs, queue: Queue, unit: Unit) -> None:
    """None of `Unit` was forgotten."""
    jobs.clean(None).run_in(1, unit)

    assert NOW < queue.added[0][3]


@pytest.mark.parametrize(
    ("duration", "unit", "problem"),
    [
        (1, "fortnights", "'fortnights' is no unit of time; take one of milliseconds, seconds"),
        (1, "", "is no unit of time"),
        (-1, "hours", "cannot run in -1 hours: that is no time to come"),
        (float("nan"), "hours", "that is no time to come"),
        (float("inf"), "hours", "after the year 9999"),
        (1e9, "weeks", "after the year 9999"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(
    jobs: Jobs, queue: Queue, duration: float, unit: str, problem: str
) -> None:
    """In the plugin's call, with nothing put into the queue."""
    with pytest.raises(ValueError, match=problem):
        jobs.report(None).run_in(duration, unit)

    assert [] == queue.added


@given(hours=st.integers(-100, 100), offset=st.integers(-23, 23))
def test_a_job_runs_at_a_moment_or_now_if_that_is_past(hours: int, offset: int) -> None:
    """Whatever the zone it was told in."""
    queue = Queue()
    jobs = PluginJobs("mailer", ["report"], queue=queue, clock=FakeClock(NOW))
    moment = (NOW + timedelta(hours=hours)).astimezone(timezone(timedelta(hours=offset)))
    jobs.report(None).run_at(moment)

    assert [max(NOW, moment)] == [due for _, _, _, due in queue.added]
    assert UTC == queue.added[0][3].tzinfo


def test_a_moment_without_a_zone_is_refused(jobs: Jobs, queue: Queue) -> None:
    """Nobody knows when it is."""
    with pytest.raises(ValueError, match="2026-01-01T00:00:00 of a job has no zone"):
        jobs.report(None).run_at(datetime(2026, 1, 1))  # noqa: DTZ001 -- the case

    assert [] == queue.added


def test_a_job_the_plugin_does_not_have_is_named_beside_those_it_has(jobs: Jobs) -> None:
    """Found when it is called, not when it would be due."""
    with pytest.raises(AttributeError, match="no job 'reprot' in `jobs`: clean, report"):
        jobs.reprot({})
