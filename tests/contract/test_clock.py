"""What every `Clock` has to do: the real one and the one for tests."""

import threading
from datetime import UTC, timedelta

import pytest

from variance_plugin.clock import Clock, SystemClock
from variance_plugin.errors import Stopped
from variance_plugin.testing import FakeClock

LIMIT_SECONDS = 30.0


@pytest.fixture(params=[SystemClock, FakeClock], ids=["system", "fake"])
def clock(request: pytest.FixtureRequest) -> Clock:
    """Each implementation in turn."""
    made: Clock = request.param()
    return made


def test_the_wall_clock_knows_its_zone(clock: Clock) -> None:
    """`now` is in UTC and says so."""
    assert timedelta(0) == clock.now().utcoffset()
    assert UTC == clock.now().tzinfo


def test_monotonic_time_never_goes_back(clock: Clock) -> None:
    """Readings, also across waits of odd lengths, only grow."""
    readings = [clock.monotonic()]
    for seconds in (0.0, 0.001, -5.0, 0.002):
        clock.wait(seconds)
        readings.append(clock.monotonic())

    assert sorted(readings) == readings


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.02], ids=str)
def test_a_wait_lasts_as_long_as_it_was_asked_for(clock: Clock, seconds: float) -> None:
    """After `wait` both clocks are at least so much later."""
    now, monotonic = clock.now(), clock.monotonic()

    clock.wait(seconds)

    # The wall clock of a real machine may be adjusted meanwhile; a millisecond is left for rounding.
    assert clock.monotonic() - monotonic >= seconds - 0.001
    assert clock.now() - now >= timedelta(seconds=seconds - 0.001)


def test_a_wait_for_less_than_nothing_is_over_at_once(clock: Clock) -> None:
    """Callers subtract times; what is past needs no waiting."""
    before = clock.monotonic()

    clock.wait(-3600.0)

    assert clock.monotonic() - before < LIMIT_SECONDS


def test_a_stopped_clock_ends_every_wait_from_then_on(clock: Clock) -> None:
    """Also a wait that begins after `stop`, and also one of no length."""
    assert not clock.stopped

    clock.stop()
    clock.stop()

    assert clock.stopped
    for seconds in (0.0, 3600.0):
        with pytest.raises(Stopped):
            clock.wait(seconds)


def test_stopping_ends_the_waits_of_other_threads(clock: Clock) -> None:
    """Threads that wait again and again end as soon as one thread calls `stop`."""
    waiting = threading.Barrier(4)
    ended: list[bool] = []

    def wait() -> None:
        waiting.wait(LIMIT_SECONDS)
        try:
            while True:
                clock.wait(3600.0)
        except Stopped:
            ended.append(clock.stopped)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    waiting.wait(LIMIT_SECONDS)
    clock.stop()
    for thread in threads:
        thread.join(LIMIT_SECONDS)

    assert [True] * 3 == ended


def test_the_fake_clock_takes_no_time_and_remembers_what_was_asked() -> None:
    """A year's wait is over at once; `waits` tells of it; `advance` moves the time alone."""
    clock = FakeClock()
    begun = clock.now()

    clock.wait(31_536_000.0)
    clock.advance(60.0)

    assert [31_536_000.0] == clock.waits
    assert timedelta(days=365, minutes=1) == clock.now() - begun


def test_the_fake_clock_can_be_stopped_in_the_middle_of_a_wait() -> None:
    """`on_wait` sees each wait before the time passes, and may end it by `stop`."""
    fake = FakeClock(on_wait=lambda seconds: fake.stop() if seconds > 1 else None)
    fake.wait(1.0)

    with pytest.raises(Stopped):
        fake.wait(2.0)

    assert [1.0] == fake.waits
    assert 1.0 == fake.monotonic()
