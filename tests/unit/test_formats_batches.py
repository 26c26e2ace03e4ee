"""Many events in one body: each has its time, and what is wrong with one is that one's loss."""

import json
from typing import Any

import pytest

from tests.benches.records import only, read
from variance_plugin.errors import InvalidRecord
from variance_plugin.events import Event
from variance_plugin.formats import events

TIME = "2026-11-21T12:34:56.789Z"


@pytest.mark.parametrize(
    ("expected", "envelope", "member"),
    [
        pytest.param(
            TIME, {"sent_at": "2026-11-21T12:35:00.000Z"}, {"timestamp": TIME}, id="a-time-of-its-own"
        ),
        pytest.param(TIME, {"sent_at": "2026-11-21T12:35:00.000Z"}, {"offset": 3211}, id="an-offset"),
        pytest.param(
            TIME, {"sent_at": "2026-11-21T12:35:00.000Z"}, {"offset": 3211.0}, id="a-decimal-offset"
        ),
        pytest.param(TIME, {}, {"offset": 3211, "sent_at": "2026-11-21T12:35:00.000Z"}, id="its-own-sent-at"),
        pytest.param(TIME, {"sent_at": TIME}, {}, id="none-but-the-sending"),
        pytest.param(TIME, {"sentAt": TIME}, {}, id="as-posthog-python-5-spells-it"),
        pytest.param(TIME, {"created_at": TIME}, {}, id="as-v1-spells-it"),
        pytest.param(None, {}, {"offset": 3211}, id="an-offset-from-nothing"),
        pytest.param(None, {"sent_at": "nonsense"}, {"offset": 3211}, id="an-offset-from-nonsense"),
        pytest.param(None, {"sent_at": TIME}, {"offset": "soon"}, id="a-nonsense-offset"),
        pytest.param(None, {"sent_at": TIME}, {"offset": [1]}, id="an-offset-of-another-type"),
        pytest.param(None, {"sent_at": TIME}, {"offset": 1e300}, id="an-offset-of-ages"),
    ],
)
def test_an_event_in_a_batch_gets_its_time(
    expected: str | None, envelope: dict[str, Any], member: dict[str, Any]
) -> None:
    """Older posthog-js sends an age in milliseconds. Rather no time than a wrong one."""
    assert expected == only({**envelope, "batch": [{"event": "a", "distinct_id": "u", **member}]}).timestamp


def test_an_event_by_itself_gets_its_time_from_its_offset() -> None:
    """And from `sent_at` alone it does not: payload version 1 has to know that there was none."""
    event = {"event": "a", "distinct_id": "u", "sent_at": "2026-11-21T12:35:00.000Z"}

    assert TIME == only({**event, "offset": 3211}).timestamp
    assert None is only(event).timestamp


DEEP = "[" * 1_500 + "]" * 1_500
GOOD = [{"event": "first", "distinct_id": "u"}, {"event": "last", "distinct_id": "u"}]


@pytest.mark.parametrize("envelope", ['{"api_key":"phc_demo","batch":%s}', "%s"], ids=["batch", "array"])
@pytest.mark.parametrize(
    ("reason", "member"),
    [
        pytest.param("a JSON number is not an event", b"5", id="number"),
        pytest.param("a JSON null is not an event", b"null", id="null"),
        pytest.param("a JSON array is not an event", b'[{"event":"a"}]', id="array"),
        pytest.param("no event name: `event` is missing", b"{}", id="no-name"),
        pytest.param("no event name: `event` is empty", b'{"event":""}', id="empty-name"),
        pytest.param("no event name: `event` is number", b'{"event":5}', id="number-for-a-name"),
        pytest.param("`properties` is a JSON number", b'{"event":"a","properties":5}', id="bad-properties"),
        pytest.param("not UTF-8", b'{"event":"a","properties":{"a":"\xff"}}', id="broken-utf-8"),
        pytest.param("not JSON", b'{"event":"a",}', id="broken-json"),
    ],
)
def test_a_bad_event_costs_a_batch_that_event_only(reason: str, member: bytes, envelope: str) -> None:
    """Its neighbours go on; the reason says which one it was."""
    first, last = (json.dumps(event).encode() for event in GOOD)
    body = envelope.encode() % (b"[" + b",".join([first, member, last]) + b"]")

    before, bad, after = read(body)

    assert isinstance(bad, InvalidRecord)
    assert str(bad).startswith("event 2 of the batch: ")
    assert reason in str(bad)
    assert isinstance(before, Event)
    assert isinstance(after, Event)
    assert ["first", "last"] == [before.event, after.event]


@pytest.mark.parametrize(
    "nested",
    [DEEP, f'{{"a":{DEEP}}}', "NaN", '"\\ud83d"', "9" * 5_000, "1e99999999999999999999"],
    ids=["deep", "deeper", "nan", "half-a-character", "digits", "exponent"],
)
def test_a_hostile_event_costs_a_batch_at_most_that_event(nested: str) -> None:
    """It goes through or falls; its neighbours go through."""
    member = f'{{"event":"hostile","distinct_id":"u","properties":{{"a":{nested}}}}}'
    first, last = map(json.dumps, GOOD)

    before, hostile, after = read(f'{{"batch":[{first},{member},{last}],"sent_at":"{TIME}"}}')

    assert isinstance(before, Event)
    assert isinstance(after, Event)
    assert ["first", TIME, "last", TIME] == [before.event, before.timestamp, after.event, after.timestamp]
    assert hostile.event == "hostile" if isinstance(hostile, Event) else "nested too deep" in str(hostile)


def test_an_event_of_a_batch_keeps_its_own_bytes() -> None:
    """For the dead letters: not the whole batch, and every digit."""
    event = only('{"batch": [ {"event":"a", "distinct_id":"u", "properties":{"n":1.10}} ]}')

    assert b'{"event":"a", "distinct_id":"u", "properties":{"n":1.10}}' == event.record


@pytest.mark.parametrize("body", ["[]", '{"batch":[]}'], ids=["array", "batch"])
def test_an_empty_batch_has_no_events(body: str) -> None:
    """Nothing was lost."""
    assert [] == read(body)


@pytest.mark.parametrize(
    "member",
    [{"offset": 3211}, {}, {"timestamp": None, "sent_at": None}, {"sent_at": TIME, "timestamp": TIME}],
    ids=["an offset", "nothing", "nulls", "a time of its own"],
)
def test_a_member_is_the_same_event_when_it_is_read_again(member: dict[str, Any]) -> None:
    """By its record alone, as from the dead letters: the time that it has by its envelope is in there."""
    event = {"event": "paid", "distinct_id": "u", "properties": {"n": 1}, **member}
    body = json.dumps({"batch": [event], "sent_at": "2026-11-21T12:35:00.000Z"}, indent=1)
    (first,) = events(body.encode())
    assert isinstance(first, Event)

    (again,) = events(first.record)

    assert first == again


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(b'{"event":"paid","distinct_id":"ada"}', id="a-row"),
        pytest.param(b'[{"event":"paid","distinct_id":"ada"},{"event":"paid"}]', id="an-array"),
        pytest.param(
            b'{"sent_at":"2026-01-01T00:00:00Z","batch":[{"event":"paid","offset":5}]}', id="a-batch"
        ),
        pytest.param(b'{"event":{"event":"paid","distinct_id":"ada"},"person":{"id":"p"}}', id="a-webhook"),
        pytest.param(b'{"distinct_id":"ada","$set":{"plan":"pro"}}', id="engage"),
    ],
)
def test_a_dead_letter_is_read_as_the_record_in_it(record: bytes) -> None:
    """Once it has been put right in the file it can be exported again, a letter in a letter too."""
    letter = b'{"rejectedAt":"2026-11-27T00:00:00Z","reason":"was broken","event":%b}'

    assert events(record) == events(letter % record) == events(letter % (letter % record))
