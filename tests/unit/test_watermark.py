"""How far a source is done with, over lanes that finish out of turn."""

from itertools import chain

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from variance_plugin.clock import SystemClock
from variance_plugin.runtime.lane import Lane, LaneSettings, Mark
from variance_plugin.runtime.watermark import Watermark


class Reading:
    """Records with numbers from 1, of which `k` goes to lane `k % lanes` in batches of two."""

    def __init__(self, lanes: int) -> None:
        settings = LaneSettings(buffer_events=2, buffer_seconds=3_600)
        self.lanes = [Lane(settings, SystemClock()) for _ in range(lanes)]
        self.acknowledged: list[int] = []
        self.watermark = Watermark(lambda: [lane.oldest for lane in self.lanes], self.acknowledged.append)

    def read(self, number: int, *, lane: int | None) -> None:
        """One record, for a lane, or for none when it is skipped."""
        mark = self.watermark.read
        assert number == mark.number
        if lane is not None:
            self.lanes[lane].put(f"event {number}", 1, mark)
        self.watermark.read = Mark(number + 1, number)


def test_what_is_behind_every_lane_is_acknowledged() -> None:
    """The oldest event that has not reached its end holds back all after it, whichever lane they are in."""
    reading = Reading(lanes=2)
    for number in range(1, 5):
        reading.read(number, lane=number % 2)

    odd, even = reading.lanes[1], reading.lanes[0]
    even.take()
    even.done()
    reading.watermark.move()
    assert [] == reading.acknowledged

    odd.take()
    reading.watermark.move()
    assert [] == reading.acknowledged

    odd.done()
    reading.watermark.move()
    assert [4] == reading.acknowledged


def test_what_is_skipped_is_done_with_as_soon_as_all_before_it_is() -> None:
    """Also when nothing was exported at all."""
    reading = Reading(lanes=1)
    reading.read(1, lane=None)
    reading.watermark.move()
    reading.read(2, lane=0)
    reading.read(3, lane=None)
    reading.watermark.move()

    assert [1] == reading.acknowledged


def test_the_same_is_not_acknowledged_twice() -> None:
    """However often it is looked at."""
    reading = Reading(lanes=1)
    reading.read(1, lane=None)
    reading.watermark.move()
    reading.watermark.move()

    assert [1] == reading.acknowledged


class Watched(RuleBasedStateMachine):
    """Any order of reading, taking and finishing, beside plain lists of what has not reached its end."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = Reading(lanes=3)
        self.waiting: dict[int, list[int]] = {0: [], 1: [], 2: []}
        self.in_hand: dict[int, list[int]] = {}

    @rule(lane=st.sampled_from([None, 0, 1, 2]))
    def read(self, lane: int | None) -> None:
        """The next record, unless the lane would have to wait."""
        number = self.reading.watermark.read.number
        if lane is None:
            self.reading.read(number, lane=None)
        elif not self.reading.lanes[lane].is_full:
            self.waiting[lane].append(number)
            self.reading.read(number, lane=lane)

    @rule(lane=st.sampled_from([0, 1, 2]))
    def take(self, lane: int) -> None:
        """A batch, if it is full and none is in hand."""
        if lane not in self.in_hand and self.reading.lanes[lane].is_full:
            self._take(lane)

    @rule(lane=st.sampled_from([0, 1, 2]))
    def finish(self, lane: int) -> None:
        """The batch in hand."""
        if self.in_hand.pop(lane, None) is not None:
            self.reading.lanes[lane].done()

    @invariant()
    def nothing_is_acknowledged_before_all_ahead_of_it_are_done(self) -> None:
        """And the acknowledged goes forward only."""
        self.reading.watermark.move()
        acknowledged = self.reading.acknowledged
        unfinished = [*chain(*self.waiting.values(), *self.in_hand.values())]
        assert all(number > (acknowledged or [0])[-1] for number in unfinished)
        assert sorted(set(acknowledged)) == acknowledged

    def teardown(self) -> None:
        """When all are done everything is acknowledged."""
        for lane in range(3):
            self.finish(lane)
            if self.waiting[lane]:
                self.reading.lanes[lane].close()
                self._take(lane)
                self.finish(lane)
        self.reading.watermark.move()
        assert self.reading.watermark.read.number - 1 == (self.reading.acknowledged or [0])[-1]

    def _take(self, lane: int) -> None:
        self.in_hand[lane], self.waiting[lane] = self.waiting[lane], []
        assert [f"event {number}" for number in self.in_hand[lane]] == self.reading.lanes[lane].take()


TestAnyOrder = Watched.TestCase
