"""What a runner tells Prometheus of what it asks PostHog for: a backfill, and cohorts."""

from collections.abc import Iterator
from functools import partial
from typing import TypeAlias
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.benches.program import SECONDS, Process, Program, Starting, line_with, readiness
from tests.stand_ins.posthog import WEEK, Cohort, PostHog, Refused, at, events, person
from variance_plugin.clock import SystemClock
from variance_plugin.receiver import LocalVariance

START = at("2025-01-06")
CLOCK = SystemClock()
TOO_MANY = Refused(429, "Request was throttled.", retry_after=0)

Samples: TypeAlias = dict[tuple[str, ...], float]
"""By name and the values of its labels, in the order of these."""


@pytest.fixture
def posthog() -> Iterator[PostHog]:
    """With three weeks of events, and a cohort of three users."""
    with PostHog(events(30, START, WEEK / 10)) as running:
        running.cohorts[5] = Cohort(5, "Power users", [person(number) for number in range(1, 4)])
        yield running


@pytest.fixture
def running(program: Program, posthog: PostHog, variance: LocalVariance) -> Starting:
    """Start the program."""
    program.send_to(variance, EXPORT_EVENTS_BUFFER_SECONDS="0.05")
    program.ask(posthog)
    program.settings["RUNNER_METRICS__LISTEN"] = "127.0.0.1:0"
    return program.start


def port_of(process: Process) -> str:
    """Where it can be asked."""
    return str(line_with(process, "listening for /metrics")["event"]).rpartition(" ")[2]


def told(port: str, prefixes: tuple[str, ...]) -> Samples:
    """What stands at `/metrics` under these names."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as answer:
        page = answer.read().decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name.startswith(prefixes)
    }


backfill_of = partial(told, prefixes=("runner_backfill", "runner_posthog"))
cohorts_of = partial(told, prefixes=("runner_cohort", "runner_posthog"))


def test_a_backfill_tells_how_far_it_is_and_what_it_waits_for(running: Starting, posthog: PostHog) -> None:
    """The second window fails once and then is never made; two requests are refused at first."""
    conduct = posthog.conduct
    conduct.refusals += [TOO_MANY, Refused(503, "down", retry_after=0)]
    conduct.next_runs += [[("Completed", None)], [("Failed", "a fault")], [("Running", None)]]
    began = CLOCK.now().timestamp()
    with running("backfill", "--from", "2025-01-06", "--to", "2025-01-27") as process:
        assert process.stderr is not None
        port, said = port_of(process), ""
        while not ("it is asked again" in said and "done, 10 records" in said):
            said += process.stderr.readline()
        found = backfill_of(port)

    since = found.pop(("runner_backfill_window_timestamp_seconds", "backfill"))
    assert began <= since <= CLOCK.now().timestamp()
    assert {
        ("runner_backfill_windows", "backfill"): 3,
        ("runner_backfill_windows_done", "backfill"): 1,
        ("runner_backfill_failures_total", "backfill"): 1,
        ("runner_posthog_waits_total", "backfill", "rate limit"): 1,
        ("runner_posthog_waits_total", "backfill", "no answer"): 1,
    } == found


def test_cohorts_tell_who_came_and_when_they_were_synced_last_also_after_a_start(
    running: Starting, posthog: PostHog
) -> None:
    """The second start has nothing to do yet, and knows when the first one has done it."""
    posthog.conduct.refusals.append(TOO_MANY)
    began, told_of = CLOCK.now().timestamp(), []
    for _ in range(2):
        with running("sync-cohorts", "Power users", "--every", "6") as process:
            port = port_of(process)
            line_with(process, "the next sync of the cohorts is due at ")
            told_of.append(cohorts_of(port))
            assert (200, "") == readiness(port)

    synced = [found.pop(("runner_cohort_synced_timestamp_seconds", "Power users")) for found in told_of]
    assert synced[0] == synced[1]
    assert began <= synced[0] <= CLOCK.now().timestamp()
    expected = {
        ("runner_cohort_syncs_total", "done"): 1,
        ("runner_cohort_syncs_total", "failed"): 0,
        ("runner_cohort_members_total", "came", "Power users"): 3,
        ("runner_cohort_members_total", "left", "Power users"): 0,
        ("runner_posthog_waits_total", "cohorts", "rate limit"): 1,
        ("runner_posthog_waits_total", "cohorts", "no answer"): 0,
    }
    assert expected == told_of[0]
    assert dict.fromkeys(expected, 0) == told_of[1]


def test_cohorts_that_posthog_refuses_are_something_to_look_at(running: Starting, posthog: PostHog) -> None:
    """They count as failed and as never synced, and `/readyz` says why."""
    posthog.conduct.scopes = ()
    with running("sync-cohorts", "5", "Power users", "--every", "6") as process:
        port = port_of(process)
        said = line_with(process, "the cohorts could not be synced: ")["event"]
        line_with(process, "the next sync of the cohorts is due at ")
        found, ready = cohorts_of(port), readiness(port)

    assert (503, said) == ready
    assert "it needs the scope cohort:read" in said
    assert 1 == found["runner_cohort_syncs_total", "failed"]
    assert [0, 0] == [found["runner_cohort_synced_timestamp_seconds", name] for name in ("5", "Power users")]
