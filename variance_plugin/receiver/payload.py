"""From the bytes of a body to the JSON text of each message, in every payload format.

The messages are cut out of the payload without being decoded: what is kept of them is what was sent,
to the byte, and a field that nobody looks at costs nothing.
"""

import json
import math
import re
import zlib
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from .refusal import Refusal, Refused

NDJSON: Final = "application/x-ndjson"

# zlib reads the header and the checksum of gzip when 16 is added to its window size.
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS

# Python turns no longer digit string into an int (sys.int_info.default_max_str_digits).
_MAX_INT_DIGITS: Final = 4300


class _Envelope(msgspec.Struct):
    batch: msgspec.Raw = msgspec.Raw()


_envelope = msgspec.json.Decoder(_Envelope)
_list = msgspec.json.Decoder(list[msgspec.Raw])
_one = msgspec.json.Decoder(msgspec.Raw)


def unpack(body: bytes, *, encoding: str, limit_bytes: int) -> bytes:
    """The body with its Content-Encoding undone.

    Raises:
        Refused: an encoding other than gzip, a body that is no whole gzip, or one that unpacks to more.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _gunzip(body, limit_bytes)
        case _:
            raise Refused(Refusal.ENCODING, "send gzip, or no Content-Encoding")


def _gunzip(body: bytes, limit_bytes: int) -> bytes:
    unpacked = bytearray()
    rest = body
    while True:
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            unpacked += member.decompress(rest, limit_bytes - len(unpacked) + 1)
        except zlib.error as error:
            raise Refused(
                Refusal.ENCODING, "the body is not gzip, though Content-Encoding says so"
            ) from error
        if len(unpacked) > limit_bytes:
            raise Refused(Refusal.TOO_LARGE, f"it unpacks to more than {limit_bytes} bytes")
        if not member.eof:
            raise Refused(Refusal.ENCODING, "the gzip ends early")
        # gzip allows several members, one after the other.
        rest = member.unused_data
        if not rest:
            return bytes(unpacked)


def split(text: bytes, *, content_type: str) -> tuple[msgspec.Raw, ...]:
    """The JSON text of each message of a payload: batch object, list, lines, or a single message.

    Raises:
        Refused: no JSON, or JSON of another shape.
    """
    try:
        if not text.isascii():
            text.decode()  # msgspec checks no UTF-8 in what it skips
        return _split(text, content_type)
    except RecursionError as error:
        raise Refused(Refusal.NOT_PAYLOAD, "it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise Refused(Refusal.NOT_JSON, f"no UTF-8 at byte {error.start}") from error
    except msgspec.DecodeError as error:
        masked = _mask_lone_surrogates(text)
        if masked == text:
            raise Refused(Refusal.NOT_JSON, str(error)) from error
        return tuple(_unmask(raw) for raw in split(masked, content_type=content_type))


def _split(text: bytes, content_type: str) -> tuple[msgspec.Raw, ...]:
    if content_type.partition(";")[0].strip().lower() == NDJSON:
        return tuple(_one.decode(line) for line in text.splitlines() if line.strip())
    match text.lstrip()[:1]:
        case b"[":
            return tuple(_list.decode(text))
        case b"{":
            batch = bytes(_envelope.decode(text).batch)
            if not batch:
                return (_one.decode(text),)
            if batch.startswith(b"["):
                return tuple(_list.decode(batch))
            raise Refused(Refusal.NOT_PAYLOAD, "its `batch` is not a list")
        case _:
            _one.decode(text)
            raise Refused(Refusal.NOT_PAYLOAD, "send an object or a list")


# JSON allows an escape for half a UTF-16 pair, and strings cut in the middle of an emoji hold one, but
# msgspec takes none. So its backslash is swapped for U+007F while the payload is cut up, and put back.
_HIGH: Final = rb"u[dD][89abAB][0-9a-fA-F]{2}"
_LOW: Final = rb"u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES: Final = re.compile(rb"\\(?:[^u]|%b\\%b|(%b|%b))" % (_HIGH, _LOW, _HIGH, _LOW))
_MASKED: Final = re.compile(rb"\x7f(?=%b|%b)" % (_HIGH, _LOW))


def _mask_lone_surrogates(text: bytes) -> bytes:
    return _ESCAPES.sub(lambda found: b"\x7f" + found[1] if found[1] else found[0], text)


def _unmask(raw: msgspec.Raw) -> msgspec.Raw:
    return msgspec.Raw(_MASKED.sub(rb"\\", bytes(raw)))


def decode(text: msgspec.Raw | bytes) -> object:
    """The value of a JSON text that `split` let through.

    Numbers too large for Python's own become a `Decimal`, or else infinite; lone surrogates stay as they are.

    Raises:
        RecursionError: nested deeper than the stack has room for here.
    """
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return json.loads(bytes(text), parse_int=_int, parse_float=_float)


def _int(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _MAX_INT_DIGITS else Decimal(digits)


def _float(digits: str) -> float | Decimal:
    value = float(digits)
    if not math.isinf(value):
        return value
    try:
        return Decimal(digits)
    except InvalidOperation:  # an exponent of more than 18 digits, too large for a Decimal as well
        return value
