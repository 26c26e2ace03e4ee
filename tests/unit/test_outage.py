"""The wait for a destination, in one run and in the next."""

from datetime import UTC, datetime, timedelta
from typing import Any

from variance_plugin.errors import StateError
from variance_plugin.runtime.gate import Gate
from variance_plugin.runtime.outage import Outage, Wait
from variance_plugin.testing import FakeClock

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Notes:
    """A `Storage` that can be out of order."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.broken = False

    def get(self, key: str, default: Any = None) -> Any:
        """See `Storage`."""
        return self.values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        """See `Storage`."""
        if self.broken:
            raise StateError("the disk is full")
        self.values[key] = value

    def delete(self, key: str) -> None:
        """See `Storage`."""
        if self.broken:
            raise StateError("the disk is full")
        self.values.pop(key, None)


def outage(notes: Notes, clock: FakeClock) -> tuple[Outage, Gate]:
    """Of one destination, and the gate before it."""
    gate = Gate(clock)
    return Outage("outage of variance", notes, gate=gate, clock=clock), gate


def test_an_outage_lasts_from_its_first_failure_to_the_next_success() -> None:
    """And the gate is closed for as long as was asked for."""
    clock = FakeClock(NOON)
    found, gate = outage(Notes(), clock)

    assert 100 == found.goes_on("HTTP 503", 100)
    clock.advance(100)
    assert 200 == found.goes_on("HTTP 429", 200)

    wait = found.wait
    assert wait is not None
    assert ("HTTP 429", 0, 300) == (wait.reason, wait.since, wait.until)
    gate.pass_through()
    assert [200] == clock.waits
    found.is_over()
    assert found.wait is None


def test_the_next_run_waits_for_what_is_left_of_the_wait() -> None:
    """The time between the runs counts; it is shown with its reason, as in the run before."""
    notes = Notes()
    before, _ = outage(notes, FakeClock(NOON))
    before.goes_on("HTTP 401", 3_600, at_fault=True)

    clock = FakeClock(NOON + timedelta(minutes=45))
    after, gate = outage(notes, clock)

    assert Wait(reason="HTTP 401", since=-45 * 60, until=15 * 60, at_fault=True) == after.wait
    assert -45 * 60 == after.earlier_since
    gate.pass_through()
    assert [900] == clock.waits


def test_a_wait_that_is_over_by_the_next_start_is_none() -> None:
    """It is asked at once."""
    notes = Notes()
    before, _ = outage(notes, FakeClock(NOON))
    before.goes_on("HTTP 503", 60)

    after, gate = outage(notes, clock := FakeClock(NOON + timedelta(minutes=2)))

    assert (None, -120) == (after.wait, after.earlier_since)
    gate.pass_through()
    assert [] == clock.waits


def test_an_outage_that_goes_on_in_the_next_run_has_lasted_since_the_first() -> None:
    """So that what may wait a day only does not wait for ever in a host that is restarted every hour."""
    notes = Notes()
    before, _ = outage(notes, FakeClock(NOON))
    before.goes_on("HTTP 503", 60)

    after, _ = outage(notes, FakeClock(NOON + timedelta(hours=1)))
    after.goes_on("HTTP 503", 60)

    assert after.wait is not None
    assert -3_600 == after.wait.since


def test_an_outage_that_is_over_is_forgotten() -> None:
    """Also one of the run before."""
    notes = Notes()
    before, _ = outage(notes, FakeClock(NOON))
    before.goes_on("HTTP 503", 60)

    after, _ = outage(notes, FakeClock(NOON + timedelta(hours=1)))
    after.is_over()

    assert {} == notes.values
    assert after.earlier_since is None


def test_a_disk_that_is_full_ends_no_wait_and_begins_none() -> None:
    """What cannot be remembered is waited for in this run alone."""
    notes = Notes()
    notes.broken = True
    found, gate = outage(notes, clock := FakeClock(NOON))

    found.goes_on("HTTP 503", 60)
    gate.pass_through()
    found.is_over()

    assert [60] == clock.waits
    assert found.wait is None


def test_a_clock_that_was_put_back_makes_no_wait_longer_than_it_was() -> None:
    """The run before ended in the future: nothing is known of its wait but its length."""
    notes = Notes()
    before, _ = outage(notes, FakeClock(NOON))
    before.goes_on("HTTP 503", 60)

    clock = FakeClock(NOON - timedelta(days=1))
    _, gate = outage(notes, clock)
    gate.pass_through()

    assert all(seconds <= 3_600 for seconds in clock.waits)
