"""The benchmark of the sources, small: each of them brings all events. No timing is looked at."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.sources.__main__ import SOURCES
from tests.benches.program import unmeasured

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_brings_all_events_and_has_its_line(source: str) -> None:
    """Beside the file source, which all are held against; a lost event ends the benchmark with an error."""
    command = [sys.executable, "-m", "benchmarks.sources", source, "--events", "200", "--rounds", "1"]

    done = subprocess.run(
        command, cwd=ROOT, env=unmeasured(), capture_output=True, check=True, text=True, timeout=50
    )

    assert {"file, JSON lines", source} <= {line[:33].rstrip() for line in done.stdout.splitlines()}


def test_an_object_of_any_size_is_brought_whole_and_its_memory_is_judged() -> None:
    """Here a small one; the size is looked at when somebody runs it to know."""
    command = [sys.executable, "-m", "benchmarks.sources.large", "parquet.zst", "--gigabytes", "0.001"]

    done = subprocess.run(
        command, cwd=ROOT, env=unmeasured(), capture_output=True, check=True, text=True, timeout=50
    )

    assert re.search(
        r"^parquet.zst +18 +\d+ +5,000 +[\d,]+ +\d+   asked for: under 200 MB", done.stdout, re.MULTILINE
    )
