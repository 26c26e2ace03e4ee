"""What happens again and again, and is told now and then."""

import logging

import pytest

from variance_plugin.testing import FakeClock
from variance_plugin.turns import Turns

_logger = logging.getLogger("turns")


def test_the_first_of_a_kind_is_told_at_once_and_then_one_a_minute() -> None:
    """With how many were not; other kinds have their own turns."""
    clock = FakeClock()
    turns = Turns(clock)

    assert [0, None, None, 0] == [turns.take(kind) for kind in ("a", "a", "a", "b")]
    clock.advance(59)
    assert turns.take("a") is None
    clock.advance(1)
    assert [3, None, 0] == [turns.take(kind) for kind in ("a", "a", "b")]


def test_a_line_says_how_many_had_none(caplog: pytest.LogCaptureFixture) -> None:
    """At its end, and only where there were some; it is logged as where it was said."""
    clock = FakeClock()
    turns = Turns(clock)
    for number in range(1_235):
        turns.tell("refused", _logger.warning, "number %d", number)
    clock.advance(60)
    turns.tell("refused", _logger.warning, "number %d", 5, extra={"door": "capture"})

    assert ["number 0", "number 5 (and 1,234 more since the last such line)"] == caplog.messages
    assert ("test_turns.py", "capture") == (caplog.records[1].filename, vars(caplog.records[1])["door"])


def test_it_remembers_a_thousand_kinds() -> None:
    """The one that was not heard of for longest is forgotten, and is news when it comes again."""
    turns = Turns(FakeClock())
    for number in range(1_000):
        turns.take(number)
    turns.take(0)
    turns.take("one too many")

    assert [None, 0, None] == [turns.take(kind) for kind in (0, 1, 3)]
