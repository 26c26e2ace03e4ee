"""The plugin, as the runner calls it."""

import gzip
import json
from pathlib import Path

import pytest

from variance_plugin.hooks import RetryError
from variance_plugin.testing import PluginHarness, make_event

PLUGIN = Path(__file__).parents[1]


def test_events_are_written_one_a_line(tmp_path: Path) -> None:
    """Into the file of the day, batch after batch, and counted."""
    with PluginHarness(PLUGIN, config={"folder": str(tmp_path / "new")}) as harness:
        harness.export([make_event("order paid", number=1), make_event("order sent", number=2)])
        harness.export([make_event("order paid", number=3)])

    lines = (tmp_path / "new" / "events-2026-01-01.jsonl").read_text(encoding="utf-8").splitlines()
    assert ["order paid", "order sent", "order paid"] == [json.loads(line)["event"] for line in lines]
    assert {"rows": 3, "largest_batch": 2} == harness.metrics


def test_a_file_is_compressed_once_it_is_old(tmp_path: Path) -> None:
    """By a job, that waits with the runner; run twice, it does no harm."""
    with PluginHarness(PLUGIN, config={"folder": str(tmp_path), "compressAfterHours": "1"}) as harness:
        harness.export([make_event()])
        assert 0 == harness.run_due_jobs()
        harness.clock.advance(24 * 3600)
        assert 1 == harness.run_due_jobs()
        harness.plugin.compress({"file": str(tmp_path / "events-2026-01-01.jsonl")}, None)

    [file] = tmp_path.iterdir()
    assert "order paid" == json.loads(gzip.decompress(file.read_bytes()))["event"]


def test_the_file_of_today_is_left_alone(tmp_path: Path) -> None:
    """Events may come into it while it is compressed: the job looks again an hour later."""
    with PluginHarness(PLUGIN, config={"folder": str(tmp_path), "compressAfterHours": "1"}) as harness:
        harness.export([make_event(number=1)])
        harness.clock.advance(3600)
        assert 1 == harness.run_due_jobs()
        harness.export([make_event(number=2)])

        [file] = tmp_path.iterdir()
        assert 2 == len(file.read_text(encoding="utf-8").splitlines())
        assert 1 == harness.waiting_jobs


def test_no_job_is_put_off_if_nothing_is_to_be_compressed(tmp_path: Path) -> None:
    """With 0 hours."""
    with PluginHarness(PLUGIN, config={"folder": str(tmp_path), "compressAfterHours": "0"}) as harness:
        harness.export([make_event()])

        assert 0 == harness.waiting_jobs


def test_a_disk_that_fails_brings_the_events_again(tmp_path: Path) -> None:
    """The runner hears a `RetryError`, waits, and calls with the same events."""
    with PluginHarness(PLUGIN, config={"folder": str(tmp_path)}) as harness:
        (tmp_path / "events-2026-01-01.jsonl").mkdir()
        with pytest.raises(RetryError, match="cannot be written: Is a directory"):
            harness.export([make_event()])
