"""Power cuts in the middle of a run: what the state file promised to keep is there afterwards.

`kill -9` proves nothing about that, since the system keeps what was written.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from shutil import rmtree

from variance_plugin.hooks import Rejection
from variance_plugin.state import DeadLetterStore, LetterFilter, Positions, Spool, StateFile, StoredStorage
from variance_plugin.testing import FakeClock, make_event

from .disk import Disk, connect_on

_RECORD = b'{"event": "order paid", "number": %d, "text": "' + b"x" * 2_000 + b'"}'


@dataclass(slots=True)
class Promised:
    """What the state file has promised to keep so far."""

    appended: list[bytes] = field(default_factory=list)
    dropped: int = 0
    letters: dict[int, int] = field(default_factory=dict)
    """How often each dead letter was refused, by its number."""
    leaving: set[int] = field(default_factory=set)
    """Dead letters whose replay has delivered them, told or not."""
    settled: set[int] = field(default_factory=set)
    """Those of which it was told that they are gone."""
    stored: int | None = None
    changes: int = 0

    def copy(self) -> "Promised":
        """As it is now."""
        return replace(
            self,
            appended=list(self.appended),
            letters=dict(self.letters),
            leaving=set(self.leaving),
            settled=set(self.settled),
        )


def work(state: StateFile, promised: Promised) -> None:
    """Use the state as a run does, and note what it says is on disk."""
    spool = Spool(state, "intake", 10_000_000)
    storage = StoredStorage(state, "variance")
    letters = DeadLetterStore(state, state.clock, "variance")
    positions = Positions(state)
    for number in range(60):
        records = [_RECORD % (10 * number + place) for place in range(1 + number % 3)]
        spool.append(records)
        promised.appended += records
        promised.changes += 1
        positions.save("files", "a.jsonl", {"number": number})
        if number % 5 == 0:
            storage.set("number", number)
            promised.stored = number
            letters.add(Rejection(event=make_event(number=number), reason="no"))
            promised.letters[len(promised.letters) + 1] = 1
            promised.changes += 2
        if number % 5 == 3:
            _replay(letters, len(promised.letters), promised)
        if number % 7 == 6:
            # Counted before: what may be dropped is dropped in part at a cut.
            promised.dropped = len(promised.appended) // 2
            spool.acknowledge(promised.dropped)


def _replay(letters: DeadLetterStore, id_: int, promised: Promised) -> None:
    """Send a letter again: every other one is delivered, the rest refused once more."""
    letters.begin_replay(LetterFilter(ids=[id_]))
    if id_ % 2:
        promised.leaving.add(id_)
        letters.settle([id_])
        promised.settled.add(id_)
    else:
        letters.refused_again(id_, Rejection(event=make_event(), reason="again"))
        promised.letters[id_] = 2
    promised.changes += 2


def lost_after(folder: Path, promised: Promised) -> list[str]:
    """What is missing of what was promised, in a state file as it was found after a cut."""
    if not (folder / "state.db").exists():
        return ["the file"] if promised.appended else []
    state = StateFile.open(folder / "state.db", FakeClock())
    try:
        lost = []
        (verdict,) = state.read(lambda connection: connection.execute("PRAGMA integrity_check").fetchone())
        if verdict != "ok":
            lost.append(f"integrity: {verdict}")
        found = {record for _, record in Spool(state, "intake", 0).read(0, 100_000_000)}
        lost += [f"record {place}" for place, record in _kept(promised) if record not in found]
        stored = StoredStorage(state, "variance").get("number")
        if promised.stored is not None and (stored is None or stored < promised.stored):
            lost.append(f"stored {promised.stored}, found {stored}")
        letters = DeadLetterStore(state, state.clock).letters(LetterFilter())
        refusals = {letter.id: len(letter.history) + 1 for letter in letters}
        lost += [
            f"dead letter {id_}, refused {times} times"
            for id_, times in promised.letters.items()
            if refusals.get(id_, 0) < times and id_ not in promised.leaving
        ]
        lost += [f"dead letter {id_} came back" for id_ in promised.settled & {*refusals}]
        return lost
    finally:
        state.close()


def _kept(promised: Promised) -> list[tuple[int, bytes]]:
    return list(enumerate(promised.appended))[promised.dropped :]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCuts:
    """What a run of power cuts found."""

    title: str
    cuts: int
    promised: int
    """Changes that the file had promised to keep, at the end."""
    lost: list[str]
    is_expected_to_lose: bool

    @property
    def holds(self) -> bool:
        """Whether nothing was lost; or something, where syncing was turned down to see that it is found."""
        return bool(self.lost) is self.is_expected_to_lose

    def __str__(self) -> str:
        expected = ", as it must be: a test of the test" if self.is_expected_to_lose else ""
        return (
            f"{self.title}\n  cuts      {self.cuts:,}\n  promised  {self.promised:,} changes\n"
            f"  lost      {len(self.lost):,}{expected}"
        )


def cut_power(folder: Path, *, seeds: Iterable[int], every: int, synchronous: str | None = None) -> PowerCuts:
    """Cut the power after every so many writes and syncs of a run, over and over.

    Args:
        folder: For what is on the disk after each cut.
        seeds: One run for each: what of the unsynced is there after a cut.
        every: After how many.
        synchronous: What SQLite is told instead of `FULL`, to see that it would be found.
    """
    count, promised_changes, lost = 0, 0, list[str]()
    for seed in seeds:
        run = _Run(folder / str(seed), Random(seed), every=every)  # noqa: S311 -- the same for the same seed
        run.go(synchronous)
        count += run.cuts
        promised_changes += run.promised.changes
        lost += run.lost
    return PowerCuts(
        title=f"Power cuts, synchronous={synchronous or 'FULL'}",
        cuts=count,
        promised=promised_changes,
        lost=lost,
        is_expected_to_lose=synchronous is not None,
    )


class _Run:
    def __init__(self, folder: Path, chance: Random, *, every: int) -> None:
        self.promised = Promised()
        self.cuts = 0
        self.lost: list[str] = []
        self._folder = folder
        self._chance = chance
        self._every = every
        self._disk = Disk()

    def go(self, synchronous: str | None) -> None:
        """Work, with a cut every so often."""
        self._disk.watch = self._cut
        (self._folder / "run").mkdir(parents=True)
        path = self._folder / "run" / "state.db"
        state = StateFile.open(path, FakeClock(), connect=connect_on(self._disk, synchronous))
        work(state, self.promised)
        state.close()

    def _cut(self) -> None:
        if sum(self._disk.done.values()) % self._every:
            return
        self.cuts += 1
        after = self._folder / "after"
        after.mkdir()
        # In this order: what is promised must be on the disk already.
        before = self.promised.copy()
        self._disk.after_cut(after, self._chance)
        try:
            self.lost += lost_after(after, before)
        except Exception as error:  # noqa: BLE001 -- a file that cannot even be opened is lost as a whole
            self.lost.append(str(error))
        rmtree(after)
