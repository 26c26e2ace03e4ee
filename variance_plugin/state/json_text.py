"""Values, text and times in the form in which they are kept."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from ..errors import InvalidRecord
from ..exact_json import decode, encode

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def json_text(value: Any) -> bytes:
    """The JSON of a value, which `json_value` turns into an equal one; tuples come back as lists.

    Raises:
        TypeError: when the value, or one within it, is not JSON.
    """
    try:
        _check(value)
        return encode(value)
    except (InvalidRecord, RecursionError) as error:
        raise TypeError(f"not JSON: {error}") from error


def json_value(text: bytes) -> Any:
    """The value of what `json_text` made."""
    return decode(text)


def text_bytes(text: str) -> bytes:
    """Any text as bytes, also one with half a surrogate pair."""
    return text.encode(errors="surrogatepass")


def text_of(kept: bytes) -> str:
    """The text of what `text_bytes` made."""
    return kept.decode(errors="surrogatepass")


def microseconds(moment: datetime) -> int:
    """A time with a zone as whole microseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(count: int) -> datetime:
    """The time, in UTC, of what `microseconds` made."""
    return _EPOCH + count * _MICROSECOND


def _check(value: Any) -> None:
    """What the encoder would take, but give back as something else, is refused."""
    if value is None or isinstance(value, str | int):
        return
    if isinstance(value, float | Decimal):
        if not isfinite(value):
            raise TypeError(f"not JSON: {value} is no number that JSON knows")
    elif isinstance(value, Mapping):
        for key, member in value.items():
            if not isinstance(key, str):
                raise TypeError(f"not JSON: a key that is a {type(key).__name__}, not a text")
            _check(member)
    elif isinstance(value, list | tuple):
        for element in value:
            _check(element)
    else:
        raise TypeError(f"not JSON: a {type(value).__name__}")
