"""What of the log is told, and how often."""

import logging

import pytest

from variance_plugin.cli.notices import Notices
from variance_plugin.errors import StateError
from variance_plugin.testing import FakeClock


class Screen:
    """Where `Notices` says it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.loud: list[bool] = []

    def say(self, text: str, *, loud: bool = False) -> None:
        """Remember it."""
        self.lines.append(text)
        self.loud.append(loud)


def test_the_same_trouble_is_told_once_until_it_is_over() -> None:
    """Also when its details change; another trouble is news, and so is the same one after a good while."""
    screen, clock = Screen(), FakeClock()
    notices = Notices(screen.say, clock)
    logger = notices.logger()

    for number in range(100):
        logger.warning("waiting: %s", f"HTTP 503: busy ({number})")
    logger.warning("waiting: %s", "HTTP 429")
    clock.advance(1)
    notices.forget()
    clock.advance(28)
    logger.warning("waiting: %s", "HTTP 429")
    clock.advance(2)
    logger.warning("waiting: %s", "HTTP 429")

    assert ["waiting: HTTP 503: busy (0)", "waiting: HTTP 429", "waiting: HTTP 429"] == screen.lines


def test_an_error_is_loud_and_comes_with_advice_once() -> None:
    """Somebody has to look; what is for the curious is told to them alone."""
    screen = Screen()
    logger = Notices(screen.say, FakeClock()).logger()

    logger.info("attempt 1")
    logger.error("at fault: %s", "HTTP 401\r\n\x1b[2J")
    logger.error("at fault: %s", "HTTP 404")

    assert "at fault: HTTP 401 \ufffd[2J" == screen.lines[0]
    assert "check --send" in screen.lines[1]
    assert "at fault: HTTP 404" == screen.lines[2]
    assert [True, False, True] == screen.loud


def test_a_full_disk_here_is_no_reason_to_ask_the_destination() -> None:
    """The advice is for what is wrong there, and still comes when it is."""
    screen = Screen()
    logger = Notices(screen.say, FakeClock()).logger()

    logger.error("a dead letter cannot be kept: %s", StateError("No space left on device"))
    logger.error("at fault: %s", "HTTP 404")

    told, at_fault, advice = screen.lines
    assert "a dead letter cannot be kept: No space left on device" == told
    assert "at fault: HTTP 404" == at_fault
    assert "check --send" in advice


def test_verbose_tells_everything_every_time() -> None:
    """In the order in which it came."""
    screen = Screen()
    logger = Notices(screen.say, FakeClock(), verbose=True).logger()

    logger.debug("a")
    logger.warning("b")
    logger.warning("b")

    assert ["a", "b", "b"] == screen.lines


def test_nobody_else_hears_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The loggers of the process stay as they are."""
    with caplog.at_level(logging.DEBUG):
        Notices(Screen().say, FakeClock()).logger().error("x")

    assert [] == caplog.records
