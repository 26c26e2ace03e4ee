"""A folder in place of a bucket: what was copied from one, or is mounted."""

import errno
import logging
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ...errors import UsageError
from ..paths import DANGLING, printable
from .store import Object, StoreFault, Trouble

_logger = logging.getLogger(__name__)


class Folder:
    """See `Store`. A file's version is its size and the time at which it was written.

    Args:
        path: Of the folder.

    Raises:
        UsageError: There is none.
    """

    lists_in_order = False
    prefix = ""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise UsageError(f"source.url: {path} is {'no folder' if path.exists() else 'not there'}")
        self._path = path.resolve()
        self.root = f"{self._path}{os.sep}"
        self._told: set[Path] = set()

    def objects(self, *, after: str | None = None) -> Iterator[Object]:
        """See `Store`. Hidden files and folders are none of them, nor are links to folders or to nothing."""
        for here, folders, names in os.walk(self._path, onerror=_raise):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = Path(here, name)
                key = path.relative_to(self._path).as_posix()
                if name.startswith(".") or (after is not None and key <= after):
                    continue
                try:
                    status = path.stat()
                except OSError as error:
                    if error.errno not in (errno.ENOENT, errno.ELOOP):
                        raise _fault(error) from error
                    self._tell_link(path)
                    continue
                if stat.S_ISREG(status.st_mode):
                    modified = datetime.fromtimestamp(status.st_mtime, UTC)
                    yield Object(key, status.st_size, modified, _version(status))

    def _tell_link(self, path: Path) -> None:
        if path.is_symlink() and path not in self._told:
            self._told.add(path)
            _logger.warning("%s: %s; not read", printable(str(path)), DANGLING)

    def read(self, found: Object, begin: int, end: int) -> bytes:
        """See `Store`."""
        try:
            with (self._path / found.key).open("rb", buffering=0) as file:
                if _version(os.fstat(file.fileno())) != found.version:
                    raise StoreFault(Trouble.CHANGED, "it was written anew since it was listed")
                file.seek(begin)
                return file.read(end - begin)
        except OSError as error:
            raise _fault(error) from error


def _version(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}"


def _raise(error: OSError) -> None:
    raise _fault(error) from error


def _fault(error: OSError) -> StoreFault:
    if isinstance(error, FileNotFoundError):
        return StoreFault(Trouble.GONE, "it is gone: it was deleted since it was listed")
    trouble = Trouble.REFUSED if isinstance(error, PermissionError) else Trouble.UNREACHABLE
    return StoreFault(trouble, f"{error.filename} cannot be read: {error.strerror}")
