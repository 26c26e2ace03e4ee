"""An export at its defaults into `receive`: a small dose of `python -m benchmarks.local_variance`."""

from pathlib import Path

import pytest

from benchmarks.generate import Traffic, write_events
from benchmarks.local_variance import measure

EVENTS = 4_000


@pytest.mark.parametrize("in_a_file", [False, True], ids=["memory", "file"])
def test_everything_that_is_exported_is_applied(tmp_path: Path, *, in_a_file: bool) -> None:
    """Without taking the memory that the messages would need. No timing is looked at."""
    path = tmp_path / "events.jsonl"
    write_events(path, Traffic(1).events(EVENTS))

    received = measure(path, *(["--state", str(tmp_path / "state.db")] if in_a_file else []))

    assert EVENTS == received.result.events
    assert received.result.messages == sum(received.summary.messages.values())
    assert received.summary.duplicates == 0
    assert received.summary.rejected == {}
    assert len(received.summary.contacts) > 100
    assert received.peak_rss_bytes < 150_000_000
