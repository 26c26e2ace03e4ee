"""How the JSON texts lie in a stream of bytes: one per line, or as an array or objects over several lines.

What is not one text per line is read whole, up to a limit, and cut into its records.
"""

import re
from collections.abc import Generator, Iterator
from enum import StrEnum
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from . import Broken, Position, Record, Stream, Unit
from .lines import START, Feed, Place, is_json, read_lines, too_long_reason

_BOM = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_WHITE_SPACE = b" \t\r\n"

# A first line longer than this is not waited for: "{" begins one event, "[" an array of them.
_HEAD_BYTES = 1024 * 1024

_OPENING_BRACKET = re.compile(rb"\s*\[")
_SCALAR = rb"(?:-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)"
_BEGINNING_OF_ARRAY = re.compile(rb'\[\s*(?:[{"]|' + _SCALAR + rb"\s*(?:,|\Z)|\Z)")
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
        # No array of events begins with an array, and a pipe must not wait for the end of what is none, as
        # `[INFO] start` and `[17] start` are none.
        return Layout.ARRAY if _BEGINNING_OF_ARRAY.match(first) else Layout.LINES
    one_array = Layout.LINES if goes_on else Layout.ARRAY  # a second one below: each line is an array
    return one_array if goes_on or ended else None


class Resumption(NamedTuple):
    """Where to go on in a stream that was read before.

    Attributes:
        layout: What it was then.
        place: This and all before it is not given again.
        missing_bytes: How much of the stream's beginning the feed leaves out; only lines can do without it.
    """

    layout: Layout
    place: Place
    missing_bytes: int = 0


def read_records(
    feed: Feed,
    stream: Stream,
    *,
    max_line_bytes: int,
    max_whole_bytes: int,
    resumption: Resumption | None = None,
) -> tuple[Layout, Generator[Record | Broken]]:
    """How the records lie in a stream, for which its beginning is read at once, and the records.

    Args:
        feed: The text, cut anywhere.
        stream: What the positions name; the unit follows from the layout.
        max_line_bytes: A longer record is `Broken`.
        max_whole_bytes: A longer text that is not one record per line is `Broken` as a whole.
        resumption: Where to go on. A text whose layout has become another one is read from its beginning.
    """
    if resumption and resumption.layout is Layout.LINES:
        return Layout.LINES, _go_on(feed, stream, resumption, max_line_bytes=max_line_bytes)
    head, layout = _look(feed)
    if head.startswith(_UTF_16_MARKS):
        reason = "this is UTF-16; convert it first: iconv -f UTF-16 -t UTF-8"
        return layout, _broken_whole(feed, stream, reason)
    start_bytes = len(_BOM) if head.startswith(_BOM) else 0
    feed.put_back(head[start_bytes:])
    if layout is Layout.LINES:
        lines = read_lines(feed, stream, max_line_bytes=max_line_bytes, start=Place(start_bytes, 0))
        return layout, lines
    text = _whole(feed, max_whole_bytes)
    if text is None:
        reason = (
            f"not one event per line, and too large to be read whole (more than {max_whole_bytes:,} bytes); "
            f"make it one per line first: jq -c {'.[]' if layout is Layout.ARRAY else '.'}"
        )
        return layout, _broken_whole(feed, stream, reason)
    records = _records(
        text,
        replace(stream, unit=Unit.ELEMENT if layout is Layout.ARRAY else Unit.LINE),
        feed,
        max_bytes=max_line_bytes,
        start_bytes=start_bytes,
        after=resumption.place if resumption and resumption.layout is layout else START,
    )
    return layout, records


def _go_on(
    feed: Feed, stream: Stream, resumption: Resumption, *, max_line_bytes: int
) -> Generator[Record | Broken]:
    end_bytes, number = resumption.place
    line_ended = feed.skip(end_bytes - resumption.missing_bytes)
    # A last line without a line end was whole; what has been added to it since is the same line.
    start = Place(end_bytes, number if line_ended else number - 1)
    return read_lines(feed, stream, max_line_bytes=max_line_bytes, start=start)


def _look(feed: Feed) -> tuple[bytes, Layout]:
    """The beginning, and what it shows."""
    head = bytearray()
    layout: Layout | None = None
    for chunk in feed:
        head += chunk
        if b"\n" in chunk:
            layout = layout_of(bytes(head.removeprefix(_BOM)), ended=False)
        if layout is None and len(head) >= _HEAD_BYTES:
            array = _BEGINNING_OF_ARRAY.match(head.removeprefix(_BOM).lstrip(_WHITE_SPACE))
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


def _records(  # noqa: PLR0913 -- the text, what it is, and its limits
    text: bytearray, stream: Stream, feed: Feed, *, max_bytes: int, start_bytes: int, after: Place
) -> Generator[Record | Broken]:
    in_array = stream.unit is Unit.ELEMENT
    number = -1 if in_array else 1
    counted = 0
    last: Place | None = None
    for begin, end, complete in _elements(text) if in_array else _cut(text):
        number += 1 if in_array else text.count(b"\n", counted, begin)
        counted = begin
        place = Place(start_bytes + end, number)
        if place <= after:
            continue
        if not complete:
            feed.end(place, last or after)
            reason = feed.fault or "the file ends in the middle of this"
            body = bytes(text[begin:end]) if end - begin <= max_bytes else b""
            yield Broken(position=Position(stream, number, place.end_bytes), reason=reason, body=body)
            return
        last = place
        if end - begin > max_bytes:
            yield Broken(
                position=Position(stream, number, place.end_bytes), reason=too_long_reason(max_bytes)
            )
        else:
            yield Record(stream, number, place.end_bytes, bytes(text[begin:end]))
    if feed.fault:
        number += 1 if in_array else text.count(b"\n", counted) + 1
        last = Place(start_bytes + len(text), number)
        feed.end(last, last)
        yield Broken(position=Position(stream, number, last.end_bytes), reason=feed.fault)
    else:
        feed.end(last, last or after)


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


def _broken_whole(feed: Feed, stream: Stream, reason: str) -> Generator[Record | Broken]:
    feed.end(START, START)
    yield Broken(position=Position(stream, 0, 0), reason=reason)
