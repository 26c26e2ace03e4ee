"""The deliverer against scripted answers: quick retries, the gate, an endpoint at fault, what is told."""

import pytest

from tests.benches.deliverer import OK, Bench
from variance_plugin.delivery import (
    Answer,
    Failure,
    Outcome,
    PayloadFormat,
)


def test_messages_that_fit_go_in_one_request() -> None:
    """And are delivered when it is answered 2xx."""
    bench = Bench()

    report = bench.deliver(range(5))

    assert [[0, 1, 2, 3, 4]] == bench.posts
    assert {0, 1, 2, 3, 4} == report.delivered
    assert ({}, None) == (report.refused, report.pause)


def test_nothing_to_deliver_sends_nothing() -> None:
    """No empty request."""
    bench = Bench()

    assert (0, set(), None) == (
        (report := bench.deliver([])).total,
        report.delivered,
        report.pause,
    )
    assert [] == bench.posts


def test_more_messages_than_fit_go_in_several_requests_in_order() -> None:
    """Cut by count."""
    bench = Bench(max_batch_events=2)

    bench.deliver(range(5))

    assert [[0, 1], [2, 3], [4]] == bench.posts


def test_a_body_stays_within_the_bytes_that_are_set() -> None:
    """Envelope included: Segment's limit is one of the whole request."""
    bench = Bench(max_batch_bytes=1_000)

    bench.deliver(range(500))

    assert all(len(request.body) <= 1_000 for request in bench.transport.requests)
    assert len(bench.posts) < 7


def test_single_messages_go_one_by_one() -> None:
    """As the original connector sent them."""
    bench = Bench(payload_format=PayloadFormat.SINGLE)

    report = bench.deliver(range(3))

    assert [[0], [1], [2]] == bench.posts
    assert {0, 1, 2} == report.delivered


# --- quick retries --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=503),
        Answer(status=429),
        Answer(failure=Failure.NETWORK),
        Answer(failure=Failure.TIMEOUT),
    ],
    ids=["503", "429", "network", "time-out"],
)
def test_a_batch_that_is_not_taken_now_is_tried_again_after_a_wait(answer: Answer) -> None:
    """The same bytes, with waits of full jitter over 1, 2, 4 … seconds."""
    bench = Bench([answer] * 3, retry_seconds=60)

    report = bench.deliver(range(3))

    assert {0, 1, 2} == report.delivered
    assert [[0, 1, 2]] * 4 == bench.posts
    assert [1, 2, 3, 4] == [attempt.number for attempt in bench.attempts]
    assert all(
        seconds <= ceiling for seconds, ceiling in zip(bench.clock.waits, [1.0, 2.0, 4.0], strict=True)
    )


def test_an_outage_longer_than_the_quick_retries_is_left_to_the_host() -> None:
    """The call ends in time, with everything left."""
    bench = Bench(lambda _: Answer(status=503), retry_seconds=10)

    report = bench.deliver(range(3))

    assert (set(), {}) == (report.delivered, report.refused)
    assert report.pause is not None
    assert ("HTTP 503", False) == (report.pause.reason, report.pause.at_fault)
    assert bench.clock.monotonic() <= 10
    assert 2 <= len(bench.posts) < 100


def test_without_quick_retries_the_first_failure_goes_to_the_host() -> None:
    """`retrySeconds` = 0: one attempt, no wait, and the host may call again at once."""
    bench = Bench([Answer(status=503)], retry_seconds=0)

    assert bench.deliver([1]).pause is not None
    assert {0} == bench.deliver([1]).delivered
    assert [] == bench.clock.waits


def test_the_wait_that_the_destination_asks_for_is_kept() -> None:
    """`Retry-After` is a lower bound of the wait."""
    bench = Bench([Answer(status=429, retry_after="7")], retry_seconds=10)

    report = bench.deliver([1])

    assert {0} == report.delivered
    assert 7 == pytest.approx(sum(bench.clock.waits))


def test_a_wait_beyond_the_quick_retries_is_passed_on_to_the_host() -> None:
    """With the seconds that the destination asked for."""
    bench = Bench([Answer(status=503, retry_after="Thu, 01 Jan 2026 00:02:00 GMT")], retry_seconds=10)

    pause = bench.deliver([1]).pause

    assert pause is not None
    assert 120 == pause.retry_after_seconds
    assert [] == bench.clock.waits


def test_no_lane_asks_while_the_destination_wants_to_be_let_alone() -> None:
    """The wait holds for the destination: another call sends nothing, and hears how long it still lasts."""
    bench = Bench([Answer(status=503, retry_after="60")])
    bench.deliver([1])
    bench.clock.advance(20)

    report = bench.deliver([2])

    assert report.pause is not None
    assert 40 == pytest.approx(report.pause.retry_after_seconds)
    assert [[1]] == bench.posts

    bench.clock.advance(40)

    assert {0} == bench.deliver([2]).delivered


def test_a_wait_is_over_when_the_program_stops() -> None:
    """What is left goes back to the host at once."""
    bench = Bench(lambda _: Answer(status=503))
    bench.clock.stop()

    report = bench.deliver([1])

    assert report.pause is not None
    assert "stopped while waiting for the destination" == report.pause.reason
    assert [[1]] == bench.posts


# --- the endpoint at fault ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=401, body=b"no such token: ada"),
        Answer(status=404),
        Answer(status=302),
        Answer(failure=Failure.TLS),
    ],
    ids=["401", "404", "302", "TLS"],
)
def test_an_endpoint_at_fault_ends_the_call_and_no_message_is_blamed(answer: Answer) -> None:
    """One request, no quick retry, everything left, and a pause that wants a person."""
    bench = Bench(lambda _: answer)

    report = bench.deliver(range(10))

    assert (set(), {}) == (report.delivered, report.refused)
    assert report.pause is not None
    assert (answer.describe(), True) == (report.pause.reason, report.pause.at_fault)
    assert 1 == len(bench.posts)
    assert [] == bench.clock.waits


def test_it_may_ask_for_time_as_well() -> None:
    """A 403 of a firewall with `Retry-After` is let alone so long."""
    bench = Bench([Answer(status=403, retry_after="30")])

    pause = bench.deliver([1]).pause

    assert pause is not None
    assert 30 == pause.retry_after_seconds
    assert bench.deliver([1]).pause is not None
    assert 1 == len(bench.posts)


# --- what is told ---------------------------------------------------------------------------------


def test_every_attempt_is_told_with_its_size_and_outcome() -> None:
    """For the log and the metrics; nothing of what the endpoint said."""
    bench = Bench([Answer(status=503, body=b"ada@acme.example"), OK])

    bench.deliver(range(3))

    assert [
        (1, 3, Outcome.RETRY, "HTTP 503"),
        (2, 3, Outcome.DELIVERED, "HTTP 200"),
    ] == [
        (attempt.number, attempt.messages, attempt.outcome, attempt.description) for attempt in bench.attempts
    ]
    assert [len(request.body) for request in bench.transport.requests] == [
        attempt.body_bytes for attempt in bench.attempts
    ]


def test_a_name_that_does_not_resolve_counts_as_wrong_until_the_first_answer() -> None:
    """Then it is passing trouble, and tried again."""
    unresolved = Answer(failure=Failure.UNRESOLVED)
    bench = Bench([unresolved, OK, unresolved, OK])

    pause = bench.deliver([1]).pause

    assert pause is not None
    assert pause.at_fault
    assert {0} == bench.deliver([1]).delivered
    assert {0} == bench.deliver([2]).delivered
