"""What an operator reads after an outage."""

import logging
from collections import deque

import pytest

from variance_plugin.runtime.outage import Wait
from variance_plugin.runtime.watching.recoveries import Recoveries
from variance_plugin.testing import FakeClock


def test_the_end_of_an_outage_is_told_once_with_how_long_it_lasted(caplog: pytest.LogCaptureFixture) -> None:
    """Of each destination by itself, with what it said last; what is not waited for is not told of."""
    clock = FakeClock()
    began = clock.monotonic()
    down = Wait(reason="HTTP 503", since=began, until=began + 60)
    wrong = Wait(reason="HTTP 401", since=began, until=began + 120, at_fault=True)
    waits: dict[str, deque[Wait | None]] = {
        "eu": deque([None, down, wrong, None, None]),
        "us": deque([None, None, None, None, None]),
    }
    recoveries = Recoveries(
        {name: looks.popleft for name, looks in waits.items()}, clock=clock, logger=logging.getLogger
    )

    while waits["us"]:
        clock.advance(30)
        recoveries.look()

    assert [("eu", "WARNING", "the destination takes events again, after 120 s: it was HTTP 401")] == [
        (record.name, record.levelname, record.getMessage()) for record in caplog.records
    ]
