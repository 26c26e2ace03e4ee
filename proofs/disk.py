"""A file system in memory, for SQLite by way of `apsw`: it knows what a power cut would leave.

What the system was told to sync is on the disk; of the rest anything may be, or nothing.
"""

# ruff: noqa: N802, D102, ARG002, FBT001 -- the methods are SQLite's, by its names

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import apsw

from variance_plugin.state.connection import Connect, Rows

_SECTOR_BYTES = 512


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

    def after_cut(self, chance: Random) -> bytes | None:
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

    def after_cut(self, folder: Path, chance: Random) -> None:
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
