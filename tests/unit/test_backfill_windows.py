"""The windows of a backfill: without a gap, and the same ones from start to start."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.errors import InvalidRecord
from variance_plugin.sources.backfill import LONGEST, Window
from variance_plugin.sources.backfill.windows import plan

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)

moments = st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
spans = st.tuples(moments, moments).filter(lambda two: two[0] != two[1]).map(lambda two: Window(*sorted(two)))
lengths = st.integers(1, 168).map(lambda hours: timedelta(hours=hours))


@given(wanted=spans, longest=st.just(LONGEST) | lengths.filter(lambda length: length > DAY))
def test_windows_cover_what_is_wanted_once(wanted: Window, longest: timedelta) -> None:
    """Each begins where the one before ends, and none is longer than it may be."""
    windows = plan(wanted, longest, [])

    assert [wanted.start, *(window.end for window in windows)] == [
        *(window.start for window in windows),
        wanted.end,
    ]
    assert all(timedelta() < window.end - window.start <= longest for window in windows)


@given(wanted=spans, done=st.integers(0, 400), end=moments, longest=st.just(LONGEST))
def test_a_later_start_asks_for_the_same_windows(
    wanted: Window, done: int, end: datetime, longest: timedelta
) -> None:
    """Those that an earlier one has asked for stay, also if the time that is wanted now ends elsewhere."""
    before = plan(wanted, longest, [])
    kept = before[: done % (len(before) + 1)]
    later = Window(wanted.start, max(end, wanted.end))

    after = plan(later, longest, kept)

    assert kept == after[: len(kept)]
    assert later.end == after[-1].end
    assert [window.end for window in after[:-1]] == [window.start for window in after[1:]]


def test_windows_of_a_week_begin_on_mondays() -> None:
    """Whenever the backfill begins."""
    windows = plan(Window(MONDAY + 2 * DAY, MONDAY + 16 * DAY), LONGEST, [])

    assert [
        Window(MONDAY + 2 * DAY, MONDAY + 7 * DAY),
        Window(MONDAY + 7 * DAY, MONDAY + 14 * DAY),
        Window(MONDAY + 14 * DAY, MONDAY + 16 * DAY),
    ] == windows


def test_what_lies_around_windows_that_are_kept_is_asked_for() -> None:
    """One that reaches beyond what is wanted now does not count."""
    kept = [Window(MONDAY + DAY, MONDAY + 2 * DAY), Window(MONDAY + 5 * DAY, MONDAY + 9 * DAY)]

    assert [
        Window(MONDAY, MONDAY + DAY),
        kept[0],
        Window(MONDAY + 2 * DAY, MONDAY + 6 * DAY),
    ] == plan(Window(MONDAY, MONDAY + 6 * DAY), LONGEST, kept)


@given(spans)
def test_a_key_is_read_as_it_was_written(window: Window) -> None:
    """To the microsecond."""
    assert window == Window.read(window.key)


@pytest.mark.parametrize(
    "key", ["", "a/b", "2026-01-01/2026-01-02", "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z"]
)
def test_a_key_that_is_none_is_refused(key: str) -> None:
    """What is kept may be of another program."""
    with pytest.raises(InvalidRecord, match="is no window"):
        Window.read(key)


@pytest.mark.parametrize(
    ("window", "text"),
    [
        (Window(MONDAY, MONDAY + 7 * DAY), "2026-01-05 to 2026-01-12"),
        (Window(MONDAY, MONDAY + DAY / 2), "2026-01-05 to 2026-01-05T12:00:00Z"),
    ],
)
def test_people_read_days_where_they_can(window: Window, text: str) -> None:
    """With a time of the day where there is one."""
    assert text == str(window)
