"""What can never be delivered, kept with its reason."""

import os
import threading
from io import FileIO
from pathlib import Path
from typing import Protocol

from ..appending import append_line
from ..clock import Clock
from ..errors import UsageError
from ..hooks import Rejection
from ..state.letter import letter_line
from ..state.original import original


class DeadLetters(Protocol):
    """Keeps rejected events."""

    def add(self, rejection: Rejection) -> None:
        """Keep one; when it returns, it is kept. Safe for threads."""
        ...

    def close(self) -> None:
        """Let go of what keeps them."""
        ...


class DeadLetterFile:
    """A JSONL file, one rejection a line, made when the first comes; readable by its owner alone."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._file: FileIO | None = None

    def add(self, rejection: Rejection) -> None:
        """See `DeadLetters`.

        Raises:
            UsageError: when the file cannot be written.
        """
        event = rejection.event
        line = letter_line(
            at=self._clock.now(),
            reason=rejection.reason,
            status=rejection.status,
            attempts=rejection.attempts,
            source=None if event.position is None else str(event.position),
            record=original(event),
            message=rejection.message,
        )
        with self._lock:
            try:
                if self._file is None:
                    self._file = _open(self.path)
                append_line(self._file, line)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise UsageError(f"cannot write the dead letters to {self.path}: {reason}") from error

    def close(self) -> None:
        """See `DeadLetters`."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def _open(path: Path) -> FileIO:
    # 0600: it holds people's events. Opened to append, so that earlier letters stay.
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    file = FileIO(descriptor, "a")
    end_bytes = os.fstat(descriptor).st_size
    if end_bytes and os.pread(descriptor, 1, end_bytes - 1) != b"\n":
        file.write(b"\n")  # a line that was cut off must not spoil the next one
    return file
