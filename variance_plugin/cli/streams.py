"""The process's standard output and error when nobody reads them any more, or when they cannot be written."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from ..errors import UsageError

# A terminal that is closed, or a pipe whose other end is gone: who wanted to read has left.
_UNREAD = (errno.EPIPE, errno.EIO)


class CannotWrite(UsageError):
    """Standard output cannot be written: the disk is full, say."""


class _Output(FileIO):
    """Says once that it cannot be written; its buffer tries again at the end, and that goes nowhere."""

    _failed = False

    def write(self, data: Any) -> int:
        size_bytes = memoryview(data).nbytes
        if self._failed or not size_bytes:  # to write nothing fails on a full device, too
            return size_bytes
        try:
            return super().write(data)
        except OSError as error:
            if error.errno in _UNREAD:
                raise
            self._failed = True
            raise CannotWrite(f"cannot write to standard output: {error.strerror}") from error


def make_usable() -> None:
    """Let text that a terminal's encoding has not be written in part, and what is closed go nowhere.

    From then on standard output raises `CannotWrite`.
    """
    given = sys.stdout
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    if isinstance(sys.stderr, TextIOWrapper):
        sys.stderr.reconfigure(errors="replace")
    if isinstance(given, TextIOWrapper):
        output = _Output(given.fileno(), "w", closefd=False)
        sys.stdout = TextIOWrapper(
            output if isinstance(given.buffer, FileIO) else BufferedWriter(output),
            encoding=given.encoding,
            errors="replace",
            line_buffering=given.line_buffering,
            write_through=given.write_through,
        )


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


@contextmanager
def unread(stream: TextIO) -> Iterator[None]:
    """Within it, what cannot be written to that stream is no error; it goes nowhere from then on.

    Raises:
        CannotWrite: It is standard output, and not for want of somebody who reads it.
    """
    try:
        yield
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        # In its place, since what is in the stream's buffer is written once more when the program ends.
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
