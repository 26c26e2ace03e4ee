"""A time is read in every spelling that PostHog's writers use, and sent in one."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.events import utc_text

MOMENT = "2026-11-21T12:34:56.789Z"


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param("2026-11-21T12:34:56.789Z", id="an-sdk-in-javascript"),
        pytest.param("2026-11-21T12:34:56.789+00:00", id="python"),
        pytest.param("2026-11-21T12:34:56.789000+00:00", id="a-batch-export"),
        pytest.param("2026-11-21 12:34:56.789", id="kafka"),
        pytest.param("2026-11-21 12:34:56.789000", id="clickhouse"),
        pytest.param("2026-11-21 12:34:56.789000000", id="clickhouse-in-nanoseconds"),
        pytest.param("2026-11-21T13:34:56.789+01:00", id="a-zone-east"),
        pytest.param("2026-11-21T02:04:56.789-10:30", id="a-zone-west-with-half-an-hour"),
        pytest.param("2026-11-21T12:34:56.789", id="no-zone-is-utc"),
        pytest.param("2026-11-21T12:34:56,789Z", id="a-comma"),
        pytest.param("2026-11-21t12:34:56.789z", id="small-letters"),
        pytest.param("20261121T123456.789Z", id="the-basic-format"),
        pytest.param("2026-W47-6T12:34:56.789Z", id="a-week"),
        pytest.param(1795264496789, id="milliseconds"),
        pytest.param("1795264496789", id="milliseconds-in-a-text"),
        pytest.param(1795264496.789, id="seconds"),
        pytest.param(Decimal("1795264496.789"), id="seconds-as-a-decimal"),
        pytest.param(datetime(2026, 11, 21, 12, 34, 56, 789000, tzinfo=UTC), id="a-datetime"),
        pytest.param(
            datetime(2026, 11, 21, 14, 34, 56, 789000, tzinfo=timezone(timedelta(hours=2))),
            id="a-datetime-with-a-zone",
        ),
    ],
)
def test_every_spelling_of_a_moment_becomes_one(spelling: object) -> None:
    """ISO-8601, UTC, `Z`, milliseconds."""
    assert MOMENT == utc_text(spelling)


@pytest.mark.parametrize(
    ("expected", "spelling"),
    [
        pytest.param(
            "2026-11-21T12:34:56.000Z", "2026-11-21T12:34:56+00:00", id="an-export-at-a-full-second"
        ),
        pytest.param("2026-11-21T12:34:56.000Z", "2026-11-21 12:34:56", id="clickhouse-in-seconds"),
        pytest.param("2026-11-21T12:34:56.000Z", "1795264496", id="seconds-in-a-text"),
        pytest.param("2026-11-21T12:34:56.700Z", "2026-11-21 12:34:56.7", id="tenths"),
        pytest.param("2026-11-21T12:34:56.789123Z", "2026-11-21T12:34:56.789123+00:00", id="six-digits"),
        pytest.param("2026-11-21T12:34:56.789123Z", "2026-11-21 12:34:56.789123456", id="nine-digits"),
        pytest.param("2026-11-21T00:00:00.000Z", "2026-11-21", id="a-day"),
        pytest.param("2024-04-03T03:26:40.000Z", "1712114800000", id="digits-that-python-reads-as-1712"),
        pytest.param("1970-01-01T00:00:00.000Z", 0, id="the-epoch"),
        pytest.param("1969-12-31T23:59:59.000Z", -1, id="before-the-epoch"),
        pytest.param("0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z", id="the-first-year"),
        pytest.param(None, None, id="none"),
    ],
)
def test_a_time_keeps_what_it_says(expected: str | None, spelling: object) -> None:
    """No digit is invented; three are written, six where they are needed."""
    assert expected == utc_text(spelling)


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param("", id="nothing"),
        pytest.param("yesterday", id="words"),
        pytest.param("2026-13-01T00:00:00.000Z", id="month-13"),
        pytest.param("2026-02-30T00:00:00.000Z", id="february-30"),
        pytest.param("2026-11-21T12:34:56.78aZ", id="looks-canonical"),
        pytest.param("0001-01-01T00:00:00+23:59", id="before-the-year-1"),
        pytest.param("9999-12-31T23:59:59-01:00", id="after-the-year-9999"),
        pytest.param("2026-11-21T12:34:56.789Z\ud83d", id="a-lone-surrogate"),
        pytest.param(1e300, id="too-late"),
        pytest.param(10**400, id="an-integer-beyond-floats"),
        pytest.param(Decimal("1e400"), id="a-decimal-beyond-floats"),
        pytest.param(float("nan"), id="nan"),
        pytest.param(float("-inf"), id="infinity"),
        pytest.param(True, id="a-boolean"),
        pytest.param([2026, 11, 21], id="a-list"),
        pytest.param({"$date": MOMENT}, id="an-object"),
    ],
)
def test_what_is_no_time_is_refused(nonsense: object) -> None:
    """A wrong time would be worse than none."""
    with pytest.raises(ValueError, match=r"."):
        utc_text(nonsense)


@given(st.datetimes(timezones=st.timezones()) | st.datetimes())
def test_any_moment_survives_in_any_zone(moment: datetime) -> None:
    """What is sent names the same moment, to the microsecond, and reads as itself."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        expected = aware.astimezone(UTC)
    except OverflowError:
        with pytest.raises(ValueError, match="outside the years"):
            utc_text(moment)
        return

    sent = utc_text(moment)

    assert sent is not None
    assert expected == datetime.fromisoformat(sent)
    assert sent == utc_text(sent)
    assert sent == utc_text(expected.isoformat())


@given(st.text() | st.floats() | st.integers() | st.booleans())
def test_anything_is_a_time_or_a_value_error(value: object) -> None:
    """No other exception, whatever stands where a time should."""
    try:
        sent = utc_text(value)
    except ValueError:
        return
    assert sent is not None
    assert "Z" == sent[-1]
