"""Lines at the end of a file, each there as a whole or not at all."""

import os
from io import FileIO


def append_line(file: FileIO, line: bytes) -> None:
    """Write a line, and take back what was written of it when there is no room for the rest.

    Args:
        file: Stands at its end, as one that was opened to append always does.
        line: With its line end.

    Raises:
        OSError: It was not written. A pipe keeps what it had got.
    """
    written = 0
    try:
        while written < len(line):  # a raw file may take only a part, when the disk is nearly full
            written += file.write(memoryview(line)[written:])
    except OSError:
        if written and file.seekable():
            file.seek(-written, os.SEEK_END)
            file.truncate()
        raise
