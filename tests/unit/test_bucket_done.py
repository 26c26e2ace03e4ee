"""Which objects are done with: exactly those that were said to be, in few bytes."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.errors import UsageError
from variance_plugin.sources.bucket.done import At, Done, Standing
from variance_plugin.sources.bucket.names import Kind, Name, Window
from variance_plugin.sources.layouts import Layout
from variance_plugin.testing import InMemoryPositions

ROOT = "s3://exports/"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def hour(number: int) -> Name:
    """Of an export of that hour."""
    return Name(Kind.LINES, Window(NOW + timedelta(hours=number), NOW + timedelta(hours=number + 1)))


KEYS = st.sampled_from([f"posthog/{number}.jsonl" for number in range(60)])
VERSIONS = st.sampled_from(['"a"', '"b"'])


@given(st.lists(st.tuples(KEYS, VERSIONS, st.integers(0, 30) | st.none())))
def test_it_stands_for_a_dict_of_all_that_was_added_over_restarts(
    added: list[tuple[str, str, int | None]],
) -> None:
    """Whatever their order, with windows and without; the last version counts."""
    model: dict[tuple[str, int | None], str] = {}
    positions = InMemoryPositions()
    for key, version, number in added:
        name = Name(Kind.LINES) if number is None else hour(number // 24 * 24)
        Done(ROOT, positions).add(key, name, version)
        model[key, None if number is None else number // 24] = version

    done = Done(ROOT, positions)

    for (key, day), version in model.items():
        name = Name(Kind.LINES) if day is None else hour(day * 24)
        assert Standing.DONE is done.standing(key, name, version)
        assert Standing.CHANGED is done.standing(key, name, '"another"')
    assert Standing.NEW is done.standing("posthog/other.jsonl", Name(Kind.LINES), '"a"')


def test_a_year_of_hourly_exports_takes_less_than_200_kilobytes() -> None:
    """And the last of them changes the row of its day alone: years do not make it slower."""
    positions = InMemoryPositions()
    done = Done(ROOT, positions)
    for number in range(365 * 24):
        done.add(f"posthog/{number}.jsonl", hour(number), '"a"')
    before = positions.load()

    done.add("posthog/late.jsonl", hour(100), '"a"')

    after = positions.load()
    assert len(json.dumps(after)) < 200_000
    assert ["done/2026-11-25"] == [row for row in after if after[row] != before[row]]


def test_objects_of_another_bucket_are_others() -> None:
    """One state file may serve several."""
    positions = InMemoryPositions()
    Done(ROOT, positions).add("a.jsonl", hour(1), '"a"')

    assert Standing.NEW is Done("s3://others/", positions).standing("a.jsonl", hour(1), '"a"')


def test_how_far_an_object_is_read_is_kept() -> None:
    """Of the one that is neither new nor done."""
    positions = InMemoryPositions()
    at = At(name=f"{ROOT}a.jsonl", version='"a"', layout=Layout.LINES, number=17, end_bytes=1_700)
    assert Done(ROOT, positions).at is None

    Done(ROOT, positions).reached(at)

    assert at == Done(ROOT, positions).at


@pytest.mark.parametrize(
    ("stream", "saved"),
    [("done/2026-11-21", {"objects": "?"}), ("done/2026-11-21", {}), ("at", {"name": 3}), ("at", {})],
    ids=str,
)
def test_what_was_kept_by_another_program_is_refused(stream: str, saved: dict[str, object]) -> None:
    """In words, at the start: to begin anew by oneself would send everything twice."""
    positions = InMemoryPositions()
    positions.save(stream, saved)

    with pytest.raises(UsageError, match="was not saved by this program; use another state file"):
        Done(ROOT, positions)
