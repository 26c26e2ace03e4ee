"""What every job queue has to do: the one in the state file and the one in memory."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from variance_plugin.state import JobQueue, StateFile
from variance_plugin.testing import FakeClock, InMemoryJobQueue

_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_AnyQueue = JobQueue | InMemoryJobQueue


@pytest.fixture(params=["file", "memory"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_AnyQueue]:
    """Each implementation in turn."""
    if request.param == "memory":
        yield InMemoryJobQueue()
        return
    state = StateFile.open(tmp_path / "state.db", FakeClock())
    yield JobQueue(state)
    state.close()


def later(seconds: float) -> datetime:
    """So much after now."""
    return _NOW + timedelta(seconds=seconds)


def due_names(queue: _AnyQueue, now: datetime = _NOW, limit: int = 100) -> list[str]:
    """The names of the jobs that are due."""
    return [job.name for job in queue.due(now, limit)]


def test_a_job_comes_back_as_it_was_added(queue: _AnyQueue) -> None:
    """Its plugin, name, payload, time to the microsecond, and the id that `add` told."""
    due = datetime(2026, 3, 1, 13, 0, 0, 123457, tzinfo=timezone(timedelta(hours=2)))
    id_ = queue.add("variance", "send", {"day": 2**70}, due)

    (job,) = queue.due(_NOW, 10)

    assert (id_, "variance", "send", {"day": 2**70}, due) == (
        job.id,
        job.plugin,
        job.name,
        job.payload,
        job.due,
    )


def test_only_what_is_due_is_given_to_the_moment(queue: _AnyQueue) -> None:
    """A job is due at its time, and not a microsecond earlier."""
    queue.add("variance", "now", None, _NOW)
    queue.add("variance", "soon", None, later(0.000001))

    assert (["now"], ["now", "soon"]) == (due_names(queue), due_names(queue, later(0.000001)))


def test_jobs_come_by_time_and_then_in_order(queue: _AnyQueue) -> None:
    """Also those that became due while nobody looked."""
    for name, seconds in (("c", -1), ("d", -1), ("b", -2), ("a", -3600)):
        queue.add("variance", name, None, later(seconds))

    assert (["a", "b", "c", "d"], ["a", "b"]) == (due_names(queue), due_names(queue, limit=2))


def test_a_job_that_is_done_never_comes_again(queue: _AnyQueue) -> None:
    """And one that is not, does: so it runs again when the process ended in the middle."""
    first = queue.add("variance", "first", None, _NOW)
    queue.add("variance", "second", None, _NOW)
    before = due_names(queue)
    queue.done(first)
    queue.done(first)

    assert (["first", "second"], ["second"]) == (before, due_names(queue))


def test_a_job_that_failed_is_set_aside_with_its_reason(queue: _AnyQueue) -> None:
    """It does not run again; the latest comes first."""
    ids = [queue.add("variance", name, None, _NOW) for name in ("first", "second")]
    queue.fail(ids[0], "ValueError: half \ud83d an emoji")
    queue.fail(ids[1], "no")

    assert [] == due_names(queue)
    assert [("second", "no"), ("first", "ValueError: half \ud83d an emoji")] == [
        (job.name, reason) for job, reason in queue.failed()
    ]


def test_an_id_is_never_given_twice(queue: _AnyQueue) -> None:
    """So that whoever ends a job late ends no other."""
    first = queue.add("variance", "first", None, _NOW)
    queue.done(first)

    assert first != queue.add("variance", "second", None, _NOW)


def test_the_queue_tells_how_many_wait(queue: _AnyQueue) -> None:
    """Due or not; a failed one counts no more."""
    found = [queue.waiting()]
    queue.add("variance", "late", None, later(60))
    early = queue.add("variance", "early", None, later(-60))
    found.append(queue.waiting())
    queue.fail(early, "no")
    found.append(queue.waiting())

    assert [0, 2, 1] == found


def test_the_jobs_of_some_plugins_can_be_asked_for(queue: _AnyQueue) -> None:
    """So that a plugin which is switched off does not stand in the way with a hundred jobs."""
    for plugin in ("off", "off", "a", "b"):
        queue.add(plugin, f"of {plugin}", None, _NOW)

    assert (["of a", "of b"], []) == (
        [job.name for job in queue.due(_NOW, 2, plugins=["b", "a"])],
        queue.due(_NOW, 2, plugins=[]),
    )


def test_what_waits_is_counted_for_each_plugin(queue: _AnyQueue) -> None:
    """Due, and still to come; one that has run or failed counts no more."""
    for plugin, seconds in (("a", -1), ("a", 0), ("a", 1), ("b", 60)):
        queue.add(plugin, "send", None, later(seconds))
    queue.done(queue.add("a", "done", None, later(-60)))
    queue.fail(queue.add("c", "failed", None, later(-60)), "no")

    assert {"a": (2, 1), "b": (0, 1)} == queue.tally(_NOW)


def test_a_payload_that_is_not_json_is_refused(queue: _AnyQueue) -> None:
    """And no job is added."""
    with pytest.raises(TypeError, match="not JSON"):
        queue.add("variance", "send", {"when": _NOW}, _NOW)

    assert [] == due_names(queue)


def test_a_payload_that_a_run_changes_is_whole_in_the_next(queue: _AnyQueue) -> None:
    """What was added and what was given are copies."""
    payload = {"names": ["ada"]}
    queue.add("variance", "send", payload, _NOW)
    payload["names"].append("bob")
    queue.due(_NOW, 1)[0].payload["names"].append("eve")

    assert {"names": ["ada"]} == queue.due(_NOW, 1)[0].payload


def test_threads_may_add_at_the_same_time(queue: _AnyQueue) -> None:
    """None is lost."""

    def add(lane: int) -> None:
        for number in range(20):
            queue.add("variance", f"{lane}/{number}", None, _NOW)

    threads = [threading.Thread(target=add, args=[lane]) for lane in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {f"{lane}/{number}" for lane in range(8) for number in range(20)} == set(
        due_names(queue, limit=1000)
    )
