"""Whatever is posted: it is refused with a reason, or what is kept reads as what was sent."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from variance_plugin.capture import Reception, Skew, as_ingested, decode_body, members
from variance_plugin.errors import InvalidRecord
from variance_plugin.events import Event
from variance_plugin.formats import events

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
RECEPTION = Reception(at=NOW, ip="203.0.113.9", nonce="a")

texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.just("\ud83d")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
objects = st.dictionaries(texts, values, max_size=5)
times = st.none() | st.datetimes().map(datetime.isoformat) | values
sent_events = st.fixed_dictionaries(
    {"event": texts.filter(bool), "distinct_id": texts.filter(bool), "properties": objects},
    optional={
        "uuid": st.uuids().map(str) | values,
        "timestamp": times,
        "offset": values,
        "$set": objects,
        "$set_once": objects,
        "api_key": texts,
        "options": values,
        "person": values,
    },
)


def kept(text: bytes, sent_at: Any = None) -> list[bytes]:
    """The records of a request that came now."""
    posted = members(text)
    skew = Skew.of(posted.sent_at if sent_at is None else sent_at, NOW)
    return [as_ingested(one, RECEPTION, skew, number=0) for one in posted.usable.members]


@given(st.binary(max_size=200) | objects.map(lambda value: json.dumps(value).encode()))
@example(b'{"batch":[]}')
@example(b'[{"event":"e","distinct_id":"u"}' + b"," * 3 + b"]")
def test_any_bytes_are_taken_or_refused_with_a_reason(body: bytes) -> None:
    """Nothing else is ever raised."""
    try:
        records, reason = kept(decode_body(body, query={})), ""
    except InvalidRecord as refused:
        records, reason = [], str(refused)

    assert bool(records) != bool(reason)


@settings(max_examples=50)
@given(event=sent_events, sent_at=times)
def test_what_is_kept_reads_as_the_event_that_was_sent(event: dict[str, Any], sent_at: Any) -> None:
    """Name, id, properties and updates of the person; with a time and an id, whatever was said of them."""
    text = json.dumps(event).encode()
    try:
        [sent] = events(text)
    except InvalidRecord:
        return  # it could not be read as it was sent either
    assert isinstance(sent, Event)

    [record] = kept(json.dumps({"api_key": "phc_demo", "batch": [event], "sent_at": sent_at}).encode())
    [read] = events(record)

    assert isinstance(read, Event)
    assert (sent.event, sent.distinct_id, sent.properties) == (read.event, read.distinct_id, read.properties)
    assert sent.person_properties == read.person_properties
    assert datetime.fromisoformat(read.timestamp).tzinfo is UTC
    assert 36 == len(read.uuid)


@settings(max_examples=50)
@given(st.lists(sent_events, min_size=1, max_size=4))
def test_events_stay_apart_and_in_order(sent: list[dict[str, Any]]) -> None:
    """However odd their neighbours are."""
    names = [f"{number} {event['event']}" for number, event in enumerate(sent)]
    batch = [{**event, "event": name} for name, event in zip(names, sent, strict=True)]

    records = kept(json.dumps({"api_key": "phc_demo", "batch": batch}).encode())

    assert names == [json.loads(record)["event"] for record in records]
