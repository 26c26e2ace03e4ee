"""The body of a capture request, as PostHog's SDKs send it, down to its JSON text.

SDK versions disagree about what they declare, and proxies rewrite the rest, so the content decides
and the declarations only help: gzip is known by its magic number, JSON by its first character, a
form by its first field. What is left is base64, or LZ-string where the request says so.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from urllib.parse import parse_qsl

from ..errors import InvalidRecord
from ..lz_string import decompress_base64
from ..plurals import many

MAX_BODY_BYTES = 20 * 1024 * 1024
"""PostHog's own limit of a batch, compressed or not."""

_GZIP_MAGIC = b"\x1f\x8b\x08"
_GZIP_WBITS = 31
_BOM = b"\xef\xbb\xbf"
_JSON_STARTS = (b"{", b"[")
_JSON_SPACE = b" \t\r\n"

_FORM_TYPE = "application/x-www-form-urlencoded"
_FORM_STARTS = (b"data=", b"compression=", b"ver=", b"_=", b"ip=")
_MAX_FORM_FIELDS = 100

_LZ_STRING = frozenset({"lz64", "lz-string"})

# A form, base64 in it, gzip in that make three; more than a few are an attack.
_MAX_LAYERS = 5


class BodyTooLarge(InvalidRecord):
    """The body is larger than the limit; over HTTP this is a 413, any other `InvalidRecord` a 400."""


def decode_body(
    body: bytes,
    *,
    content_type: str = "",
    query: Mapping[str, str],
    max_bytes: int = MAX_BODY_BYTES,
) -> bytes:
    """The JSON text inside a capture request, exactly as the SDK wrote it.

    Understands plain JSON, gzip, base64, LZ-string, and each of these in the `data` field of a form
    or, where the body is empty, of the address. The text is UTF-8 and starts like an object or an
    array; whether it is JSON to its end is for the parser to say.

    Args:
        body: The request's body.
        content_type: The header of that name, or nothing.
        query: The address's query, decoded; `compression` and `data` are looked at.
        max_bytes: How large the text, and every layer around it, may be.

    Raises:
        BodyTooLarge: The limit is passed; a small body that unpacks to more is given up at the limit.
        InvalidRecord: The body is none of the above; `str()` says which layer failed and how.
    """
    compression = query.get("compression", "")
    text = body or query.get("data", "").encode("utf-8", "surrogatepass")
    for _ in range(_MAX_LAYERS):
        _check_size(text, max_bytes)
        text = text.removeprefix(_BOM).strip(_JSON_SPACE)
        if not text:
            raise InvalidRecord("the body is empty, and so is `data` in the address")
        if text.startswith(_JSON_STARTS):
            return _utf8(text)
        if text.startswith(_GZIP_MAGIC):
            text = _gunzip(text, max_bytes)
        elif _is_form(text, content_type):
            text, declared = _form_data(text)
            compression = compression or declared
        elif compression.lower() in _LZ_STRING:
            text = _unlz(text, max_bytes)
        else:
            text = _unbase64(text)
    raise InvalidRecord(f"the body is wrapped more than {_MAX_LAYERS} times")


def _check_size(text: bytes, max_bytes: int) -> None:
    if len(text) > max_bytes:
        raise BodyTooLarge(f"the body has more than {max_bytes} bytes")


def _utf8(text: bytes) -> bytes:
    try:
        text.decode()
    except UnicodeDecodeError as cause:
        raise InvalidRecord(f"the JSON is not UTF-8, at byte {cause.start}") from cause
    return text


def _gunzip(body: bytes, max_bytes: int) -> bytes:
    """All members of the gzip stream, joined."""
    members: list[bytes] = []
    left = max_bytes
    while body.startswith(_GZIP_MAGIC):
        stream = zlib.decompressobj(wbits=_GZIP_WBITS)
        try:
            # One byte more than allowed tells "exactly full" from "too large".
            member = stream.decompress(body, left + 1)
        except zlib.error as cause:
            raise InvalidRecord(f"the gzip body is damaged: {cause}") from cause
        left -= len(member)
        if left < 0:
            raise BodyTooLarge(f"the gzip body unpacks to more than {max_bytes} bytes")
        if not stream.eof:
            raise InvalidRecord("the gzip body ends early")
        members.append(member)
        body = stream.unused_data
    if body:
        raise InvalidRecord(f"the gzip body is followed by {many(len(body), 'byte')} not of gzip")
    return b"".join(members)


def _is_form(text: bytes, content_type: str) -> bool:
    if text.startswith(_FORM_STARTS):
        return True
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == _FORM_TYPE and b"data=" in text


def _form_data(text: bytes) -> tuple[bytes, str]:
    """The form's `data` and its `compression` (empty when it has none)."""
    try:
        # Latin-1 maps every byte to one character and back: a percent-encoded gzip body survives.
        pairs = parse_qsl(text.decode("latin-1"), encoding="latin-1", max_num_fields=_MAX_FORM_FIELDS)
    except ValueError as cause:
        raise InvalidRecord(f"the form has more than {_MAX_FORM_FIELDS} fields") from cause
    fields = dict(pairs)
    if not fields.get("data"):
        raise InvalidRecord("the form has no `data`")
    return fields["data"].encode("latin-1"), fields.get("compression", "")


def _letters(text: bytes) -> bytes:
    """Base64 letters as they were before a form made spaces of the plus signs."""
    return text.replace(b" ", b"+").translate(None, b"\r\n\t")


def _unlz(text: bytes, max_bytes: int) -> bytes:
    try:
        # A lone half of a surrogate pair has no UTF-8: it is refused like any other damage.
        return decompress_base64(_letters(text), max_units=max_bytes).encode()
    except OverflowError as cause:
        raise BodyTooLarge(f"the LZ-string body unpacks to {cause}") from cause
    except ValueError as cause:
        raise InvalidRecord(f"the LZ-string body is damaged: {cause}") from cause


def _unbase64(text: bytes) -> bytes:
    letters = _letters(text).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    try:
        return base64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except binascii.Error as cause:
        raise InvalidRecord("the body is neither JSON nor gzip, a form or base64") from cause
