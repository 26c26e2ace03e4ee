"""What export and preview read from, and what they say of files that they leave out."""

import sys
from collections.abc import Callable, Sequence

from ..errors import UsageError
from ..plurals import many
from ..sources import Positions
from ..sources.file import FileSource
from ..sources.paths import STDIN
from .stopping import stoppable_stdin

_MOST_NAMED = 5


def open_source(
    paths: Sequence[str], *, stopped: Callable[[], bool], positions: Positions | None = None
) -> FileSource:
    """The source for what the command line names.

    Args:
        paths: Files, folders, patterns, or `-` for standard input.
        stopped: Standard input ends when it says so.
        positions: Where it is kept how far each file is done with; None begins every file anew.

    Raises:
        UsageError: Something is missing or cannot be read.
    """
    if STDIN not in paths:
        return FileSource(paths, positions=positions)
    if sys.stdin is None:
        raise UsageError("`-` stands for standard input, which is closed; name a file")
    return FileSource(paths, stdin=stoppable_stdin(stopped))


def tell_skipped_files(source: FileSource, say: Callable[[str], object]) -> None:
    """Files found and not read: in a folder a few are usual, so a few are named."""
    resumed = source.resumed
    if resumed.done_files or resumed.continued_files:
        going_on = (
            f", {many(resumed.continued_files, 'file')} gone on with" if resumed.continued_files else ""
        )
        say(f"Going on: {many(resumed.done_files, 'file')} done already{going_on}.")
    for changed in resumed.anew:
        say(str(changed))
    for skipped in source.skipped[:_MOST_NAMED]:
        say(f"Not read: {skipped}")
    more = len(source.skipped) - _MOST_NAMED
    if more > 0:
        say(f"Not read: {many(more, 'more file')}")
