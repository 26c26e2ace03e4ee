"""The local Variance over real connections: what it takes, what it turns away, what it keeps."""

import gzip
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from variance_plugin.receiver import Answer, Limits, LocalVariance, Summary
from variance_plugin.receiver.access import signature

SECONDS = 10.0  # nothing here takes that long; what does has failed

SIGNED_UP = {"type": "track", "event": "signed up", "userId": "u-1", "messageId": "m-1"}
LOGGED_IN = {"type": "track", "event": "logged in", "userId": "u-1", "messageId": "m-2"}
BOTH = json.dumps({"batch": [SIGNED_UP, LOGGED_IN], "sentAt": "2026-01-01T00:00:00Z"}).encode()


@pytest.fixture
def variance() -> Iterator[LocalVariance]:
    """A local Variance that asks for nothing and takes everything."""
    with LocalVariance() as running:
        yield running


def connect(variance: LocalVariance) -> http.client.HTTPConnection:
    """A connection to it."""
    return http.client.HTTPConnection(variance.origin.removeprefix("http://"), timeout=SECONDS)


def ask(
    variance: LocalVariance,
    body: bytes | Iterator[bytes] = b"",
    *,
    method: str = "POST",
    path: str = "/webhook",
    **headers: str,
) -> tuple[int, bytes]:
    """One request on a connection of its own; the status and the body of its answer."""
    with closing(connect(variance)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        return answer.status, answer.read()


def raw(variance: LocalVariance, sent: bytes) -> bytes:
    """What comes back for these bytes until the receiver closes the connection."""
    host, port = variance.origin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), SECONDS) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(BOTH, "application/json", id="batch"),
        pytest.param(json.dumps([SIGNED_UP, LOGGED_IN]).encode(), "application/json", id="array"),
        pytest.param(
            json.dumps(SIGNED_UP).encode() + b"\n" + json.dumps(LOGGED_IN).encode(),
            "application/x-ndjson",
            id="ndjson",
        ),
    ],
)
def test_every_format_is_taken(variance: LocalVariance, body: bytes, content_type: str) -> None:
    """Answered 200, kept with its messages, and summed up."""
    assert (200, b'{"success":true}') == ask(variance, body, Content_Type=content_type)

    [post] = variance.posts
    assert body == post.body
    assert [SIGNED_UP, LOGGED_IN] == post.messages
    assert variance.summary().events == {"signed up": 1, "logged in": 1}


def test_a_single_message_is_taken(variance: LocalVariance) -> None:
    """One request, one message, as the 1.0.0 connector posts."""
    assert ask(variance, json.dumps(SIGNED_UP).encode())[0] == 200

    assert [SIGNED_UP] == variance.posts[0].messages


def test_a_gzip_body_is_unpacked(variance: LocalVariance) -> None:
    """What is kept as the body are the bytes that were sent."""
    packed = gzip.compress(BOTH)

    assert ask(variance, packed, Content_Encoding="gzip")[0] == 200

    assert packed == variance.posts[0].body
    assert [SIGNED_UP, LOGGED_IN] == variance.posts[0].messages


def test_a_chunked_body_is_joined(variance: LocalVariance) -> None:
    """A client that does not know the length beforehand sends one."""
    assert ask(variance, iter([BOTH[:10], BOTH[10:]]))[0] == 200

    [post] = variance.posts
    assert (BOTH, "chunked") == (post.body, post.headers["Transfer-Encoding"])


def test_a_post_is_kept_as_it_came(variance: LocalVariance) -> None:
    """Method, path and headers, whose names count in any case; and the status it was answered."""
    ask(variance, BOTH, path="/some/where?key=1", X_Trace="abc")

    [post] = variance.posts
    assert (post.method, post.path, post.status) == ("POST", "/some/where?key=1", 200)
    assert post.headers["x-TRACE"] == "abc"


def test_a_kept_alive_connection_shows_as_one(variance: LocalVariance) -> None:
    """Posts over one connection carry the same number, those over another one another."""
    with closing(connect(variance)) as connection:
        for _ in range(3):
            connection.request("POST", "/", BOTH)
            connection.getresponse().read()
    ask(variance, BOTH)

    first, second, third, other = [post.connection_id for post in variance.posts]
    assert first == second == third != other


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer other"}], ids=["missing", "wrong"])
def test_without_the_authorization_nothing_is_kept(given: dict[str, str]) -> None:
    """401, one more rejected post, and no trace of what it said."""
    with LocalVariance(authorization="Bearer demo") as variance:
        assert ask(variance, BOTH, **given)[0] == 401

        assert variance.posts == ()
        assert Summary(posts=1, rejected={"wrong or missing Authorization": 1}) == variance.summary()
        assert ask(variance, BOTH, Authorization="Bearer demo")[0] == 200


def test_a_signature_is_that_of_the_bytes_as_sent() -> None:
    """Before gzip is undone; that of the unpacked text does not count."""
    packed = gzip.compress(BOTH)
    with LocalVariance(secret="abc123") as variance:
        for signed, status in ((packed, 200), (BOTH, 401)):
            sent = {"Content_Encoding": "gzip", "X_Signature": signature("abc123", signed)}
            assert status == ask(variance, packed, **sent)[0]

        assert len(variance.posts) == 1
        assert variance.summary().rejected == {"wrong or missing X-Signature": 1}


def test_a_rejected_post_leaves_the_connection_usable() -> None:
    """Its body is read over, so that the next request is found."""
    with LocalVariance(authorization="Bearer demo") as variance, closing(connect(variance)) as connection:
        statuses = []
        for authorization in ("Bearer other", "Bearer demo"):
            connection.request("POST", "/", BOTH, {"Authorization": authorization})
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
            assert connection.sock is not None

        assert statuses == [401, 200]


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        pytest.param(b"hello", {}, 400, id="not JSON"),
        pytest.param(b"", {}, 400, id="empty"),
        pytest.param(b'"text"', {}, 400, id="no payload"),
        pytest.param(BOTH, {"Content_Encoding": "gzip"}, 415, id="no gzip"),
        pytest.param(BOTH, {"Content_Encoding": "br"}, 415, id="other encoding"),
        pytest.param(gzip.compress(b" " * 3_000), {"Content_Encoding": "gzip"}, 413, id="bomb"),
    ],
)
def test_what_cannot_be_read_is_kept_without_messages(
    body: bytes, headers: dict[str, str], expected: int
) -> None:
    """The post shows what was sent; the script of answers is not asked."""
    with LocalVariance(answers=[Answer(status=503)], limits=Limits(unpacked_bytes=2_000)) as variance:
        status, answer = ask(variance, body, **headers)

        assert expected == status
        assert json.loads(answer)["success"] is False
        assert [(body, expected, [])] == [(post.body, post.status, post.messages) for post in variance.posts]
        assert sum(variance.summary().rejected.values()) == 1


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_a_body_over_the_limit_is_answered_413(*, chunked: bool) -> None:
    """The client can read that, although it was still sending, and nothing is kept."""
    body = b"[" + b" " * 8_000_000 + b"]"
    pieces = (body[at : at + 65_536] for at in range(0, len(body), 65_536))
    with LocalVariance(limits=Limits(body_bytes=1_000)) as variance:
        # Without a length http.client sends chunks.
        status, _ = ask(variance, pieces if chunked else body)

        assert status == 413
        assert variance.posts == ()
        assert variance.summary().rejected == {"too large": 1}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "BREW"])
def test_another_method_is_answered_405(variance: LocalVariance, method: str) -> None:
    """With the one that would do; HEAD gets no body to it."""
    answer = raw(variance, b"%b /webhook HTTP/1.1\r\nConnection: close\r\n\r\n" % method.encode())

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert b"\r\nAllow: POST\r\n" in head + b"\r\n"
    assert (method == "HEAD") == (body == b"")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00 \x01\xfc\x03\x03\r\n", id="TLS"),
        pytest.param(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", id="endless path"),
        pytest.param(b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", id="endless headers"),
        pytest.param(b"POST / HTTP/9.0\r\n\r\n", id="HTTP/9"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", id="no length"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", id="no chunks"),
    ],
)
def test_what_is_not_http_is_told_so_and_let_go(variance: LocalVariance, sent: bytes) -> None:
    """The connection ends, since nobody knows where a next request would begin."""
    host, port = variance.origin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), SECONDS) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505"))
    assert b"\r\nConnection: close\r\n" in answer
    assert variance.summary().rejected == {"malformed HTTP": 1}


def test_a_silent_connection_is_closed() -> None:
    """Also in the middle of a request; its thread does not wait for ever."""
    with LocalVariance(limits=Limits(silence_seconds=0.05)) as variance:
        assert raw(variance, b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n[") == b""


def test_the_summary_can_be_read_by_another_process(variance: LocalVariance) -> None:
    """Without authorisation; reading it changes nothing."""
    ask(variance, BOTH)

    status, text = ask(variance, method="GET", path="/summary")

    assert status == 200
    assert variance.summary() == Summary.from_json(text)
    assert variance.summary().posts == 1
    assert ask(variance, method="GET", path="/health") == (200, b'{"status":"ok"}')


def test_a_file_keeps_what_was_applied(tmp_path: Path) -> None:
    """One message a line, as it was sent: no duplicate, no invalid message, none of a refused post."""
    pretty = b'{"type": "page",\r\n "userId": "u-1", "n": 1.10}'
    keep = tmp_path / "kept.jsonl"
    with LocalVariance(keep=keep, answers=[Answer(status=503)]) as variance:
        for body in (BOTH, BOTH, BOTH, b"[1, %b]" % pretty):
            ask(variance, body)

    *tracks, page = keep.read_bytes().splitlines()
    assert [SIGNED_UP, LOGGED_IN] == [json.loads(line) for line in tracks]
    assert page == b'{"type": "page",   "userId": "u-1", "n": 1.10}'
    assert keep.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_is_answered_503() -> None:
    """What cannot be kept is not applied, so that the sender's next try is no duplicate."""
    with LocalVariance(keep="/dev/full") as variance:
        assert ask(variance, BOTH)[0] == 503

        summary = variance.summary()
        assert (summary.received, len(summary.rejected)) == (0, 1)


def test_posts_need_not_be_kept() -> None:
    """They are counted all the same, so that one can wait for them."""
    with LocalVariance(keep_posts=False) as variance:
        ask(variance, BOTH)

        variance.wait_for_posts(1, SECONDS)
        variance.wait_for_messages(2, SECONDS)
        assert variance.posts == ()


def test_waiting_ends_when_the_posts_have_come(variance: LocalVariance) -> None:
    """Not before, and not at the end of the time."""
    sender = threading.Thread(target=lambda: [ask(variance, BOTH) for _ in range(3)])
    sender.start()
    variance.wait_for_posts(3, SECONDS)
    sender.join()

    assert len(variance.posts) == 3


def test_waiting_in_vain_says_how_far_it_came(variance: LocalVariance) -> None:
    """In posts or in messages."""
    ask(variance, BOTH)

    with pytest.raises(TimeoutError, match=r"1 of 2 posts came"):
        variance.wait_for_posts(2, 0.01)
    with pytest.raises(TimeoutError, match=r"2 of 3 messages were applied"):
        variance.wait_for_messages(3, 0.01)


def test_many_connections_at_once_lose_nothing() -> None:
    """Eight threads post the same 50 batches: each message is applied once."""
    batches = [json.dumps([{"type": "page", "messageId": f"{n}-{m}"} for m in range(20)]) for n in range(50)]
    with LocalVariance() as variance:
        senders = [
            threading.Thread(target=lambda: [ask(variance, batch.encode()) for batch in batches])
            for _ in range(8)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

        summary = variance.summary()
        assert (summary.posts, summary.messages, summary.duplicates) == (400, {"page": 1_000}, 7_000)
