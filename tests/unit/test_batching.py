"""Messages into requests, by count and by bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.delivery.batching import SEPARATOR_BYTES, cut


@given(
    sizes=st.lists(st.integers(0, 200), max_size=100),
    max_events=st.integers(1, 20),
    max_bytes=st.integers(1, 500),
    start=st.integers(0, 100),
)
def test_the_runs_are_the_messages_in_order_and_within_the_limits(
    sizes: list[int], max_events: int, max_bytes: int, start: int
) -> None:
    """Nothing is left out, doubled or moved; only a message that is too large by itself passes the limit."""
    runs = list(cut(sizes, max_events=max_events, max_bytes=max_bytes, start=start))

    assert list(range(start, len(sizes))) == [index for run in runs for index in range(run.start, run.stop)]
    for run in runs:
        held = sizes[run]
        assert 1 <= len(held) <= max_events
        assert len(held) == 1 or sum(held) + SEPARATOR_BYTES * len(held) <= max_bytes


@given(
    sizes=st.lists(st.integers(0, 200), min_size=1),
    max_events=st.integers(1, 20),
    max_bytes=st.integers(1, 500),
)
def test_no_run_could_have_taken_the_next_message(sizes: list[int], max_events: int, max_bytes: int) -> None:
    """As few requests as the limits allow, in order."""
    runs = list(cut(sizes, max_events=max_events, max_bytes=max_bytes))

    for run in runs[:-1]:
        grown = sizes[run.start : run.stop + 1]
        assert len(grown) > max_events or sum(grown) + SEPARATOR_BYTES * len(grown) > max_bytes


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([5], [[5]]),
        ([99, 99], [[99], [99]]),
        ([49, 49, 49], [[49, 49], [49]]),
        ([500, 1, 1], [[500], [1, 1]]),
        ([1, 500, 1], [[1], [500], [1]]),
        ([1] * 7, [[1, 1, 1], [1, 1, 1], [1]]),
    ],
    ids=["none", "one", "full alone", "two fit", "too large first", "too large between", "by count"],
)
def test_how_batches_are_cut(sizes: list[int], expected: list[list[int]]) -> None:
    """With 3 messages and 100 bytes at most."""
    assert expected == [sizes[run] for run in cut(sizes, max_events=3, max_bytes=100)]
