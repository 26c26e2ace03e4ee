"""A bucket that refuses, and one that does not answer for a while, on a real socket."""

import logging
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import requests

from variance_plugin.clock import Clock
from variance_plugin.errors import Stopped, UsageError
from variance_plugin.sources import Record, Source
from variance_plugin.sources.bucket import Access, Bucket, open_store
from variance_plugin.testing import FakeClock, InMemoryPositions

if TYPE_CHECKING:
    from tests.conftest import S3Bucket

LINES = [b'{"event":"order paid","total":%d}' % number for number in range(100)]
CUT = "cut"
"""In the place of a status: the connection ends without an answer."""


def error(code: str) -> bytes:
    """As S3 says it; it knows more than a log should hold."""
    return f"<Error><Code>{code}</Code><AWSAccessKeyId>demo-key-id</AWSAccessKeyId></Error>".encode()


class Gateway:
    """Stands between the source and a store; while it has a script, it gives the answers of that.

    Attributes:
        answers: The next ones: a status and a body, or `CUT`.
        endpoint: Its address.
    """

    def __init__(self, store: str) -> None:
        self.answers: deque[tuple[int, bytes] | str] = deque()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if gateway.answers:
                    answer = gateway.answers.popleft()
                    if isinstance(answer, str):
                        self.close_connection = True
                        return
                    self._give(*answer)
                    return
                asked = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                found = requests.get(store + self.path, headers=asked, timeout=10)
                self._give(found.status_code, found.content, found.headers)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

            def _give(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
                self.send_response(status)
                for name in ("Content-Range", "ETag", "Last-Modified"):
                    if headers and name in headers:
                        self.send_header(name, headers[name])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """No more answers."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def gateway(s3: "S3Bucket") -> Iterator[Gateway]:
    """In front of a bucket that holds `LINES` in two objects."""
    s3.put("a.jsonl", b"".join(line + b"\n" for line in LINES[:50]))
    s3.put("b.jsonl", b"".join(line + b"\n" for line in LINES[50:]))
    running = Gateway(s3.endpoint)
    yield running
    running.close()


def patient() -> FakeClock:
    """A clock for a bucket that answers in the end; if it does not, the test ends all the same."""
    clock = FakeClock(on_wait=lambda _: clock.stop() if len(clock.waits) > 20 else None)
    return clock


def opened(s3: "S3Bucket", gateway: Gateway, clock: Clock) -> Source:
    """A source by way of the gateway."""
    store = open_store(s3.url, Access(endpoint=gateway.endpoint))
    return Bucket(store, positions=InMemoryPositions(), clock=clock).open()


def bodies(source: Source) -> list[bytes]:
    """Of all that it gives; nothing is broken."""
    records = list(source.records())
    source.close()
    assert [] == [str(record) for record in records if not isinstance(record, Record)]
    return [record.body for record in records if isinstance(record, Record)]


_CREDENTIALS = "the credentials do not open it: HTTP {}; it takes the right to list and to read"
REFUSALS = {
    "wrong secret": (403, error("SignatureDoesNotMatch"), _CREDENTIALS.format("403 (SignatureDoesNotMatch)")),
    "no right": (403, error("AccessDenied"), _CREDENTIALS.format("403 (AccessDenied)")),
    "expired": (401, b"", _CREDENTIALS.format("401")),
    "no bucket": (
        404,
        error("NoSuchBucket"),
        "there is no such bucket; look at source.url, and source.endpoint",
    ),
    "another region": (
        400,
        error("AuthorizationHeaderMalformed"),
        "the bucket is in another region; set source.region",
    ),
    "moved": (301, b"", "the bucket is in another region; set source.region"),
    "no store": (404, b"<html>", "HTTP 404, which no store of s3:// says; look at source.endpoint"),
    "a page": (
        200,
        b"Sign in",
        "what answers there does not speak the protocol of s3://; look at source.endpoint",
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_bucket_that_refuses_at_the_start_is_a_mistake_that_is_told_in_words(
    s3: "S3Bucket", gateway: Gateway, refusal: str
) -> None:
    """What to set, and nothing that the store said besides."""
    status, body, words = REFUSALS[refusal]
    gateway.answers.append((status, body))

    with pytest.raises(UsageError) as raised:
        opened(s3, gateway, patient())

    assert f"{s3.url}/: {words}" == str(raised.value)


FAULTS: dict[str, list[tuple[int, bytes] | str]] = {
    "slow down": [(503, error("SlowDown")), (503, error("SlowDown"))],
    "too many": [(429, b"")],
    "a fault of its own": [(500, b""), (502, b"<html>"), (504, b"")],
    "cut connections": [CUT, CUT, CUT],
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("ahead", [0, 1, 2], ids=["at the start", "at an object", "at the next one"])
def test_a_bucket_that_does_not_answer_is_waited_for_and_nothing_is_lost_or_repeated(
    s3: "S3Bucket", gateway: Gateway, caplog: pytest.LogCaptureFixture, fault: str, ahead: int
) -> None:
    """With growing waits, said each time, and once it answers again; no secret is said."""
    caplog.set_level(logging.INFO)
    clock = patient()
    if ahead == 0:
        gateway.answers.extend(FAULTS[fault])
    source = opened(s3, gateway, clock)
    if ahead:
        records = source.records()
        came = [next(records).position.number for _ in range(50 * (ahead - 1))]
        gateway.answers.extend(FAULTS[fault])
        assert list(range(1, 50 * (ahead - 1) + 1)) == came

    assert LINES[50 * max(0, ahead - 1) :] == bodies(source)
    waited = [line for line in caplog.messages if "cannot be reached" in line]
    assert len(FAULTS[fault]) == len(waited)
    assert len(clock.waits) == len(FAULTS[fault]) - (ahead == 0)
    assert (f"{s3.url}/ answers again" in caplog.messages) == bool(clock.waits) or ahead == 0
    assert "demo-" not in caplog.text


def test_nobody_listening_is_waited_for(s3: "S3Bucket", gateway: Gateway) -> None:
    """And a stop ends the waiting at once."""
    gateway.close()
    clock = FakeClock(on_wait=lambda _: clock.stop() if len(clock.waits) == 5 else None)
    source = opened(s3, gateway, clock)

    assert source.total_bytes is None
    with pytest.raises(Stopped):
        next(source.records())

    assert max(clock.waits) <= 32


def test_a_refusal_later_on_is_waited_out_as_an_error(
    s3: "S3Bucket", gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    """Credentials are renewed while it runs; nothing goes to the dead letters for that."""
    source = opened(s3, gateway, patient())
    gateway.answers.append((403, error("ExpiredToken")))

    assert LINES == bodies(source)
    assert [
        f"{s3.url}/: {_CREDENTIALS.format('403 (ExpiredToken)')}; nothing is read until that is mended"
    ] == [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]


def test_an_object_in_an_archive_is_one_dead_letter_and_the_others_are_read(
    s3: "S3Bucket", gateway: Gateway
) -> None:
    """To wait for it would hold all the others, for as long as nobody restores it."""
    source = opened(s3, gateway, patient())
    gateway.answers.append((403, error("InvalidObjectState")))

    broken, *records = source.records()

    reason = "it is in an archive, and has to be restored first: HTTP 403 (InvalidObjectState)"
    assert f"{s3.url}/a.jsonl:1: {reason}" == str(broken)
    assert LINES[50:] == [record.body for record in records if isinstance(record, Record)]


LARGE = [b'{"event":"order paid","note":"%06d%s"}' % (number, b"x" * 1_000) for number in range(20_000)]
"""More than two requests' worth."""


def test_a_fault_in_the_middle_of_an_object_loses_and_repeats_none_of_it(
    s3: "S3Bucket", gateway: Gateway
) -> None:
    """It is gone on with at the byte where it was."""
    s3.put("c.jsonl", b"\n".join(LARGE))
    clock = patient()
    source = opened(s3, gateway, clock)
    records = source.records()
    ahead = [next(records) for _ in range(101)]
    gateway.answers.extend([(503, b""), CUT])

    assert [*LINES, *LARGE] == [record.body for record in (*ahead, *records) if isinstance(record, Record)]
    assert 2 == len(clock.waits)


def test_an_object_that_is_written_anew_in_the_middle_of_its_reading_is_read_again(
    s3: "S3Bucket", gateway: Gateway
) -> None:
    """What was read of the old one is a part of it, and no line is made of both."""
    s3.put("c.jsonl", b"\n".join(LARGE))
    positions = InMemoryPositions()
    store = open_store(s3.url, Access(endpoint=gateway.endpoint))
    bucket = Bucket(store, positions=positions, clock=patient())
    source = bucket.open()
    records = source.records()
    came = [next(records) for _ in range(101)]
    s3.put("c.jsonl", b"\n".join(LARGE[::-1]))
    came += records
    source.acknowledge(came[-1].position)

    *whole, broken = came
    assert [*LINES, *LARGE][: len(whole)] == [record.body for record in whole if isinstance(record, Record)]
    assert "it was written anew since it was listed" in str(broken)
    assert LARGE[::-1] == bodies(bucket.open())
