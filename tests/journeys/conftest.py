"""What every journey has: an application, and a Variance that shows what comes out."""

from collections.abc import Iterator

import pytest

from tests.journeys.application import Application
from tests.journeys.variance import Variance
from variance_plugin.receiver import LocalVariance


@pytest.fixture
def app() -> Application:
    """An application that nobody has used yet."""
    return Application()


@pytest.fixture
def variance() -> Iterator[Variance]:
    """A Variance that knows nobody yet."""
    with LocalVariance(authorization="Bearer demo") as running:
        yield Variance(running)
