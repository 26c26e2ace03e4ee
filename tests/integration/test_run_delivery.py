"""The table of outcomes and the waits in a whole app runner: from a file to its end, with state and lanes.

The runner is in this process, on a real clock and socket; `test_wire_outcomes.py` has the rows in full.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from variance_plugin.cli.config_run import manifest_of
from variance_plugin.cli.run_run import load
from variance_plugin.clock import SystemClock
from variance_plugin.receiver import Answer, LocalVariance, Post
from variance_plugin.receiver.answers import WireFault
from variance_plugin.runner import Runner
from variance_plugin.runtime.settings import read
from variance_plugin.state import DeadLetter, DeadLetterStore, LetterFilter, StateFile

SECONDS = 30.0  # nothing here takes that long; what does has failed

OK = Answer()
Made: TypeAlias = tuple[Runner, SystemClock]
Make: TypeAlias = Callable[..., Any]


@pytest.fixture
def running(variance: LocalVariance, tmp_path: Path) -> Make:
    """A runner on the events of the folder, sent in batches of ten over one lane."""

    @contextmanager
    def make(**config: object) -> Iterator[Made]:
        plugin = {
            "webhookUrl": variance.url,
            "authHeader": "Bearer demo-token",
            "allowedHosts": "127.0.0.1",
            "exportEventsBufferSeconds": 0.02,
            "retrySeconds": 0,
            "maxBatchEvents": 10,
            "concurrency": 1,
            **config,
        }
        assignments = [f"plugins.variance.config.{key}={value}" for key, value in plugin.items()]
        assignments += [
            f"state={tmp_path / 'variance.db'}",
            f"source.paths={tmp_path / 'events.jsonl'}",
            "metrics.listen=off",
        ]
        settings = read(
            None, environment={}, assignments=assignments, manifest_of=manifest_of, looks_for_file=False
        ).settings
        clock = SystemClock()
        with Runner(settings, load=load, clock=clock) as runner:
            yield runner, clock

    return make


def run_once(made: Made) -> None:
    """To the end of its source."""
    runner, _clock = made
    runner.run(once=True)
    assert runner.finish(SECONDS)
    assert runner.failure is None


@contextmanager
def in_background(made: Made) -> Iterator[Runner]:
    """Run it meanwhile, and stop it then."""
    runner, clock = made
    thread = threading.Thread(target=lambda: runner.run(once=True))
    thread.start()
    try:
        yield runner
    finally:
        runner.host.stop()
        thread.join(SECONDS)
        runner.finish(SECONDS)
        assert clock.stopped


def until(holds: Callable[[], object]) -> None:
    """Wait for something that another thread does."""
    clock = SystemClock()
    end = clock.monotonic() + SECONDS
    while not holds():
        assert clock.monotonic() < end, "it did not happen in time"
        clock.wait(0.01)


def write(folder: Path, count: int) -> None:
    """So many events."""
    line = '{{"event":"paid","uuid":"u-{}","distinct_id":"ada","properties":{{}}}}\n'
    (folder / "events.jsonl").write_text("".join(line.format(number) for number in range(count)))


def ids_in(post: Post) -> list[str]:
    """Of its messages."""
    return [json.loads(bytes(message))["messageId"] for message in post.raw_messages]


def taken_by(variance: LocalVariance) -> list[str]:
    """The ids of the messages that were taken, in order."""
    return [id_ for post in variance.posts if post.status == 200 for id_ in ids_in(post)]


def letters_in(folder: Path) -> list[DeadLetter]:
    """What is dead, the oldest first."""
    state = StateFile.open(folder / "variance.db", SystemClock())
    found = list(DeadLetterStore(state, state.clock).letters(LetterFilter(), newest_first=False))
    state.close()
    return found


@pytest.mark.parametrize(
    "answer",
    [
        *(Answer(status=status) for status in (408, 425, 429, 500, 502, 503, 504, 599)),
        *(Answer(fault=fault) for fault in (WireFault.RESET, WireFault.CLOSE, WireFault.GARBAGE)),
    ],
    ids=lambda answer: str(answer.fault or answer.status),
)
def test_what_is_only_late_is_sent_again_whole(
    running: Make, variance: LocalVariance, tmp_path: Path, answer: Answer
) -> None:
    """Retry: all events arrive in order, none is dead."""
    write(tmp_path, 12)
    variance.answer_with([answer])

    with running() as made:
        run_once(made)

    assert ([f"u-{number}" for number in range(12)], []) == (taken_by(variance), letters_in(tmp_path))
    assert ids_in(variance.posts[0]) == ids_in(variance.posts[1])


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407, 410, 501, 301, 302, 307])
def test_a_fault_of_the_endpoint_is_no_fault_of_an_event(
    running: Make, variance: LocalVariance, tmp_path: Path, status: int
) -> None:
    """Paused, said loudly, and gone on with by itself; nothing is dead."""
    write(tmp_path, 3)
    variance.answer_with([Answer(status=status, headers={"Location": "https://elsewhere.example/"})])

    with running() as made:
        run_once(made)

    assert (["u-0", "u-1", "u-2"], []) == (taken_by(variance), letters_in(tmp_path))
    assert {"endpoint at fault": 1, "delivered": 1} == made[0].host.counts.under("attempts.")


@pytest.mark.parametrize("status", [400, 409, 413, 418, 422])
def test_the_guilty_one_is_dead_alone(
    running: Make, variance: LocalVariance, tmp_path: Path, status: int
) -> None:
    """Suspect, or too large by itself: the others of its batch are delivered."""
    write(tmp_path, 10)
    variance.answer_with(lambda post: Answer(status=status) if "u-6" in ids_in(post) else OK)

    with running() as made:
        run_once(made)

    assert [f"u-{number}" for number in range(10) if number != 6] == taken_by(variance)
    assert [("u-6", status, "variance")] == [
        (letter.uuid, letter.last.status, letter.plugin) for letter in letters_in(tmp_path)
    ]


def test_too_many_refusals_pause_a_run_and_a_restart_goes_on(
    running: Make, variance: LocalVariance, tmp_path: Path
) -> None:
    """Twenty are dead, `/readyz` says why, the rest waits, also for the next run: nothing is lost."""
    write(tmp_path, 60)
    variance.answer_with(lambda _post: Answer(status=400))
    with running() as made, in_background(made) as runner:
        until(lambda: "the endpoint or the mapping is wrong" in (runner.ready() or ""))
    dead = [letter.uuid for letter in letters_in(tmp_path)]
    variance.answer_with(None)

    with running() as made:
        run_once(made)

    assert [f"u-{number}" for number in range(20)] == dead == [one.uuid for one in letters_in(tmp_path)]
    assert [f"u-{number}" for number in range(20, 60)] == taken_by(variance)


def test_the_wait_for_a_destination_holds_over_a_restart(
    running: Make, variance: LocalVariance, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It asked for an hour: the next run has the batch in hand and sends nothing."""
    write(tmp_path, 3)
    variance.answer_with([Answer(status=503, headers={"Retry-After": "3600"})])
    with running() as made, in_background(made) as runner:
        until(lambda: runner.host.wait is not None)

    with running() as made, in_background(made) as runner:
        until(lambda: runner.host.exporters[0].lanes[0].in_hand == 3)
        wait = runner.host.wait
        assert wait is not None
        seconds_left = wait.until - made[1].monotonic()

    assert (1, []) == (len(variance.posts), letters_in(tmp_path))
    assert ("HTTP 503", True) == (wait.reason, 3_500 < seconds_left <= 3_600)
    assert "still waiting for the destination, for 3600 s more: HTTP 503" in caplog.text


def test_what_waits_for_longer_than_it_may_is_dead_and_not_dropped(
    running: Make, variance: LocalVariance, tmp_path: Path
) -> None:
    """By `maxRetryHours`; with the reason of the last try."""
    write(tmp_path, 3)
    variance.answer_with(lambda _post: Answer(status=503))

    with running(maxRetryHours="0.00001") as made:
        run_once(made)

    letters = letters_in(tmp_path)
    assert ["u-0", "u-1", "u-2"] == [letter.uuid for letter in letters]
    assert {"not delivered within 1e-05 h; last: HTTP 503"} == {letter.last.reason for letter in letters}


def test_a_run_keeps_to_its_pace(running: Make, variance: LocalVariance, tmp_path: Path) -> None:
    """After a request of ten none comes for ten over the rate."""
    write(tmp_path, 30)
    clock = SystemClock()
    arrivals: list[float] = []

    def note(_post: Post) -> Answer:
        arrivals.append(clock.monotonic())
        return OK

    variance.answer_with(note)
    with running(rateLimitPerSecond="50") as made:
        run_once(made)

    waits = [later - earlier for earlier, later in pairwise(arrivals)]
    assert 2 == len(waits)
    assert min(waits) > 0.15
