"""Questions that have time, and what is told while PostHog has no answer to them."""

import logging
import random
from collections import deque

import pytest

from variance_plugin.errors import RetryError
from variance_plugin.posthog_api.patience import Patience
from variance_plugin.testing import FakeClock


def test_each_wait_is_told_and_a_short_one_not_in_seconds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`in 0 s` reads as a fault; what PostHog asks for counts more than the schedule."""
    monkeypatch.setattr(random, "uniform", lambda _low, _high: 0.2)
    caplog.set_level(logging.INFO)
    clock = FakeClock()
    refusals = deque([RetryError("HTTP 503"), RetryError("HTTP 429", retry_after_seconds=7)])

    def ask() -> str:
        if refusals:
            raise refusals.popleft()
        return "answer"

    assert "answer" == Patience(clock, logging.getLogger("test")).get(ask)
    assert ["asking again at once: HTTP 503", "asking again in 7 s: HTTP 429"] == caplog.messages
    assert [0.2, 7] == clock.waits
