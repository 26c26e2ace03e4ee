"""What of the files that the user means is still to be read."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InvalidRecord
from . import Positions
from .bookmark import AT_BEGINNING, Bookmark, Sample, Standing, compare
from .paths import Input, Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One thing to read, and from where on.

    Attributes:
        chosen: What.
        key: The stream under which its position is kept; None when it is not.
        standing: Where to begin.
        samples: By which it has been known so far.
    """

    chosen: Input
    key: str | None = None
    standing: Standing = AT_BEGINNING
    samples: tuple[Sample, ...] = ()

    @property
    def passed_bytes(self) -> int:
        """How much need not be read, as it is stored."""
        return (self.chosen.size_bytes or 0) if self.standing.is_done else self.standing.seek_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What an earlier reading left to this one.

    Attributes:
        done_files: So many files are done with, and not read again.
        continued_files: So many are gone on with somewhere behind their beginning.
        passed_bytes: So much is passed over, as it is stored. A compressed file that is gone on with has to
            be unpacked from its beginning, so nothing of it counts here.
        anew: Files that have changed otherwise than by growing, and are read from their beginning.
    """

    done_files: int = 0
    continued_files: int = 0
    passed_bytes: int = 0
    anew: tuple[Skipped, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything was left."""
        return bool(self.done_files or self.continued_files or self.anew)


def resume(inputs: Iterable[Input], positions: Positions | None) -> tuple[list[Start], Resumed]:
    """What is to be read, in order, and what need not be."""
    if positions is None:
        return [Start(chosen=chosen) for chosen in inputs], Resumed()
    saved = positions.load()
    starts = [_start(chosen, saved) for chosen in inputs]
    resumed = Resumed(
        done_files=sum(start.standing.is_done for start in starts),
        continued_files=sum(start.standing.resumption is not None for start in starts),
        passed_bytes=sum(start.passed_bytes for start in starts),
        anew=tuple(
            Skipped(name=start.chosen.name, reason=start.standing.fault)
            for start in starts
            if start.standing.fault
        ),
    )
    return [start for start in starts if not start.standing.is_done], resumed


def _start(chosen: Input, saved: Mapping[str, Mapping[str, Any]]) -> Start:
    if chosen.path is None or chosen.size_bytes is None:
        return Start(chosen=chosen)
    key = _key(chosen.path)
    if key not in saved:
        return Start(chosen=chosen, key=key)
    try:
        bookmark = Bookmark.read(saved[key])
        standing = compare(chosen.path, chosen.size_bytes, bookmark)
    except InvalidRecord as error:
        return Start(chosen=chosen, key=key, standing=Standing(fault=f"{error}; read from its beginning"))
    return Start(
        chosen=chosen,
        key=key,
        standing=standing,
        samples=() if standing.fault else bookmark.samples,
    )


def _key(path: Path) -> str:
    """The absolute path, links resolved; as an address where it is no Unicode text."""
    path = path.resolve()
    return str(path) if os.fsencode(path).decode(errors="replace") == str(path) else path.as_uri()
