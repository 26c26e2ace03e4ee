"""What the tests on the wire share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benches.program import Program
from variance_plugin.receiver import LocalVariance


@pytest.fixture(autouse=True)
def _no_proxy_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment of who runs the tests must not come between them and this machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def variance() -> Iterator[LocalVariance]:
    """A local Variance that asks for an authorization; `answer_with` gives it a script."""
    with LocalVariance(authorization="Bearer demo-token") as running:
        yield running


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """`variance-plugin`, in the folder of the test."""
    return Program(tmp_path)
