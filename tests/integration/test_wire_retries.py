"""Two owners of the retries, on the wire: the plugin for seconds, the host for as long as it takes.

Time is a `FakeClock`: the requests are real, the waits between them take no time and can be looked at.
"""

from collections import defaultdict
from datetime import timedelta
from email.utils import format_datetime

import pytest

from tests.benches.wire import Runner, config_for
from variance_plugin import RetryError, VariancePlugin
from variance_plugin.receiver import Answer, LocalVariance, Post, WireFault
from variance_plugin.testing import InMemoryMeta, make_event, running

BUSY = Answer(status=503)


def test_the_plugin_bridges_seconds_by_itself(variance: LocalVariance) -> None:
    """Three failures and a success within one call; the waits are those of its own schedule."""
    variance.answer_with([BUSY, Answer(fault=WireFault.RESET), Answer(status=429)])
    meta = InMemoryMeta(config_for(variance.url, retrySeconds="60"))

    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events([make_event()], meta)

    assert {"order paid": 1} == variance.summary().events
    assert 4 == len(variance.posts)
    assert all(wait <= ceiling for wait, ceiling in zip(meta.clock.waits, [1.0, 2.0, 4.0], strict=True))


def test_the_host_takes_over_what_lasts_longer(variance: LocalVariance) -> None:
    """An outage of an hour: the plugin gives up after its seconds, the host comes back with growing waits."""
    runner = Runner(variance, retrySeconds="2", concurrency="1")
    recovered_at = runner.clock.now() + timedelta(hours=1)
    variance.answer_with(lambda _post: BUSY if runner.clock.now() < recovered_at else Answer())

    runner.run([make_event(number=number) for number in range(10)])

    assert {"order paid": 10} == variance.summary().events
    assert 0 == variance.summary().duplicates
    assert [] == runner.dead_letters.rejections
    retries = runner.host.counts["retries"]
    assert 10 < retries < 200  # waits of 300 s at the most, and of half that on the average
    assert retries < len(variance.posts)
    assert max(runner.clock.waits) <= 300


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_kept_by_the_plugin_when_it_is_short(variance: LocalVariance, form: str) -> None:
    """In both forms: the second request does not come before the time that was asked for."""
    meta = InMemoryMeta(config_for(variance.url, retrySeconds="30"))
    asked = (
        "9" if form == "seconds" else format_datetime(meta.clock.now() + timedelta(seconds=9), usegmt=True)
    )
    arrivals: list[float] = []

    def answer(_post: Post) -> Answer:
        arrivals.append(meta.clock.monotonic())
        return Answer(status=429, headers={"Retry-After": asked}) if len(arrivals) == 1 else Answer()

    variance.answer_with(answer)
    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events([make_event()], meta)

    assert 9 <= arrivals[1] - arrivals[0] <= 9.001


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_kept_by_every_lane_when_it_is_long(variance: LocalVariance, form: str) -> None:
    """In both forms: no request of any lane comes in between, and none is lost."""
    runner = Runner(variance)
    until = runner.clock.now() + timedelta(seconds=600)
    asked = "600" if form == "seconds" else format_datetime(until, usegmt=True)
    arrivals: list[float] = []

    def answer(_post: Post) -> Answer:
        arrivals.append(runner.clock.monotonic())
        early = runner.clock.now() < until
        return Answer(status=503, headers={"Retry-After": asked}) if early else Answer()

    variance.answer_with(answer)
    runner.run([make_event(number=number, distinct_id=f"user-{number}") for number in range(100)])

    assert {"order paid": 100} == variance.summary().events
    # The lanes may have set out together, but none of them twice before its time.
    assert 1 <= len([at for at in arrivals if at < 600]) <= 4
    assert {0.0} == {at for at in arrivals if at < 600}
    assert [] == runner.dead_letters.rejections


def test_a_wrong_secret_costs_nothing_once_it_is_right_again(
    variance: LocalVariance, caplog: pytest.LogCaptureFixture
) -> None:
    """401 for an hour, then 200: everything is delivered, nothing is dead, and it was said loudly."""
    runner = Runner(variance)
    recovered_at = runner.clock.now() + timedelta(hours=1)
    variance.answer_with(lambda _post: Answer(status=401) if runner.clock.now() < recovered_at else Answer())

    runner.run([make_event(number=number, distinct_id=f"user-{number % 7}") for number in range(100)])

    assert {"order paid": 100} == variance.summary().events
    assert [] == runner.dead_letters.rejections
    assert 0 == runner.host.left
    assert any("the destination is at fault" in record.getMessage() for record in caplog.records)
    # Probed, not hammered: some dozen times in an hour, by up to four lanes.
    assert len(variance.posts) < 400


def test_an_answer_that_got_lost_makes_a_repeat_with_the_same_id(variance: LocalVariance) -> None:
    """Delivered at least once: the receiver can tell the repeat by its `messageId`."""
    variance.answer_with([Answer(fault=WireFault.CLOSE, applied=True)])
    meta = InMemoryMeta(config_for(variance.url))

    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events([make_event(number=number) for number in range(5)], meta)

    assert {"order paid": 5} == variance.summary().events
    assert 5 == variance.summary().duplicates


def test_each_users_events_arrive_in_order_over_four_lanes_with_failures(variance: LocalVariance) -> None:
    """50 users with 40 events each, and every third request fails in one way or another."""
    ways = [
        Answer(status=503),
        Answer(status=401),
        Answer(status=429, headers={"Retry-After": "3"}),
        Answer(fault=WireFault.RESET),
        Answer(fault=WireFault.GARBAGE),
    ]
    counts = iter(range(10_000))

    def answer(_post: Post) -> Answer:
        count = next(counts)
        return ways[count // 3 % len(ways)] if count % 3 == 0 else Answer()

    variance.answer_with(answer)
    runner = Runner(variance, maxBatchEvents="20")
    events = [
        make_event(number=1 + 50 * turn + user, distinct_id=f"user-{user}", properties={"turn": turn})
        for turn in range(40)
        for user in range(50)
    ]

    runner.run(events)

    turns: dict[str, list[int]] = defaultdict(list)
    for post in variance.posts:
        if post.status == 200:
            for message in post.messages:
                assert isinstance(message, dict)
                turns[message["userId"]].append(message["properties"]["turn"])
    assert {f"user-{user}": [*range(40)] for user in range(50)} == turns
    assert [] == runner.dead_letters.rejections
    assert (2_000, 0) == (runner.host.counts["events.delivered"], runner.host.left)


def test_a_plugin_without_quick_retries_hands_everything_to_its_host(variance: LocalVariance) -> None:
    """`retrySeconds` = 0: one request a call, with what the destination asked for."""
    variance.answer_with([Answer(status=503, headers={"Retry-After": "45"})])
    meta = InMemoryMeta(config_for(variance.url, retrySeconds="0"))

    with running(VariancePlugin(), meta) as plugin, pytest.raises(RetryError) as caught:
        plugin.export_events([make_event()], meta)

    assert 45 == caught.value.retry_after_seconds
    assert [] == meta.clock.waits
