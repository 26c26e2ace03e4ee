"""The deliverer against scripted answers: quick retries, halving, gate, breaker, memory for sizes."""

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from variance_plugin.delivery import (
    Answer,
    Attempt,
    Deliverer,
    DeliverySettings,
    Failure,
    Outcome,
    PayloadFormat,
    Report,
    Request,
)
from variance_plugin.testing import FakeClock, ScriptedTransport, messages_in

OK = Answer(status=200)


class Bench:
    """A deliverer on a scripted transport and a fake clock."""

    def __init__(self, answers: Iterable[Answer] | Callable[[Request], Answer] = (), **settings: Any) -> None:
        self.clock = FakeClock()
        self.transport = ScriptedTransport(answers)
        self.attempts: list[Attempt] = []
        self.deliverer = Deliverer(
            DeliverySettings(webhook_url="https://variance.example/hook", **settings),
            transport=self.transport,
            clock=self.clock,
            on_attempt=self.attempts.append,
        )

    def deliver(self, numbers: Iterable[int]) -> Report:
        """Deliver messages with these numbers."""
        return self.deliverer.deliver([b'{"n":%d}' % number for number in numbers])

    @property
    def posts(self) -> list[list[int]]:
        """The numbers in each request so far."""
        return [numbers_in(request) for request in self.transport.requests]


def numbers_in(request: Request) -> list[int]:
    """The numbers of its messages."""
    return [message["n"] for message in messages_in(request)]


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


# --- quick retries ------------------------------------------------------------------------------


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


# --- the endpoint at fault ----------------------------------------------------------------------


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


# --- one message of many ------------------------------------------------------------------------


def refusing(poison: set[int], status: int = 400) -> Callable[[Request], Answer]:
    """An endpoint that refuses every request with one of these messages in it."""
    return lambda request: Answer(status=status, body=b"bad field") if poison & {*numbers_in(request)} else OK


@pytest.mark.parametrize("poison", [{0}, {250}, {499}, {7, 8}, {0, 250, 499}], ids=str)
def test_the_guilty_messages_are_found_and_the_others_delivered_in_order(poison: set[int]) -> None:
    """By halving: about twice log2 of the batch for one among 500, and each message is taken once."""
    taken: list[int] = []

    def endpoint(request: Request) -> Answer:
        answer = refusing(poison)(request)
        if answer is OK:
            taken.extend(numbers_in(request))
        return answer

    bench = Bench(endpoint)

    report = bench.deliver(range(500))

    assert [number for number in range(500) if number not in poison] == taken
    assert poison == {*report.refused}
    assert {*taken} == report.delivered
    assert len(bench.posts) <= 1 + 18 * len(poison)


def test_a_refusal_says_why_and_how_often_it_was_tried() -> None:
    """Reason with the beginning of the answer, status, and the requests that the message was part of."""
    bench = Bench(refusing({2}))

    refused = bench.deliver(range(4)).refused[2]

    assert ("HTTP 400: bad field", 400, 3) == (refused.reason, refused.status, refused.attempts)


def test_results_within_an_answer_decide_message_by_message() -> None:
    """Nothing is halved: the endpoint has said which one it does not want."""
    body = json.dumps([{"status": 200}, {"status": 422, "error": "no such type"}, {"status": 200}]).encode()
    bench = Bench([Answer(status=207, body=body)])

    report = bench.deliver(range(3))

    assert {0, 2} == report.delivered
    assert ("refused within a batch: no such type", 422) == (
        report.refused[1].reason,
        report.refused[1].status,
    )
    assert [[0, 1, 2]] == bench.posts


def test_a_result_may_ask_for_its_message_again() -> None:
    """It is left, nothing after its batch is sent before it, and the reason quotes nothing."""
    body = json.dumps([{"status": 200}, {"status": 429, "error": "ada@acme.example is too fast"}]).encode()
    bench = Bench([Answer(status=200, body=body, retry_after="5")], max_batch_events=2)

    report = bench.deliver(range(4))

    assert {0} == report.delivered
    assert report.pause is not None
    assert ("asked to send 1 of 2 messages again", 5) == (
        report.pause.reason,
        report.pause.retry_after_seconds,
    )
    assert [[0, 1]] == bench.posts


# --- too many refusals --------------------------------------------------------------------------


def test_an_endpoint_that_refuses_everything_is_at_fault_itself() -> None:
    """A fifth of the last hundred messages may be refused; the next one pauses the destination."""
    bench = Bench(refusing({*range(500)}))

    report = bench.deliver(range(500))

    assert [*range(20)] == [*report.refused]
    assert set() == report.delivered
    assert report.pause is not None
    assert report.pause.at_fault
    assert "the endpoint or the mapping is wrong" in report.pause.reason
    assert "bad field" not in report.pause.reason


def test_it_goes_on_by_itself_once_the_endpoint_takes_messages() -> None:
    """No restart: what was left is delivered at the next call."""
    refuses = threading.Event()
    refuses.set()
    bench = Bench(lambda _: Answer(status=400) if refuses.is_set() else OK)
    report = bench.deliver(range(100))
    left = [number for number in range(100) if not report.has_all([number])]
    refuses.clear()

    report = bench.deliver(left)

    assert len(left) == len(report.delivered)
    assert report.pause is None


def test_a_few_bad_messages_among_many_never_pause_the_destination() -> None:
    """Every fifth is bad, for a thousand messages: each is set aside."""
    bench = Bench(refusing({*range(0, 1_000, 5)}))

    report = bench.deliver(range(1_000))

    assert report.pause is None
    assert (800, 200) == (len(report.delivered), len(report.refused))


def test_the_refusals_of_all_lanes_count_together() -> None:
    """The window belongs to the destination."""
    bench = Bench(refusing({*range(1_000)}), max_batch_events=1)

    refused = [len(bench.deliver(range(first, first + 5)).refused) for first in range(0, 50, 5)]

    assert 20 == sum(refused)


# --- too large ----------------------------------------------------------------------------------


def at_most(events: int = 10_000, body_bytes: int = 10**9) -> Callable[[Request], Answer]:
    """An endpoint with a limit of its own."""
    return lambda request: (
        Answer(status=413) if request.count > events or len(request.body) > body_bytes else OK
    )


def padded(sizes: Iterable[int]) -> list[bytes]:
    """Messages of these sizes in bytes."""
    return [b'{"n":%d,"x":"%b"}' % (number, b"x" * (size - 16)) for number, size in enumerate(sizes)]


def test_what_is_too_large_is_halved_until_it_is_taken() -> None:
    """In order, each once."""
    bench = Bench(at_most(events=3))

    report = bench.deliver(range(20))

    assert {*range(20)} == report.delivered
    taken = [numbers for numbers in bench.posts if len(numbers) <= 3]
    assert [*range(20)] == [number for numbers in taken for number in numbers]


def test_the_size_that_was_taken_is_remembered() -> None:
    """After the first batch no request is refused for its size again, in any lane."""
    bench = Bench(at_most(events=3))
    bench.deliver(range(100, 112))
    before = len(bench.posts)

    bench.deliver(range(200, 230))

    assert [3] * 10 == [len(numbers) for numbers in bench.posts[before:]]


def test_a_limit_in_bytes_does_not_limit_the_number_of_small_messages() -> None:
    """Large messages taught the limit; later as many small ones as fit go into one request."""
    bench = Bench(at_most(body_bytes=10_000))
    report = bench.deliverer.deliver(padded([1_000] * 40))
    assert 40 == len(report.delivered)
    before = len(bench.posts)

    bench.deliverer.deliver(padded([40] * 200))

    assert len(bench.posts) - before <= 2


def test_a_limit_in_number_is_found_behind_one_in_bytes() -> None:
    """Where as many bytes were taken before, the number of messages is what was too large."""
    bench = Bench(at_most(events=10))
    bench.deliverer.deliver(padded([1_000] * 40))
    bench.deliverer.deliver(padded([40] * 200))
    before = len(bench.transport.requests)

    bench.deliverer.deliver(padded([40] * 200))

    assert all(request.count <= 10 for request in bench.transport.requests[before:])
    before = len(bench.posts)
    bench.deliverer.deliver(padded([900] * 5))
    assert 1 == len(bench.posts) - before


def test_a_single_message_that_is_too_large_is_refused_and_teaches_nothing() -> None:
    """It explains why its batch was refused; the next batch of usual messages goes whole."""
    bench = Bench(at_most(body_bytes=10_000))

    report = bench.deliverer.deliver(padded([100] * 20 + [50_000] + [100] * 20))

    assert ({20}, 413) == ({*report.refused}, report.refused[20].status)
    assert 40 == len(report.delivered)
    before = len(bench.posts)

    bench.deliverer.deliver(padded([100] * 90))

    assert 1 == len(bench.posts) - before


# --- what is told -------------------------------------------------------------------------------


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
