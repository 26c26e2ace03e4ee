"""How fast a run goes, and the line that tells it."""

from dataclasses import replace

import pytest

from variance_plugin.cli.display import Lines, Snapshot
from variance_plugin.cli.pace import Pace


def test_the_pace_is_that_of_the_last_seconds() -> None:
    """A slow start is forgotten."""
    pace = Pace()
    for second in range(31):
        pace.mark(float(second), events=100 * max(second - 20, 0), read_bytes=1000 * max(second - 20, 0))

    assert 100 == pace.events_per_second
    assert 5 == pace.seconds_left(15_000)
    assert 0 == pace.seconds_left(10_000)


def test_a_pace_that_cannot_be_known_is_not_told() -> None:
    """Before there are two moments, when nothing moves, and when nobody knows how much there is."""
    pace = Pace()
    assert 0 == pace.events_per_second
    pace.mark(1.0, 10, 100)
    assert pace.seconds_left(1000) is None
    pace.mark(2.0, 10, 100)
    assert pace.seconds_left(1000) is None
    pace.mark(3.0, 20, 200)
    assert pace.seconds_left(None) is None


def snapshot(*, total_bytes: int | None = 4_000, waiting_seconds: float | None = None) -> Snapshot:
    """Some way along."""
    return Snapshot(
        seconds=3.0,
        read=1_200,
        delivered=1_000,
        rejected=2,
        events_per_second=400.4,
        read_bytes=1_000,
        total_bytes=total_bytes,
        seconds_left=None if total_bytes is None else 9.0,
        waiting_seconds=waiting_seconds,
    )


def test_a_line_of_progress_tells_what_can_be_known() -> None:
    """Standard input has no end that one could know; a wait is told instead of a speed."""
    counts = "1,200 read, 1,000 delivered, 2 rejected"
    assert f"{counts}, 400/s, 25%, about 9.0 s left" == str(snapshot())
    assert f"{counts}, 400/s" == str(snapshot(total_bytes=None))
    waiting = f"{counts}, waiting, next try in 1 min 15 s"
    assert waiting == str(snapshot(waiting_seconds=75))


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """None in a short run, one every ten seconds in a long one; standard output stays free."""
    lines = Lines()
    for seconds in (0.25, 9.75, 10.0, 10.25, 19.75, 20.0):
        lines.show(replace(snapshot(), seconds=seconds))

    shown = capsys.readouterr()
    assert 2 == shown.err.count("1,200 read, 1,000 delivered, 2 rejected, 400/s, 25%, about 9.0 s left\n")
    assert "" == shown.out
