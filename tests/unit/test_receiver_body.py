"""Request bodies are read to their end and no further, under a limit."""

import io
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.receiver.body import Body
from variance_plugin.receiver.post import Headers
from variance_plugin.receiver.refusal import Refusal, Refused

CHUNKED = {"Transfer-Encoding": "chunked"}
NEXT = b"POST /next HTTP/1.1\r\n"


def body(sent: bytes, headers: Mapping[str, str]) -> tuple[Body, io.BytesIO]:
    """A body that is yet to be read, and the stream it is read from."""
    stream = io.BytesIO(sent)
    return Body(stream, Headers(headers.items())), stream


@given(chunks=st.lists(st.binary(min_size=1)), trailers=st.booleans())
def test_chunks_come_out_joined_and_the_next_request_stays(*, chunks: list[bytes], trailers: bool) -> None:
    """Chunk extensions and trailers are read over."""
    sent = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    end = b"0\r\nTrailer: x\r\n\r\n" if trailers else b"0\r\n\r\n"
    chunked, stream = body(sent + end + NEXT, CHUNKED)

    assert b"".join(chunks) == chunked.read(sum(map(len, chunks)))
    assert chunked.skip(0)
    assert stream.read() == NEXT


def test_a_declared_length_is_read_and_the_next_request_stays() -> None:
    """Not a byte more is taken from the stream."""
    sized, stream = body(b"[1,2]" + NEXT, {"content-length": "5"})

    assert sized.read(5) == b"[1,2]"
    assert stream.read() == NEXT


def test_without_any_length_there_is_no_body() -> None:
    """As RFC 9112 has it for requests."""
    assert body(NEXT, {})[0].read(10) == b""


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Content-Length": "-1"}, id="negative"),
        pytest.param({"Content-Length": "+1"}, id="signed"),
        pytest.param({"Content-Length": "1_0"}, id="underscore"),
        pytest.param({"Content-Length": "²"}, id="superscript"),
        pytest.param({"Content-Length": "9" * 5_000}, id="endless"),
        pytest.param({"Content-Length": ""}, id="empty"),
        pytest.param({"Content-Length": "1, 2"}, id="two lengths"),
        pytest.param({"Content-Length": "1", **CHUNKED}, id="length and chunks"),
        pytest.param({"Transfer-Encoding": "gzip, chunked"}, id="other coding"),
    ],
)
def test_headers_that_do_not_tell_the_length_are_refused(headers: dict[str, str]) -> None:
    """Guessing would let one request hide in another."""
    with pytest.raises(Refused) as caught:
        body(b"", headers)

    assert caught.value.refusal is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("sent", "headers"),
    [
        pytest.param(b"[1", {"Content-Length": "3"}, id="shorter than declared"),
        pytest.param(b"", CHUNKED, id="no chunk"),
        pytest.param(b"3\r\n[1", CHUNKED, id="chunk cut short"),
        pytest.param(b"3\r\n[1]", CHUNKED, id="no last chunk"),
        pytest.param(b"2\r\n[1]\r\n0\r\n\r\n", CHUNKED, id="chunk too long"),
        pytest.param(b"\r\n0\r\n\r\n", CHUNKED, id="no size"),
        pytest.param(b"0x1\r\n[\r\n0\r\n\r\n", CHUNKED, id="no hex digit"),
        pytest.param(b"-1\r\n[\r\n0\r\n\r\n", CHUNKED, id="negative size"),
        pytest.param(b"f" * 20 + b"\r\n", CHUNKED, id="endless size"),
        pytest.param(b"0\r\n" + b"a: b\r\n" * 200, CHUNKED, id="endless trailers"),
        pytest.param(b"0\r\n" + b"a" * 100_000, CHUNKED, id="endless line"),
    ],
)
def test_a_broken_body_is_refused_and_nothing_can_follow_it(sent: bytes, headers: dict[str, str]) -> None:
    """Where it would have ended is unknown, so the connection cannot be used again."""
    broken, _ = body(sent, headers)

    with pytest.raises(Refused) as caught:
        broken.read(1_000_000)

    assert caught.value.refusal is Refusal.MALFORMED
    assert not broken.skip(1_000_000)


@pytest.mark.parametrize(
    ("sent", "headers"),
    [
        pytest.param(b"12345678", {"Content-Length": "8"}, id="declared"),
        pytest.param(b"4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n", CHUNKED, id="chunked"),
    ],
)
def test_a_body_over_the_limit_is_refused(sent: bytes, headers: dict[str, str]) -> None:
    """The limit is what may come, and not a byte more."""
    assert body(sent, headers)[0].read(8) == b"12345678"

    with pytest.raises(Refused) as caught:
        body(sent, headers)[0].read(7)

    assert caught.value.refusal is Refusal.TOO_LARGE


def test_a_declared_length_over_the_limit_is_refused_unread() -> None:
    """Ten gigabytes need not arrive to be too many."""
    huge, stream = body(b"12", {"Content-Length": "10000000000"})

    with pytest.raises(Refused):
        huge.read(1_000)

    assert not huge.skip(1_000)
    assert stream.tell() == 0


@pytest.mark.parametrize(
    ("sent", "headers"),
    [
        pytest.param(b"12345678", {"Content-Length": "8"}, id="declared"),
        pytest.param(b"4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n", CHUNKED, id="chunked"),
    ],
)
def test_an_unread_body_is_skipped_within_a_limit(sent: bytes, headers: dict[str, str]) -> None:
    """So that the next request on the connection can be read."""
    skipped, stream = body(sent + NEXT, headers)

    assert skipped.skip(8)
    assert stream.read() == NEXT
    assert not body(sent, headers)[0].skip(7)
