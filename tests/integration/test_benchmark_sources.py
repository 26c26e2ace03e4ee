"""The benchmark of the sources, small: each of them brings all events. No timing is looked at."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.sources.__main__ import SOURCES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_brings_all_events_and_has_its_line(source: str) -> None:
    """Beside the file source, which all are held against; a lost event ends the benchmark with an error."""
    command = [sys.executable, "-m", "benchmarks.sources", source, "--events", "200", "--rounds", "1"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=True)

    assert {"file, JSON lines", source} <= {line[:33].rstrip() for line in done.stdout.splitlines()}
