"""Many requests wait for one write, and each is told what became of its own records."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from variance_plugin.errors import SpoolFull, StateError
from variance_plugin.sources.http.keeping import Keeper
from variance_plugin.sources.http.precedence import Precedence
from variance_plugin.testing import FakeClock

SECONDS = 10.0


class Keep:
    """Holds so many records, one write after another, each when it may."""

    def __init__(self, room: int = 1000) -> None:
        self.writes: list[list[bytes]] = []
        self.began = threading.Event()
        self.may_write = threading.Event()
        self.fails_with: Exception | None = None
        self._room = room

    def append(self, records: Sequence[bytes], /) -> None:
        """See `Keep`."""
        self.began.set()
        assert self.may_write.wait(SECONDS)
        if self.fails_with is not None:
            raise self.fails_with
        if sum(map(len, self.writes)) + len(records) > self._room:
            raise SpoolFull("full")
        self.writes.append(list(records))


async def _together(keep: Keep, *requests: Sequence[bytes]) -> tuple[list[BaseException | None], int]:
    """What became of requests, the first of which was being written when the others came; and the wakes."""
    wakes: list[None] = []
    keeper = Keeper(keep, lambda: wakes.append(None))
    first = asyncio.create_task(keeper.keep(requests[0]))
    await asyncio.to_thread(keep.began.wait, SECONDS)
    others = [asyncio.create_task(keeper.keep(records)) for records in requests[1:]]
    await asyncio.sleep(0)  # each has begun, and waits
    keep.may_write.set()
    told = await asyncio.gather(first, *others, return_exceptions=True)
    await asyncio.to_thread(keeper.close)
    return told, len(wakes)


def test_what_comes_during_a_write_is_written_together() -> None:
    """In the order in which it came, and the reader is woken once a write."""
    keep = Keep()

    told, wakes = asyncio.run(_together(keep, [b"1"], [b"2", b"3"], [b"4"]))

    assert [None, None, None] == told
    assert [[b"1"], [b"2", b"3", b"4"]] == keep.writes
    assert 2 == wakes


def test_when_only_some_fit_those_are_kept() -> None:
    """Each by itself, all of it or nothing; who did not fit hears of it, and nobody else."""
    keep = Keep(room=3)

    told, _ = asyncio.run(_together(keep, [b"1"], [b"2", b"3", b"4"], [b"5"]))

    assert [None, SpoolFull, None] == [None if one is None else type(one) for one in told]
    assert [[b"1"], [b"5"]] == keep.writes


@pytest.mark.parametrize("error", [StateError("the disk is full"), ValueError("odd")], ids=["disk", "odd"])
def test_everybody_hears_of_a_write_that_failed(error: Exception) -> None:
    """Whatever it was; the next write is tried anew."""
    keep = Keep()
    keep.fails_with = error

    told, _ = asyncio.run(_together(keep, [b"1"], [b"2"], [b"3"]))

    assert [type(error)] * 3 == [type(one) for one in told]
    assert [str(error)] * 3 == [str(one) for one in told]


def test_closing_keeps_what_waits() -> None:
    """And ends the thread."""
    keep = Keep()
    keep.may_write.set()

    async def go() -> None:
        keeper = Keeper(keep, lambda: None)
        task = asyncio.create_task(keeper.keep([b"1"]))
        await asyncio.sleep(0)
        keeper.close()
        await task

    asyncio.run(go())
    assert [[b"1"]] == keep.writes


def test_who_gives_way_waits_for_the_write_and_for_no_more() -> None:
    """Before a request has come that far, as while its body is on its way, nobody has to."""
    keep, precedence = Keep(), Precedence(FakeClock(), way_seconds=50)
    order: list[str] = []

    def give_way() -> None:
        precedence.give_way()
        order.append("gave way")

    async def post() -> None:
        keeper = Keeper(keep, lambda: None, precedence)
        await asyncio.to_thread(precedence.give_way)
        kept = asyncio.create_task(keeper.keep([b"1"]))
        await asyncio.to_thread(keep.began.wait, SECONDS)
        giving = threading.Thread(target=give_way)
        giving.start()
        order.append("written")
        keep.may_write.set()
        await kept
        await asyncio.to_thread(giving.join, SECONDS)
        await asyncio.to_thread(keeper.close)

    asyncio.run(post())

    assert ["written", "gave way"] == order
