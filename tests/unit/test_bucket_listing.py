"""Looking for more does not list years of exports each time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from variance_plugin.sources.bucket.folder import Folder
from variance_plugin.sources.bucket.listing import Listing
from variance_plugin.sources.bucket.store import Object
from variance_plugin.testing import FakeClock

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


class Listed:
    """A `Store` that has only names, and tells how many it gave."""

    root = "s3://exports/"
    prefix = ""

    def __init__(self, keys: list[str], *, lists_in_order: bool = True) -> None:
        self.keys = keys
        self.lists_in_order = lists_in_order
        self.given = 0

    def objects(self, *, after: str | None = None) -> Iterator[Object]:
        """See `Store`."""
        for key in sorted(self.keys):
            if after is None or key > after:
                self.given += 1
                yield Object(key, 1, FIRST, "1")

    def read(self, found: Object, begin: int, end: int) -> bytes:
        """Nobody reads."""
        raise AssertionError(found, begin, end)


def exports(first: int, count: int, *, prefix: str = "") -> list[str]:
    """The keys of hourly exports."""
    hours = [FIRST + timedelta(hours=number) for number in range(first, first + count + 1)]
    return [
        f"{prefix.format(begin)}{begin.isoformat()}-{end.isoformat()}.jsonl.gz"
        for begin, end in pairwise(hours)
    ]


def looked(listing: Listing) -> set[str]:
    """What one look finds."""
    return {found.key for found in listing.objects()}


@pytest.mark.parametrize("prefix", ["", "{0:%Y/%m/%d}/", "{0}/"], ids=["flat", "by day", "by window"])
def test_a_further_look_asks_for_the_last_day_and_what_came_behind_it(prefix: str) -> None:
    """An export that PostHog was late with by hours is among them."""
    keys = exports(0, 1_000, prefix=prefix)
    late = keys.pop(990)
    store = Listed(keys)
    listing = Listing(store, FakeClock())
    assert set(keys) == looked(listing)
    new = exports(1_000, 1, prefix=prefix)
    store.keys += [late, *new]
    store.given = 0

    found = looked(listing)

    assert {late, *new} <= found
    assert store.given <= 25


def test_looking_again_and_again_costs_the_same_each_time() -> None:
    """Whatever has come together by then."""
    store = Listed(exports(0, 500))
    listing = Listing(store, FakeClock())
    costs = []
    for number in range(500, 530):
        before = store.given
        assert exports(number - 1, 1)[0] in looked(listing)
        costs.append(store.given - before)
        store.keys += exports(number, 1)

    assert 500 == costs[0]
    assert max(costs[1:]) <= 25


def test_once_an_hour_all_is_listed() -> None:
    """A backfill comes with windows of long ago."""
    store = Listed(exports(100, 100))
    clock = FakeClock()
    listing = Listing(store, clock)
    looked(listing)
    store.keys += exports(0, 1)
    missed = looked(listing)

    clock.advance(3_600)

    assert exports(0, 1)[0] not in missed
    assert exports(0, 1)[0] in looked(listing)


@pytest.mark.parametrize(
    "store",
    [
        Listed([*exports(0, 100, prefix="eu/"), *exports(0, 100, prefix="us/")]),
        Listed(exports(0, 100), lists_in_order=False),
        Listed([f"part-{number}.jsonl" for number in range(100)]),
    ],
    ids=["two exports", "a folder", "other names"],
)
def test_where_names_are_not_in_the_order_of_their_windows_all_is_listed_each_time(store: Listed) -> None:
    """There is no telling from where on it would have to begin."""
    listing = Listing(store, FakeClock())
    looked(listing)

    assert set(store.keys) == looked(listing)


def test_exports_from_the_beginning_of_time_are_listed_each_time() -> None:
    """`None` stands behind all digits, so they do not disturb the order either."""
    store = Listed([*exports(0, 100), f"None-{FIRST.isoformat()}.jsonl.gz"])
    listing = Listing(store, FakeClock())
    looked(listing)

    assert f"None-{FIRST.isoformat()}.jsonl.gz" in looked(listing)
    assert store.given < 101 + 30


def test_a_link_to_nothing_in_a_folder_is_told_once_and_the_rest_is_listed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A loop of links never ends by itself, so waiting would be for ever."""
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    (tmp_path / "dangling.jsonl").symlink_to("gone.jsonl")
    (tmp_path / "events.jsonl").write_text("{}\n")
    folder = Folder(tmp_path)

    for _ in range(2):
        assert ["events.jsonl"] == [found.key for found in folder.objects()]

    assert {
        f"{folder.root}{name}.jsonl: a link to what is not there; not read" for name in ("loop", "dangling")
    } == set(caplog.messages)
    assert 2 == len(caplog.messages)
