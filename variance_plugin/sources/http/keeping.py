"""What requests bring is kept before they are answered: many at a time, by one thread."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Protocol

from ...errors import SpoolFull, VarianceError
from ..spool import Wake
from .precedence import Precedence


class Keep(Protocol):
    """Where records are safe. A spool is one; so is whatever else outlives this process."""

    def append(self, records: Sequence[bytes], /) -> None:
        """Add them at the end, all or none; they are safe when it returns.

        Raises:
            SpoolFull: There is no room for them.
            StateError: They cannot be kept now.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    records: Sequence[bytes]
    kept: asyncio.Future[None]


class Keeper:
    """Lets many requests wait for one write.

    While one is on its way, what comes meanwhile gathers for the next: the more requests, the more of them a
    write carries. How much can gather is the affair of who calls.

    Args:
        keep: Where it is kept.
        appended: Called after every write, in the writing thread.
        precedence: Entered by each who waits for a write; None: nobody gives way to them.
    """

    def __init__(self, keep: Keep, appended: Wake, precedence: Precedence | None = None) -> None:
        self._keep = keep
        self._appended = appended
        self._precedence = precedence or nullcontext()
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="http-keeper", daemon=True)
        self._thread.start()

    async def keep(self, records: Sequence[bytes]) -> None:
        """Return when they are safe.

        Raises:
            SpoolFull: There is no room for them.
            StateError: They cannot be kept now.
        """
        kept = asyncio.get_running_loop().create_future()
        with self._changed:
            self._waiting.append(_Waiting(records, kept))
            self._changed.notify()
        with self._precedence:
            await kept

    def close(self) -> None:
        """Keep what waits, and return."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while together := self._take():
            self._write(together)
            self._appended()

    def _take(self) -> list[_Waiting]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            taken, self._waiting = self._waiting, []
            return taken

    def _write(self, together: Sequence[_Waiting]) -> None:
        error: Exception | None = None
        try:
            self._keep.append([record for waiting in together for record in waiting.records])
        except SpoolFull as full:
            if len(together) > 1:  # some may fit
                for waiting in together:
                    self._write([waiting])
                return
            error = full
        except Exception as failed:  # noqa: BLE001 -- of whatever kind: each caller hears of it
            error = failed
        loop = together[0].kept.get_loop()
        with suppress(RuntimeError):  # the server has ended without waiting for this answer
            loop.call_soon_threadsafe(_tell, together, error)


def _tell(together: Sequence[_Waiting], error: Exception | None) -> None:
    for waiting in together:
        if waiting.kept.done():  # its request was given up
            continue
        if error is None:
            waiting.kept.set_result(None)
        else:
            # One exception for many: each gets its own, with a traceback of its own.
            waiting.kept.set_exception(_copy(error))


def _copy(error: Exception) -> Exception:
    return type(error)(str(error)) if isinstance(error, VarianceError) else error
