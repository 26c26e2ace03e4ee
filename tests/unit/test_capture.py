"""A capture request's body, in each of the wrappings that PostHog's SDKs have used."""

import base64
import gzip
import json
from urllib.parse import quote_from_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.capture import MAX_BODY_BYTES, BodyTooLarge, decode_body
from variance_plugin.errors import InvalidRecord

EVENTS = '[{"event":"card moved","properties":{"token":"phc_demo","to":"進行中 🔧"}}]'.encode()
FORM = "application/x-www-form-urlencoded"
BOMB = gzip.compress(b"[" + b" " * (MAX_BODY_BYTES + 1) + b"]")

# What the lz-string package for JavaScript (1.5.0) makes of these texts.
LZ_STRING = {
    EVENTS.decode(): "NobwRApgbhB2AuYBcYDGBDATgEwAQFsB7GbMAGjAAdNDKJN4BLCAZ2XHkIGs5kqALVAH1sEIuTCc+gJgTAMhG"
    "BaOVyBeDcDku2AC+6gLpA==",
    "[]": "NoXSA===",
    '[{"event":"e"},{"event":"e"},{"event":"e"}]': "NobwRApgbhB2AuYBckwF8A05p0Si6WkMCyqaAukA",
    '{"a":"' + "x" * 300 + '"}': "N4IghiBcIB5/DFOS1b0c17Pd/wYUcSSAL5A=",
}
LZ_LONE_SURROGATE = "NoIkvBsgukA="

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
json_texts = (st.lists(json_values) | st.dictionaries(st.text(), json_values)).map(
    lambda value: json.dumps(value, ensure_ascii=False).encode()
)


def base64_text(body: bytes) -> str:
    """As an SDK writes binary data into text."""
    return base64.b64encode(body).decode()


def lz_string(text: str) -> str:
    """Text as LZ-string's `compressToBase64` packs it, short of finding every repeat."""
    units = text.encode("utf-16-le")
    known: list[bytes] = []
    bits: list[int] = []
    previous = b""

    def put(value: int, width: int) -> None:
        bits.extend(value >> place & 1 for place in range(width))

    def put_code(code: int) -> None:
        put(code, (3 + len(known)).bit_length())

    while units:
        phrase = max((phrase for phrase in known if units.startswith(phrase)), key=len, default=b"")
        if phrase:
            put_code(3 + known.index(phrase))
        else:
            phrase = units[:2]
            put_code(0 if phrase[1] == 0 else 1)
            put(int.from_bytes(phrase, "little"), 8 if phrase[1] == 0 else 16)
            known.append(phrase)
        if previous:
            known.append(previous + phrase[:2])
        units, previous = units[len(phrase) :], phrase
    put_code(2)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    sixes = ["".join(map(str, bits[at : at + 6])).ljust(6, "0") for at in range(0, len(bits), 6)]
    return "".join(letters[int(six, 2)] for six in sixes)


@pytest.mark.parametrize(
    ("body", "content_type", "query"),
    [
        pytest.param(EVENTS, "application/json", {}, id="JSON"),
        pytest.param(
            b"\xef\xbb\xbf \r\n" + EVENTS + b"\n", "application/json", {}, id="JSON after a byte order mark"
        ),
        pytest.param(EVENTS, FORM, {}, id="JSON that curl calls a form"),
        pytest.param(gzip.compress(EVENTS), "text/plain", {}, id="gzip without a word about it"),
        pytest.param(
            gzip.compress(EVENTS), "application/json", {"compression": "gzip-js"}, id="gzip announced"
        ),
        pytest.param(EVENTS, "text/plain", {"compression": "gzip-js"}, id="JSON announced as gzip"),
        pytest.param(gzip.compress(EVENTS[:9]) + gzip.compress(EVENTS[9:]), "", {}, id="gzip in two members"),
        pytest.param(base64_text(EVENTS).encode(), "text/plain", {"compression": "base64"}, id="base64"),
        pytest.param(base64_text(EVENTS).encode().rstrip(b"="), "", {}, id="base64 without its padding"),
        pytest.param(base64.urlsafe_b64encode(EVENTS + b"  "), "", {}, id="base64 for addresses"),
        pytest.param(base64_text(gzip.compress(EVENTS)).encode(), "", {}, id="gzip in base64"),
        pytest.param(urlencode({"data": EVENTS.decode()}).encode(), FORM, {}, id="form with JSON"),
        pytest.param(
            urlencode({"data": base64_text(EVENTS), "compression": "base64"}).encode(),
            FORM,
            {},
            id="form with base64",
        ),
        pytest.param(
            b"data=" + base64_text(EVENTS).encode(), FORM, {}, id="form with base64 whose plus is a space"
        ),
        pytest.param(
            b"data=" + quote_from_bytes(gzip.compress(EVENTS)).encode(),
            FORM,
            {},
            id="form with gzip, byte by byte",
        ),
        pytest.param(
            urlencode({"ver": "1.2", "data": base64_text(EVENTS)}).encode(),
            "text/plain",
            {},
            id="form not called one",
        ),
        pytest.param(
            urlencode({"id": "7", "data": base64_text(EVENTS)}).encode(),
            FORM + "; charset=UTF-8",
            {},
            id="form called one",
        ),
        pytest.param(
            urlencode({"data": LZ_STRING[EVENTS.decode()], "compression": "lz64"}).encode(),
            FORM,
            {},
            id="form with lz64",
        ),
        pytest.param(
            LZ_STRING[EVENTS.decode()].encode(), "", {"compression": "LZ-String"}, id="lz64 by its other name"
        ),
        pytest.param(b"", "", {"data": EVENTS.decode()}, id="JSON in the address"),
        pytest.param(b"", "", {"data": base64_text(EVENTS)}, id="base64 in the address"),
        pytest.param(
            b"",
            "",
            {"data": base64_text(gzip.compress(EVENTS)), "compression": "gzip-js"},
            id="gzip in the address",
        ),
    ],
)
def test_every_wrapping_of_the_sdks_comes_off(body: bytes, content_type: str, query: dict[str, str]) -> None:
    """The content decides; what the request says of itself may be wrong."""
    assert EVENTS == decode_body(body, content_type=content_type, query=query).strip()


@pytest.mark.parametrize("text", LZ_STRING, ids=lambda text: text[:16])
def test_lz_string_is_read_as_its_own_library_writes_it(text: str) -> None:
    """`compression=lz64` of the first posthog-js versions."""
    assert text.encode() == decode_body(LZ_STRING[text].encode(), query={"compression": "lz64"})


@given(text=json_texts)
def test_json_text_comes_through_byte_for_byte(text: bytes) -> None:
    """Nothing is parsed and written again on the way, whatever the wrapping."""
    packed = gzip.compress(text)
    form = urlencode({"data": base64_text(packed)}).encode()

    assert text == decode_body(text, query={})
    assert text == decode_body(packed, query={})
    assert text == decode_body(form, content_type=FORM, query={})
    assert text == decode_body(b"", query={"data": base64_text(text)})
    assert text == decode_body(lz_string(text.decode()).encode(), query={"compression": "lz64"})


@given(
    body=st.binary()
    | st.binary().map(gzip.compress)
    | st.from_regex(r"[A-Za-z0-9+/=& %]{0,40}").map(str.encode),
    content_type=st.sampled_from(["", FORM]),
    query=st.dictionaries(st.sampled_from(["data", "compression"]), st.text() | st.just("lz64")),
)
def test_any_bytes_give_json_like_text_or_a_reason(
    body: bytes, content_type: str, query: dict[str, str]
) -> None:
    """No other exception gets out, and nothing that cannot be JSON gets through."""
    try:
        text = decode_body(body, content_type=content_type, query=query, max_bytes=1000)
    except InvalidRecord as refusal:
        text, reason = b"{}", str(refusal)
    else:
        reason = "taken"

    assert reason
    assert text.decode()[0] in "{["
    assert len(text) <= 1000


@pytest.mark.parametrize(
    ("body", "query", "reason"),
    [
        pytest.param(b"", {}, "the body is empty", id="nothing"),
        pytest.param(b" \n", {}, "the body is empty", id="white space"),
        pytest.param(b"event=signup", {}, "neither JSON nor gzip, a form or base64", id="no JSON"),
        pytest.param(b"\x00\x01\x02", {}, "neither JSON nor gzip, a form or base64", id="binary"),
        pytest.param(b'{"event":"\xff"}', {}, "not UTF-8, at byte 10", id="not UTF-8"),
        pytest.param('{"a":1}'.encode("utf-16"), {}, "neither JSON nor gzip, a form or base64", id="UTF-16"),
        pytest.param(gzip.compress(EVENTS)[:-9], {}, "gzip body ends early", id="gzip cut short"),
        pytest.param(b"\x1f\x8b\x08" + b"\xff" * 20, {}, "gzip body is damaged", id="gzip damaged"),
        pytest.param(gzip.compress(EVENTS) + b"!", {}, "followed by 1 byte not of", id="gzip with a tail"),
        pytest.param(b"data=&ver=1", {}, "the form has no `data`", id="form without data"),
        pytest.param(b"data=" + b"&a=1" * 200, {}, "more than 100 fields", id="form without end"),
        pytest.param(b"NoX", {"compression": "lz64"}, "LZ-string body is damaged", id="lz64 cut short"),
        pytest.param(
            b"No*SA", {"compression": "lz64"}, "not a letter of base64", id="lz64 with a wrong letter"
        ),
        pytest.param(b"////", {"compression": "lz64"}, "not yet defined", id="lz64 with a wrong code"),
        pytest.param(
            LZ_LONE_SURROGATE.encode(), {"compression": "lz64"}, "damaged", id="lz64 with half a character"
        ),
    ],
)
def test_a_body_that_cannot_be_read_says_which_layer_failed(
    body: bytes, query: dict[str, str], reason: str
) -> None:
    """The reason goes into the answer, where whoever wrote the client reads it."""
    with pytest.raises(InvalidRecord, match=reason):
        decode_body(body, query=query)


def test_wrapping_without_end_is_refused() -> None:
    """Each layer costs work, so there is a last one."""
    body = EVENTS
    for _ in range(10):
        body = gzip.compress(body)

    with pytest.raises(InvalidRecord, match="wrapped more than"):
        decode_body(body, query={})


@pytest.mark.parametrize(
    ("body", "query"),
    [
        pytest.param(b"[" + b" " * MAX_BODY_BYTES + b"]", {}, id="JSON"),
        pytest.param(BOMB, {}, id="gzip"),
        pytest.param(base64_text(BOMB).encode(), {}, id="gzip in base64"),
        pytest.param(gzip.compress(b" " * MAX_BODY_BYTES) + gzip.compress(b"[]"), {}, id="gzip in members"),
        pytest.param(lz_string("[" * 100).encode(), {"compression": "lz64"}, id="lz64"),
    ],
)
def test_a_body_that_unpacks_to_too_much_is_given_up(body: bytes, query: dict[str, str]) -> None:
    """A few kilobytes must not become all of the memory."""
    max_bytes = 99 if query else MAX_BODY_BYTES

    with pytest.raises(BodyTooLarge, match=f"more than {max_bytes}"):
        decode_body(body, query=query, max_bytes=max_bytes)


def test_a_body_just_within_the_limit_is_taken() -> None:
    """The limit itself is allowed, packed or not."""
    text = b"[" + EVENTS * 50 + b"]"

    assert text == decode_body(text, query={}, max_bytes=len(text))
    assert text == decode_body(gzip.compress(text), query={}, max_bytes=len(text))
