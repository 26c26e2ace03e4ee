"""The JSON of a value, also of a text with half a UTF-16 pair, which msgspec neither writes nor reads."""

import json
from typing import TypeVar

import msgspec

T = TypeVar("T")


def to_json(value: object) -> bytes:
    """The JSON form, in ASCII where it has to be."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value)).encode()


def from_json(text: bytes, form: type[T]) -> T:
    """What `to_json` wrote.

    Raises:
        msgspec.ValidationError: it is something else.
    """
    try:
        return msgspec.json.decode(text, type=form)
    except msgspec.DecodeError:
        return msgspec.convert(json.loads(text), form)
