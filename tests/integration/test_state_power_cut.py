"""A power cut: what the system was told to sync is on the disk, of the rest anything may be, or nothing.

`kill -9` proves nothing about that, since the system keeps what was written. So SQLite gets a file system of
its own here, through `apsw`, which knows at every moment what would be on the disk after a cut.
"""

# ruff: noqa: N802, D102, ARG002, FBT001 -- the methods are SQLite's, by its names

import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest

from variance_plugin.hooks import Rejection
from variance_plugin.state import DeadLetterStore, LetterFilter, Positions, Spool, StateFile, StoredStorage
from variance_plugin.state.connection import Connect, Rows
from variance_plugin.testing import FakeClock, make_event

_SECTOR_BYTES = 512
_RECORD = b'{"event": "order paid", "number": %d, "text": "' + b"x" * 2_000 + b'"}'


class DiskFile:
    """A file: what is on the disk, and what has been written since."""

    def __init__(self) -> None:
        self.current = bytearray()
        self.synced: bytes | None = None
        self.unsynced: list[tuple[int, bytes | None]] = []

    def write(self, offset: int, written: bytes | None) -> None:
        """Write bytes at an offset; None cuts the file off there."""
        self.unsynced.append((offset, written))
        _apply(self.current, offset, written)

    def sync(self) -> None:
        """From now on it is on the disk."""
        self.synced, self.unsynced = bytes(self.current), []

    def after_cut(self, chance: random.Random) -> bytes | None:
        """What may be there after a cut: of the unsynced writes none, all, or some, one of them torn."""
        if self.synced is None and chance.random() < 0.5:
            return None  # not even its name
        found = bytearray(self.synced or b"")
        share = chance.choice([0.0, 0.5, 1.0])
        for offset, written in self.unsynced:
            if chance.random() < share:
                torn = written is not None and chance.random() < 0.2
                kept = chance.randrange(0, len(written or b"") + 1, _SECTOR_BYTES) if torn else None
                _apply(found, offset, written if written is None else written[:kept])
        return bytes(found)


def _apply(content: bytearray, offset: int, written: bytes | None) -> None:
    if written is None:
        del content[offset:]
        return
    content.extend(bytes(max(offset + len(written) - len(content), 0)))
    content[offset : offset + len(written)] = written


class Disk(apsw.VFS):
    """A file system in memory. `watch` is called after each write and each sync."""

    def __init__(self) -> None:
        self.vfs_name = f"disk-{id(self)}"
        self.files: dict[str, DiskFile] = {}
        self.done: Counter[str] = Counter()
        self.watch: Callable[[], None] = lambda: None
        super().__init__(self.vfs_name, base="")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        flags[1] = flags[0]
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        return OpenFile(self, self.files.setdefault(path, DiskFile()))

    def xAccess(self, pathname: str, flags: int) -> bool:
        return pathname in self.files

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.files.pop(filename, None)

    def xFullPathname(self, name: str) -> str:
        return name

    def tell(self, what: str) -> None:
        """Something was done."""
        self.done[what] += 1
        self.watch()

    def after_cut(self, folder: Path, chance: random.Random) -> None:
        """Put into a real folder what may be on the disk if the power were cut now."""
        for name, file in self.files.items():
            content = file.after_cut(chance)
            if content is not None:
                (folder / Path(name).name).write_bytes(content)


class OpenFile(apsw.VFSFile):
    """An open `DiskFile`."""

    def __init__(self, disk: Disk, file: DiskFile) -> None:
        self._disk = disk
        self._file = file

    def xRead(self, amount: int, offset: int) -> bytes:
        return bytes(self._file.current[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self._file.write(offset, bytes(data))
        self._disk.tell("write")

    def xTruncate(self, newsize: int) -> None:
        self._file.write(newsize, None)

    def xSync(self, flags: int) -> None:
        self._file.sync()
        self._disk.tell("sync")

    def xFileSize(self) -> int:
        return len(self._file.current)

    def xClose(self) -> None:
        pass

    def xLock(self, level: int) -> None:
        pass

    def xUnlock(self, level: int) -> None:
        pass

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return _SECTOR_BYTES

    def xDeviceCharacteristics(self) -> int:
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE  # as SQLite takes it for every real disk


class OnDisk:
    """A `state.connection.Connection` to a file on a `Disk`.

    Args:
        disk: The file system.
        path: Of the file.
        synchronous: Takes the place of what the program asks for.
    """

    def __init__(self, disk: Disk, path: Path, synchronous: str | None) -> None:
        self._connection = apsw.Connection(str(path), vfs=disk.vfs_name)
        self._synchronous = synchronous
        # Without shared memory the log's index is in this process; and checkpoints come often.
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA wal_autocheckpoint = 25")

    def execute(self, statement: str, bindings: Sequence[Any] = (), /) -> Rows:
        if self._synchronous and statement.startswith("PRAGMA synchronous"):
            statement = f"PRAGMA synchronous = {self._synchronous}"
        try:
            return self._connection.execute(statement, bindings)
        except apsw.Error as error:
            raise sqlite3.OperationalError(str(error)) from error

    def executemany(self, statement: str, bindings: Iterable[Sequence[Any]], /) -> object:
        return self._connection.executemany(statement, bindings)

    def close(self) -> None:
        self._connection.close()


def connect_on(disk: Disk, synchronous: str | None) -> Connect:
    """A `Connect` to files on that disk."""
    return lambda path: OnDisk(disk, path, synchronous)


class Acknowledged:
    """What the state file has promised to keep so far."""

    def __init__(self) -> None:
        self.appended: list[bytes] = []
        self.dropped = 0
        self.letters = 0
        self.stored: int | None = None


def work(state: StateFile, promised: Acknowledged) -> None:
    """Use the state as a run does, and note what it says is on disk."""
    spool = Spool(state, "intake", 10_000_000)
    storage = StoredStorage(state, "variance")
    letters = DeadLetterStore(state, state.clock, "variance")
    positions = Positions(state)
    for number in range(60):
        records = [_RECORD % (10 * number + place) for place in range(1 + number % 3)]
        spool.append(records)
        promised.appended += records
        positions.save("files", "a.jsonl", {"number": number})
        if number % 5 == 0:
            storage.set("number", number)
            promised.stored = number
            letters.add(Rejection(event=make_event(number=number), reason="no"))
            promised.letters += 1
        if number % 7 == 6:
            # Counted before: what may be dropped is dropped in part at a cut.
            promised.dropped = len(promised.appended) // 2
            spool.acknowledge(promised.dropped)


def lost_after(folder: Path, promised: Acknowledged) -> list[str]:
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
        letters = DeadLetterStore(state, state.clock).count(LetterFilter())
        if letters < promised.letters:
            lost.append(f"{promised.letters - letters} dead letters")
        return lost
    finally:
        state.close()


def _kept(promised: Acknowledged) -> list[tuple[int, bytes]]:
    return list(enumerate(promised.appended))[promised.dropped :]


def cuts(folder: Path, *, synchronous: str | None, seed: int, every: int) -> tuple[int, list[str]]:
    """Cut the power after every so many writes and syncs of a run; returns how often, and what was lost."""
    disk, promised, chance = Disk(), Acknowledged(), random.Random(seed)  # noqa: S311 -- repeatable
    count, lost = 0, list[str]()

    def cut() -> None:
        nonlocal count
        if sum(disk.done.values()) % every:
            return
        count += 1
        after = folder / f"cut-{count}"
        after.mkdir()
        # In this order: what is promised must be on the disk already.
        before = Acknowledged()
        before.__dict__.update(promised.__dict__, appended=list(promised.appended))
        disk.after_cut(after, chance)
        try:
            lost.extend(lost_after(after, before))
        except Exception as error:  # noqa: BLE001 -- a file that cannot even be opened is lost as a whole
            lost.append(str(error))

    disk.watch = cut
    (folder / "run").mkdir()
    state = StateFile.open(folder / "run" / "state.db", FakeClock(), connect=connect_on(disk, synchronous))
    work(state, promised)
    state.close()
    return count, lost


@pytest.mark.parametrize("seed", range(3))
def test_a_power_cut_at_any_moment_loses_nothing_that_was_promised(tmp_path: Path, seed: int) -> None:
    """At hundreds of moments of a run: the file opens, is sound, and holds all that was promised."""
    count, lost = cuts(tmp_path, synchronous=None, seed=seed, every=11)

    print(f"power cuts: {count}, lost: {len(lost)}")  # noqa: T201 -- the figures of the proof
    assert [] == lost
    assert count > 30


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_the_same_test_finds_what_is_lost_without_syncing(tmp_path: Path, synchronous: str) -> None:
    """Were SQLite told to sync less, cuts would lose what was promised: a test of the test."""
    count, lost = cuts(tmp_path, synchronous=synchronous, seed=0, every=11)

    print(f"power cuts with synchronous={synchronous}: {count}, lost: {len(lost)}")  # noqa: T201
    assert lost
