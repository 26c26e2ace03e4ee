"""The bytes and headers of one request."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin import __version__
from variance_plugin.delivery import Compression, DeliverySettings, PayloadFormat, Request
from variance_plugin.delivery.request import ENVELOPE_BYTES, build, signature
from variance_plugin.exact_json import encode
from variance_plugin.secret import Secret
from variance_plugin.testing import messages_in

SENT_AT = "2026-11-21T12:34:56.789Z"
MESSAGES = [b'{"type":"track","userId":"ada"}', '{"type":"page","name":"Übersicht"}'.encode()]


def built(messages: list[bytes], **settings: Any) -> Request:
    """The request with these messages."""
    return build(
        messages, DeliverySettings(webhook_url="https://variance.example/hook", **settings), sent_at=SENT_AT
    )


@pytest.mark.parametrize(
    ("payload_format", "content_type", "expected"),
    [
        (
            PayloadFormat.BATCH,
            "application/json",
            b'{"batch":[%b,%b],"sentAt":"2026-11-21T12:34:56.789Z"}' % tuple(MESSAGES),
        ),
        (PayloadFormat.ARRAY, "application/json", b"[%b,%b]" % tuple(MESSAGES)),
        (PayloadFormat.NDJSON, "application/x-ndjson", b"%b\n%b\n" % tuple(MESSAGES)),
    ],
    ids=str,
)
def test_a_body_has_the_shape_of_its_format(
    payload_format: PayloadFormat, content_type: str, expected: bytes
) -> None:
    """Byte for byte, with the type that says so."""
    request = built(MESSAGES, payload_format=payload_format)

    assert expected == request.body
    assert content_type == request.headers["Content-Type"]
    assert 2 == request.count


def test_a_single_message_is_the_whole_body() -> None:
    """As the original connector sent it; two do not fit."""
    assert MESSAGES[0] == built(MESSAGES[:1], payload_format=PayloadFormat.SINGLE).body
    with pytest.raises(ValueError, match="too many values"):
        built(MESSAGES, payload_format=PayloadFormat.SINGLE)


def test_the_sender_gives_its_name_and_version() -> None:
    """In `User-Agent`; no header holds a secret unless one is set."""
    assert {
        "Content-Type": "application/json",
        "User-Agent": f"posthog-variance-plugin/{__version__}",
    } == built(MESSAGES).headers


@pytest.mark.parametrize("payload_format", PayloadFormat, ids=str)
@pytest.mark.parametrize("compression", Compression, ids=str)
@given(values=st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), min_size=1))
def test_what_was_put_in_comes_out(
    payload_format: PayloadFormat, compression: Compression, values: list[dict[str, Any]]
) -> None:
    """In every format, compressed or not, the messages are read back as they were."""
    if payload_format is PayloadFormat.SINGLE:
        values = [{**values[0], "batch": "not a list"}]

    request = built(list(map(encode, values)), payload_format=payload_format, compression=compression)

    if payload_format is PayloadFormat.SINGLE:
        body = gzip.decompress(request.body) if compression is Compression.GZIP else request.body
        assert values == [json.loads(body)]
    else:
        assert values == messages_in(request)


def test_gzip_is_declared_and_is_smaller() -> None:
    """`Content-Encoding: gzip`, and a body that any unpacker reads."""
    request = built(MESSAGES * 100, compression=Compression.GZIP)

    assert "gzip" == request.headers["Content-Encoding"]
    assert built(MESSAGES * 100).body == gzip.decompress(request.body)
    assert len(request.body) < len(built(MESSAGES * 100).body) / 10


@given(messages=st.lists(st.binary(min_size=1, max_size=50), min_size=1))
def test_the_envelope_is_never_larger_than_it_is_counted(messages: list[bytes]) -> None:
    """Messages and separators within the limit mean a body within the limit."""
    for payload_format in (PayloadFormat.BATCH, PayloadFormat.ARRAY, PayloadFormat.NDJSON):
        settings = DeliverySettings(
            webhook_url="https://variance.example/hook", payload_format=payload_format
        )
        body = build(messages, settings, sent_at="2026-11-21T12:34:56.789012Z").body
        assert len(body) <= ENVELOPE_BYTES + sum(len(message) + 1 for message in messages)


def test_the_signature_is_that_of_segment() -> None:
    """The check value that Segment's documentation gives for its webhooks."""
    assert "5099cab379b3be52908387457007040cc934ef86" == signature("abc123", b'{"cool":true}')


def test_the_signature_is_made_of_the_bytes_that_are_sent() -> None:
    """With gzip that is of the compressed body; without a secret there is none."""
    request = built(MESSAGES, shared_secret=Secret("abc123"), compression=Compression.GZIP)

    assert signature("abc123", request.body) == request.headers["X-Signature"]
    assert "X-Signature" not in built(MESSAGES).headers
