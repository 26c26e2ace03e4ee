"""The signals that ask a program to end, and a standard input whose reading ends with them."""

import io
import select
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import Self

_HEARD = [signal.SIGINT, signal.SIGTERM]
if sys.platform != "win32":
    _HEARD.append(signal.SIGHUP)  # of a terminal that is closed
# Asked again by one of these, a program ends at once. That a terminal is closed it hears twice, by its shell
# and by the system.
INSISTENT = (signal.SIGINT, signal.SIGTERM)
_WOKEN = b"\0"
# How long a silent standard input may hold up a stop.
_LOOK_UP_SECONDS = 0.2


class Signals:
    """Inside `with`, the signals that ask a program to end do nothing but end `wait`, in any thread.

    A signal handler runs between any two steps of the main thread, which may hold any lock; the one
    installed here does nothing, and Python's wake-up descriptor carries the signal's number to `wait`.
    A signal that was ignored before (as `nohup` and a shell's `&` do) stays ignored.
    """

    def __enter__(self) -> Self:
        self._reader, self._writer = socket.socketpair()
        self._writer.settimeout(0)  # a signal handler must not wait
        self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._before = {
            number: signal.signal(number, _do_nothing)
            for number in _HEARD
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self._writer.close()
        self._reader.close()

    def wait(self, seconds: float | None = None) -> signal.Signals | None:
        """The next signal; None when none came in time, or `wake` was called. One thread at a time."""
        self._reader.settimeout(seconds)
        try:
            came = self._reader.recv(1)
        except TimeoutError:
            return None
        return next((number for number in _HEARD if bytes([number]) == came), None)

    def wake(self) -> None:
        """End the present or next `wait`."""
        self._writer.send(_WOKEN)


def stoppable_stdin(stopped: Callable[[], bool]) -> io.BufferedReader:
    """Standard input, which ends as soon as `stopped` says so, also while nothing comes."""
    return io.BufferedReader(_Stoppable(sys.stdin.fileno(), stopped), buffer_size=256 * 1024)


class _Stoppable(io.RawIOBase):
    def __init__(self, descriptor: int, stopped: Callable[[], bool]) -> None:
        self._file = io.FileIO(descriptor, closefd=False)
        self._stopped = stopped

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int | None:  # type: ignore[override] # as BufferedReader calls it
        while not self._stopped():
            # On Windows only sockets can be waited for: there a stop waits for the next line.
            if sys.platform == "win32" or select.select([self._file], [], [], _LOOK_UP_SECONDS)[0]:
                return self._file.readinto(buffer)
        return 0


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    pass
