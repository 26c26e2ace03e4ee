"""The host's wait for a destination."""

import threading

import pytest

from variance_plugin.errors import Stopped
from variance_plugin.retry import LONGEST_SECONDS
from variance_plugin.runtime.gate import Gate
from variance_plugin.testing import FakeClock


def test_a_gate_is_open_until_something_fails() -> None:
    """No wait at the start."""
    clock = FakeClock()

    Gate(clock).pass_through()

    assert [] == clock.waits


def test_a_closed_gate_lets_through_when_its_time_is_over() -> None:
    """Whoever comes waits for the rest of it, and not longer."""
    clock = FakeClock()
    gate = Gate(clock)
    seconds = gate.close(60.0)
    clock.advance(45.0)

    gate.pass_through()

    assert 60.0 == seconds
    assert 15.0 == pytest.approx(sum(clock.waits))
    assert 60.0 == pytest.approx(clock.monotonic())


def test_the_waits_grow_from_failure_to_failure_up_to_the_longest() -> None:
    """Full jitter below 1, 2, 4 … 300 seconds; after many failures the waits are long, but never longer."""
    clock = FakeClock()
    gate = Gate(clock)
    waits = []
    for _ in range(200):
        waits.append(gate.close(0.0))
        gate.pass_through()

    assert all(seconds <= min(LONGEST_SECONDS, 2.0**number) for number, seconds in enumerate(waits))
    # 190 waits between 0 and 300 s, none of them over 30: a chance of one in 10^190.
    assert max(waits[10:]) > LONGEST_SECONDS / 10


def test_lanes_that_fail_together_count_as_one_failure() -> None:
    """While it is closed, the schedule does not go on: 64 lanes do not make the second wait an hour."""
    clock = FakeClock()
    gate = Gate(clock)
    waits = []
    for _round in range(2):
        waits += [gate.close(0.0) for _lane in range(64)]
        gate.pass_through()

    assert max(waits) <= 2.0


def test_a_success_begins_the_schedule_anew() -> None:
    """After an outage the first failure waits a second at the most again."""
    clock = FakeClock()
    gate = Gate(clock)
    for _ in range(20):
        gate.close(0.0)
        gate.pass_through()

    gate.open()

    assert gate.close(0.0) <= 1.0


def test_a_success_that_was_under_way_does_not_open_a_closed_gate() -> None:
    """What the destination asked for since then holds for every lane."""
    clock = FakeClock()
    gate = Gate(clock)
    gate.close(120.0)

    gate.open()
    gate.pass_through()

    assert 120.0 == pytest.approx(clock.monotonic())


def test_the_longest_wait_that_was_asked_for_holds() -> None:
    """Whichever lane heard of it first."""
    clock = FakeClock()
    gate = Gate(clock)

    assert 50.0 == gate.close(50.0)
    assert 50.0 == gate.close(5.0)
    assert 90.0 == gate.close(90.0)


def test_waiting_at_the_gate_ends_when_the_program_stops() -> None:
    """For every lane."""
    clock = FakeClock()
    gate = Gate(clock)
    gate.close(3600.0)
    clock.stop()
    ended: list[str] = []

    def wait() -> None:
        with pytest.raises(Stopped):
            gate.pass_through()
        ended.append("stopped")

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ["stopped"] * 4 == ended
