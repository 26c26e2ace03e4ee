"""Bodies of every format, and of none, become the JSON texts of their messages."""

import gzip
import json
import zlib
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.receiver.payload import NDJSON, decode, split, unpack
from variance_plugin.receiver.refusal import Refusal, Refused

ONE = b'{"type":"track", "event":"a"}'
TWO = b'{"type":"page","n":1.10}'
HIGH = chr(0xD83D)  # half of an emoji

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
# Any text, also with halves of UTF-16 pairs, which JSON carries as escapes.
texts = st.text(st.characters(exclude_characters="\x7f"))
values = st.recursive(
    scalars | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=8
)


def texts_of(body: bytes, content_type: str = "application/json") -> list[bytes]:
    """The messages of a body, each as its JSON text."""
    return [bytes(raw) for raw in split(body, content_type=content_type)]


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        pytest.param(b'{"batch":[%b,%b],"sentAt":"x"}' % (ONE, TWO), "", [ONE, TWO], id="batch"),
        pytest.param(b'{"sentAt":1,\n "batch" : [ %b\n, %b ] }\n' % (ONE, TWO), "", [ONE, TWO], id="spaced"),
        pytest.param(b'{"batch":[]}', "", [], id="empty batch"),
        pytest.param(b" [%b,%b]" % (ONE, TWO), "application/json", [ONE, TWO], id="array"),
        pytest.param(b"[]", "", [], id="empty array"),
        pytest.param(ONE, "application/json; charset=utf-8", [ONE], id="single"),
        pytest.param(b"%b\n%b\n" % (ONE, TWO), NDJSON, [ONE, TWO], id="lines"),
        pytest.param(b"\n%b\r\n\n%b" % (ONE, TWO), f"{NDJSON}; charset=utf-8", [ONE, TWO], id="blank lines"),
        pytest.param(b'{"batch":[1,"x",null,[]]}', "", [b"1", b'"x"', b"null", b"[]"], id="no objects"),
    ],
)
def test_every_format_gives_the_text_of_its_messages(
    body: bytes, content_type: str, expected: list[bytes]
) -> None:
    """The messages come out as they went in, to the byte."""
    assert expected == texts_of(body, content_type)


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        pytest.param(b"", "", Refusal.NOT_JSON, id="empty"),
        pytest.param(b"hello", "", Refusal.NOT_JSON, id="text"),
        pytest.param(b"\xef\xbb\xbf[]", "", Refusal.NOT_JSON, id="byte order mark"),
        pytest.param(b'[{"a":NaN}]', "", Refusal.NOT_JSON, id="NaN"),
        pytest.param(b'[{"a":01}]', "", Refusal.NOT_JSON, id="octal"),
        pytest.param(b'[{"a":"\xff"}]', "", Refusal.NOT_JSON, id="no UTF-8"),
        pytest.param(b'[{"a":"\xed\xa0\xbd"}]', "", Refusal.NOT_JSON, id="surrogate in UTF-8"),
        pytest.param(b'[{"a":"\\ud8zz"}]', "", Refusal.NOT_JSON, id="broken escape"),
        pytest.param(b'[{"a":"\\ud83d"}', "", Refusal.NOT_JSON, id="lone surrogate, broken array"),
        pytest.param(b"[1,]", "", Refusal.NOT_JSON, id="trailing comma"),
        pytest.param(ONE + TWO, "", Refusal.NOT_JSON, id="two objects"),
        pytest.param(ONE + b"\nno", NDJSON, Refusal.NOT_JSON, id="a line of text"),
        pytest.param(b"12", "", Refusal.NOT_PAYLOAD, id="number"),
        pytest.param(b'{"batch":{}}', "", Refusal.NOT_PAYLOAD, id="batch is no list"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, "", Refusal.NOT_PAYLOAD, id="too deep"),
    ],
)
def test_what_is_no_payload_is_refused(body: bytes, content_type: str, expected: Refusal) -> None:
    """Not one message of such a body is taken."""
    with pytest.raises(Refused) as caught:
        split(body, content_type=content_type)

    assert expected is caught.value.refusal


@given(st.lists(values))
def test_any_list_of_values_is_cut_into_those_values(expected: list[object]) -> None:
    """Lone surrogates and escaped backslashes among them; each comes out as it went in."""
    body = json.dumps(expected).encode()

    raws = split(body, content_type="application/json")

    assert [json.dumps(value).encode() for value in expected] == [bytes(raw) for raw in raws]
    assert expected == [decode(raw) for raw in raws]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b'"\\ud83d and on"', HIGH + " and on", id="high"),
        pytest.param(b'"\\uDC00\\ud83d"', chr(0xDC00) + HIGH, id="low before high"),
        pytest.param(b'"\\ud83d\\ud83d\\ude00"', HIGH + "\U0001f600", id="before a pair"),
        pytest.param(b'"\\\\ud83d \\ud83d"', "\\ud83d " + HIGH, id="escaped backslash"),
    ],
)
def test_half_a_utf16_pair_stays_as_it_is(text: bytes, expected: str) -> None:
    """JSON allows the escape, so the receiver takes it, and keeps its spelling."""
    [raw] = split(b"[%b]" % text, content_type="")

    assert text == bytes(raw)
    assert expected == decode(raw)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b"9" * 30, int("9" * 30), id="beyond 64 bits"),
        pytest.param(b"9" * 5_000, Decimal("9" * 5_000), id="5,000 digits"),
        pytest.param(b"1e400", Decimal("1e400"), id="beyond a float"),
        pytest.param(b"-1e" + b"9" * 30, float("-inf"), id="beyond a Decimal"),
        pytest.param(b"[1e400,-1.5]", [Decimal("1e400"), -1.5], id="beside a float"),
    ],
)
def test_numbers_of_any_size_are_read(text: bytes, expected: object) -> None:
    """JSON sets numbers no bound."""
    assert expected == decode(msgspec.Raw(text))


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(ONE, "", id="none"),
        pytest.param(ONE, "identity", id="identity"),
        pytest.param(gzip.compress(ONE), "gzip", id="gzip"),
        pytest.param(gzip.compress(ONE), " GZIP ", id="in capitals"),
        pytest.param(gzip.compress(ONE[:5]) + gzip.compress(ONE[5:]), "gzip", id="two members"),
    ],
)
def test_a_content_encoding_is_undone(body: bytes, encoding: str) -> None:
    """What comes out is what was packed, up to the very limit."""
    assert ONE == unpack(body, encoding=encoding, limit_bytes=len(ONE))


@pytest.mark.parametrize(
    ("body", "encoding", "expected"),
    [
        pytest.param(ONE, "gzip", Refusal.ENCODING, id="no gzip"),
        pytest.param(b"", "gzip", Refusal.ENCODING, id="nothing"),
        pytest.param(gzip.compress(ONE)[:-1], "gzip", Refusal.ENCODING, id="cut short"),
        pytest.param(gzip.compress(ONE) + b"x", "gzip", Refusal.ENCODING, id="more behind it"),
        pytest.param(zlib.compress(ONE), "deflate", Refusal.ENCODING, id="deflate"),
        pytest.param(gzip.compress(b" " * 1_001), "gzip", Refusal.TOO_LARGE, id="one byte too many"),
        pytest.param(gzip.compress(b" " * 600) * 2, "gzip", Refusal.TOO_LARGE, id="too many together"),
        pytest.param(gzip.compress(b" " * 50_000_000), "gzip", Refusal.TOO_LARGE, id="bomb"),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused(body: bytes, encoding: str, expected: Refusal) -> None:
    """A bomb is stopped at the limit."""
    with pytest.raises(Refused) as caught:
        unpack(body, encoding=encoding, limit_bytes=1_000)

    assert expected is caught.value.refusal
