"""What an operator hears of, and how often."""

import logging
from collections import deque

import pytest

from variance_plugin.runtime.watching.troubles import Troubles


def test_a_trouble_is_told_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    """However long it lasts and whatever it says meanwhile; another one is told of its own."""
    caplog.set_level(logging.INFO)
    disk = deque([None, "full (1)", "full (2)", None, None, "full (3)"])
    spool = deque([None, None, "no room", "no room", "no room", None])
    troubles = Troubles(logging.getLogger("runner"))
    troubles.watch(disk.popleft)
    troubles.watch(spool.popleft)

    while disk:
        troubles.look()

    assert [
        ("ERROR", "full (1)"),
        ("ERROR", "no room"),
        ("WARNING", "it is over: full (1)"),
        ("ERROR", "full (3)"),
        ("WARNING", "it is over: no room"),
    ] == [(record.levelname, record.getMessage()) for record in caplog.records]
