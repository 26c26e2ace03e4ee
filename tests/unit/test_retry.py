"""The retry schedule, and what `Retry-After` asks for."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from variance_plugin.retry import (
    FIRST_SECONDS,
    LONGEST_RETRY_AFTER_SECONDS,
    LONGEST_SECONDS,
    retry_after_seconds,
    waits,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def test_the_bounds_are_those_that_the_documentation_promises() -> None:
    """Full jitter over min(300 s, 1 s * 2^n); at most an hour of what the destination asks."""
    assert (1.0, 300.0, 3600.0) == (FIRST_SECONDS, LONGEST_SECONDS, LONGEST_RETRY_AFTER_SECONDS)


@given(
    first_seconds=st.floats(0.001, 100.0),
    longest_seconds=st.floats(0.001, 10_000.0),
    attempts=st.integers(1, 200),
)
def test_every_wait_lies_below_its_ceiling(
    first_seconds: float, longest_seconds: float, attempts: int
) -> None:
    """The n-th wait lies between 0 and the first doubled n times, and never beyond the longest."""
    for number, seconds in enumerate(islice(waits(first_seconds, longest_seconds), attempts)):
        assert 0 <= seconds <= min(longest_seconds, first_seconds * 2.0**number)


def test_the_ten_thousandth_attempt_still_waits_no_longer_than_the_longest() -> None:
    """The schedule has no end, and no number in it grows without one."""
    seconds = next(islice(waits(), 10_000, None))

    assert 0 <= seconds <= LONGEST_SECONDS


def test_the_jitter_is_spread_over_the_whole_range() -> None:
    """So that senders who failed together do not come back together: each third gets its share."""
    late = [next(islice(waits(), 20, None)) / LONGEST_SECONDS for _ in range(600)]

    # A fair third of 600 is 200; fewer than 100 has a chance below one in 10^18.
    for third in range(3):
        assert 100 < sum(third / 3 <= share < (third + 1) / 3 for share in late)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("007", 7.0),
        ("3600", 3600.0),
        ("3601", 3600.0),
        ("9" * 5_000, 3600.0),
        ("Sat, 21 Nov 2026 12:01:30 GMT", 90.0),
        ("Saturday, 21-Nov-26 12:01:30 GMT", 90.0),
        ("Sat Nov 21 12:01:30 2026", 90.0),
        ("Sat, 21 Nov 2026 13:01:30 +0100", 90.0),
        ("Sat, 21 Nov 2026 12:01:30 -0000", 90.0),
        ("Sat, 21 Nov 2026 11:59:00 GMT", 0.0),
        ("Mon, 21 Nov 2050 12:00:00 GMT", 3600.0),
        (None, 0.0),
        ("", 0.0),
        ("   ", 0.0),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("1e3", 0.0),
        ("soon", 0.0),
        ("NaN", 0.0),
        ("inf", 0.0),
        ("٣", 0.0),
        ("Sat, 99 Nov 2026 12:00:00 GMT", 0.0),
        ("Sat, 21 Nov 99999 12:00:00 GMT", 0.0),
    ],
    ids=lambda value: str(value)[:32],
)
def test_retry_after_in_both_forms(value: str | None, expected: float) -> None:
    """Seconds or an HTTP date in any of its three spellings; nonsense and the past are 0; an hour at most."""
    assert expected == retry_after_seconds(value, NOW)


@given(st.timedeltas(timedelta(0), timedelta(hours=1)))
def test_a_date_and_the_seconds_until_it_ask_for_the_same(delta: timedelta) -> None:
    """Whichever form the destination prefers."""
    whole = timedelta(seconds=delta.total_seconds() // 1)

    assert whole.total_seconds() == retry_after_seconds(format_datetime(NOW + whole, usegmt=True), NOW)
    assert whole.total_seconds() == retry_after_seconds(f"{whole.total_seconds():.0f}", NOW)


@given(st.text() | st.from_regex(r"\A[A-Za-z0-9 ,:+-]{0,40}\Z"))
@example("0 0 0 0:0:0 +9999999999")
@example("Sat, 21 Nov 2026 12:00:00 +99999999999999999999")
def test_no_header_does_harm(value: str) -> None:
    """Whatever it holds, the answer is between nothing and an hour."""
    assert 0.0 <= retry_after_seconds(value, NOW) <= LONGEST_RETRY_AFTER_SECONDS
