"""`docs/getting-started.md`, typed as it stands there, against stand-ins for PostHog and Variance."""

import re
import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.benches.program import Program
from tests.stand_ins.posthog import KEY, PROJECT, PostHog, at, events
from variance_plugin.receiver import LocalVariance

PAGE = (Path(__file__).parents[2] / "docs" / "getting-started.md").read_text(encoding="utf-8")
LINES = re.findall(r"^    variance-plugin (.*)$", PAGE, re.MULTILINE)


@pytest.fixture
def posthog() -> Iterator[PostHog]:
    """With 72 events of the one day that the page asks for, and as many of the next one."""
    with PostHog(events(144, at("2026-11-24"), timedelta(minutes=20))) as running:
        yield running


def test_a_newcomer_sees_a_day_of_their_own_and_connects_the_real_one(
    program: Program, posthog: PostHog, variance: LocalVariance
) -> None:
    """Steps 2 and 3: the look at a day, and the test message."""
    [look] = [line for line in LINES if "--state look.db" in line]
    [check] = [line for line in LINES if line == "check --send"]
    given = {
        "12345": str(PROJECT),
        "https://us.posthog.com": posthog.url,
        "http://127.0.0.1:8900/webhook": variance.url,
        "local": "Bearer demo-token",
    }
    program.send_to(variance)  # the real one needs no allowed host
    program.settings |= {"RUNNER_POSTHOG__PERSONAL_API_KEY": KEY, "RUNNER_METRICS__LISTEN": "127.0.0.1:0"}

    for line in (look, check):
        ended = program.run(*(given.get(word, word) for word in shlex.split(line)))
        assert 0 == ended.returncode, ended.stderr

    summary = variance.summary()
    assert {"order paid": 72, "PostHog connection test": 1} == summary.events
