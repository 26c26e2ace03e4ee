"""No test leaves the tests' secret behind: a part of `conftest.py`, on its own so that it can be tested."""

import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

# The authorization that nearly all tests use. Nothing may say it or keep it: no output of this process or of
# one that it runs to its end, no log, no state file with its write-ahead log, no dead letter.
_SECRET = "demo-token"
_KEPT = "*.db *.db-wal *.log dead-letters*".split()
_SAID: list[str] = []
_communicate = subprocess.Popen.communicate


def _overheard(process: Any, *args: Any, **options: Any) -> Any:
    said = _communicate(process, *args, **options)
    _SAID.extend(text if isinstance(text, str) else text.decode(errors="replace") for text in said if text)
    return said


# By `subprocess.run` as well.
subprocess.Popen.communicate = _overheard  # type: ignore[assignment, method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that went well otherwise, if it leaves the secret somewhere."""
    report = yield
    if report.when == "call":
        places = _places_of_secret(item, report)
        _SAID.clear()
        if places and report.passed:
            report.outcome = "failed"
            report.longrepr = f"{_SECRET!r} was left in {', '.join(places)}"
    return report


def _places_of_secret(item: pytest.Item, report: pytest.TestReport) -> list[str]:
    places = [name for name, text in report.sections if _SECRET in text]
    places += ["the output of a process" for text in _SAID if _SECRET in text]
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if isinstance(folder, Path):
        kept = (path for pattern in _KEPT for path in folder.rglob(pattern) if path.is_file())
        places += [path.name for path in kept if _SECRET.encode() in path.read_bytes()]
    return places
