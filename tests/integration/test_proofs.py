"""The proofs of `proofs/`, small, with real processes; and that each would find what it looks for."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import pytest
import requests

from proofs.conservation import FEEDS, conserve, judge
from proofs.endpoint import AUTHORIZATION, Endpoint
from proofs.faults import FAULTS, HEALTHY, Faults, Planned, Request, healthy
from proofs.feeds import INTO_SPOOL, TO_GROUP
from proofs.kafka_feed import KafkaFeed
from proofs.order import keep_order
from proofs.outage import endure
from proofs.traffic import Fate, Issued, issue
from proofs.verdict import Verdict
from tests.stand_ins.kafka import Cluster
from variance_plugin.clock import SystemClock
from variance_plugin.hooks import Rejection
from variance_plugin.points import Point
from variance_plugin.receiver import Answer
from variance_plugin.state import DeadLetterStore, StateFile
from variance_plugin.testing import make_event

ON_WIRE = frozenset({Point.BEFORE_SEND, Point.AFTER_SEND, Point.AFTER_ANSWER})


@pytest.mark.parametrize(
    ("source", "events", "points"),
    [
        pytest.param("file", 1_000, ON_WIRE, id="file, around requests"),
        pytest.param("file", 500, FEEDS["file"].points - ON_WIRE, id="file, around acknowledgements"),
        pytest.param("stdin", 500, INTO_SPOOL, id="stdin"),
        pytest.param("http", 300, INTO_SPOOL, id="http"),
        pytest.param("bucket", 400, frozenset({Point.AFTER_ANSWER, Point.AFTER_ACKNOWLEDGE}), id="bucket"),
    ],
)
def test_every_event_ends_as_it_must_however_the_runner_is_killed(
    tmp_path: Path, source: str, events: int, points: frozenset[Point]
) -> None:
    """Killed at each point and at random, with an endpoint that fails in every way: delivered or dead."""
    found = conserve(FEEDS[source], tmp_path, events=events, seed=1, points=points, random_kills=1, fast=100)

    hold(found, points)
    if points is ON_WIRE:  # the others are too short for all of them
        assert set(FAULTS) == {name.removesuffix(" (taken)") for name in found.faults} - {
            "400 for one message"
        }


@pytest.mark.xdist_group("kafka")
def test_every_event_of_a_topic_ends_as_it_must_however_the_runner_is_killed(
    tmp_path: Path, kafka: Cluster
) -> None:
    """Around the commits of its offsets and at random, while a producer goes on writing."""
    feed_in = partial(KafkaFeed, cluster=kafka, partitions=4)
    found = conserve(
        feed_in, tmp_path, events=400, seed=1, points=TO_GROUP, random_kills=1, most_times=1, fast=100
    )

    hold(found, TO_GROUP)


def hold(found: Verdict, points: frozenset[Point]) -> None:
    """Nothing was lost or is wrong, and all happened that was to happen."""
    print(found)  # noqa: T201 -- the figures of the proof
    assert ([], []) == (found.lost, found.wrong)
    assert Counter([*points, "at random"]) == found.kills
    assert found.events + 1 == found.delivered + found.skipped + found.dead


def test_a_persons_events_arrive_in_order_whatever_is_answered(tmp_path: Path) -> None:
    """50 users, 40 events each, 4 lanes, and a list of answers for each event; one final state each."""
    found = keep_order(tmp_path, seed=1)

    print(found)  # noqa: T201 -- the figures of the proof
    assert ([], []) == (found.lost, found.wrong)
    assert 2_000 == found.delivered + found.dead


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a peak so")
@pytest.mark.parametrize("source", ["file", "stdin"])
def test_memory_stays_within_its_bound_while_a_backlog_waits_for_an_hour(tmp_path: Path, source: str) -> None:
    """At most 20 MB above the idle process and its buffers; when the endpoint is back, all is delivered."""
    found = endure(source, tmp_path, events=50_000, fast=2_000, spool_max_bytes=10_000_000)

    print(found)  # noqa: T201 -- the figures of the proof
    assert ([], []) == (found.verdict.lost, found.verdict.wrong)
    assert found.memory.peak_bytes <= found.memory.bound_bytes
    if source == "stdin":  # the spool was full, and whoever writes to the pipe had to wait
        assert found.gone < 50_000


@pytest.mark.parametrize("seed", range(20))
def test_each_kind_of_fault_is_met_though_it_does_not_fit_most_requests(seed: int) -> None:
    """An answer that takes the request waits for one in which nothing is refused, a 413 for a large one."""
    faults = Faults(seed, every=1)
    met = set()
    for number in range(10 * len(FAULTS)):
        request = Request(["id"] * (5 if number % 4 == 0 else 1), has_refused=number % 3 > 0)
        planned = faults(request)
        if planned is HEALTHY:
            continue
        met.add(planned.name.removesuffix(" (taken)"))
        assert not (request.has_refused and planned.answer.applies_to(0))

    assert set(FAULTS) == met


def test_what_an_endpoint_takes_and_forgets_is_found_to_be_lost(tmp_path: Path) -> None:
    """A test of the test: once it answers 200 and keeps nothing."""
    issued = [one for one in issue(200, 1) if one.fate is Fate.DELIVERED]
    forgotten = Planned("forgotten", Answer(applied=False))
    with Endpoint(issued, lambda _request: forgotten) as endpoint:
        post(endpoint, issued[0], issued[1])
        endpoint.answer_with(healthy)
        post(endpoint, *issued[2:])

    found = judged(issued, endpoint, tmp_path)

    assert [f"neither delivered nor dead: {one.id}" for one in issued[:2]] == found.lost
    assert {"forgotten": 1} == found.faults


def test_what_is_refused_and_not_kept_is_found_to_be_lost(tmp_path: Path) -> None:
    """A test of the test: of two that the endpoint refuses one is in the dead letters, beside a good one."""
    issued = [one for one in issue(200, 1) if one.fate is Fate.DELIVERED]
    refused = [replace(one, fate=Fate.DEAD) for one in issued[:2]]
    with Endpoint([*refused, *issued[2:]]) as endpoint:
        post(endpoint, *issued[2:])
        assert 400 == post(endpoint, issued[0])

    found = judged([*refused, *issued[2:]], endpoint, tmp_path, issued[1].line, issued[2].line)

    assert [f"refused, and not in the dead letters: {issued[0].id!r}"] == found.lost
    assert [f"dead without a cause, 1 time: {issued[2].line[:60]!r}"] == found.wrong


def test_what_is_not_told_of_a_person_is_found(tmp_path: Path) -> None:
    """A test of the test: every event arrives, and nothing that should go ahead of one of them."""
    issued = [one for one in issue(200, 1) if one.fate is Fate.DELIVERED]
    ahead = {id_ for one in issued for id_ in one.messages if id_ != one.id}
    with Endpoint(issued) as endpoint:
        post_bodies(endpoint, *(one.messages[one.id] for one in issued))

    found = judged(issued, endpoint, tmp_path)

    assert [] == found.lost
    assert {f"never told: {id_}" for id_ in ahead} >= set(found.wrong) > set()


def test_what_comes_changed_invented_or_out_of_turn_is_found() -> None:
    """A test of the test."""
    first, second = twins()
    changed = msgspec.json.encode({**msgspec.json.decode(second.messages[second.id]), "event": "other"})
    with Endpoint([first, second]) as endpoint:
        post_bodies(endpoint, changed, first.messages[first.id], b'{"messageId":"nobody","type":"track"}')

    assert [
        f"not what mapping gives: {second.id}",
        f"came behind a later one of the same user: {first.id}",
        "never issued: nobody",
    ] == endpoint.wrong


def test_traits_may_be_left_out_only_where_events_come_out_of_turn() -> None:
    """And no trait may be another one, nor anything else be missing."""
    one = replace(
        next(twins()), messages={"one": b'{"messageId":"one","userId":"kim","traits":{"a":1,"b":2}}'}
    )
    bodies = (
        b'{"messageId":"one","userId":"kim","traits":{"a":1}}',
        b'{"messageId":"one","userId":"kim"}',
        b'{"messageId":"one","userId":"kim","traits":{"a":2}}',
        b'{"messageId":"one","traits":{"a":1,"b":2}}',
    )
    for in_turn, wrong in ((True, 4), (False, 2)):
        with Endpoint([one], in_turn=in_turn) as endpoint:
            post_bodies(endpoint, *bodies)
        assert ["not what mapping gives: one"] * wrong == endpoint.wrong


def twins() -> Iterator[Issued]:
    """Two events of one person."""
    for id_ in ("one", "two"):
        message = msgspec.json.encode({"type": "track", "messageId": id_, "event": "paid", "userId": "kim"})
        yield Issued(line=b"", fate=Fate.DELIVERED, id=id_, user="kim", messages={id_: message})


def post(endpoint: Endpoint, *issued: Issued) -> int:
    """Send all the messages of these, as a runner would; the status of the answer."""
    return post_bodies(endpoint, *(body for one in issued for body in one.messages.values()))


def post_bodies(endpoint: Endpoint, *bodies: bytes) -> int:
    """Send messages."""
    headers = {"Content-Type": "application/json", "Authorization": AUTHORIZATION}
    return requests.post(
        endpoint.url, data=b"[" + b",".join(bodies) + b"]", headers=headers, timeout=5
    ).status_code


def judged(issued: list[Issued], endpoint: Endpoint, folder: Path, *dead: bytes) -> Verdict:
    """What the oracle says, with these records in the dead letters."""
    path = folder / "state.db"
    state = StateFile.open(path, SystemClock())
    for record in dead:
        event = make_event(record=record)
        DeadLetterStore(state, state.clock, "variance").add(Rejection(event=event, reason="no"))
    state.close()
    found = Verdict(title="")
    judge(found, issued, endpoint, path)
    return found
