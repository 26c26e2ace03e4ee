"""Conservation: whatever is answered, each message is delivered, refused or left, and one of them."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.delivery import (
    Answer,
    Deliverer,
    DeliverySettings,
    Failure,
    Outcome,
    PayloadFormat,
    Report,
    Request,
    classify,
)
from variance_plugin.delivery.outcome import results_of
from variance_plugin.testing import FakeClock, ScriptedTransport, messages_in

WRONG = (Outcome.SUSPECT, Outcome.TOO_LARGE)


@dataclass
class Endpoint:
    """Follows a script; after that it refuses poison and what is too large, and takes the rest."""

    script: list[Answer | list[dict[str, object]]]
    poison: set[int]
    most_events: int
    most_bytes: int
    log: list[tuple[list[int], Answer]] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        """The answer to a request, which is noted."""
        numbers = [message["n"] for message in messages_in(request)]
        answer = self._scripted(len(numbers)) or self._honest(request, numbers)
        self.log.append((numbers, answer))
        return answer

    def _scripted(self, count: int) -> Answer | None:
        if not self.script:
            return None
        step = self.script.pop(0)
        if isinstance(step, Answer):
            return step
        entries = (step * count)[:count]
        return Answer(status=200, body=json.dumps(entries).encode())

    def _honest(self, request: Request, numbers: list[int]) -> Answer:
        if len(numbers) > self.most_events or len(request.body) > self.most_bytes:
            return Answer(status=413)
        return Answer(status=400 if self.poison & {*numbers} else 200)

    def verdicts(self, number: int) -> list[Outcome]:
        """What was said of a message so far, where an answer was about it alone or took it."""
        said = []
        for numbers, answer in self.log:
            if number not in numbers:
                continue
            outcome = classify(answer)
            if outcome is Outcome.DELIVERED and (results := results_of(answer, len(numbers))):
                said.append(results[numbers.index(number)].outcome)
            elif outcome is Outcome.DELIVERED or (outcome in WRONG and [number] == numbers):
                said.append(outcome)
        return said


retry_after = st.none() | st.sampled_from(["0", "3", "90", "soon", "Thu, 01 Jan 2026 00:01:00 GMT"])
answers = st.builds(Answer, status=st.integers(100, 599), retry_after=retry_after) | st.builds(
    Answer, failure=st.sampled_from(Failure)
)
results = st.lists(
    st.sampled_from(
        [{"status": 200}, {"status": 200}, {"status": 400}, {"status": 503}, {"error": "no"}, {}]
    ),
    min_size=1,
    max_size=5,
)
endpoints = st.builds(
    Endpoint,
    script=st.lists(answers | results, max_size=25),
    poison=st.sets(st.integers(0, 60), max_size=8),
    most_events=st.integers(1, 20) | st.just(10_000),
    most_bytes=st.integers(200, 2_000) | st.just(10**9),
)
messages = st.lists(st.integers(0, 500), max_size=60).map(
    lambda sizes: [b'{"n":%d,"x":"%b"}' % (number, b"x" * size) for number, size in enumerate(sizes)]
)
settings = st.builds(
    DeliverySettings,
    webhook_url=st.just("https://variance.example/hook"),
    payload_format=st.sampled_from(PayloadFormat),
    max_batch_events=st.integers(1, 30),
    max_batch_bytes=st.integers(100, 3_000),
    retry_seconds=st.sampled_from([0.0, 1.0, 10.0]),
    rate_limit_per_second=st.sampled_from([0.0, 0.5, 7.0]),
)


def numbers_of(batch: Sequence[bytes]) -> list[int]:
    """The number of each message."""
    return [json.loads(message)["n"] for message in batch]


@given(settings=settings, endpoint=endpoints, messages=messages)
def test_every_message_reaches_one_end_whatever_is_answered(
    settings: DeliverySettings, endpoint: Endpoint, messages: list[bytes]
) -> None:
    """Delivered + refused + left is everything, in each call; in the end only a breaker leaves any."""
    clock = FakeClock()
    deliverer = Deliverer(
        settings, transport=ScriptedTransport(endpoint), clock=clock, on_attempt=lambda _: None
    )
    script_length = len(endpoint.script)
    delivered: list[int] = []
    refused: list[int] = []
    left = messages

    for _call in range(script_length + len(messages) + 3):
        # More calls than that would mean a call without any progress after the script's end.
        report = deliverer.deliver(left)

        numbers = numbers_of(left)
        indices = {*range(len(left))}
        assert report.delivered.isdisjoint(report.refused)
        assert report.delivered | {*report.refused} <= indices
        delivered += [numbers[index] for index in sorted(report.delivered)]
        refused += [numbers[index] for index in report.refused]
        left = [message for index, message in enumerate(left) if not report.has_all([index])]
        assert bool(left) == (report.pause is not None)
        assert sorted(delivered + refused + numbers_of(left)) == [*range(len(messages))]
        if report.pause is None or "the mapping is wrong" in report.pause.reason:
            break
        clock.advance(report.pause.retry_after_seconds)
    else:
        raise AssertionError("the endpoint was ready to take them, and still some are left")

    for number in delivered:
        assert Outcome.DELIVERED is endpoint.verdicts(number)[-1]
    for number in refused:
        assert endpoint.verdicts(number)[-1] in WRONG
    assert len(endpoint.log) <= script_length + 6 * len(messages) + 3


@given(settings=settings, endpoint=endpoints, messages=messages)
def test_messages_are_delivered_in_the_order_in_which_they_came(
    settings: DeliverySettings, endpoint: Endpoint, messages: list[bytes]
) -> None:
    """Over any number of calls, as long as the destination does not take a batch in part."""
    endpoint.script = [step for step in endpoint.script if isinstance(step, Answer)]
    clock = FakeClock()
    deliverer = Deliverer(
        settings, transport=ScriptedTransport(endpoint), clock=clock, on_attempt=lambda _: None
    )
    left = messages
    for _call in range(len(endpoint.script) + 2):
        report = deliverer.deliver(left)
        left = [message for index, message in enumerate(left) if not report.has_all([index])]
        clock.advance(report.pause.retry_after_seconds if report.pause else 0)

    taken = [
        number
        for numbers, answer in endpoint.log
        if classify(answer) is Outcome.DELIVERED
        for number in numbers
    ]
    assert sorted(taken) == taken
    assert len({*taken}) == len(taken)


@given(
    endpoint=endpoints,
    lanes=st.lists(st.integers(0, 20), min_size=2, max_size=4),
    max_batch_events=st.integers(1, 10),
)
def test_lanes_at_the_same_time_lose_nothing(
    endpoint: Endpoint, lanes: list[int], max_batch_events: int
) -> None:
    """Each lane's report accounts for its own messages, while they share limits, gate and breaker."""
    lock = threading.Lock()

    def answer(request: Request) -> Answer:
        with lock:
            return endpoint(request)

    deliverer = Deliverer(
        DeliverySettings(
            webhook_url="https://variance.example/hook", max_batch_events=max_batch_events, retry_seconds=5
        ),
        transport=ScriptedTransport(answer),
        clock=FakeClock(),
        on_attempt=lambda _: None,
    )
    reports: dict[int, Report] = {}

    def run(lane: int, count: int) -> None:
        reports[lane] = deliverer.deliver([b'{"n":%d}' % (100 * lane + number) for number in range(count)])

    threads = [threading.Thread(target=run, args=[lane, count]) for lane, count in enumerate(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for lane, count in enumerate(lanes):
        report = reports[lane]
        assert report.delivered.isdisjoint(report.refused)
        assert report.delivered | {*report.refused} <= {*range(count)}
        assert (report.pause is None) == report.has_all(range(count))
        for index in report.delivered:
            assert Outcome.DELIVERED in endpoint.verdicts(100 * lane + index)
        for index in report.refused:
            assert endpoint.verdicts(100 * lane + index)[-1] in WRONG
