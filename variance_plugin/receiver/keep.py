"""The file of kept messages: one applied message a line, as it was sent."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from ..errors import UsageError
from .refusal import Refusal, Refused

# A message may have line breaks between its tokens (JSON allows none within): they would end the line.
_SPACES: Final = bytes.maketrans(b"\r\n", b"  ")


class Keep:
    """Appends messages to a file that only its owner may read: they hold personal data.

    Args:
        path: Made when it is not there.

    Raises:
        UsageError: it cannot be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        try:
            # Unbuffered: what was written is in the system's hands before the post is answered.
            self._file = open(path, "ab", buffering=0, opener=_open_private)  # noqa: SIM115 -- opener; kept open
        except OSError as error:
            raise UsageError(
                f"cannot keep messages in {path}: {error.strerror}; name a file that can be written"
            ) from error

    def append(self, messages: Iterable[msgspec.Raw]) -> None:
        """Write the messages of one post, in one go, so that a kill leaves no half of a line.

        Raises:
            Refused: they cannot be written; nothing of them stays in the file.
        """
        lines = b"".join(bytes(raw).translate(_SPACES) + b"\n" for raw in messages)
        end = self._file.seek(0, os.SEEK_END)
        try:
            written = self._file.write(lines)
        except OSError as error:
            raise Refused(Refusal.KEEPING, error.strerror or "") from error
        if written < len(lines):
            self._file.truncate(end)
            raise Refused(Refusal.KEEPING, "no space left")

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self._file.close()


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
