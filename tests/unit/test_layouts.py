"""Every way JSON texts lie in a file gives the same records, with positions a person can look up."""

import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.sources import Broken, Position, Record, Stream
from variance_plugin.sources.layouts import Layout, layout_of, read_records
from variance_plugin.sources.lines import Feed

MEGABYTE = 1_000_000

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=4)


def read(
    text: bytes, *, chunk_bytes: int = 7, max_line_bytes: int = MEGABYTE, max_whole_bytes: int = MEGABYTE
) -> list[Record | Broken]:
    """What a stream with this text holds."""
    chunks = (text[at : at + chunk_bytes] for at in range(0, len(text), chunk_bytes))
    _, records = read_records(
        Feed(chunks),
        Stream("events.json"),
        max_line_bytes=max_line_bytes,
        max_whole_bytes=max_whole_bytes,
    )
    return list(records)


def bodies(found: Sequence[Record | Broken]) -> list[bytes]:
    """The records' bodies; fails when anything is broken."""
    assert [] == [str(broken) for broken in found if isinstance(broken, Broken)]
    return [record.body for record in found if isinstance(record, Record)]


def places(found: Sequence[Record | Broken]) -> list[str]:
    """Where they stood, as messages put it."""
    return [str(record.position) for record in found]


@pytest.mark.parametrize(
    ("expected", "head"),
    [
        pytest.param(Layout.LINES, b'{"a":1}\n{"a', id="a-whole-object-on-the-first-line"),
        pytest.param(Layout.LINES, b'\r\n\n{"a":1}\r\n', id="the-same-behind-blank-lines"),
        pytest.param(Layout.LINES, b'{"a": NaN}\n', id="an-object-as-python-writes-it"),
        pytest.param(Layout.LINES, b'e":1}}\n{"a":1}\n', id="lines-from-the-middle-of-one"),
        pytest.param(Layout.LINES, b'{"a":\n{"a":1}\n', id="a-damaged-first-line"),
        pytest.param(Layout.LINES, b'{"a":\n\0\0\n{"a":1}\n', id="two-damaged-lines"),
        pytest.param(Layout.LINES, b'[{"a":1}]\n[{"a":2}]', id="an-array-on-every-line"),
        pytest.param(Layout.OBJECTS, b'{\n  "a": 1', id="an-object-over-several-lines"),
        pytest.param(Layout.OBJECTS, b'{ "a": 1\n, "b": 2', id="the-same-with-commas-in-front"),
        pytest.param(Layout.ARRAY, b"[\n", id="an-array-over-several-lines"),
        pytest.param(Layout.ARRAY, b'[{"a":1},\n', id="an-array-with-an-element-on-its-first-line"),
        pytest.param(Layout.LINES, b"[[[[5\n", id="a-damaged-line-of-brackets"),
        pytest.param(Layout.LINES, b"[INFO] start\n", id="a-line-of-a-log"),
        pytest.param(Layout.LINES, b"[2026-11-27 12:00:00] start\n", id="a-line-of-a-log-with-its-time"),
        pytest.param(Layout.LINES, b"[17] start\n", id="a-line-of-a-log-with-its-process"),
        pytest.param(Layout.LINES, b"[notice] start\n", id="a-line-of-a-log-in-small-letters"),
        pytest.param(Layout.ARRAY, b"[1,\n", id="an-array-of-numbers"),
        pytest.param(Layout.ARRAY, b"[ -1.5e3\n", id="an-array-of-numbers-with-commas-in-front"),
        pytest.param(Layout.ARRAY, b'["a,\n', id="an-array-of-texts"),
        pytest.param(Layout.LINES, b"[INFO starting\n", id="a-line-of-a-log-with-no-closing-bracket"),
        pytest.param(None, b"", id="nothing-yet"),
        pytest.param(None, b"\n \n", id="nothing-but-blank-lines-yet"),
        pytest.param(None, b'{"a":1}', id="a-first-line-that-may-go-on"),
        pytest.param(None, b"{\n", id="a-bracket-that-anything-may-follow"),
        pytest.param(None, b'[{"a":1}]\n', id="an-array-that-another-may-follow"),
    ],
)
def test_the_beginning_tells_how_the_texts_lie(expected: Layout | None, head: bytes) -> None:
    """One look at the first lines, and no more of a stream is waited for than it takes to tell."""
    assert expected is layout_of(head, ended=False)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        pytest.param(Layout.LINES, b"", id="empty"),
        pytest.param(Layout.OBJECTS, b"{\n", id="an-object-that-does-not-go-on"),
        pytest.param(Layout.LINES, b'{"a":1}', id="one-object-without-a-line-end"),
        pytest.param(Layout.ARRAY, b'[{"a":1}]', id="one-array-without-a-line-end"),
        pytest.param(Layout.ARRAY, b'[{"a":1}]\n\n', id="one-array-and-blank-lines"),
    ],
)
def test_the_end_of_a_stream_decides_what_its_beginning_left_open(expected: Layout, text: bytes) -> None:
    """No stream stays undecided."""
    assert expected is layout_of(text, ended=True)


@given(
    events=st.lists(EVENTS, min_size=1, max_size=12),
    chunk_bytes=st.integers(1, 400),
    seed=st.randoms(use_true_random=False),
)
def test_lines_give_their_bodies_and_numbers_whatever_stands_between_them(
    events: list[dict[str, Any]], chunk_bytes: int, seed: random.Random
) -> None:
    """Line ends of both kinds, blank lines, a byte order mark, a missing last line end: all the same."""
    text = seed.choice([b"", b"\xef\xbb\xbf"])
    expected = []
    number = 0
    for event in events:
        for _ in range(seed.choice([0, 0, 2])):
            text += seed.choice([b"\n", b"\r\n", b" \t\n"])
            number += 1
        body = json.dumps(event, ensure_ascii=seed.choice([True, False])).encode()
        text += body + seed.choice([b"\n", b"\r\n", b" \n"])
        number += 1
        expected.append((body, Position(Stream("events.json"), number, len(text))))
    if seed.choice([True, False]):
        text = text.rstrip()
        expected[-1] = (expected[-1][0], Position(Stream("events.json"), number, len(text)))

    found = read(text, chunk_bytes=chunk_bytes)

    assert expected == [(record.body, record.position) for record in found if isinstance(record, Record)]
    assert len(expected) == len(found)


@pytest.mark.parametrize("indent", [None, 0, 2])
@given(events=st.lists(EVENTS, max_size=8), chunk_bytes=st.integers(1, 400))
def test_the_elements_of_an_array_are_records_counted_from_zero(
    indent: int | None, events: list[dict[str, Any]], chunk_bytes: int
) -> None:
    """`events.json[3]` is what `jq '.[3]'` shows, to the byte."""
    text = json.dumps(events, indent=indent).encode()

    found = read(text, chunk_bytes=chunk_bytes)

    assert events == [json.loads(body) for body in bodies(found)]
    assert [f"events.json[{number}]" for number in range(len(events))] == places(found)
    for record in found:
        assert isinstance(record, Record)
        assert text[: record.end_bytes].endswith(record.body)


@given(events=st.lists(EVENTS.filter(len), min_size=1, max_size=8), chunk_bytes=st.integers(1, 400))
def test_objects_over_several_lines_are_records_named_by_their_first_line(
    events: list[dict[str, Any]], chunk_bytes: int
) -> None:
    """`jq . events.jsonl` writes such files, one object behind the other."""
    texts = [json.dumps(event, indent=2).encode() for event in events]
    first_lines = [1 + b"\n".join([*texts[:number], b""]).count(b"\n") for number in range(len(texts))]

    found = read(b"\n".join(texts), chunk_bytes=chunk_bytes)

    assert texts == bodies(found)
    assert [f"events.json:{line}" for line in first_lines] == places(found)


@pytest.mark.parametrize(
    ("elements", "bad"),
    [
        pytest.param([b'{"a":1}', b'{"a":NaN}', b'{"a":3}'], 1, id="a-number-that-is-none"),
        pytest.param([b'{"a":"\\ud800"}', b'{"a":",]}"}'], 0, id="half-a-surrogate-pair"),
        pytest.param([b'{"a":1}', b'{"a":}', b'{"a":"\\"]"}'], 1, id="a-missing-value"),
        pytest.param([b'{"a":1}', b"[" * 3000 + b"]" * 3000, b'{"a":3}'], 1, id="nesting-beyond-all-limits"),
        pytest.param([b'{"a":1}', b"nonsense", b'{"a":3}'], 1, id="nonsense"),
    ],
)
def test_a_bad_element_falls_alone(elements: list[bytes], bad: int) -> None:
    """The array as a whole is no JSON then; its other elements are what they are."""
    found = read(b"[\n " + b" ,\n ".join(elements) + b"\n]\n")

    assert elements == bodies(found)
    assert f"events.json[{bad}]" == str(found[bad].position)


@pytest.mark.parametrize(
    ("complete", "text"),
    [
        pytest.param([b'{"a":1}', b'{"a":2}'], b'[{"a":1},{"a":2},{"a"', id="array-within-an-element"),
        pytest.param([b'{"a":1}', b'{"a":2}'], b'[{"a":1},{"a":2}', id="array-behind-an-element"),
        pytest.param([b'{"a":1}', b'{"a":2}'], b'[{"a":1},{"a":2}, ', id="array-behind-a-comma"),
        pytest.param([], b"[", id="array-at-once"),
        pytest.param([b'{\n "a":1}'], b'{\n "a":1}\n{\n "a', id="object-over-several-lines"),
        pytest.param([b'{"a":1}'], b'{"a":1}\n{"a":', id="line"),
    ],
)
def test_a_text_that_stops_in_the_middle_gives_what_is_complete_and_says_so(
    complete: list[bytes], text: bytes
) -> None:
    """The half that is missing may hold events; the message tells where to look."""
    *found, last = read(text)

    assert complete == bodies(found)
    assert isinstance(last, Broken)
    assert last.reason.startswith("the file ends in the middle of this")


@given(
    events=st.lists(EVENTS.filter(len), min_size=1, max_size=6),
    indent=st.sampled_from([None, 2]),
    data=st.data(),
)
def test_a_text_cut_off_anywhere_gives_a_prefix_and_loses_nothing_silently(
    events: list[dict[str, Any]], indent: int | None, data: st.DataObject
) -> None:
    """Bodies are those of the whole text, in order; what is not among them is under the one `Broken`."""
    as_array = data.draw(st.booleans())
    texts = [json.dumps(event, indent=indent).encode() for event in events]
    text = b"[" + b",\n".join(texts) + b"]" if as_array else b"\n".join(texts)
    cut_off = text[: data.draw(st.integers(0, len(text)))]

    found = read(cut_off)

    came = bodies([record for record in found if isinstance(record, Record)])
    assert texts[: len(came)] == came
    broken = [record for record in found if isinstance(record, Broken)]
    assert broken == found[len(came) :]
    assert len(broken) <= 1
    if not broken:
        left_out = cut_off
        for body in came:
            left_out = left_out.replace(body, b"", 1)
        assert left_out.translate(None, b"[, \r\n]") == b""


@given(text=st.binary(max_size=400), chunk_bytes=st.integers(1, 50))
def test_no_text_whatever_raises(text: bytes, chunk_bytes: int) -> None:
    """A file may hold anything; each part of it becomes a record or a `Broken`."""
    for start in (b"", b"{", b"[", b'{"a":1}\n', b'[{"a":1},', b"\xef\xbb\xbf", b"{\n"):
        assert all(
            isinstance(found, Record | Broken) for found in read(start + text, chunk_bytes=chunk_bytes)
        )


def test_a_line_that_is_too_long_is_broken_and_the_next_one_is_read() -> None:
    """The limit holds for a line within one chunk as for one over many."""
    lines = [b'{"a":1}', b'{"b":"' + b"x" * 50 + b'"}', b'{"c":1}', b'{"d":"' + b"x" * 50 + b'"}']
    for chunk_bytes in (3, 20, 1000):
        found = read(b"\n".join(lines), chunk_bytes=chunk_bytes, max_line_bytes=20)

        assert [lines[0], lines[2]] == [record.body for record in found if isinstance(record, Record)]
        assert ["events.json:1", "events.json:2", "events.json:3", "events.json:4"] == places(found)
        assert "events.json:2: longer than 20 bytes" == str(found[1])


def test_an_element_that_is_too_long_is_broken_and_the_next_one_is_read() -> None:
    """As with lines."""
    found = read(b'[{"a":"' + b"x" * 50 + b'"},{"b":1}]', max_line_bytes=20)

    assert ["events.json[0]: longer than 20 bytes", b'{"b":1}'] == [
        str(record) if isinstance(record, Broken) else record.body for record in found
    ]


@pytest.mark.parametrize(("start", "command"), [(b"[\n", "jq -c .[]"), (b"{\n", "jq -c .")])
def test_what_is_too_large_to_be_read_whole_is_broken_with_the_way_out(start: bytes, command: str) -> None:
    """Lines have no limit, and `jq` makes them of anything."""
    (found,) = read(start + b' "a",' * MEGABYTE, chunk_bytes=10_000)

    assert isinstance(found, Broken)
    assert "events.json" == str(found.position)
    assert found.reason.endswith(command)


def test_an_array_on_one_long_line_is_an_array() -> None:
    """`json.dump` writes it so; its first line may be all of a large file."""
    events = [b'{"a":"' + b"x" * 900 + b'"}' for _ in range(1200)]
    text = b"[" + b",".join(events) + b"]"

    assert events == bodies(read(text, chunk_bytes=65_536, max_whole_bytes=len(text)))


def test_utf_16_is_named_for_what_it_is() -> None:
    """PowerShell's `>` writes it, and no line of it is JSON."""
    (found,) = read('{"a":1}\n'.encode("utf-16"))

    assert "this is UTF-16; convert it first: iconv -f UTF-16 -t UTF-8" == getattr(found, "reason", None)


def test_a_last_line_too_deep_to_be_checked_is_a_record_if_it_ends_like_one() -> None:
    """Whether it is an event is for others to say; here it only matters that it is all there."""
    deep = b"[" * 3000 + b"]" * 3000

    assert [b"1", deep] == bodies(read(b"1\n" + deep))
    assert "events.json:2: the file ends in the middle of this line" == str(read(b"1\n" + deep[:3000])[-1])


def test_lines_with_nul_bytes_are_handed_on_as_they_are() -> None:
    """They are no JSON, which is for the reader of records to say; the lines around them are unharmed."""
    assert [b'{"a":1}', b'\0\0{"b":1}\0', b'{"c":1}'] == bodies(read(b'{"a":1}\n\0\0{"b":1}\0\n{"c":1}\n'))


def test_a_record_does_not_show_its_body() -> None:
    """An event is personal data, and a repr ends up in logs and error reports."""
    (record,) = read(b'{"email":"kim@shop.example"}')

    assert "Record('events.json:1', 28 bytes)" == repr(record)
