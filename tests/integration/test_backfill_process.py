"""`variance-plugin backfill`, as a process: killed and started again."""

import json
import signal
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest

from tests.benches.program import SECONDS, Process, Program, Starting, hold_post
from tests.stand_ins.posthog import KEY, PROJECT, PostHog, Refused, at, events
from variance_plugin.receiver import LocalVariance
from variance_plugin.receiver.answers import Answer
from variance_plugin.receiver.post import Post

START = at("2025-01-06")


@pytest.fixture
def posthog() -> Iterator[PostHog]:
    """With two weeks of events, a thousand of them."""
    with PostHog(events(1_000, START, timedelta(minutes=20))) as running:
        running.conduct.file_rows = 200
        running.conduct.next_runs += [[("Completed", None)]] * 2
        yield running


@pytest.fixture
def running(program: Program, posthog: PostHog, variance: LocalVariance) -> Starting:
    """Start the command."""
    program.send_to(variance)
    program.settings |= {"RUNNER_POSTHOG__PERSONAL_API_KEY": KEY, "RUNNER_METRICS__LISTEN": "off"}
    given = ["--from", "2025-01-06", "--to", "2025-01-20", "--host", posthog.url]
    return partial(program.start, "backfill", *given)


def delivered(variance: LocalVariance) -> list[Mapping[str, Any]]:
    """Every track message, in the order in which it came."""
    messages = [cast("Mapping[str, Any]", message) for post in variance.posts for message in post.messages]
    return [message for message in messages if message["type"] == "track"]


def test_a_kill_in_the_middle_loses_nothing_and_repeats_what_was_in_flight(
    running: Starting, posthog: PostHog, variance: LocalVariance
) -> None:
    """The second start goes on with the run that PostHog has made, and asks for no window twice."""
    is_in_flight, may_go_on = hold_post(variance, 8)
    small = {"VARIANCE_MAX_BATCH_EVENTS": "50", "VARIANCE_CONCURRENCY": "1"}
    with running("--project-id", str(PROJECT), change=small) as process:
        assert is_in_flight.wait(SECONDS)
        process.send_signal(signal.SIGKILL)
        assert -signal.SIGKILL == process.wait(SECONDS)
    may_go_on.set()
    with running("--project-id", str(PROJECT), change=small) as process:
        _, said = process.communicate(timeout=SECONDS)

    assert 0 == process.returncode, said
    came = [message["messageId"] for message in delivered(variance)]
    assert {row["uuid"] for row in posthog.rows} == set(came)
    # Two batches of a lane; and some whose place is not saved yet, since nobody waits for that.
    assert len(came) - len(set(came)) <= 250
    assert 2 == len(posthog.windows) == len(set(posthog.windows))


def test_nothing_is_lost_over_several_kills_while_posthog_has_troubles(
    running: Starting, posthog: PostHog, variance: LocalVariance
) -> None:
    """Downloads break off, addresses end, requests are too many, and the program is killed three times."""
    fatal = {3, 8, 13}
    posts = 0

    def answer(_post: Post) -> Answer:
        nonlocal posts
        posts += 1
        if posts in fatal:
            processes[-1].kill()
            processes[-1].wait(SECONDS)
        return Answer()

    variance.answer_with(answer)
    posthog.conduct.cuts += [500, 3_000, 40_000] * 3
    posthog.conduct.storage_refusals += [403, 503]
    posthog.conduct.refusals += [Refused(429, "Too many requests", retry_after=0)] * 2
    small = {"VARIANCE_MAX_BATCH_EVENTS": "50", "VARIANCE_CONCURRENCY": "1"}
    processes: list[Process] = []
    for _ in range(len(fatal) + 1):
        with running("--project-id", str(PROJECT), change=small) as process:
            processes.append(process)
            process.communicate(timeout=SECONDS)

    came = [message["messageId"] for message in delivered(variance)]
    assert [-signal.SIGKILL] * 3 + [0] == [process.returncode for process in processes]
    assert {row["uuid"] for row in posthog.rows} == set(came)
    assert 2 == len(posthog.runs)


def test_what_is_done_is_not_asked_for_again(
    running: Starting, posthog: PostHog, variance: LocalVariance
) -> None:
    """The same command once more has nothing to do, and says so."""
    with running("--project-id", str(PROJECT)) as process:
        _, first = process.communicate(timeout=SECONDS)
    asked = len(posthog.asked)
    with running("--project-id", str(PROJECT)) as process:
        _, second = process.communicate(timeout=SECONDS)

    assert (0, asked, 1_000) == (process.returncode, len(posthog.asked), len(delivered(variance)))
    logged = [json.loads(line)["event"] for line in first.splitlines()]
    assert "window 2025-01-06 to 2025-01-13 (1 of 2): asking PostHog for it" in logged
    assert "window 2025-01-13 to 2025-01-20: done, 496 records" in logged
    assert "windows that are done already: 2 of 2" in second
    assert KEY not in first + second


def test_a_stop_before_the_end_is_no_success(running: Starting, posthog: PostHog) -> None:
    """All that was read is delivered; and still there is more to come, which the status says."""
    posthog.conduct.next_runs.clear()
    posthog.conduct.next_runs.append([("Running", None)])
    with running("--project-id", str(PROJECT)) as process:
        assert process.stderr is not None
        assert any("asking PostHog for it" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        assert 3 == process.wait(SECONDS)


@pytest.mark.parametrize(
    ("arguments", "change", "expected"),
    [
        (
            [],
            {"RUNNER_POSTHOG__PERSONAL_API_KEY": ""},
            [
                "Error: these settings cannot be used:",
                (
                    "  posthog.project_id: is needed for a backfill; give it by "
                    "--set posthog.project_id=… or by RUNNER_POSTHOG__PROJECT_ID"
                ),
                (
                    "  posthog.personal_api_key: is needed for a backfill; give it by "
                    "RUNNER_POSTHOG__PERSONAL_API_KEY, or by RUNNER_POSTHOG__PERSONAL_API_KEY_FILE as the "
                    "name of a file that has it"
                ),
            ],
        ),
        (
            ["--project-id", "7", "--from", "soon"],
            {},
            ["Error: --from: is no time such as 2026-11-21 or 2026-11-21T10:00:00Z"],
        ),
        (
            ["--project-id", "7", "--include", ""],
            {},
            ["Error: --include: is not a list of texts, none of them empty"],
        ),
        (
            ["--project-id", "7", "--from", "2025-01-20"],
            {},
            ["Error: --to: is not after 2025-01-20T00:00:00Z, where it begins"],
        ),
    ],
    ids=["nothing to ask with", "no time", "no name", "no time between"],
)
def test_wrong_settings_are_said_all_at_once(
    running: Starting, arguments: list[str], change: Mapping[str, str], expected: list[str]
) -> None:
    """Before anything is asked."""
    with running(*arguments, change=change) as process:
        _, said = process.communicate(timeout=SECONDS)

    assert (2, expected) == (process.returncode, said.splitlines())


def test_posthog_that_refuses_ends_it_in_words(running: Starting, posthog: PostHog) -> None:
    """No traceback, and no success."""
    posthog.conduct.scopes = ["query:read"]
    with running("--project-id", str(PROJECT)) as process:
        _, said = process.communicate(timeout=SECONDS)

    assert 2 == process.returncode
    assert "API key missing required scope 'batch_export:write'" in said.splitlines()[-1]
    assert "Traceback" not in said
