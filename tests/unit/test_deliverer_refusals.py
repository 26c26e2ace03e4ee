"""The deliverer against an endpoint that refuses messages: one of many, or too many of them."""

import json
import threading
from collections.abc import Callable

import pytest

from tests.benches.deliverer import OK, Bench, numbers_in
from variance_plugin.delivery import (
    Answer,
    Request,
)

# --- one message of many --------------------------------------------------------------------------


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


# --- too many refusals ----------------------------------------------------------------------------


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


def test_what_is_refused_once_more_in_a_replay_tells_nothing_of_the_endpoint() -> None:
    """Dead letters are refused in any number: nothing is paused, neither in the replay nor beside it."""
    bench = Bench(refusing({*range(500)}))

    report = bench.deliverer.deliver([b'{"n":%d}' % number for number in range(500)], is_replay=True)

    assert (500, None) == (len(report.refused), report.pause)
    assert ({0}, None) == ({*(report := bench.deliver([0, 1_000])).refused}, report.pause)
