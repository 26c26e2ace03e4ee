"""One process owns a state file: the operating system drops the lock with the process, however it ends."""

import fcntl
import os
from pathlib import Path

from ..errors import StateTaken, UsageError


class Ownership:
    """The lock `<path>.lock`, which holds the owner's process id; it stays in place when it is released.

    Were it removed, a process could wait for the removed one while another one makes a new one.

    Raises:
        StateTaken: when another process owns the file.
        UsageError: when the lock cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = _lock_of(path)
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"cannot make {self._path} beside the state file: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = _told(descriptor)
            os.close(descriptor)
            raise StateTaken(
                f"the state file {path} belongs to the running process {owner}: "
                "stop that one, or give this one a state file of its own"
            ) from error
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        except OSError as error:
            os.close(descriptor)
            raise UsageError(f"cannot write {self._path} beside the state file: {error.strerror}") from error
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let another process own the file; a second time does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def owner_of(path: Path) -> str | None:
    """The process id of the runner that owns a state file now; None when none does."""
    try:
        descriptor = os.open(_lock_of(path.resolve()), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        told = f"{error.strerror}{whose(path)}"
        raise UsageError(f"cannot look who has the state file {path}: {told}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _told(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def whose(path: Path) -> str:
    """`; it belongs to …` where a file is another user's, else nothing: for who may not open it."""
    try:
        if path.stat().st_uid == os.geteuid():
            return ""
        return f"; it belongs to {path.owner()}: do this as that user"
    except (OSError, KeyError):  # nobody has that number here, as in a container
        return ""


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _told(descriptor: int) -> str:
    return os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
