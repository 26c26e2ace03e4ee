"""Calls of a plugin's hooks: ordinary or async, within a time limit."""

import asyncio
import ctypes
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from ..clock import Clock

# An async hook is cancelled on time, unless it holds up the event loop itself; so much later that is known.
_GRACE_SECONDS = 1.0


class HookTimeout(Exception):
    """A hook took longer than it may."""


class HookExit(Exception):
    """A hook raised what would end a thread or the program, as `sys.exit` does."""


class _Interrupt(BaseException):
    """Ends a hook from outside. No `Exception`, so that a plugin that catches those does not catch it."""


class Calls:
    """Calls hooks for a host, each with a time limit.

    An `async` hook runs on one event loop that all plugins share, and is cancelled at its limit. An ordinary
    one runs in the caller's thread, since a hand-over would cost more than most hooks do; at its limit it is
    interrupted at its next step in Python. Stuck in a system call it goes on until that returns, and
    `overdue_seconds` tells of it meanwhile.

    Args:
        clock: Measures the calls.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._monotonic = clock.monotonic
        self._slots: list[_Slot] = []
        self._own = threading.local()
        self._starting = threading.Lock()
        self._loop: _Loop | None = None

    def call(self, function: Callable[..., Any], *args: Any, limit_seconds: float) -> Any:
        """What the function returns.

        Raises:
            HookTimeout: When it takes longer than that.
            HookExit: When it raises what is no `Exception`.
            Exception: What the function raises.
        """
        return self.caller(function, limit_seconds)(*args)

    def caller(self, function: Callable[..., Any], limit_seconds: float) -> Callable[..., Any]:
        """The function as `call` calls it, for who calls it with every event."""
        own, monotonic = self._own, self._monotonic

        def limited(*args: Any) -> Any:
            try:
                slot: _Slot = own.slot
            except AttributeError:
                slot = self._slot_of_thread()
            if slot.ends_at is not None:
                return function(*args)  # within another call, whose limit holds
            try:
                slot.ends_at = monotonic() + limit_seconds
                try:
                    return function(*args)
                finally:
                    slot.ends_at = None  # `end`, written out: this runs with every event
                    if slot.is_looked_at:
                        slot.end()
            except _Interrupt:
                slot.end()  # it may have come between the function and the lines above
                raise HookTimeout(f"took longer than {limit_seconds:g} s") from None
            except Exception:
                raise
            except BaseException as error:
                raise _exit_of(error) from error

        return limited

    def call_async(
        self, function: Callable[..., Coroutine[Any, Any, Any]], *args: Any, limit_seconds: float
    ) -> Any:
        """What the coroutine returns; otherwise as `call`."""
        with self._starting:
            if self._loop is None or not self._loop.thread.is_alive():
                self._loop = _Loop()
            loop = self._loop
        running = asyncio.run_coroutine_threadsafe(_bounded(function, args, limit_seconds), loop.loop)
        try:
            return running.result(limit_seconds + _GRACE_SECONDS)
        except TimeoutError:
            if running.done():
                raise  # the plugin's own
            running.cancel()
            _raise_in(loop.thread_id, _Interrupt)
            raise HookTimeout(f"took longer than {limit_seconds:g} s, and holds up the event loop") from None
        except _Interrupt:
            raise HookTimeout("held up the event loop for too long") from None

    def _slot_of_thread(self) -> "_Slot":
        self._own.slot = slot = _Slot()
        self._slots.append(slot)
        return slot

    def interrupt_overdue(self) -> None:
        """End the ordinary calls that are over their limit. To be called every second or so."""
        now = self._clock.monotonic()
        for slot in list(self._slots):
            slot.interrupt(now)

    @property
    def overdue_seconds(self) -> float:
        """How far the most belated call is over its limit; 0 when none is."""
        now = self._clock.monotonic()
        ends = [ends_at for slot in list(self._slots) if (ends_at := slot.ends_at) is not None]
        return max(0.0, now - min(ends)) if ends else 0.0

    def close(self) -> None:
        """Stop the event loop. Ordinary calls that are under way are let be."""
        with self._starting:
            if self._loop is not None:
                self._loop.close()
                self._loop = None


class _Slot:
    """What one thread is in the middle of."""

    __slots__ = ("_interrupted", "_lock", "_thread_id", "ends_at", "is_looked_at")

    def __init__(self) -> None:
        self._thread_id = threading.get_ident()
        self._lock = threading.Lock()
        self.is_looked_at = False
        self._interrupted = False
        self.ends_at: float | None = None

    def interrupt(self, now: float) -> None:
        if not self._is_overdue(now):
            return
        with self._lock:  # the call cannot end, and another begin, between the look and the deed
            self.is_looked_at = True
            if self._is_overdue(now) and not self._interrupted:
                self._interrupted = True
                _raise_in(self._thread_id, _Interrupt)
            self.is_looked_at = self._interrupted

    def _is_overdue(self, now: float) -> bool:
        ends_at = self.ends_at
        return ends_at is not None and now > ends_at

    def end(self) -> None:
        self.ends_at = None
        # In this order: who looks from now on finds that it has ended, and who looks already has said so.
        if self.is_looked_at:
            with self._lock:
                self.is_looked_at = False
                if self._interrupted:
                    self._interrupted = False
                    _raise_in(self._thread_id, None)  # if it has not been raised yet it must not be any more


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, name="hooks", daemon=True)
        self.thread.start()
        self.thread_id = self.thread.ident or 0

    def _run(self) -> None:
        try:
            self.loop.run_forever()
        except _Interrupt:
            pass  # it came between two steps; the next call finds the thread ended and begins another loop
        finally:
            self.loop.close()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(_GRACE_SECONDS)


async def _bounded(
    function: Callable[..., Coroutine[Any, Any, Any]], args: tuple[Any, ...], limit_seconds: float
) -> Any:
    scope = asyncio.timeout(limit_seconds)
    try:
        async with scope:
            return await function(*args)
    except TimeoutError:
        if scope.expired():
            raise HookTimeout(f"took longer than {limit_seconds:g} s") from None
        raise
    except (Exception, asyncio.CancelledError, _Interrupt):
        raise
    except BaseException as error:
        raise _exit_of(error) from error


def _exit_of(error: BaseException) -> HookExit:
    return HookExit(f"raised {type(error).__name__}, which would end more than the hook")


def _raise_in(thread_id: int, exception: type[BaseException] | None) -> None:
    """Have it raised in that thread at its next step; None takes back what has not been raised yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id), None if exception is None else ctypes.py_object(exception)
    )
