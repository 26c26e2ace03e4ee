"""Cohorts as traits, without a network: names, who is who, and what is to be told."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.cohorts import SyncSchedule, trait_name
from variance_plugin.cohorts.changes import change, event
from variance_plugin.cohorts.membership import Membership, Told
from variance_plugin.cohorts.who import Person, Unknown, best_guess, user_id_of
from variance_plugin.errors import RetryError, StateError, UsageError
from variance_plugin.testing import FakeClock

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DEVICE = "0193a1ef-0000-7000-8000-000000000001"
OLD_DEVICE = "17b2a4c3d1e0f9-0c1d2e3f4a5b6c-35607401-1fa400-17b2a4c3d1f9a8"
UUID_USER = "7f9c24e5-2f5c-4d3a-9b1e-1d2c3b4a5f60"


@pytest.mark.parametrize(
    ("cohort", "trait"),
    [
        ("Completed Order (last 30 days)", "completed_order_last_30_days"),
        ("  Power-users!  ", "power_users"),
        ("a.b/c", "a_b_c"),
        ("ALREADY_SNAKE_CASED", "already_snake_cased"),
        ("Käufer – Österreich", "käufer_österreich"),
        ("日本", "日本"),
        ("🎉", "cohort_7"),
        ("", "cohort_7"),
    ],
)
def test_a_trait_is_called_as_segment_would(cohort: str, trait: str) -> None:
    """Snake case, whatever stands between the words."""
    assert trait == trait_name(cohort, 7)


def person(*ids: str, is_identified: bool = True) -> Person:
    """With these ids."""
    return Person(id="p", distinct_ids=ids, is_identified=is_identified)


@pytest.mark.parametrize(
    ("somebody", "expected"),
    [
        (person("u-1"), "u-1"),
        (person("u-1", is_identified=False), "u-1"),
        (person(DEVICE, "u-1", OLD_DEVICE), "u-1"),
        (person(DEVICE, "kim@shop.example"), "kim@shop.example"),
        (person(DEVICE, is_identified=False), Unknown.ANONYMOUS),
        (person(OLD_DEVICE, is_identified=False), Unknown.ANONYMOUS),
        (person(UUID_USER), UUID_USER),
        (person(DEVICE, UUID_USER), Unknown.UNDECIDED),
        (person("u-1", "kim@shop.example"), Unknown.UNDECIDED),
        (person("null", DEVICE, is_identified=False), Unknown.ANONYMOUS),
        (person("undefined", "u-1"), "u-1"),
        (person(is_identified=False), Unknown.ANONYMOUS),
        (person(*[f"0193a1ef-0000-7000-8000-00000000000{n}" for n in range(10)]), Unknown.UNDECIDED),
    ],
    ids=str,
)
def test_the_user_id_is_one_that_was_given_and_never_a_devices(
    somebody: Person, expected: str | Unknown
) -> None:
    """As the table says; where the listing cannot tell, nothing is guessed."""
    assert expected == user_id_of(somebody)


def test_a_person_stays_who_it_was() -> None:
    """While PostHog still knows it by that id."""
    assert "b" == user_id_of(person("a", "b"), told="b")
    assert DEVICE == user_id_of(person(DEVICE, "b"), told=DEVICE)
    assert "b" == user_id_of(person("b", DEVICE), told="gone")


@given(ids=st.lists(st.sampled_from([DEVICE, OLD_DEVICE, UUID_USER, "u-1", "u-2", "null", ""]), max_size=12))
def test_a_user_id_is_always_one_of_the_ids(ids: list[str]) -> None:
    """And stands for somebody."""
    for found in (user_id_of(person(*ids)), best_guess(person(*ids))):
        assert isinstance(found, Unknown) or found in set(ids) - {"null", ""}


IN = Told(user_id="u", trait="vip", is_member=True, number=0, is_sure=True)


def told(**values: Any) -> Told:
    """That a person is in, for sure, but for these values."""
    return replace(IN, **values)


def traits(told: Told) -> dict[str, bool]:
    """Those of the message."""
    found: dict[str, bool] = json.loads(event("7/5", "p", told, NOW))["properties"]["$set"]
    return found


def test_who_comes_is_told_once() -> None:
    """And then nothing, while nothing changes."""
    first = change(None, user_id="u", trait="vip", is_member=True)
    assert first is not None

    assert {"vip": True} == traits(first)
    assert None is change(told(), user_id="u", trait="vip", is_member=True)


def test_who_was_never_told_of_cannot_leave() -> None:
    """There is nothing to take back."""
    assert None is change(None, user_id="u", trait="vip", is_member=False)


def test_each_change_is_another_message() -> None:
    """To come, to leave and to come again are three; to tell one of them again is the same."""
    came = change(None, user_id="u", trait="vip", is_member=True)
    left = change(told(), user_id="u", trait="vip", is_member=False)
    again = change(told(is_member=False, number=1), user_id="u", trait="vip", is_member=True)
    assert came is not None
    assert left is not None
    assert again is not None
    ids = [json.loads(event("7/5", "p", one, NOW))["uuid"] for one in (came, left, again, came)]

    assert 3 == len(set(ids))
    assert ids[0] == ids[3]
    assert ids[0] != json.loads(event("7/6", "p", came, NOW))["uuid"]


def test_what_may_have_arrived_is_told_again_as_the_same_message() -> None:
    """A kill came between the message and its answer."""
    unsure = told(is_sure=False, number=3)

    assert unsure == change(unsure, user_id="u", trait="vip", is_member=True)


def test_what_may_have_arrived_is_taken_back_when_it_is_no_longer_true() -> None:
    """Nothing was remembered as told; and still it may have been."""
    left = change(told(is_sure=False, number=3), user_id="u", trait="vip", is_member=False)
    assert left is not None

    assert ({"vip": False}, 4) == (traits(left), left.number)


def test_another_name_of_a_cohort_takes_the_old_trait_back() -> None:
    """In the message that tells of the new one; also if it is renamed again before that has arrived."""
    renamed = change(told(), user_id="u", trait="gold", is_member=True)
    assert renamed is not None
    again = change(renamed, user_id="u", trait="silver", is_member=True)
    assert again is not None
    back = change(again, user_id="u", trait="gold", is_member=True)
    assert back is not None

    assert {"vip": False, "gold": True} == traits(renamed)
    assert {"vip": False, "gold": False, "silver": True} == traits(again)
    assert {"vip": False, "silver": False, "gold": True} == traits(back)


def test_the_event_is_an_identify_of_a_known_user() -> None:
    """As any plugin in the chain would meet one."""
    found = json.loads(event("7/5", "p", told(), NOW))

    assert ("$identify", "u", "2026-01-01T12:00:00.000Z") == (
        found["event"],
        found["distinct_id"],
        found["timestamp"],
    )


class Memory:
    """A `membership.Memory` whose disk is full for so many times."""

    def __init__(self, full: int = 0) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.full = full

    def load(self, source: str) -> dict[str, Any]:
        """See `Memory`."""
        return {key: json.loads(text) for (name, key), text in self.kept.items() if name == source}

    def save(self, source: str, stream: str, position: Any) -> None:
        """See `Memory`."""
        self.kept[source, stream] = json.dumps(position)

    def flush(self) -> None:
        """See `Memory`."""
        if self.full:
            self.full -= 1
            raise StateError("the disk is full")


class Syncs:
    """In the place of a sync: notes when it runs, and stops the clock at the last time.

    Args:
        clock: By which it runs.
        results: What comes of each: an error, or nothing.
    """

    def __init__(self, clock: FakeClock, results: list[Exception | None]) -> None:
        self.times: list[float] = []
        self.is_closed = False
        self._clock = clock
        self._results = results

    def run(self) -> None:
        """See `CohortSync`."""
        self.times.append(self._clock.monotonic())
        result = self._results.pop(0)
        if not self._results:
            self._clock.stop()
        if result is not None:
            raise result

    def close(self) -> None:
        """See `CohortSync`."""
        self.is_closed = True


def run_on_schedule(clock: FakeClock, memory: Memory, results: list[Exception | None]) -> list[float]:
    """After how many seconds each sync ran."""
    syncs = Syncs(clock, results)
    schedule = SyncSchedule(syncs, memory=memory, every=timedelta(hours=6), clock=clock)
    schedule.begin(once=False)
    assert schedule.join(10)
    assert schedule.failure is None
    assert syncs.is_closed
    return syncs.times


def test_syncs_come_when_they_are_due_over_restarts() -> None:
    """The first one at once, each other one some hours after the last."""
    memory, clock = Memory(), FakeClock()
    assert [0, 6 * 3600, 12 * 3600] == run_on_schedule(clock, memory, [None, None, None])

    later = FakeClock(clock.now() + timedelta(hours=2))

    assert [4 * 3600, 10 * 3600] == run_on_schedule(later, memory, [None, None])


@pytest.mark.parametrize("error", [UsageError("no such cohort"), RetryError("switched off")], ids=repr)
def test_a_sync_that_fails_is_tried_again_when_the_next_one_is_due(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """The runner has other things to do, and goes on."""
    assert [0, 6 * 3600] == run_on_schedule(FakeClock(), Memory(), [error, None])
    assert f"the cohorts could not be synced: {error}" in caplog.text


@pytest.mark.parametrize(
    ("results", "refusal"),
    [
        ([UsageError("no such cohort")], "no such cohort"),
        ([UsageError("no such cohort"), None], None),
        ([UsageError("no such cohort"), RetryError("switched off")], None),
    ],
    ids=["refused", "done since", "to be tried again since"],
)
def test_only_a_last_sync_that_was_refused_is_for_a_person_to_look_at(
    results: list[Exception | None], refusal: str | None
) -> None:
    """What passes by itself is waited for."""
    clock = FakeClock()
    schedule = SyncSchedule(Syncs(clock, results), memory=Memory(), every=timedelta(hours=6), clock=clock)
    schedule.begin(once=False)

    assert schedule.join(10)
    assert refusal == schedule.refusal


def test_the_only_sync_that_fails_is_a_failure() -> None:
    """Whoever asked for it is told."""
    clock = FakeClock()
    schedule = SyncSchedule(
        Syncs(clock, [UsageError("no such cohort"), None]), memory=Memory(), every=timedelta(1), clock=clock
    )
    schedule.begin(once=True)

    assert schedule.join(10)
    assert "no such cohort" == str(schedule.failure)


def test_a_fault_of_the_program_ends_the_run() -> None:
    """Rather than that nobody would ever know."""
    clock = FakeClock()
    schedule = SyncSchedule(
        Syncs(clock, [ValueError("a fault"), None]), memory=Memory(), every=timedelta(1), clock=clock
    )
    schedule.begin(once=False)

    assert schedule.join(10)
    assert "a fault" == str(schedule.failure)
    assert clock.stopped


def test_what_was_told_is_known_at_the_next_start() -> None:
    """As it was, name by name."""
    memory = Memory()
    Membership(memory, "cohort 5", clock=FakeClock()).arrived([("p", told(drops=("a", "b")))])

    assert {"p": told(drops=("a", "b"))} == Membership(memory, "cohort 5", clock=FakeClock()).told
    assert {} == Membership(memory, "cohort 6", clock=FakeClock()).told


def test_a_full_disk_is_waited_out() -> None:
    """Nothing goes out of which it could not be remembered that it may have arrived."""
    clock = FakeClock()
    Membership(Memory(full=3), "cohort 5", clock=clock).tell([("p", told())])

    assert 15 == clock.monotonic()
