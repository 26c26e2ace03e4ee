"""Batches on the wire: one bad message among many, limits of the endpoint, an export at the defaults."""

import json
import logging
from collections import Counter
from typing import Any

import pytest

from tests.benches.wire import Runner, config_for
from variance_plugin import Event, RetryError, VariancePlugin
from variance_plugin.receiver import Answer, LocalVariance, Post
from variance_plugin.testing import InMemoryMeta, make_event, running


def crowd(count: int) -> list[Event]:
    """Events of twenty users."""
    return [
        make_event(number=number, distinct_id=f"user-{number % 20}", properties={"number": number})
        for number in range(count)
    ]


def ids_in(post: Post) -> list[str]:
    """The `messageId` of each message."""
    return [str(message["messageId"]) for message in post.messages if isinstance(message, dict)]


def sensitive_to(*poisonous: Event) -> Any:
    """Answers of an endpoint that refuses every post with one of these events in it."""
    ids = {event.uuid for event in poisonous}
    refusal = Answer(status=422, body=b'{"error":"unknown plan"}')
    return lambda post: refusal if ids & {*ids_in(post)} else Answer()


def test_one_poisonous_event_among_five_hundred_costs_only_itself(variance: LocalVariance) -> None:
    """499 delivered once and in order, 1 rejected with status and reason, in about 2 * log2(500) requests."""
    events = crowd(500)
    variance.answer_with(sensitive_to(events[321]))
    meta = InMemoryMeta(config_for(variance.url))

    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events(events, meta)

    taken = [message_id for post in variance.posts if post.status == 200 for message_id in ids_in(post)]
    assert [event.uuid for event in events if event is not events[321]] == taken
    (rejection,) = meta.rejections
    assert events[321] == rejection.event
    assert ('HTTP 422: {"error":"unknown plan"}', 422) == (rejection.reason, rejection.status)
    assert (499, 1) == (meta.counts["events.delivered"], meta.counts["events.rejected"])
    assert len(variance.posts) <= 19
    assert {1} == {post.connection_id for post in variance.posts}


def test_results_within_the_answer_decide_without_halving(variance: LocalVariance) -> None:
    """An endpoint that tells the messages apart needs one request."""
    results = [{"status": 200}, {"status": 400, "error": "no such user"}, {"status": 200}]
    variance.answer_with([Answer(body=json.dumps(results).encode(), applied={0, 2})])
    meta = InMemoryMeta(config_for(variance.url))

    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events(crowd(3), meta)

    (rejection,) = meta.rejections
    assert ("refused within a batch: no such user", 400) == (rejection.reason, rejection.status)
    assert 2 == meta.counts["events.delivered"]
    assert 1 == len(variance.posts)


def test_an_endpoint_that_wants_three_messages_at_most_gets_three(variance: LocalVariance) -> None:
    """413 for more: found by halving, remembered for the next call, nothing lost."""
    variance.answer_with(lambda post: Answer(status=413) if len(ids_in(post)) > 3 else Answer())
    meta = InMemoryMeta(config_for(variance.url))
    events = crowd(60)

    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events(events[:30], meta)
        first = len(variance.posts)
        plugin.export_events(events[30:], meta)

    taken = [message_id for post in variance.posts if post.status == 200 for message_id in ids_in(post)]
    assert [event.uuid for event in events] == taken
    assert [] == meta.rejections
    later = [post.status for post in variance.posts[first:]]
    assert later.count(413) <= 1  # the messages of the second call differ in size by a digit
    assert 10 <= later.count(200) <= 16


def test_a_message_that_is_too_large_alone_is_rejected_alone(variance: LocalVariance) -> None:
    """And does not make the later batches small."""
    variance.answer_with(lambda post: Answer(status=413) if len(post.body) > 50_000 else Answer())
    meta = InMemoryMeta(config_for(variance.url))
    large = make_event(number=10_000, properties={"text": "x" * 60_000})

    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events([*crowd(50), large, *crowd(100)[50:]], meta)
        before = len(variance.posts)
        plugin.export_events(crowd(150)[100:], meta)

    assert [(large, 413)] == [(rejection.event, rejection.status) for rejection in meta.rejections]
    assert {"order paid": 150} == variance.summary().events
    assert 1 == len(variance.posts) - before


def test_an_endpoint_that_refuses_everything_is_paused(
    variance: LocalVariance, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong address that answers 400 costs a fifth of a hundred events, not all of them."""
    variance.answer_with(lambda _post: Answer(status=400))
    meta = InMemoryMeta(config_for(variance.url))

    with running(VariancePlugin(), meta) as plugin:
        with pytest.raises(RetryError, match="the endpoint or the mapping is wrong") as caught:
            plugin.export_events(crowd(500), meta)
        variance.answer_with(None)
        assert caught.value.events is not None
        plugin.export_events(caught.value.events, meta)

    assert 20 == len(meta.rejections)
    assert 480 == meta.counts["events.delivered"]
    assert [logging.ERROR] == [record.levelno for record in caplog.records]


def test_ten_thousand_events_need_about_twenty_requests_on_four_connections(variance: LocalVariance) -> None:
    """At the defaults: 500 messages a request; a lane keeps its connection from the first to the last."""
    runner = Runner(variance)

    runner.run([make_event(number=number, distinct_id=f"user-{number}") for number in range(10_000)])

    assert {"order paid": 10_000} == variance.summary().events
    assert 0 == variance.summary().duplicates
    # A lane's last batch need not be full.
    assert 20 <= len(variance.posts) <= 24
    assert len({post.connection_id for post in variance.posts}) <= 4
    assert max(len(post.raw_messages) for post in variance.posts) == 500
    assert 10_000 == runner.host.counts["events.delivered"]


def test_lanes_with_bad_events_reject_these_and_no_other(variance: LocalVariance) -> None:
    """Every fiftieth of 2,000 events is refused, in whichever lane it is."""
    events = [make_event(number=number, distinct_id=f"user-{number % 77}") for number in range(2_000)]
    variance.answer_with(sensitive_to(*events[::50]))
    runner = Runner(variance, maxBatchEvents="100")

    runner.run(events)

    rejected = [rejection.event.uuid for rejection in runner.dead_letters.rejections]
    assert sorted(event.uuid for event in events[::50]) == sorted(rejected)
    taken = Counter(
        message_id for post in variance.posts if post.status == 200 for message_id in ids_in(post)
    )
    assert {event.uuid: 1 for event in events if event.uuid not in rejected} == taken
