"""JSON text to Python values and back, losing no digit and no character.

msgspec does nearly all of it. What it refuses although PostHog's writers produce it (lone surrogates,
`NaN`, numbers beyond its range) takes the slow road through the standard library.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring_ascii
from typing import Any

import msgspec

from .errors import InvalidRecord

BOM = b"\xef\xbb\xbf"

# A decimal of up to 15 significant digits comes back out of a float as it went in (IEEE 754 binary64).
_SAFE_LENGTH = 16
_MOST_NUMBERS = 10_000
# Python refuses to turn longer digit strings into an int (sys.int_info.default_max_str_digits is 4300);
# such a number is carried as a Decimal, which is written with the same digits.
_MAX_INT_DIGITS = 4000


def number(text: str) -> float | Decimal | msgspec.Raw:
    """A decimal as a float where a float holds it exactly, else as a `Decimal`.

    With an exponent beyond 18 digits it is no number anyone can use, and stays as it stands.
    """
    if len(text) <= _SAFE_LENGTH and "e" not in text and "E" not in text:
        return float(text)
    value = float(text)
    if repr(value) == text:
        return value
    try:
        exact = Decimal(text)
        return value if exact == Decimal(repr(value)) else exact
    except InvalidOperation:
        return msgspec.Raw(text.encode())


class _Numbers(dict[str, float | Decimal | msgspec.Raw]):
    """`number`, which remembers: a city's coordinates and the usual prices come again and again."""

    def __missing__(self, text: str) -> float | Decimal | msgspec.Raw:
        value = number(text)
        if len(text) <= _SAFE_LENGTH:
            if len(self) >= _MOST_NUMBERS:
                self.clear()
            self[text] = value
        return value


remembered_number = _Numbers().__getitem__
"""As `number`; a hit costs a fifth of that."""

_decoder = msgspec.json.Decoder(float_hook=remembered_number)
_encoder = msgspec.json.Encoder(decimal_format="number")
# Those that no thread is using. A new one would be made larger ten times before a message fits. One that
# became large is let go: its room would be taken for good.
_buffers: list[bytearray] = []
_LARGEST_BUFFER_BYTES = 64 * 1024


def decode(text: bytes) -> Any:
    """The value of a JSON text; `NaN` and the infinities, which are not JSON, become None.

    Raises:
        InvalidRecord: when it is no JSON, not UTF-8, or nested deeper than the stack allows (about 1,000).
    """
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _decode_slowly(text)


def encode(value: Any) -> bytes:
    """The compact JSON text of a value; what is no value in JSON (`NaN`, infinities) is `null`.

    Raises:
        InvalidRecord: when a plugin put something into it that has no JSON form, or nested it too deep.
    """
    try:
        buffer = _buffers.pop()
    except IndexError:
        buffer = bytearray()
    try:
        _encoder.encode_into(value, buffer)
    except (TypeError, ValueError, ArithmeticError, RecursionError, msgspec.MsgspecError) as error:
        return _encode_slowly(value, error)
    text = bytes(buffer)
    if len(text) <= _LARGEST_BUFFER_BYTES:
        _buffers.append(buffer)
    return text


def _encode_slowly(value: Any, refused: Exception) -> bytes:
    try:
        if isinstance(refused, UnicodeEncodeError):
            return "".join(_slow_parts(value)).encode()
    except (TypeError, ValueError, ArithmeticError, RecursionError, msgspec.MsgspecError) as error:
        refused = error
    raise InvalidRecord(f"has no JSON form: {_reason(refused)}") from refused


# A text that does not end is one token too, so that looking for tokens stays linear in any input.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[][{},:]', re.DOTALL)


def split(text: bytes) -> list[tuple[bytes, bytes]]:
    """The members of the object or array that a text is: each its key (empty in an array) and its own text.

    It looks at brackets and commas only, at any depth and without recursion: so one member that is not
    JSON, or nested too deep, does not spoil the others.

    Raises:
        InvalidRecord: when it is neither, or does not end where it should.
    """
    text = text.strip(_WHITE_SPACE)
    members: list[tuple[bytes, bytes]] = []
    if text[:1] not in _CLOSING:
        raise InvalidRecord("not a JSON object or array")
    depth = 0
    start, colon = 1, 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in (b"{", b"["):
            depth += 1
        elif mark == b":" and depth == 1 and not colon:
            colon = token.end()
        elif mark in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                break
        if mark == b"," and depth == 1:
            members.append(_member(text, start, colon, token.start()))
            start, colon = token.end(), 0
    else:
        raise InvalidRecord("not JSON: it ends too early")
    if token.end() != len(text) or mark != _CLOSING[text[:1]]:
        raise InvalidRecord(f"not JSON at byte {token.start()}")
    if members or text[start : token.start()].strip(_WHITE_SPACE):
        members.append(_member(text, start, colon, token.start()))
    return members


_WHITE_SPACE = b" \t\r\n"
_CLOSING = {b"{": b"}", b"[": b"]"}


def _member(text: bytes, start: int, colon: int, end: int) -> tuple[bytes, bytes]:
    key = text[start : colon - 1] if colon else b""
    return key.strip(_WHITE_SPACE), text[colon or start : end].strip(_WHITE_SPACE)


def _decode_slowly(text: bytes) -> Any:
    try:
        characters = text.removeprefix(BOM).decode()
        return json.loads(characters, parse_float=number, parse_int=_integer, parse_constant=_not_a_number)
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise InvalidRecord("nested too deep") from error
    except ValueError as error:
        raise InvalidRecord(f"not JSON: {_reason(error)}") from error


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _MAX_INT_DIGITS else Decimal(text)


def _not_a_number(_name: str) -> None:
    return None


def _slow_parts(value: Any) -> Iterator[str]:
    """The JSON text of a value in pieces, in ASCII: a lone surrogate has no UTF-8, but an escape."""
    if isinstance(value, str):
        yield encode_basestring_ascii(value)
    elif isinstance(value, msgspec.Struct):
        yield from _slow_parts(_fields(value))
    elif isinstance(value, dict):
        opening = "{"
        for key, member in value.items():
            yield opening + encode_basestring_ascii(key) + ":"
            yield from _slow_parts(member)
            opening = ","
        yield "}" if value else "{}"
    elif isinstance(value, list | tuple):
        opening = "["
        for member in value:
            yield opening
            yield from _slow_parts(member)
            opening = ","
        yield "]" if value else "[]"
    else:
        yield _encoder.encode(value).decode()


def _fields(struct: msgspec.Struct) -> dict[str, Any]:
    """A message, or a part of it, as msgspec would write it; None or UNSET where there is nothing."""
    config = struct.__struct_config__
    fields = {config.tag_field: config.tag} if config.tag_field else {}
    for attribute, name in zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True):
        value = getattr(struct, attribute)
        if value is not (None if config.omit_defaults else msgspec.UNSET):
            fields[name] = value
    return fields


def _reason(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:200] or type(error).__name__
