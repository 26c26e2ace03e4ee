"""JSON goes through without losing a digit or a character, or is refused for a reason."""

import json
import math
import string
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from variance_plugin.errors import InvalidRecord
from variance_plugin.exact_json import decode, encode, split
from variance_plugin.messages import LIBRARY, Context, TrackMessage


def exactly(text: bytes) -> Any:
    """A JSON text read by the standard library, with every number as the decimal it is written as."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=refuse)


def reason_or_bytes(value: Callable[[], Any]) -> bytes | str:
    """What is written, or why it is not."""
    try:
        return encode(value())
    except InvalidRecord as error:
        return str(error)


def refuse(constant: str) -> None:
    """`NaN` and `Infinity` are no JSON."""
    raise AssertionError(constant)


JSON_NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
# Every code point, lone surrogates too.
ANY_TEXT = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(JSON_NUMBERS)
@example("9223372036854775808")
@example("18446744073709551616")
@example("0.1")
@example("0.30000000000000004")
@example("9007199254740993.0")
@example("0.12345678901234567")
@example("12345678901234567e0")
@example("1.0000000000000000000000001")
@example("1e400")
@example("-1E-400")
@example("-0.0")
@example("1" * 5000)
@example("0." + "1" * 5000)
def test_a_number_keeps_every_digit(number: str) -> None:
    """Compared as decimals, the text before and the text after; also when the number has come before."""
    assert Decimal(number) == exactly(encode(decode(number.encode())))
    assert Decimal(number) == exactly(encode(decode(number.encode())))


def test_a_number_beyond_all_ranges_stays_as_it_stands() -> None:
    """Nobody can reckon with it, and it is no reason to lose the event."""
    text = b'{"a":[1e99999999999999999999,"x"]}'

    assert text == encode(decode(text))
    assert text.replace(b"x", b"\\ud83d") == encode(decode(text.replace(b"x", b"\\ud83d")))


def test_numbers_without_end_keep_every_digit() -> None:
    """However many are remembered meanwhile."""
    numbers = [f"{number}.25" for number in range(25_000)]

    assert numbers == [encode(decode(number.encode())).decode() for number in numbers]


@given(VALUES)
def test_any_value_comes_back_as_it_was(value: Any) -> None:
    """Through our bytes, through Python's, with all escapes or none."""
    assert value == decode(encode(value))
    assert value == json.loads(encode(value))
    assert value == decode(json.dumps(value).encode())


@given(VALUES)
def test_what_is_written_is_strict_utf_8_json(value: Any) -> None:
    """A strict parser takes it, and so it is on one line."""
    text = encode(value)

    json.loads(text.decode("utf-8", "strict"), parse_constant=refuse)
    assert b"\n" not in text


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        pytest.param([None, None, None], b"[NaN,Infinity,-Infinity]", id="constants"),
        pytest.param({"a": [None]}, b'{"a":[NaN]}', id="inside"),
        pytest.param({"a": 1}, b'\xef\xbb\xbf{"a":1}', id="a-byte-order-mark"),
        pytest.param({"a": 2}, b'{"a":1,"a":2}', id="a-key-twice-the-last-counts"),
        pytest.param({"a": 2, "b": "\ud83d"}, b'{"a":1,"a":2,"b":"\\ud83d"}', id="twice-the-slow-way-too"),
        pytest.param({"__proto__": {"x": 1}}, b'{"__proto__":{"x":1}}', id="a-prototype"),
        pytest.param("\ud83d", b'"\\ud83d"', id="half-a-character"),
        pytest.param({"\udc00": "\ude00\ud83d"}, b'{"\\udc00":"\\ude00\\ud83d"}', id="halves-in-a-key"),
        pytest.param("😀", b'"\\ud83d\\ude00"', id="both-halves"),
        pytest.param("\x00", b'"\\u0000"', id="nul"),
        pytest.param({"": ""}, b'{"":""}', id="empty-texts"),
    ],
)
def test_what_posthog_writes_is_read(expected: Any, text: bytes) -> None:
    """Also where it is not quite JSON."""
    assert expected == decode(text)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        pytest.param("not JSON", b"", id="nothing"),
        pytest.param("not JSON", b"{", id="cut-short"),
        pytest.param("not JSON", b'{"a":1}{"b":2}', id="two"),
        pytest.param("not JSON", b"{'a':1}", id="single-quotes"),
        pytest.param("not JSON", b'{"a":1,}', id="a-comma-too-many"),
        pytest.param("not JSON", b'"a\nb"', id="a-line-break-in-a-text"),
        pytest.param("not JSON", b"01", id="a-leading-zero"),
        pytest.param("not UTF-8 at byte 2", b'"a\xff"', id="a-byte-that-is-no-character"),
        pytest.param("not UTF-8 at byte 1", b'"\xed\xa0\xbd"', id="a-surrogate-in-bytes"),
        pytest.param("nested too deep", b"[" * 200_000 + b"]" * 200_000, id="200000-deep"),
    ],
)
def test_what_is_no_json_is_refused_with_the_reason(reason: str, text: bytes) -> None:
    """One record, one reason, and no other exception."""
    with pytest.raises(InvalidRecord, match=reason):
        decode(text)


@pytest.mark.parametrize("depth", [10, 400, 900, 1_500, 10_000])
@pytest.mark.parametrize("leaf", ['"x"', '"\\ud83d"', "NaN"], ids=["text", "half-a-character", "nan"])
def test_any_depth_goes_through_or_is_refused(depth: int, leaf: str) -> None:
    """How deep it may be depends on Python's version; it is never a crash."""
    text = ('{"a":[' * depth + leaf + "]}" * depth).encode()
    written = reason_or_bytes(lambda: decode(text))

    if isinstance(written, bytes):
        assert text.replace(b"NaN", b"null") == written
    else:
        assert depth >= 400
        assert "nested too deep" in written or "recursion" in written


@pytest.mark.parametrize("depth", [300, 450])
def test_a_message_that_is_deep_and_has_half_a_character_is_written_or_refused(depth: int) -> None:
    """The slow way takes more of the stack than the fast one."""
    value: Any = "\ud83d"
    for _ in range(depth):
        value = {"a": [value]}
    message = TrackMessage("id", None, "u", None, Context(), event="deep", properties=value)
    written = reason_or_bytes(lambda: message)

    assert "no JSON form" in written if isinstance(written, str) else b'"\\ud83d"' in written


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -math.inf], ids=["nan", "infinity", "minus"])
@pytest.mark.parametrize("beside", ["x", "\ud83d"], ids=["fast", "slow"])
def test_a_number_that_is_none_is_null(value: float, beside: str) -> None:
    """From a host that hands over Python values."""
    assert {"a": [None], "b": beside} == json.loads(encode({"a": [value], "b": beside}))


@pytest.mark.parametrize("beside", ["x", "\ud83d"], ids=["fast", "slow"])
@pytest.mark.parametrize("value", [object(), {1, 2, object()}, 1j], ids=["object", "set", "complex"])
def test_what_a_plugin_made_up_is_refused(value: object, beside: str) -> None:
    """A value without a JSON form is the end of that one event, not of the process."""
    with pytest.raises(InvalidRecord, match="no JSON form"):
        encode({"a": beside, "b": value})


def test_a_large_text_takes_no_room_once_it_is_written() -> None:
    """Neither in its own thread nor in those that write small ones after it."""
    large = "x" * 20 * 1024 * 1024
    tracemalloc.start()
    try:
        encode(large)
        encode("small")
        kept_bytes, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept_bytes < 1024 * 1024
    assert most_bytes > len(large)


def test_half_a_character_costs_a_message_nothing() -> None:
    """The whole message is written the slow way, as it would have been the fast way."""
    context = Context(LIBRARY, ip="203.0.113.9")
    properties: dict[str, Any] = {"b": [1, 2.5, None, {}, [], True]}
    plain = TrackMessage("id", None, "u", None, context, event="a", properties=properties)
    halved = msgspec.structs.replace(plain, event="\ud83d")

    expected = encode(plain).replace(b'"event":"a"', b'"event":"\\ud83d"')

    assert expected == encode(halved)


@given(st.lists(VALUES) | st.dictionaries(ANY_TEXT, VALUES), st.sampled_from(["", " ", "\n\t "]))
def test_an_object_or_array_is_split_into_its_members(value: Any, space: str) -> None:
    """Each is its own JSON text; white space changes nothing."""
    text = json.dumps(value, separators=(f"{space},{space}", f"{space}:{space}"))

    members = split(f"{space}{text}{space}".encode())

    if isinstance(value, dict):
        assert list(value.items()) == [(json.loads(key), json.loads(member)) for key, member in members]
    else:
        assert [(b"", member) for member in value] == [(key, json.loads(member)) for key, member in members]


def test_a_broken_member_stays_in_its_place() -> None:
    """The others are whole."""
    deep = b"[" * 100_000 + b"]" * 100_000

    members = split(b'[{"a":1},nonsense,"\xff",' + deep + b',"]",{"b":"\\"}"}]')

    expected = [b'{"a":1}', b"nonsense", b'"\xff"', deep, b'"]"', b'{"b":"\\"}"}']
    assert expected == [text for _, text in members]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"5",
        b'"[]"',
        b"[",
        b"[1",
        b'["a]',
        b"[1}",
        b"{1]",
        b"[]]",
        b"[] []",
        b'["\\"]',
        b'["' + b'\\"' * 300_000,
    ],
    ids=lambda text: text.decode()[:8] or "nothing",
)
def test_what_has_no_end_cannot_be_split(text: bytes) -> None:
    """And finding out takes one pass, whatever the quotes look like."""
    with pytest.raises(InvalidRecord, match=r"not (a )?JSON"):
        split(text)


@given(st.text(alphabet=string.punctuation + 'ab1\\"[]{}:, \n').map(str.encode) | st.binary())
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    """No other exception, and what was read can be written."""
    assert reason_or_bytes(lambda: decode(text))


@given(st.text(alphabet=string.punctuation + 'ab1\\"[]{}:, \n').map(str.encode) | st.binary())
def test_any_bytes_are_split_or_refused(text: bytes) -> None:
    """Likewise; and nothing stands in two members."""
    with suppress(InvalidRecord):
        assert sum(len(key) + len(member) for key, member in split(text)) <= len(text)
