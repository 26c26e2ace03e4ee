"""When too much of what is read would become dead letters."""

import logging
import threading
from collections.abc import Iterable

import pytest

from variance_plugin.errors import Stopped, UsageError
from variance_plugin.events import Event
from variance_plugin.hooks import Rejection
from variance_plugin.runtime.breaker import Breaker, Tolerance
from variance_plugin.testing import FakeClock

REASON = "more than 20 of the last 100 events are odd"


class Reading:
    """A thread that reads events, of which some are set aside.

    Attributes:
        kept: At how many that had been read each was.
    """

    def __init__(self, *, most: int = 20, ends: bool = False) -> None:
        self.clock = FakeClock()
        self.kept: list[int] = []
        self.read = 0
        self.breaker = Breaker(
            "events are odd",
            Tolerance(most_per_hundred=most, setting="a_setting"),
            clock=self.clock,
            logger=logging.getLogger(__name__),
        )
        self.set_aside = self.breaker.guard(lambda _rejection: self.kept.append(self.read))
        self.breaker.begin(lambda: self.read, ends=ends)

    def see(self, odd: Iterable[bool]) -> None:
        """Read one event after the other; the odd ones are set aside."""
        for is_odd in odd:
            self.read += 1
            if is_odd:
                self.set_aside(Rejection(event=Event(event="odd", properties={}), reason="odd"))


def test_a_fifth_may_be_set_aside_for_ever() -> None:
    """Nobody is told, and nothing waits."""
    reading = Reading()

    reading.see(number % 5 == 0 for number in range(1, 2_001))

    assert 400 == len(reading.kept)
    assert 0 == reading.clock.monotonic()
    assert reading.breaker.trouble is None


@pytest.mark.parametrize(
    ("most", "good", "kept"),
    [(20, 79, 20), (20, 80, 21), (1, 98, 1), (1, 99, 2), (0, 500, 0), (100, 0, 21), (99, 0, 21)],
)
def test_it_is_the_last_hundred_that_count(most: int, good: int, kept: int) -> None:
    """So many odd ones, then good ones, then one odd one more."""
    reading = Reading(most=most, ends=True)
    first = min(most, 20)

    try:
        reading.see([*[True] * first, *[False] * good, True])
    except UsageError:
        assert kept == first
    assert kept == len(reading.kept)


def test_a_run_of_bad_events_passes_by_itself_with_growing_waits(caplog: pytest.LogCaptureFixture) -> None:
    """Twenty at a time; somebody has to look until a hundred more have been read."""
    reading = Reading()

    reading.see([True] * 90)
    troubled = reading.breaker.trouble
    reading.see([False] * 90)
    still, waited = reading.breaker.trouble, reading.clock.monotonic()
    reading.see([False])

    assert list(range(1, 91)) == reading.kept
    assert [REASON, REASON, None] == [troubled, still, reading.breaker.trouble]
    assert 4 == sum(f"{REASON}; nothing is lost, somebody has to look" in line for line in caplog.messages)
    assert 4 <= waited <= 1 + 2 + 4 + 8


def test_the_waits_of_a_wrong_source_grow_and_those_of_a_later_run_begin_anew() -> None:
    """A thousand odd ones in a row take hours; twenty odd ones, a day later, a second at the most."""
    reading = Reading()
    reading.see([True] * 2_000)
    took = reading.clock.monotonic()

    reading.see([False] * 100)
    reading.see([True] * 21)

    assert 3_600 < took <= 99 * 300
    assert 1 == reading.clock.monotonic() - took


def test_where_the_run_is_to_end_it_does_and_the_event_is_not_set_aside() -> None:
    """The error says how to go on."""
    reading = Reading(ends=True)

    with pytest.raises(UsageError, match=f"{REASON}; the run ends here.* set a_setting to 100"):
        reading.see([True] * 21)
    assert 20 == len(reading.kept)


def test_an_event_that_waits_when_the_host_is_stopped_is_not_set_aside() -> None:
    """It is still to be read at the next start."""
    reading = Reading()
    reading.see([True] * 20)
    reading.clock.stop()

    with pytest.raises(Stopped):
        reading.see([True])
    assert 20 == len(reading.kept)


def test_what_other_threads_set_aside_does_not_count() -> None:
    """Such as a replay, of which many may be rejected once more."""
    reading = Reading(ends=True)
    replay = threading.Thread(target=reading.see, args=[[True] * 50])
    replay.start()
    replay.join(10)

    reading.see([True] * 20)

    assert 70 == len(reading.kept)
