"""How the sources under test get their events; what was not acknowledged to a feed it hands over again."""

import gzip
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import IO, ClassVar, Protocol, cast

from variance_plugin.clock import SystemClock
from variance_plugin.errors import UsageError
from variance_plugin.points import Point
from variance_plugin.state import StateFile

from .runner import Runner

# Lines to a pipe.
_AT_ONCE = 1_000
INTO_SPOOL = frozenset({Point.BEFORE_SPOOL_WRITE, Point.AFTER_SPOOL_WRITE})
TO_GROUP = frozenset({Point.BEFORE_OFFSET_COMMIT, Point.AFTER_OFFSET_COMMIT})
ON_EVERY_WAY = frozenset(Point) - INTO_SPOOL - TO_GROUP


class Feed(Protocol):
    """The other side of a source: what writes the files, fills the pipe, posts the requests.

    At the end of a proof each line that it was told to hand over has been acknowledged by a runner; one
    whose runner was killed before it did is handed over again to the next.

    Args:
        folder: Of the proof: what the runner's settings name begins there, and the state file lies in it.
    """

    name: str
    """What the figures call it."""
    points: ClassVar[frozenset[Point]]
    """Those that an event of this source passes."""
    ending: ClassVar[Sequence[str]]
    """Options of a runner that is to end once all is done with; see `end`."""
    takes_any_line: ClassVar[bool]
    """Whether a line is taken that is no event, and ends in the dead letters."""
    takes_once: ClassVar[bool]
    """Whether nothing is taken twice: so that no event can have two dead letters."""
    in_turn: ClassVar[bool]
    """Whether the source gets all events in their order, and not just those of each person."""
    settings: str
    """What of `runner.toml` makes a runner read this."""

    @property
    def again(self) -> int:
        """Lines that were handed over once more."""
        ...

    @property
    def gone(self) -> int:
        """Lines that have left its hands; those that were acknowledged, and some on their way."""
        ...

    def __init__(self, folder: Path) -> None: ...

    def hand_over(self, lines: Sequence[bytes]) -> None:
        """More of them; a runner that runs gets them now, else the next one."""
        ...

    def attach(self, process: Popen[bytes]) -> None:
        """A runner was started."""
        ...

    def settle(self, runner: Runner) -> None:
        """Have all of it acknowledged, by a runner that is started for it if need be."""
        ...

    def end(self) -> None:
        """There is no more: the runner ends by itself once all is done with."""
        ...

    def detach(self) -> None:
        """It has ended."""
        ...

    def close(self) -> None:
        """There will be no other: let go of everything."""
        ...


class FileFeed:
    """A folder in which files grow, and new ones appear, some of them compressed."""

    name = "file"
    points: ClassVar = ON_EVERY_WAY
    ending: ClassVar[Sequence[str]] = ("--once",)
    takes_any_line: ClassVar = True
    takes_once: ClassVar = True
    in_turn: ClassVar = True
    settings = '[source]\npaths = ["events"]\nlook_again_seconds = 0.5\n'

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "events"
        self._folder.mkdir()
        self.again = 0
        self.gone = 0
        self._portions = 0

    def hand_over(self, lines: Sequence[bytes]) -> None:
        """See `Feed`: what is in the file is safe."""
        # In this order by name: plain, the same one grown, compressed.
        number, kind = divmod(self._portions, 3)
        self._portions += 1
        self.gone += len(lines)
        text = b"".join(line + b"\n" for line in lines)
        if kind < 2:
            with (self._folder / f"{number:04}-a.jsonl").open("ab") as file:
                file.write(text)
        else:
            made = self._folder.parent / "made.gz"
            made.write_bytes(gzip.compress(text, compresslevel=1))
            made.rename(self._folder / f"{number:04}-b.jsonl.gz")

    def attach(self, process: Popen[bytes]) -> None:
        """See `Feed`."""

    def settle(self, runner: Runner) -> None:
        """See `Feed`: a file needs nobody to take it over."""

    def end(self) -> None:
        """See `Feed`: it does so at the end of the files."""

    def detach(self) -> None:
        """See `Feed`."""

    def close(self) -> None:
        """See `Feed`."""


class StdinFeed:
    """A pipe, of which the spool says how far it has been taken over."""

    name = "stdin"
    points: ClassVar = ON_EVERY_WAY | INTO_SPOOL
    ending: ClassVar[Sequence[str]] = ()
    takes_any_line: ClassVar = True
    takes_once: ClassVar = True
    in_turn: ClassVar = True
    settings = '[source]\npaths = ["-"]\n'

    def __init__(self, folder: Path) -> None:
        self.again = 0
        self._state = folder / "state.db"
        self._lines: list[bytes] = []
        self.gone = 0
        self._changed = threading.Condition()
        self._writer: threading.Thread | None = None
        self._attached = False
        self._ended = False

    def hand_over(self, lines: Sequence[bytes]) -> None:
        """See `Feed`."""
        with self._changed:
            self._lines += lines
            self._changed.notify_all()

    def attach(self, process: Popen[bytes]) -> None:
        """See `Feed`."""
        self._attached, self._ended = True, False
        self._writer = threading.Thread(target=self._write, args=[process.stdin])
        self._writer.start()

    def settle(self, runner: Runner) -> None:
        """See `Feed`: the runner that is to end takes the rest of the pipe."""

    def end(self) -> None:
        """See `Feed`: the pipe is closed."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def detach(self) -> None:
        """See `Feed`."""
        with self._changed:
            self._attached = False
            self._changed.notify_all()
        cast("threading.Thread", self._writer).join()
        taken_over = self._taken_over()
        self.again += self.gone - taken_over
        self.gone = taken_over

    def close(self) -> None:
        """See `Feed`."""

    def _write(self, pipe: IO[bytes]) -> None:
        with suppress(BrokenPipeError), pipe:
            while lines := self._next():
                pipe.write(b"".join(line + b"\n" for line in lines))
                pipe.flush()

    def _next(self) -> list[bytes]:
        with self._changed:
            self._changed.wait_for(lambda: len(self._lines) > self.gone or self._ended or not self._attached)
            lines = self._lines[self.gone : self.gone + _AT_ONCE] if self._attached else []
            self.gone += len(lines)
            return lines

    def _taken_over(self) -> int:
        """How many records have ever been appended to the spool."""
        try:
            state = StateFile.open(self._state, SystemClock(), owner=False)
        except UsageError:  # it was killed before there was one
            return 0
        try:
            query = "SELECT last_seq FROM spools WHERE name = ?"
            row = state.read(lambda connection: connection.execute(query, (b"stdin",)).fetchone())
            return int(row[0]) if row else 0
        finally:
            state.close()
