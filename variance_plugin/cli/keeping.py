"""What an export leaves behind: its dead letters, and with a state file also how far it is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..clock import Clock
from ..errors import UsageError
from ..runtime import DeadLetterFile, DeadLetters
from ..sources import Positions
from ..sources.paths import STDIN
from ..sources.positions import StoredPositions

# As `run` has it, so that each goes on with what the other began.
_FILES = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where it is kept."""

    dead_letters: DeadLetters
    """Of events that the plugin rejected."""
    unreadable: DeadLetters
    """Of records that are no events."""
    where: str
    """The file that has the dead letters."""
    shown_by: str | None = None
    """The command that shows them."""
    positions: Positions | None = None
    """How far each file is done with; None begins every file anew."""
    trouble: Callable[[], str | None] = lambda: None
    """Why something could not be written the last time."""


@contextmanager
def in_file(path: Path, clock: Clock) -> Iterator[Keeping]:
    """Dead letters in a file of their own, and nothing else."""
    letters = DeadLetterFile(path, clock)
    try:
        yield Keeping(dead_letters=letters, unreadable=letters, where=str(path))
    finally:
        letters.close()


@contextmanager
def in_state(path: Path, clock: Clock) -> Iterator[Keeping]:
    """All of it in a state file, as `run` keeps it.

    Raises:
        UsageError: When the state file cannot be used.
    """
    # Here, since an export without a state file need not carry them around.
    from ..runtime.settings.tables import DEFAULT_PLUGIN  # noqa: PLC0415
    from ..state import NO_PLUGIN, DeadLetterStore, StateFile  # noqa: PLC0415
    from ..state import Positions as AllPositions  # noqa: PLC0415

    state = StateFile.open(path, clock)
    try:
        yield Keeping(
            dead_letters=DeadLetterStore(state, clock, DEFAULT_PLUGIN),
            unreadable=DeadLetterStore(state, clock, NO_PLUGIN),
            where=str(path),
            shown_by=f"variance-plugin dead-letters list --state {path}",
            positions=StoredPositions(AllPositions(state), _FILES),
            trouble=lambda: None if state.failure is None else str(state.failure),
        )
    finally:
        state.close()


def refuse_stdin(paths: Sequence[str]) -> None:
    """What comes by a pipe is gone from it, so there is no going on with it.

    Raises:
        UsageError: When it is among the paths.
    """
    if STDIN in paths:
        raise UsageError(
            "--state: `-` cannot be read twice, so there is nothing to go on with; "
            "`variance-plugin run --once --set source.paths=-` keeps what comes by a pipe on disk first"
        )
