"""The name of an event without decoding the rest of it: most PostHog events are left out by their names."""

from collections.abc import Callable

import msgspec

from .shapes import REFUSED


class _Named(msgspec.Struct):
    event: str


_named = msgspec.json.Decoder(_Named)
# As nearly all writers put it, and as Python's own does.
_KEY, _SPACED_KEY = b'"event":"', b'"event": "'
# A project has a few hundred names, and what is found once is found a thousand times.
_MOST_NAMES = 10_000
_LONGEST_NAME = 200
_names: dict[bytes, str] = {}


def plain_name(record: bytes) -> str | None:
    """The event's name, where that is easy to tell; the record then holds one event and no batch.

    None when the record has to be decoded to know. A name is right but in records that are no JSON, or that
    have the key `event` twice: `is_named` makes sure.
    """
    key = _KEY
    at = record.find(key)
    if at < 0:
        key = _SPACED_KEY
        at = record.find(key)
    # Up to the first object or list within it the event's own keys and texts are plain to see.
    if (
        at > 0
        and record.rfind(b"{", 0, at) == 0
        and record.find(b"[", 1, at) < 0
        and record.find(b"\\", 1, at) < 0
    ):
        begin = at + len(key)
        end = record.find(b'"', begin)
        text = record[begin:end]
        name = _names.get(text)
        if name is not None:
            return name
        if end > 0 and b"\\" not in text:
            return _remembered(text)
    return _decoded_name(record)


def is_named(record: bytes, name: str) -> bool:
    """Whether the record is one event of that name for sure, at a quarter of what decoding it costs."""
    return _decoded_name(record) == name


def ignored_name(record: bytes, ignores: Callable[[str], object]) -> str | None:
    """The event's name, if `ignores(name)` is truthy; None if not, or if only decoding it all tells."""
    name = plain_name(record)
    return name if name is not None and ignores(name) and is_named(record, name) else None


def _remembered(text: bytes) -> str:
    name = text.decode(errors="replace")
    if len(text) <= _LONGEST_NAME:
        if len(_names) >= _MOST_NAMES:
            _names.clear()
        _names[text] = name
    return name


def _decoded_name(record: bytes) -> str | None:
    try:
        return _named.decode(record).event
    except REFUSED:
        return None
