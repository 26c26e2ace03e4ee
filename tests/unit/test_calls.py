"""Calls of hooks: ordinary and async, within their limits."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from variance_plugin.runtime.calls import Calls, HookExit, HookTimeout
from variance_plugin.testing import FakeClock

LIMIT_SECONDS = 30.0
# Python 3.11 does not always deliver an exception to a thread that a tracer, such as coverage, looks at.
untraced = pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer holds up the interruption")


@pytest.fixture
def clock() -> FakeClock:
    """Time that the test moves."""
    return FakeClock()


@pytest.fixture
def calls(clock: FakeClock) -> Iterator[Calls]:
    """Closed at the end."""
    calls = Calls(clock)
    yield calls
    calls.close()


def test_an_ordinary_function_gives_its_value_and_its_error_to_the_caller(calls: Calls) -> None:
    """In the caller's own thread."""

    def fails() -> NoReturn:
        raise KeyError("amiss")

    assert threading.get_ident() == calls.call(threading.get_ident, limit_seconds=1)
    with pytest.raises(KeyError, match="amiss"):
        calls.call(fails, limit_seconds=1)


def test_an_async_function_gives_its_value_and_its_error_to_the_caller(calls: Calls) -> None:
    """From one event loop, on which several calls take turns."""

    async def twice(number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    async def fails() -> NoReturn:
        raise TimeoutError("of the plugin's own")

    assert 42 == calls.call_async(twice, 21, limit_seconds=LIMIT_SECONDS)
    with pytest.raises(TimeoutError, match="of the plugin's own"):
        calls.call_async(fails, limit_seconds=LIMIT_SECONDS)


def test_a_hook_ends_neither_its_thread_nor_the_program(calls: Calls) -> None:
    """Ordinary or async: what is no `Exception` comes as one, and the next call goes well."""

    def exits() -> NoReturn:
        sys.exit("for good")

    async def exits_later() -> NoReturn:
        await asyncio.sleep(0)
        raise KeyboardInterrupt

    with pytest.raises(HookExit, match="raised SystemExit, which would end more than the hook"):
        calls.call(exits, limit_seconds=LIMIT_SECONDS)
    with pytest.raises(HookExit, match="raised KeyboardInterrupt, which"):
        calls.call_async(exits_later, limit_seconds=LIMIT_SECONDS)
    assert 42 == calls.call(lambda: 42, limit_seconds=LIMIT_SECONDS)
    assert 42 == calls.call_async(asyncio.sleep, 0, 42, limit_seconds=LIMIT_SECONDS)


@untraced
def test_an_ordinary_function_over_its_limit_is_interrupted(calls: Calls, clock: FakeClock) -> None:
    """Even one that catches every `Exception`; the same thread can call again afterwards."""
    running = threading.Event()

    def never_ends() -> None:
        running.set()
        steps = 0
        while True:
            try:
                steps += 1  # no call: under a tracer, Python 3.11 misses the interruption there
            except Exception:  # noqa: BLE001 -- the point
                steps = 0

    ended: list[Any] = []

    def call() -> None:
        try:
            calls.call(never_ends, limit_seconds=5)
        except HookTimeout as error:
            ended.append(str(error))
        ended.append(calls.call(lambda: "again", limit_seconds=5))

    thread = threading.Thread(target=call)
    thread.start()
    assert running.wait(LIMIT_SECONDS)
    clock.advance(4)
    calls.interrupt_overdue()
    clock.advance(2)
    assert 1 == calls.overdue_seconds
    calls.interrupt_overdue()
    thread.join(LIMIT_SECONDS)

    assert ["took longer than 5 s", "again"] == ended
    assert 0 == calls.overdue_seconds


@untraced
def test_what_comes_too_late_interrupts_nobody(calls: Calls, clock: FakeClock) -> None:
    """A call that was found overdue in the very moment in which it ended leaves no exception behind."""
    for _ in range(2_000):
        inside = threading.Event()
        outcome: list[str] = []

        def call(inside: threading.Event = inside, outcome: list[str] = outcome) -> None:
            try:
                calls.call(inside.set, limit_seconds=1)
                outcome.append("ended")
            except HookTimeout:
                outcome.append("interrupted")
            for _ in range(20):
                outcome.append("went on")  # noqa: PERF401 -- steps in which an exception could still come

        thread = threading.Thread(target=call)
        thread.start()
        assert inside.wait(LIMIT_SECONDS)
        clock.advance(10)
        calls.interrupt_overdue()
        thread.join(LIMIT_SECONDS)
        assert ["went on"] * 20 == outcome[1:]


def test_a_call_within_a_call_is_part_of_it(calls: Calls) -> None:
    """As of a plugin whose hook captures, which calls a hook."""
    assert 3 == calls.call(lambda: calls.call(lambda: 3, limit_seconds=1), limit_seconds=1)
    assert 0 == calls.overdue_seconds


def test_an_async_function_over_its_limit_is_cancelled(calls: Calls) -> None:
    """It hears of it, and others go on."""
    cancelled = threading.Event()

    async def never_ends() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(HookTimeout, match=r"took longer than 0\.01 s"):
        calls.call_async(never_ends, limit_seconds=0.01)
    assert cancelled.is_set()


@untraced
def test_an_async_function_that_holds_up_the_loop_does_not_hold_up_the_others(calls: Calls) -> None:
    """It is interrupted; if that ends the loop, the next call begins another."""

    async def holds_up() -> None:
        while True:
            pass

    async def good() -> str:
        return "good"

    with pytest.raises(HookTimeout, match="holds up the event loop"):
        calls.call_async(holds_up, limit_seconds=0.01)
    assert "good" == calls.call_async(good, limit_seconds=LIMIT_SECONDS)
