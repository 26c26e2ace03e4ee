"""What every `Transport` has to do: the one on the wire and the one for tests."""

import threading
from collections.abc import Iterator
from typing import Protocol

import pytest

from variance_plugin import receiver
from variance_plugin.delivery import Answer, DeliverySettings, Request, RequestsTransport, Transport
from variance_plugin.receiver import LocalVariance
from variance_plugin.testing import ScriptedTransport


class Line(Protocol):
    """A transport, and the other end of it."""

    transport: Transport

    def answer_with(self, answers: list[Answer]) -> None:
        """What the next requests are answered; then 200."""

    def arrived(self) -> list[bytes]:
        """The body of each request so far."""


class OnTheWire:
    """Real requests to a real receiver."""

    def __init__(self) -> None:
        self._variance = LocalVariance()
        self._variance.start()
        self.transport = RequestsTransport(
            DeliverySettings(webhook_url=self._variance.url, allowed_hosts=("127.0.0.1",))
        )

    def answer_with(self, answers: list[Answer]) -> None:
        """See `Line`."""
        self._variance.answer_with(
            [
                receiver.Answer(
                    status=answer.status or 0,
                    body=answer.body,
                    headers={"Retry-After": answer.retry_after} if answer.retry_after else {},
                )
                for answer in answers
            ]
        )

    def arrived(self) -> list[bytes]:
        """See `Line`."""
        return [post.body for post in self._variance.posts]

    def close(self) -> None:
        """End the receiver."""
        self._variance.close()


class Scripted:
    """No wire at all."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []
        self.scripted = ScriptedTransport(self._answer)
        self.transport: Transport = self.scripted

    def _answer(self, _request: Request) -> Answer:
        return self._answers.pop(0) if self._answers else Answer(status=200)

    def answer_with(self, answers: list[Answer]) -> None:
        """See `Line`."""
        self._answers = list(answers)

    def arrived(self) -> list[bytes]:
        """See `Line`."""
        return [request.body for request in self.scripted.requests]

    def close(self) -> None:
        """Nothing to end."""


@pytest.fixture(params=[OnTheWire, Scripted], ids=["requests", "scripted"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    """Each implementation in turn."""
    made = request.param()
    yield made
    made.transport.close()
    made.close()


def a_request(number: int = 0) -> Request:
    """A request with one message."""
    body = b'{"batch":[{"type":"track","messageId":"%d"}]}' % number
    return Request(body, {"Content-Type": "application/json"}, 1)


def test_a_request_arrives_as_it_was_built(line: Line) -> None:
    """Byte for byte, in order."""
    for number in range(3):
        line.transport.post(a_request(number))

    assert [a_request(number).body for number in range(3)] == line.arrived()


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 413, 429, 500, 503, 599])
def test_an_answer_comes_back_with_its_status_body_and_wish(line: Line, status: int) -> None:
    """Whatever it means: that is decided elsewhere."""
    body = b"" if status == 204 else b'{"error":"why"}'
    answer = Answer(status=status, body=body, retry_after="17")
    line.answer_with([answer])

    assert answer == line.transport.post(a_request())


def test_answers_come_to_the_requests_they_are_for(line: Line) -> None:
    """One after the other, over kept connections or none."""
    line.answer_with([Answer(status=503), Answer(status=200, body=b"ok"), Answer(status=400)])

    assert [503, 200, 400, 200] == [line.transport.post(a_request()).status for _ in range(4)]


def test_threads_may_post_at_the_same_time(line: Line) -> None:
    """Eight lanes lose no request, double none and mix up no answer."""
    answers: dict[int, int | None] = {}

    def post(lane: int) -> None:
        for number in range(20):
            answers[100 * lane + number] = line.transport.post(a_request(100 * lane + number)).status

    threads = [threading.Thread(target=post, args=[lane]) for lane in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    expected = [100 * lane + number for lane in range(8) for number in range(20)]
    assert sorted(a_request(number).body for number in expected) == sorted(line.arrived())
    assert dict.fromkeys(expected, 200) == answers


def test_closing_twice_does_nothing_more(line: Line) -> None:
    """A host may tear a plugin down after it failed half-way."""
    line.transport.post(a_request())

    line.transport.close()
    line.transport.close()


def test_a_post_under_way_survives_the_closing(line: Line) -> None:
    """Also one that begins after it: an answer or a failure, never an exception."""
    line.transport.close()

    assert 200 == line.transport.post(a_request()).status
