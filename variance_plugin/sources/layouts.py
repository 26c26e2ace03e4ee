"""How the JSON texts lie in a stream of bytes: one per line, or as an array or objects over several lines.

What is not one text per line is read whole, up to a limit, and cut into its records.
"""

import re
from collections.abc import Generator, Iterator
from enum import StrEnum
from typing import NamedTuple

import msgspec

from . import Broken, Position, Record, Stream, Unit
from .lines import Feed, is_json, read_lines, too_long_reason

_BOM = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_WHITE_SPACE = b" \t\r\n"

# A first line longer than this is not waited for: "{" begins one event, "[" an array of them.
_HEAD_BYTES = 1024 * 1024

_OPENING_BRACKET = re.compile(rb"\s*\[")
_SEPARATOR = re.compile(rb"[\s,]*")
_STRING_OR_MARK = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[][{},]', re.DOTALL)

_array = msgspec.json.Decoder(list[msgspec.Raw])


class Layout(StrEnum):
    """How the JSON texts lie."""

    LINES = "lines"
    ARRAY = "array"
    OBJECTS = "objects"


def layout_of(head: bytes, *, ended: bool) -> Layout | None:
    """What the beginning of a stream shows; None when it takes more to tell.

    Lines may begin with a damaged one. What tells it from an object over several lines is how the next
    line begins: there, with a key, a closing bracket or a comma; otherwise with an object, or with anything.

    Args:
        head: The text so far, without a byte order mark.
        ended: Whether that is all.
    """
    text = head.lstrip(_WHITE_SPACE)
    first, line_feed, rest = text.partition(b"\n")
    if not text.startswith((b"{", b"[")):
        return Layout.LINES if text or ended else None
    if not (line_feed or ended):
        return None
    rest = rest.lstrip(_WHITE_SPACE)
    goes_on = bool(rest)
    if text.startswith(b"{"):
        if is_json(first) or (goes_on and not rest.startswith((b'"', b"}", b","))):
            return Layout.LINES
        return Layout.OBJECTS if goes_on or ended else None
    if not is_json(first):
        return Layout.ARRAY
    one_array = Layout.LINES if goes_on else Layout.ARRAY  # a second one below: each line is an array
    return one_array if goes_on or ended else None


def read_records(
    feed: Feed, name: str, *, max_line_bytes: int, max_whole_bytes: int
) -> Generator[Record | Broken]:
    """The records of one stream, however they lie in it; its beginning is read at once.

    Args:
        feed: The text, cut anywhere.
        name: What the positions name.
        max_line_bytes: A longer record is `Broken`.
        max_whole_bytes: A longer text that is not one record per line is `Broken` as a whole.
    """
    head, layout = _look(feed)
    if head.startswith(_UTF_16_MARKS):
        return _broken_whole(name, "this is UTF-16; convert it first: iconv -f UTF-16 -t UTF-8")
    start_bytes = len(_BOM) if head.startswith(_BOM) else 0
    feed.put_back(head[start_bytes:])
    if layout is Layout.LINES:
        return read_lines(feed, Stream(name), max_line_bytes=max_line_bytes, start_bytes=start_bytes)
    text = _whole(feed, max_whole_bytes)
    if text is None:
        reason = (
            f"not one event per line, and too large to be read whole (more than {max_whole_bytes:,} bytes); "
            f"make it one per line first: jq -c {'.[]' if layout is Layout.ARRAY else '.'}"
        )
        return _broken_whole(name, reason)
    stream = Stream(name, Unit.ELEMENT if layout is Layout.ARRAY else Unit.LINE)
    return _records(text, stream, feed.fault, max_bytes=max_line_bytes, start_bytes=start_bytes)


def _look(feed: Feed) -> tuple[bytes, Layout]:
    """The beginning, and what it shows."""
    head = bytearray()
    layout: Layout | None = None
    for chunk in feed:
        head += chunk
        if b"\n" in chunk:
            layout = layout_of(bytes(head.removeprefix(_BOM)), ended=False)
        if layout is None and len(head) >= _HEAD_BYTES:
            array = head.removeprefix(_BOM).lstrip(_WHITE_SPACE).startswith(b"[")
            layout = Layout.ARRAY if array else Layout.LINES
        if layout:
            return bytes(head), layout
    return bytes(head), layout_of(bytes(head.removeprefix(_BOM)), ended=True) or Layout.LINES


def _whole(feed: Feed, max_bytes: int) -> bytearray | None:
    text = bytearray()
    for chunk in feed:
        text += chunk
        if len(text) > max_bytes:
            return None
    return text


def _records(
    text: bytearray, stream: Stream, fault: str | None, *, max_bytes: int, start_bytes: int
) -> Generator[Record | Broken]:
    number = 0 if stream.unit is Unit.ELEMENT else 1
    counted = 0
    for begin, end, complete in _elements(text) if stream.unit is Unit.ELEMENT else _cut(text):
        if stream.unit is Unit.LINE:
            number += text.count(b"\n", counted, begin)
            counted = begin
        position = Position(stream, number, start_bytes + end)
        if not complete:
            yield Broken(position=position, reason=fault or "the file ends in the middle of this")
            return
        if end - begin > max_bytes:
            yield Broken(position=position, reason=too_long_reason(max_bytes))
        else:
            yield Record(bytes(text[begin:end]), stream, number, position.end_bytes)
        if stream.unit is Unit.ELEMENT:
            number += 1
    if fault:
        yield Broken(position=Position(stream, number, start_bytes + len(text)), reason=fault)


class _Span(NamedTuple):
    begin: int
    end: int
    complete: bool = True


def _elements(text: bytearray) -> Iterator[_Span]:
    """Where the elements of an array stand."""
    try:
        elements = _array.decode(text)
    except (msgspec.DecodeError, RecursionError):  # one of them, or the end, is amiss; the others are not
        yield from _cut(text)
        return
    end = text.index(b"[") + 1
    for element in elements:
        separator = _SEPARATOR.match(text, end)
        begin = separator.end() if separator else end
        end = begin + memoryview(element).nbytes
        yield _Span(begin, end)


def _cut(text: bytearray) -> Iterator[_Span]:
    """The same for any text: cut at an array's outermost commas, else behind each closing bracket.

    What is damaged stays in the span where it stood, and so falls alone and in sight.
    """
    for begin, end, complete in _cut_roughly(text):
        piece = text[begin:end]
        start = begin + len(piece) - len(piece.lstrip(_WHITE_SPACE))
        stop = begin + len(piece.rstrip(_WHITE_SPACE))
        if start < stop or not complete:
            yield _Span(start, max(start, stop), complete)


def _cut_roughly(text: bytearray) -> Iterator[_Span]:
    opening = _OPENING_BRACKET.match(text)
    in_array = opening is not None
    begin = opening.end() if opening else 0
    depth = 0
    for token in _STRING_OR_MARK.finditer(text, begin):
        mark = token[0]
        if mark in (b"{", b"["):
            depth += 1
        elif mark in (b"}", b"]") and depth:
            depth -= 1
            if not depth and not in_array:
                yield _Span(begin, token.end())
                begin = token.end()
        elif mark in (b",", b"]") and in_array and not depth:
            yield _Span(begin, token.start())
            begin = token.end()
            in_array = mark == b","
    rest = text[begin:].strip(_WHITE_SPACE)
    if in_array and not depth and rest.endswith((b"}", b"]")):  # the cut fell right behind an element
        yield _Span(begin, len(text))
        begin = len(text)
    if in_array or (rest and begin < len(text)):
        yield _Span(begin, len(text), complete=False)


def _broken_whole(name: str, reason: str) -> Generator[Record | Broken]:
    yield Broken(position=Position(Stream(name), 0, 0), reason=reason)
