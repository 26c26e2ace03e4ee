"""So many messages a second: as arithmetic, and in the deliverer on a clock."""

import threading
from collections.abc import Callable, Iterable
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.delivery import Answer, Deliverer, DeliverySettings, Request
from variance_plugin.delivery.rate_limit import RateLimit
from variance_plugin.testing import FakeClock, ScriptedTransport

ANY_TIME = float("inf")
# What a test waits for at the most.
SECONDS = 10


@given(
    per_second=st.floats(0.01, 100_000),
    asked=st.lists(st.tuples(st.floats(0, 100), st.integers(1, 10_000)), max_size=40),
    longest_wait_seconds=st.sampled_from([0.0, 1.0, 30.0, ANY_TIME]),
)
def test_no_span_of_time_holds_more_than_the_rate_and_one_request(
    per_second: float, asked: list[tuple[float, int]], longest_wait_seconds: float
) -> None:
    """Whenever requests of whatever size are asked for: never more than rate · t + the largest one."""
    limit = RateLimit(per_second)
    sent: list[tuple[float, int]] = []
    for now, wanted in zip(accumulate(gap for gap, _ in asked), (size for _, size in asked), strict=True):
        messages = limit.largest_request(wanted)
        seconds = limit.reserve(messages, now, longest_wait_seconds)
        if seconds <= longest_wait_seconds:
            sent.append((now + seconds, messages))

    burst = max(1, per_second)
    for first, (begun, _) in enumerate(sent):
        for last in range(first, len(sent)):
            span_seconds = sent[last][0] - begun
            messages = sum(count for _, count in sent[first : last + 1])
            assert messages <= (per_second * span_seconds + burst) * (1 + 1e-9)


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    """Small requests do not overtake a large one."""
    limit = RateLimit(10)

    assert [0, 1, 2, 2.1] == pytest.approx([limit.reserve(n, 0, ANY_TIME) for n in (10, 10, 1, 10)])


def test_time_without_requests_is_not_saved_up() -> None:
    """After a quiet hour the pace is the same."""
    limit = RateLimit(10)
    limit.reserve(10, 0, ANY_TIME)

    assert [0, 1] == pytest.approx([limit.reserve(10, 3_600, ANY_TIME) for _ in range(2)])


def test_a_turn_that_is_too_far_off_is_not_taken() -> None:
    """Who does not want to wait for it costs the others nothing."""
    limit = RateLimit(10)
    limit.reserve(10, 0, ANY_TIME)

    assert 1 == limit.reserve(10, 0, 0.5)
    assert 1 == limit.reserve(10, 0, 1)


def test_no_rate_is_no_limit() -> None:
    """The default."""
    limit = RateLimit(0)

    assert 500 == limit.largest_request(500)
    assert [0] * 9 == [limit.reserve(500, 0, 0) for _ in range(9)]


# --- in the deliverer ---------------------------------------------------------------------------


class Paced:
    """A deliverer under a limit, and when each request came."""

    def __init__(
        self,
        per_second: float,
        answers: Iterable[Answer] | Callable[[Request], Answer] = (),
        *,
        retry_seconds: float = 10,
        clock: FakeClock | None = None,
    ) -> None:
        self.clock = clock or FakeClock()
        self.came: list[tuple[float, int]] = []
        script = iter(()) if callable(answers) else iter(answers)

        def answer(request: Request) -> Answer:
            self.came.append((round(self.clock.monotonic(), 6), request.count))
            return answers(request) if callable(answers) else next(script, Answer(status=200))

        self.deliverer = Deliverer(
            DeliverySettings(
                webhook_url="https://variance.example/hook",
                rate_limit_per_second=per_second,
                retry_seconds=retry_seconds,
            ),
            transport=ScriptedTransport(answer),
            clock=self.clock,
            on_attempt=lambda _: None,
        )


def test_messages_go_out_at_the_pace_that_is_set() -> None:
    """A second's worth in each request, and a second between them."""
    paced = Paced(100)

    report = paced.deliverer.deliver([b"{}"] * 450)

    assert 450 == len(report.delivered)
    assert [(0, 100), (1, 100), (2, 100), (3, 100), (4, 50)] == paced.came


def test_a_pace_of_less_than_one_a_second_is_kept_as_well() -> None:
    """One message every four seconds."""
    paced = Paced(0.25)

    paced.deliverer.deliver([b"{}"] * 3)

    assert [(0, 1), (4, 1), (8, 1)] == paced.came


def test_lanes_share_one_pace() -> None:
    """What one of them sent holds the next one up."""
    paced = Paced(10)

    for _lane in range(3):
        paced.deliverer.deliver([b"{}"] * 10)

    assert [(0, 10), (1, 10), (2, 10)] == paced.came


def test_an_attempt_counts_whatever_came_of_it() -> None:
    """A request that is tried again takes a turn each time, and no time from the quick retries."""
    paced = Paced(0.2, [Answer(status=503)] * 3, retry_seconds=10)

    report = paced.deliverer.deliver([b"{}"])

    assert {0} == report.delivered
    assert all(later[0] - earlier[0] >= 5 for earlier, later in zip(paced.came, paced.came[1:], strict=False))
    assert 4 == len(paced.came)


def test_a_turn_that_is_far_off_is_a_pause() -> None:
    """The call ends, with what is left and the time to come back; it does not hold up who tears it down."""
    paced = Paced(0.01)
    paced.deliverer.deliver([b"{}"])

    report = paced.deliverer.deliver([b"{}"] * 2)

    assert report.pause is not None
    assert ("waiting for a turn under rateLimitPerSecond", 100, False) == (
        report.pause.reason,
        report.pause.retry_after_seconds,
        report.pause.at_fault,
    )
    assert [] == paced.clock.waits

    paced.clock.advance(100)

    assert {0} == paced.deliverer.deliver([b"{}"] * 2).delivered


def test_a_wait_for_a_turn_is_over_when_the_program_stops() -> None:
    """What is left goes back to the host at once."""
    paced = Paced(1)
    paced.deliverer.deliver([b"{}"])
    paced.clock.stop()

    report = paced.deliverer.deliver([b"{}"])

    assert report.pause is not None
    assert "stopped while waiting for the destination" == report.pause.reason
    assert 1 == len(paced.came)


def test_a_turn_is_lost_when_the_destination_asks_for_time_meanwhile() -> None:
    """`Retry-After` holds for a lane that waits for its turn, too."""
    is_under_way, is_waited_for = threading.Event(), threading.Event()

    def answer(_request: Request) -> Answer:
        is_under_way.set()
        is_waited_for.wait(SECONDS)
        return Answer(status=503, retry_after="60")

    def on_wait(_seconds: float) -> None:
        is_waited_for.set()
        first.join(SECONDS)

    paced = Paced(1, answer, clock=FakeClock(on_wait=on_wait))
    first = threading.Thread(target=paced.deliverer.deliver, args=[[b"{}"]])
    first.start()
    is_under_way.wait(SECONDS)

    report = paced.deliverer.deliver([b"{}"])

    assert report.pause is not None
    assert ("waiting as the destination asked", 59) == (report.pause.reason, report.pause.retry_after_seconds)
    assert 1 == len(paced.came)
