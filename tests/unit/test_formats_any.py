"""Whatever a record holds gives events or reasons; the short ways of reading it agree with the long one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.benches.records import only, said
from variance_plugin.errors import InvalidRecord
from variance_plugin.events import Event
from variance_plugin.formats import events, from_mapping, ignored_name, plain_name


def reason_or_fields(way: Callable[[Any], Event], row: object) -> dict[str, Any]:
    """What one way of reading makes of a row."""
    try:
        return said(way(row))
    except InvalidRecord as reason:
        return {"reason": str(reason)}


def nothing(_constant: str) -> None:
    """What comes of a number that is none."""


NAMES = st.sampled_from(["$autocapture", "$pageleave", "order paid", "a\\b", 'a"b', "\ud83d", "", "é"])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | NAMES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["event", "properties", "batch", "a"]), inner, max_size=3)
    ),
    max_leaves=10,
)
FIELDS = [
    *[
        "event",
        "properties",
        "person_properties",
        "person",
        "distinct_id",
        "$distinct_id",
        "distinctId",
        "uuid",
    ],
    *[
        "eventUuid",
        "timestamp",
        "offset",
        "sent_at",
        "$set",
        "$set_once",
        "$user_id",
        "ip",
        "options",
        "batch",
    ],
    *["session_id", "elements_chain", "groups", "(record)"],
]
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES)
ROWS = st.builds(
    lambda fields, name, properties: {**fields, "event": name, "properties": properties},
    OBJECTS,
    NAMES,
    st.dictionaries(st.sampled_from(["distinct_id", "$set", "$groups", "a"]), JSON_VALUES),
)
RECORDS = (
    OBJECTS | ROWS | st.lists(ROWS | JSON_VALUES) | st.builds(lambda batch: {"batch": batch}, st.lists(ROWS))
)


@given(RECORDS, st.booleans())
@example({"event": "a", "(record)": 5}, False)  # noqa: FBT003
def test_any_json_gives_events_or_reasons(record: Any, ascii_only: bool) -> None:  # noqa: FBT001
    """And no other exception."""
    text = json.dumps(record, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    try:
        found = events(text)
    except InvalidRecord as reason:
        found = [reason]
    for each in found:
        assert each.event and isinstance(each.properties, dict) if isinstance(each, Event) else str(each)


@given(st.binary())
def test_any_bytes_give_events_or_reasons(record: bytes) -> None:
    """Likewise."""
    try:
        found = events(record)
    except InvalidRecord as reason:
        found = [reason]
    assert all(isinstance(each, InvalidRecord) for each in found)


@given(ROWS)
def test_the_fast_way_and_the_slow_way_agree(row: dict[str, Any]) -> None:
    """A row is read in one pass where that is possible; it must not matter."""
    row = json.loads(json.dumps(row), parse_constant=nothing)
    row.pop("options", None)  # it is not a field of a row: only batches have it
    row.pop("(record)", None)
    fast, slow = reason_or_fields(only, json.dumps(row)), reason_or_fields(from_mapping, row)

    assert slow == fast


@given(RECORDS)
@example(
    {"properties": {"event": "$autocapture", "distinct_id": "x"}, "event": "order paid", "distinct_id": "u"}
)
@example({"batch": [{"event": "$autocapture"}], "event": "order paid", "distinct_id": "u"})
@example({"event": "order paid", "distinct_id": "u", "$distinct_id": "v", "distinctId": "w"})
@example({"event": "order paid", "distinct_id": "", "properties": {"distinct_id": "u"}})
@example({"event": "", "distinct_id": "u"})
def test_what_is_left_out_by_its_name_has_that_name(record: Any) -> None:
    """Reading the name alone never says anything else than reading all of it."""
    text = json.dumps(record).encode()
    name = ignored_name(text, lambda _name: True)
    if name is None:
        return
    try:
        (event,) = events(text)
    except InvalidRecord as error:
        event = error
    if not isinstance(event, InvalidRecord):
        assert event.event == name


@given(RECORDS)
@example({"$os": "Linux", "event": "order paid", "distinct_id": "u"})
@example({"event": "order paid", "batch": [{"event": "$a", "distinct_id": "u"}], "distinct_id": "u"})
@example([{"event": "$a", "distinct_id": "u"}])
def test_a_record_with_a_plain_name_is_one_event_of_that_name(record: Any) -> None:
    """So it need not be decoded to know how many events are in it."""
    text = json.dumps(record).encode()
    name = plain_name(text)
    if name is None:
        return
    try:
        (event,) = events(text)
    except InvalidRecord:
        return
    if isinstance(event, Event):
        assert event.event == name


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        pytest.param("$a", b'{"event":"$a","distinct_id":"u","properties":{}}', id="a-row"),
        pytest.param("$a", b'{"uuid":1, "distinct_id" : "u", "event":"$a", "properties":"{}"}', id="kafka"),
        pytest.param("$a", b'{"event":"$a","properties":{"distinct_id":"u"}}', id="a-person-elsewhere"),
        pytest.param(None, b'{"event":"a","distinct_id":"u","properties":{}}', id="wanted"),
        pytest.param(None, b'{"properties":{"event":"$a"},"event":"a"}', id="wanted-behind-another"),
        pytest.param(None, b'{"event":"$a","event":"a"}', id="named-twice-and-wanted"),
        pytest.param("$a", b'{"event":"\\u0024a","distinct_id":"u"}', id="an-escape"),
        pytest.param("$a", b'{"x\\"event":"b","event":"$a"}', id="behind-a-key-that-looks-like-it"),
        pytest.param(None, b'{"x\\"event":"$a","event":"b"}', id="a-key-that-looks-like-it"),
        pytest.param("$a", b'{"properties":{"event":"a"},"event":"$a"}', id="behind-another"),
        pytest.param(None, b'{"event":{"event":"$a","distinct_id":"u"}}', id="a-webhook"),
        pytest.param(None, b'[{"event":"$a","distinct_id":"u"}]', id="an-array"),
        pytest.param(None, b'{"batch":[{"event":"$a","distinct_id":"u"}]}', id="a-batch"),
        pytest.param(None, b'{"event":"$a","distinct_id":"u"', id="cut-short"),
        pytest.param(None, b'{"event":"$a","distinct_id":"u","properties":{"n":NaN}}', id="nan"),
        pytest.param(None, b"", id="nothing"),
    ],
)
def test_rows_can_be_left_out_by_their_name(expected: str | None, text: bytes) -> None:
    """All else has to be decoded to know what it is."""
    assert expected == ignored_name(text, lambda name: name.startswith("$"))
