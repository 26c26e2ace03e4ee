"""Events from files and standard input: plain or compressed, one per line or otherwise."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from . import Broken, Position, Positions, Record
from .in_turn import InTurn
from .paths import Tolerance, choose
from .reading import Readable, Reading, Settings
from .resume import Start, resume

MAX_LINE_BYTES = 20 * 1024 * 1024
# 256 MB: text that is not one event per line is held in memory whole.
MAX_WHOLE_BYTES = 256_000_000


class FileSource:
    """Reads files one after another; see `Source` for what its methods promise.

    A file that cannot be read to its end, or not at all any more, gives a `Broken` there, and the next
    one is read. A file that grows while it is read is read to its new end. Standard input and pipes cannot
    be gone on with; `SpoolSource` keeps what came from them.

    Args:
        paths: Files, folders, patterns, and `-` for standard input; see `paths.choose`.
        positions: Where it is kept how far each file is done with; None begins every file anew.
        tolerance: Which paths that cannot be read are skipped.
        stdin: What `-` reads; None is the process's own.
        max_line_bytes: A longer record is `Broken`, and not held in memory.
        max_whole_bytes: So large a JSON array, or JSON over several lines, can be.

    Attributes:
        skipped: Files that were found and are not read, each with its reason.
        resumed: What an earlier reading is done with already.

    Raises:
        UsageError: A path is missing or cannot be read, and not skipped for it; all such faults at once.
    """

    def __init__(  # noqa: PLR0913 -- each limit and each place of its own
        self,
        paths: Sequence[str | Path],
        *,
        positions: Positions | None = None,
        tolerance: Tolerance = Tolerance.NONE,
        stdin: Readable | None = None,
        max_line_bytes: int = MAX_LINE_BYTES,
        max_whole_bytes: int = MAX_WHOLE_BYTES,
    ) -> None:
        choice = choose(paths, tolerance)
        starts, self.resumed = resume(choice.inputs, positions)
        sizes = [chosen.size_bytes for chosen in choice.inputs]
        self.skipped = choice.skipped
        self._total_bytes = None if None in sizes else sum(filter(None, sizes)) - self.resumed.passed_bytes
        self._read_bytes = 0
        self._settings = Settings(
            max_line_bytes=max_line_bytes, max_whole_bytes=max_whole_bytes, stdin=stdin, positions=positions
        )
        self._in_turn = InTurn(starts, self._open, is_tracked=positions is not None)

    @property
    def total_bytes(self) -> int | None:
        """What was to be read of the files when they were looked at; None as soon as one is a pipe."""
        return self._total_bytes

    @property
    def read_bytes(self) -> int:
        """How much was read of the files as they are stored."""
        return self._read_bytes

    def records(self) -> Iterator[Record | Broken]:
        """See `Source`."""
        return self._in_turn.records()

    def acknowledge(self, position: Position) -> None:
        """See `Source`."""
        self._in_turn.acknowledge(position)

    def close(self) -> None:
        """See `Source`. Standard input is left open: it is not the source's own."""
        self._in_turn.close()

    def _open(self, start: Start, place: int) -> Reading:
        return Reading(start, place, self._settings, self._count)

    def _count(self, size_bytes: int) -> None:
        self._read_bytes += size_bytes
