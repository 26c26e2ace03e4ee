"""Every answer and every fault of the script, as a client sees it."""

import json
import socket
import threading
import time
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from variance_plugin.receiver import Answer, LocalVariance, Post, WireFault

SECONDS = 10.0  # nothing here takes that long; what does has failed
BODY = b'[{"type":"page","userId":"u-1","messageId":"m-1"}]'
REQUEST = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


def dial(variance: LocalVariance) -> socket.socket:
    """A bare connection to it, over which one request was sent."""
    address = urlsplit(variance.url)
    connection = socket.create_connection((address.hostname, address.port), SECONDS)
    connection.sendall(REQUEST)
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side ends its half."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def post(variance: LocalVariance, *messages: dict[str, Any]) -> int:
    """Post a batch with requests; the status of the answer."""
    with requests.post(variance.url, json={"batch": messages}, timeout=SECONDS) as answer:
        return answer.status_code


def test_answers_come_in_the_order_of_the_list() -> None:
    """With their status, headers and body; when they are used up, 200."""
    answers = [
        Answer(status=503, headers={"Retry-After": "7"}, body=b"later"),
        Answer(status=302, headers={"Location": "http://other.example/"}),
        Answer(status=204),
    ]
    with LocalVariance(answers=answers) as variance, requests.Session() as session:
        seen = []
        for _ in range(4):
            answer = session.post(variance.url, data=BODY, timeout=SECONDS, allow_redirects=False)
            wanted = answer.headers.get("Retry-After") or answer.headers.get("Location")
            seen.append((answer.status_code, wanted, answer.text))

        assert seen == [
            (503, "7", "later"),
            (302, "http://other.example/", ""),
            (204, None, ""),
            (200, None, '{"success":true}'),
        ]
        assert {1} == {post.connection_id for post in variance.posts}


def test_a_refused_post_is_kept_but_not_applied() -> None:
    """When it comes again it is no duplicate."""
    with LocalVariance(answers=[Answer(status=503)]) as variance:
        assert [503, 200, 200] == [post(variance, {"type": "page", "messageId": "m-1"}) for _ in range(3)]

        assert [503, 200, 200] == [kept.status for kept in variance.posts]
        summary = variance.summary()
        assert (summary.messages, summary.duplicates) == ({"page": 1}, 1)
        assert summary.rejected == {"answered 503": 1}


def test_a_function_can_look_at_the_messages() -> None:
    """One line for "413 unless at most three", one for "400 if X is among them"."""
    pages = [{"type": "page", "messageId": f"m-{n}"} for n in range(5)]

    def three_at_most(post: Post) -> Answer:
        return Answer(status=200 if len(post.messages) <= 3 else 413)

    def without_m3(post: Post) -> Answer:
        return Answer(status=400 if pages[3] in post.messages else 200)

    with LocalVariance(answers=three_at_most) as variance:
        assert [413, 200] == [post(variance, *pages), post(variance, *pages[:3])]
        variance.answer_with(without_m3)
        assert [400, 200] == [post(variance, *pages[3:]), post(variance, pages[4])]
        variance.answer_with(None)
        assert post(variance, pages[3]) == 200

        assert variance.summary().messages == {"page": 5}


def test_an_answer_can_take_some_messages_only() -> None:
    """For an endpoint that decides message by message."""
    answer = Answer(body=b'[{"status":200},{"status":400}]', applied={0})
    with LocalVariance(answers=[answer]) as variance:
        assert post(variance, {"type": "page"}, {"type": "screen"}) == 200

        assert variance.summary().messages == {"page": 1}
        assert variance.summary().rejected == {}


def test_a_reset_is_a_reset() -> None:
    """Not an end of the stream: the client's system reports it as an error."""
    with LocalVariance(answers=[Answer(fault=WireFault.RESET)]) as variance:
        with closing(dial(variance)) as connection, pytest.raises(ConnectionResetError):
            connection.recv(1)

        assert [None] == [kept.status for kept in variance.posts]
        assert variance.summary().rejected == {"fault: reset": 1}


@pytest.mark.parametrize("fault", [WireFault.CLOSE, WireFault.HALF_CLOSE])
def test_a_connection_can_end_without_an_answer(fault: WireFault) -> None:
    """An orderly end, and not one byte before it."""
    with LocalVariance(answers=[Answer(fault=fault)]) as variance, closing(dial(variance)) as connection:
        assert read_all(connection) == b""


def test_after_a_half_close_the_receiver_goes_on_reading() -> None:
    """What the client still sends is taken, and comes to nothing."""
    with (
        LocalVariance(answers=[Answer(fault=WireFault.HALF_CLOSE)]) as variance,
        closing(dial(variance)) as connection,
    ):
        assert read_all(connection) == b""
        for _ in range(100):
            connection.sendall(REQUEST)

        assert len(variance.posts) == 1


def test_garbage_is_no_http() -> None:
    """Bytes come, but no client can make an answer of them."""
    with LocalVariance(answers=[Answer(fault=WireFault.GARBAGE)]) as variance:
        with closing(dial(variance)) as connection:
            garbage = read_all(connection)

        assert garbage
        assert not garbage.startswith(b"HTTP/")


def test_an_answer_can_be_cut_short() -> None:
    """Head and body are right as far as they go."""
    with LocalVariance(answers=[Answer(body=b"{}", fault=WireFault.CUT_SHORT)]) as variance:
        with closing(dial(variance)) as connection:
            head, _, body = read_all(connection).partition(b"\r\n\r\n")

        assert b"Content-Length: 1002" in head
        assert body == b"{}"
        assert [200] == [kept.status for kept in variance.posts]
        assert variance.summary().messages == {}


def test_a_dripped_answer_is_whole_in_the_end() -> None:
    """Byte by byte, then the connection takes the next request."""
    dripped = Answer(body=b"{}", fault=WireFault.DRIP, delay_seconds=0.002)
    with (
        LocalVariance(answers=[dripped, Answer(body=b"{}")]) as variance,
        closing(dial(variance)) as connection,
    ):
        pieces: list[bytes] = []
        while sum(map(len, pieces)) < len(WHOLE):
            pieces.append(connection.recv(65_536))
        connection.sendall(REQUEST)

        assert WHOLE == b"".join(pieces)
        assert len(pieces) > 1
        assert WHOLE == connection.recv(65_536)
        assert variance.summary().messages == {"page": 1}


def test_a_connection_can_end_after_a_whole_answer() -> None:
    """The race of every kept-alive connection: nothing announced the end."""
    with LocalVariance(answers=[Answer(body=b"{}", fault=WireFault.CLOSE_AFTER)]) as variance:
        with closing(dial(variance)) as connection:
            assert WHOLE == read_all(connection)

        assert variance.summary().messages == {"page": 1}


def test_a_hang_lasts_until_the_client_gives_up() -> None:
    """The post is kept while it hangs, and other connections are served."""
    with LocalVariance(answers=[Answer(fault=WireFault.HANG)]) as variance:
        with closing(dial(variance)) as connection:
            variance.wait_for_posts(1, SECONDS)
            connection.settimeout(0.05)
            with pytest.raises(TimeoutError):
                connection.recv(1)

        assert post(variance, {"type": "page"}) == 200


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(fault=WireFault.HANG), id="hang"),
        pytest.param(Answer(fault=WireFault.HALF_CLOSE), id="half-close"),
        pytest.param(Answer(delay_seconds=3_600), id="delay"),
        pytest.param(Answer(delay_seconds=3_600, fault=WireFault.DRIP), id="drip"),
    ],
)
def test_closing_ends_what_hangs(answer: Answer) -> None:
    """Its thread, too, and without an answer."""
    with LocalVariance(answers=[answer]) as variance:
        connection = dial(variance)
        variance.wait_for_posts(1, SECONDS)

    with closing(connection):
        assert read_all(connection) == b""
    assert [] == [thread.name for thread in threading.enumerate() if "variance" in thread.name]


def test_closing_ends_idle_connections() -> None:
    """A client that keeps its connection keeps no receiver."""
    with LocalVariance() as variance:
        connection = dial(variance)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")

    with closing(connection):
        assert connection.recv(1) == b""


def test_an_answer_can_wait() -> None:
    """It comes when its delay is over, not before."""
    started = time.perf_counter()
    with (
        LocalVariance(answers=[Answer(delay_seconds=0.05)]) as variance,
        closing(dial(variance)) as connection,
    ):
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")

    assert time.perf_counter() - started >= 0.05


@pytest.mark.parametrize(
    ("fault", "expected", "patience_seconds"),
    [
        pytest.param(WireFault.RESET, requests.ConnectionError, SECONDS, id="reset"),
        pytest.param(WireFault.CLOSE, requests.ConnectionError, SECONDS, id="close"),
        pytest.param(WireFault.HALF_CLOSE, requests.ConnectionError, SECONDS, id="half-close"),
        pytest.param(WireFault.GARBAGE, requests.ConnectionError, SECONDS, id="garbage"),
        pytest.param(WireFault.CUT_SHORT, requests.exceptions.ChunkedEncodingError, SECONDS, id="cut short"),
        pytest.param(WireFault.HANG, requests.ReadTimeout, 0.2, id="hang"),
    ],
)
def test_a_fault_is_an_error_to_requests_and_the_next_try_is_taken(
    fault: WireFault, expected: type[Exception], patience_seconds: float
) -> None:
    """And when the answer alone was lost, the next try is a duplicate."""
    answers = [Answer(body=b"{}", fault=fault), Answer(body=b"{}", fault=fault, applied=True)]
    with LocalVariance(answers=answers) as variance, requests.Session() as session:
        for _ in answers:
            with pytest.raises(expected):
                session.post(variance.url, data=BODY, timeout=patience_seconds)

        assert json.loads(session.post(variance.url, data=BODY, timeout=SECONDS).content) == {"success": True}
        summary = variance.summary()
        assert (summary.messages, summary.duplicates) == ({"page": 1}, 1)
