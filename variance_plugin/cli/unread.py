"""Output that nobody reads any more: of a terminal that is closed, or to a pipe whose other end is gone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def unread(stream: TextIO) -> Iterator[None]:
    """Within it, what cannot be written to that stream is no error; it goes nowhere from then on."""
    try:
        yield
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        # In its place, since what is in the stream's buffer is written once more when the program ends.
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
