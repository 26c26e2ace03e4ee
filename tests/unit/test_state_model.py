"""Spool, watermark and dead letters against a plain model in memory, over the real SQLite file.

Hypothesis puts together runs of an app runner: records come in, lanes take them and finish out of turn, some
are refused, somebody replays or drops letters, and now and then the program ends, in order or not.
"""

import shutil
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from variance_plugin.errors import SpoolFull
from variance_plugin.hooks import Rejection
from variance_plugin.runtime.lane import Lane, LaneSettings, Mark
from variance_plugin.runtime.watermark import Watermark
from variance_plugin.state import DeadLetterStore, LetterFilter, Spool, StateFile
from variance_plugin.testing import FakeClock, make_event

LANES = 3
LIMIT_BYTES = 1_000
ROW_BYTES = 32  # what the spool counts for a record beside its own bytes
ALL = LetterFilter()

lanes = st.integers(0, LANES - 1)
picks = st.sets(st.integers(0, 9))
"""Some of what there is, by place; what is beyond the end counts from the beginning."""


@dataclass
class Letter:
    """A dead letter, as the model has it."""

    id: int
    seq: int
    refusals: int = 1
    in_replay: bool = False


@dataclass
class Model:
    """What has to be true, in a few plain containers."""

    records: dict[int, bytes] = field(default_factory=dict)
    """All that were ever taken in, by number."""
    read: int = 0
    """The last one that a lane was given since the start."""
    ended: set[int] = field(default_factory=set)
    """Delivered or dead."""
    acknowledged: int = 0
    letters: list[Letter] = field(default_factory=list)

    @property
    def held(self) -> list[tuple[int, bytes]]:
        """What the spool has to give when it is read from its beginning."""
        return [(seq, record) for seq, record in self.records.items() if seq > self.acknowledged]

    @property
    def held_bytes(self) -> int:
        """As the spool counts it."""
        return sum(len(record) + ROW_BYTES for _, record in self.held)

    def move(self) -> None:
        """Up to where everything that was given to a lane has ended."""
        while self.acknowledged < self.read and self.acknowledged + 1 in self.ended:
            self.acknowledged += 1


class Runs(RuleBasedStateMachine):
    """The real things, driven as the runner drives them."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.clock = FakeClock()
        self.folders = [tempfile.TemporaryDirectory()]
        self.begin(Path(self.folders[0].name))

    def begin(self, folder: Path) -> None:
        """Open the state as it is, with empty lanes: a start of the program."""
        self.folder = folder
        self.state = StateFile.open(folder / "state.db", self.clock)
        self.spool = Spool(self.state, "intake", LIMIT_BYTES)
        self.letters = DeadLetterStore(self.state, self.clock, "variance")
        lane = LaneSettings(buffer_events=2)
        self.lanes = [Lane(lane, self.clock) for _ in range(LANES)]
        self.in_hand: dict[int, Sequence[int]] = {}
        self.watermark = Watermark(lambda: [lane.oldest for lane in self.lanes], self.spool.acknowledge)
        self.model.read = self.model.acknowledged
        self.model.ended -= {seq for seq in self.model.ended if seq > self.model.acknowledged}
        self.watermark.read = Mark(self.model.read + 1, self.model.read)

    def teardown(self) -> None:
        """Let go of the files."""
        self.state.close()
        for folder in self.folders:
            folder.cleanup()

    # --- records come in, and go through the lanes --------------------------------------------------

    @rule(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=6))
    def append(self, sizes: list[int]) -> None:
        """All or none."""
        self.spool.flush()  # what was acknowledged may take a moment to leave
        first = max(self.model.records, default=0) + 1
        records = [b"%d:" % seq + b"x" * size for seq, size in enumerate(sizes, first)]
        has_room = self.model.held_bytes + sum(len(one) + ROW_BYTES for one in records) <= LIMIT_BYTES
        if has_room:
            self.spool.append(records)
            self.model.records.update(enumerate(records, first))
        else:
            with pytest.raises(SpoolFull):
                self.spool.append(records)

    @rule(to=st.lists(lanes, min_size=1, max_size=6))
    def read(self, to: list[int]) -> None:
        """The next records, each to a lane, as long as that has room."""
        for lane in to:
            found = self.spool.read(self.model.read, 1)
            expected = [(seq, record) for seq, record in self.model.records.items() if seq > self.model.read]
            assert expected[:1] == found
            if not found or self.lanes[lane].is_full:
                return
            ((seq, record),) = found
            self.lanes[lane].put(seq, len(record), Mark(seq, self.model.read))
            self.model.read = seq
            self.watermark.read = Mark(seq + 1, seq)

    def busy(self) -> list[int]:
        """The lanes that have a batch, in hand or full."""
        return [number for number in range(LANES) if number in self.in_hand or self.lanes[number].is_full]

    @precondition(lambda self: self.busy())
    @rule(which=lanes, refused=picks, takes_only=st.booleans())
    def finish_batch(self, which: int, refused: set[int], *, takes_only: bool) -> None:
        """One batch, of whichever lane: some of it is delivered, some a dead letter."""
        lane = self.busy()[which % len(self.busy())]
        if lane not in self.in_hand:
            self.in_hand[lane] = self.lanes[lane].take()
            if takes_only:
                return
        for place, seq in enumerate(self.in_hand.pop(lane)):
            if place in refused:
                self.reject(seq)
            self.model.ended.add(seq)
        self.lanes[lane].done()
        self.watermark.move()
        self.model.move()

    def reject(self, seq: int) -> None:
        """One letter, however often the same record comes again."""
        event = make_event(number=seq, record=self.model.records[seq], position=f"intake:{seq}")
        self.letters.add(Rejection(event=event, reason="no", status=400))
        known = next((letter for letter in self.model.letters if letter.seq == seq), None)
        if known is None:
            (newest,) = self.letters.letters(ALL, limit=1)
            self.model.letters.append(Letter(newest.id, seq))
        else:
            known.refusals += 1
            known.in_replay = False

    # --- somebody looks after the letters -----------------------------------------------------------

    def picked(self, places: Collection[int]) -> list[Letter]:
        """Some of the letters there are."""
        there = self.model.letters
        return [there[place] for place in sorted({place % len(there) for place in places})] if there else []

    @rule(places=picks)
    def ask(self, places: set[int]) -> None:
        """For letters to be sent again."""
        letters = self.picked(places)
        count = self.letters.begin_replay(LetterFilter(ids=[letter.id for letter in letters]))
        assert sum(not letter.in_replay for letter in letters) == count
        for letter in letters:
            letter.in_replay = True

    @rule(places=picks)
    def take_back(self, places: set[int]) -> None:
        """What was asked for."""
        letters = self.picked(places)
        count = self.letters.end_replay(LetterFilter(ids=[letter.id for letter in letters]))
        assert sum(letter.in_replay for letter in letters) == count
        for letter in letters:
            letter.in_replay = False

    @rule(places=picks)
    def settle(self, places: set[int]) -> None:
        """A replay has delivered them: only those that are in replay go."""
        letters = [letter for letter in self.picked(places) if letter.in_replay]
        assert len(letters) == self.letters.settle([letter.id for letter in self.picked(places)])
        self.model.letters = [letter for letter in self.model.letters if letter not in letters]

    @rule(places=picks)
    def refuse_again(self, places: set[int]) -> None:
        """A replay was refused."""
        for letter in self.picked(places):
            again = Rejection(event=make_event(number=letter.seq), reason="again", status=422)
            assert self.letters.refused_again(letter.id, again)
            letter.refusals += 1
            letter.in_replay = False

    @rule(places=picks)
    def drop(self, places: set[int]) -> None:
        """For good."""
        letters = self.picked(places)
        assert len(letters) == self.letters.drop(LetterFilter(ids=[letter.id for letter in letters]))
        self.model.letters = [letter for letter in self.model.letters if letter not in letters]

    # --- the program ends ---------------------------------------------------------------------------

    @rule()
    def restart(self) -> None:
        """In order."""
        self.state.close()
        self.begin(self.folder)

    @rule()
    def crash(self) -> None:
        """What another process would find if this one ended now: the file and its log, as they are."""
        self.spool.flush()
        self.folders.append(tempfile.TemporaryDirectory())
        after = Path(self.folders[-1].name)
        for name in ("state.db", "state.db-wal"):
            shutil.copy(self.folder / name, after / name)
        self.state.close()
        self.begin(after)

    # --- and always ---------------------------------------------------------------------------------

    @invariant()
    def every_record_is_held_until_it_has_ended(self) -> None:
        """Nothing is lost between intake and end, and nothing that is done with comes again."""
        assert self.model.held == self.spool.read(0, 1_000_000)
        assert {*self.model.records} - self.model.ended <= {seq for seq, _ in self.model.held}

    @invariant()
    def the_letters_are_those_of_the_model(self) -> None:
        """One for each record that was refused, with its whole history, in or not in replay."""
        found = list(self.letters.letters(ALL, newest_first=False))
        assert [(one.id, one.refusals, one.in_replay) for one in self.model.letters] == [
            (letter.id, len(letter.history) + 1, letter.in_replay) for letter in found
        ]
        in_replay = [letter.id for letter in self.model.letters if letter.in_replay]
        assert in_replay == [letter.id for letter in self.letters.in_replay("variance")]
        assert ({"variance": len(in_replay)} if in_replay else {}) == self.letters.waiting()


Runs.TestCase.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
TestRuns = Runs.TestCase
