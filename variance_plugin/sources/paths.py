"""Which files the user means: paths, folders and patterns, all looked at before anything is read."""

import difflib
import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from ..errors import UsageError
from .codecs import EXTENSIONS, MAGIC_BYTES, codec_of, require

STDIN = "-"
_PATTERN = re.compile(r"[*?[]")

_EVENTS = re.compile(
    rf"\.(jsonl|ndjson|json)({'|'.join(map(re.escape, EXTENSIONS))})?$",
    re.IGNORECASE,
)
# PostHog lists the files of an export that it cuts by size beside them, in `<from>-<to>_manifest.json`.
_MANIFEST = "_manifest.json"
_PARQUET = re.compile(r"\.parquet(\.\w+)?$", re.IGNORECASE)
_PACKED = re.compile(r"\.(jsonl|ndjson|json)\.(sz|snappy|lz4|bz2|xz|zip)$", re.IGNORECASE)
_PARQUET_MAGIC = b"PAR1"
_PACKED_MAGIC = (b"PK\x03\x04", b"BZh", b"\xfd7zX", b"\x04\x22\x4d\x18", b"\xff\x06\x00\x00")

_NOT_PARQUET = (
    "Parquet is read by the source for batch exports, from a folder as well: variance-plugin bucket FOLDER"
)
_TABLE = re.compile(r"\.(csv|tsv|xlsx?|ods)(\.\w+)?$", re.IGNORECASE)
_NOT_TABLE = (
    "a table, as PostHog's pages export it, has not all that a message is made of: have PostHog export "
    "events as JSON lines, or ask its API for them by `variance-plugin backfill`"
)
_NOT_PACKED = "packed in a way that is not read here; unpack it, or pack it with gzip, brotli or zstd"
_IS_HIDDEN = "hidden"
_IS_LINK = "a link to a folder; name it to have it read"
DANGLING = "a link to what is not there"
_IS_MANIFEST = "PostHog's list of an export's files, not events"
_NO_EVENTS = "no name of a file of events: .jsonl, .ndjson or .json, which .gz, .br or .zst may follow"

_NAMES_IN_A_MESSAGE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One thing to read.

    Attributes:
        path: Where it is; None is standard input.
        name: What messages call it: as the user named it.
        size_bytes: As it is stored, or None where there is no telling: a pipe.
    """

    path: Path | None
    name: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that was found and is not read."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What will be read, in order, and what will not."""

    inputs: tuple[Input, ...]
    skipped: tuple[Skipped, ...]


class Tolerance(IntEnum):
    """Which paths that cannot be read are skipped with their reason, as long as others can be read."""

    NONE = 0
    FOUND = 1
    """Those that were found in a folder or by a pattern: one of them must not stop the others."""
    ALL = 2
    """Those too that the user named: they were there once, and may be again."""


def choose(paths: Sequence[str | Path], tolerance: Tolerance = Tolerance.NONE) -> Choice:
    """The files behind what the user named; no more of them is read than their first bytes.

    A folder stands for every file of events below it and a pattern for those that match, in the natural
    order of their paths. The order of the arguments stays. A file that is named itself is read whatever
    its extension.

    Args:
        paths: Files, folders, patterns (`*`, `?`, `[…]`, `**`), or `-` for standard input.
        tolerance: Which faults are no reason to refuse all of it.

    Raises:
        UsageError: Something is missing, unreadable, or of a kind not read here; all faults at once.
    """
    search = _Search()
    for path in paths:
        search.add(str(path))
    return search.choice(tolerance)


def natural_order(path: Path) -> tuple[list[list[str | int]], Path]:
    """A key that sorts `part-9` before `part-10`, folder by folder."""
    pieces = (re.split("([0-9]+)", part) for part in path.parts)
    return [[int(piece) if piece.isdecimal() else piece for piece in part] for part in pieces], path


class _Fault(NamedTuple):
    reason: str
    needed: Tolerance


class _Search:
    """What was found so far, and what is wrong with it."""

    def __init__(self) -> None:
        self._inputs: dict[str, Input] = {}
        self._skipped: dict[str, str] = {}
        self._faults: dict[str, _Fault] = {}

    def choice(self, tolerance: Tolerance) -> Choice:
        """Raises: UsageError."""
        skipped = [Skipped(name=name, reason=reason) for name, reason in self._skipped.items()]
        if not self._inputs and not self._faults:
            wanted = "name files, folders, patterns such as 'exports/*.jsonl.gz', or - for standard input"
            raise UsageError("\n".join([*map(str, skipped), f"nothing to read; {wanted}"]))
        refused: dict[str, list[str]] = {}
        for name, (reason, needed) in self._faults.items():
            if tolerance >= needed and self._inputs:
                skipped.append(Skipped(name=name, reason=reason))
            else:
                refused.setdefault(reason, []).append(name)
        if refused:
            raise UsageError("\n".join(f"{_some(names)}: {reason}" for reason, names in refused.items()))
        return Choice(inputs=tuple(self._inputs.values()), skipped=tuple(skipped))

    def add(self, named: str) -> None:
        """Take one argument as the user gave it."""
        path = Path(named)
        try:
            is_folder = named != STDIN and stat.S_ISDIR(path.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            if _PATTERN.search(named):
                self._add_pattern(named)
            else:
                missing = f"no such file or folder{_nearest(path)}"
                self._fault(named, DANGLING if path.is_symlink() else missing)
            return
        except OSError as error:
            self._fault(named, _cannot_read(error))
            return
        except ValueError:  # it holds a NUL
            self._fault(named, "not a name that a file can have")
            return
        if named == STDIN:
            self._take(STDIN, Input(path=None, name="<stdin>", size_bytes=None))
        elif is_folder:
            self._add_found(named, self._below(path), nothing="no file of events in this folder")
        elif named.endswith(_MANIFEST):
            self._skip(named, _IS_MANIFEST)
        else:
            self._look_at(path, named)

    def _add_pattern(self, pattern: str) -> None:
        found: list[Path] = []
        for match in map(Path, glob.iglob(pattern, recursive=True)):  # noqa: PTH207 - unlike Path.glob it passes hidden files by, as shells do
            found.extend(self._below(match) if match.is_dir() else [match])
        nothing = (
            "no file of events among what matches this pattern"
            if found
            else f"nothing matches this pattern{_nearest(Path(pattern))}"
        )
        self._add_found(pattern, found, nothing=nothing)

    def _add_found(self, named: str, found: Iterable[Path], *, nothing: str) -> None:
        any_events = False
        for path in sorted(set(found), key=natural_order):
            if reason := _why_skipped(path.name):
                self._skip(str(path), reason)
            else:
                any_events = True
                self._look_at(path, str(path), needed=Tolerance.FOUND)
        if not any_events:
            self._fault(named, nothing)

    def _below(self, folder: Path) -> Iterator[Path]:
        def unreadable(error: OSError) -> None:
            needed = Tolerance.ALL if error.filename == str(folder) else Tolerance.FOUND
            self._fault(str(error.filename), _cannot_read(error), needed)

        for here, folders, names in os.walk(folder, onerror=unreadable):
            for name in folders.copy():
                path = Path(here, name)
                if name.startswith(".") or path.is_symlink():
                    self._skip(str(path), _IS_HIDDEN if name.startswith(".") else _IS_LINK)
                    folders.remove(name)
            yield from (Path(here, name) for name in names)

    def _look_at(self, path: Path, named: str, *, needed: Tolerance = Tolerance.ALL) -> None:
        try:
            status = path.stat()
            is_regular = stat.S_ISREG(status.st_mode)
            # Opening a pipe would wait for its writer, and reading it take away what comes first.
            if not (is_regular or stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode)):
                raise UsageError("neither a file nor a folder")
            _check(path.name, _head(path) if is_regular else b"")
        except OSError as error:
            self._fault(named, _cannot_read(error), needed)
        except UsageError as error:
            self._fault(named, str(error), needed)
        else:
            size_bytes = status.st_size if is_regular else None
            self._take(str(path.resolve()), Input(path=path, name=printable(named), size_bytes=size_bytes))

    def _take(self, key: str, found: Input) -> None:
        if key in self._inputs:
            self._skip(found.name, "named twice; read once")
        else:
            self._inputs[key] = found

    def _skip(self, name: str, reason: str) -> None:
        self._skipped[printable(name)] = reason

    def _fault(self, name: str, reason: str, needed: Tolerance = Tolerance.ALL) -> None:
        self._faults.setdefault(printable(name), _Fault(reason, needed))


def _head(path: Path) -> bytes:
    with path.open("rb", buffering=0) as file:
        return file.read(MAGIC_BYTES)


def _check(name: str, head: bytes) -> None:
    """Raises: UsageError, the reason why this file cannot be read here."""
    if _PARQUET.search(name) or head == _PARQUET_MAGIC:
        raise UsageError(_NOT_PARQUET)
    if _TABLE.search(name):
        raise UsageError(_NOT_TABLE)
    if _PACKED.search(name) or head.startswith(_PACKED_MAGIC):
        raise UsageError(_NOT_PACKED)
    require(codec_of(head, name))


def _why_skipped(name: str) -> str | None:
    if name.startswith("."):
        return _IS_HIDDEN
    if name.endswith(_MANIFEST):
        return _IS_MANIFEST
    if not any(kind.search(name) for kind in (_EVENTS, _PARQUET, _PACKED)):
        return _NO_EVENTS
    return None


def _nearest(missing: Path) -> str:
    """`; did you mean …?` where a name like the first missing part of the path is there, else nothing."""
    while missing.parent != missing and not os.path.lexists(missing.parent):
        missing = missing.parent
    try:
        names = {path.name.lower(): path for path in missing.parent.iterdir()}
    except OSError:
        return ""
    near = difflib.get_close_matches(missing.name.lower(), names, n=1)
    return f"; did you mean {printable(str(names[near[0]]))}?" if near else ""


def _cannot_read(error: OSError) -> str:
    if isinstance(error, FileNotFoundError) and Path(error.filename).is_symlink():
        return DANGLING
    return f"cannot be read: {error.strerror}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_IN_A_MESSAGE
    return ", ".join(names[:_NAMES_IN_A_MESSAGE]) + (f" and {more:,} more" if more > 0 else "")


def printable(name: str) -> str:
    """A file's name may hold anything; a message and a terminal may not."""
    return name if name.isprintable() else ascii(name)
