"""`variance-plugin sync-cohorts`, and cohorts beside a source, as processes: killed and started again."""

import json
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from tests.benches.program import SECONDS, Process, Program, Starting, hold_post
from tests.stand_ins.posthog import KEY, Cohort, PostHog, person
from variance_plugin.receiver import LocalVariance


@pytest.fixture
def posthog() -> Iterator[PostHog]:
    """With a cohort of 250 users."""
    with PostHog() as running:
        running.cohorts[5] = Cohort(5, "Power users", [person(number) for number in range(1, 251)])
        yield running


@pytest.fixture
def running(program: Program, posthog: PostHog, variance: LocalVariance) -> Starting:
    """Start the program."""
    program.send_to(variance, EXPORT_EVENTS_BUFFER_SECONDS="0.05")
    program.ask(posthog)
    program.settings["RUNNER_METRICS__LISTEN"] = "off"
    return program.start


def messages(variance: LocalVariance) -> list[Mapping[str, Any]]:
    """All of them, in the order in which they came."""
    return [cast("Mapping[str, Any]", message) for post in variance.posts for message in post.messages]


def ended(process: Process) -> tuple[int, str]:
    """Its status, and what it said."""
    _, said = process.communicate(timeout=SECONDS)
    return process.returncode, said


def test_all_members_arrive_as_traits_and_then_nothing(running: Starting, variance: LocalVariance) -> None:
    """As identify messages of the users."""
    statuses = []
    for _ in range(2):
        with running("sync-cohorts", "Power users") as process:
            statuses.append(ended(process))

    assert [0, 0] == [status for status, _ in statuses], statuses
    assert {f"u-{number}" for number in range(1, 251)} == {
        message["userId"] for message in messages(variance)
    }
    assert [("identify", {"power_users": True})] * 250 == [
        (message["type"], message["traits"]) for message in messages(variance)
    ]
    assert KEY not in statuses[0][1]


def test_a_kill_in_the_middle_repeats_only_what_was_in_flight(
    running: Starting, variance: LocalVariance
) -> None:
    """The second run tells the rest; what came twice came with the same id."""
    is_in_flight, may_go_on = hold_post(variance, 2)
    with running("sync-cohorts", "5") as process:
        assert is_in_flight.wait(SECONDS)
        process.send_signal(signal.SIGKILL)
        assert -signal.SIGKILL == process.wait(SECONDS)
    may_go_on.set()
    with running("sync-cohorts", "5") as process:
        status, said = ended(process)

    assert 0 == status, said
    ids = [message["messageId"] for message in messages(variance)]
    assert 250 == len(set(ids))
    assert len(ids) - 250 in (0, 100)  # the second post, if it was taken before its sender was gone


def test_a_runner_syncs_beside_its_source_and_not_ahead_of_time(
    running: Starting, posthog: PostHog, variance: LocalVariance, tmp_path: Path
) -> None:
    """Events go their way meanwhile; a start before the next sync is due asks PostHog for nothing."""
    events = tmp_path / "events.jsonl"
    paid = '{"event":"paid","distinct_id":"u-1","properties":{},"uuid":"%d"}\n'
    (tmp_path / "runner.toml").write_text(
        '[source]\npaths = ["events.jsonl"]\n[cohorts]\nsync = ["5"]\n', encoding="utf-8"
    )
    events.write_text(paid % 1, encoding="utf-8")
    with running("run") as process:
        assert process.stderr is not None
        assert any("power_users of 250 users: 250 came, 0 left" in line for line in process.stderr)
        variance.wait_for_posts(4, SECONDS)
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(SECONDS)
    asked = len(posthog.asked)
    posthog.cohorts[5].persons.append(person(900))
    events.write_text(paid % 1 + paid % 2, encoding="utf-8")
    with running("run") as process:
        variance.wait_for_posts(5, SECONDS)
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(SECONDS)

    assert {"track": 2, "identify": 250} == Counter(message["type"] for message in messages(variance))
    assert asked == len(posthog.asked)


def test_on_schedule_it_runs_until_it_is_stopped(running: Starting, variance: LocalVariance) -> None:
    """And reads nothing meanwhile."""
    with running("sync-cohorts", "5", "--every", "6") as process:
        assert process.stderr is not None
        assert any("250 came" in line for line in process.stderr)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(SECONDS)

    assert 250 == len(messages(variance))


def test_what_cannot_be_synced_is_said(running: Starting) -> None:
    """No traceback, and no success."""
    with running("sync-cohorts", "Power usres") as process:
        status, said = ended(process)

    assert 2 == status
    assert (
        "project 7 has no cohort called 'Power usres'; did you mean Power users?"
        == json.loads(said.splitlines()[-1])["event"]
    )
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("eventsToExport=paid", "cohorts become traits by $identify events, which are left out here"),
        ("historical=yes", "with historical = yes variance sends no traits: sync them by a run of their own"),
    ],
    ids=["a filter", "history"],
)
def test_settings_that_would_leave_cohorts_out_are_refused(
    running: Starting, setting: str, said: str
) -> None:
    """They would seem to be told, and never arrive."""
    with running("sync-cohorts", "5", "--set", setting) as process:
        status, lines = ended(process)

    assert 2 == status
    assert said in lines.splitlines()[-1]
