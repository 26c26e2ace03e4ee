"""Whatever shape PostHog hands an event out in, the same `Event` comes of it."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.benches.records import only, read, said
from variance_plugin.errors import InvalidRecord
from variance_plugin.events import Event
from variance_plugin.formats import from_mapping

UUID = "0193a1f0-7c11-7000-8abc-0d5e6f7a8b9c"
TIME = "2026-11-21T12:34:56.789Z"


PROPERTIES = {
    "total": 18.5,
    "$groups": {"company": "acme"},
    "$set": {"plan": "pro"},
    "$set_once": {"first": 1},
}
PERSON = {"email": "kim@shop.example"}
KAFKA = {
    "uuid": UUID,
    "event": "order paid",
    "properties": json.dumps(PROPERTIES),
    "timestamp": "2026-11-21 12:34:56.789",
    "team_id": 7,
    "project_id": 7,
    "distinct_id": "u-42",
    "elements_chain": "",
    "created_at": "2026-11-21 12:34:58.104",
    "captured_at": None,
    "person_id": "018f2b64-55aa-7b3c-9e21-6a7b8c9d0e1f",
    "person_properties": json.dumps(PERSON),
    "person_created_at": "2026-01-02 03:04:05",
    "person_mode": "full",
}
BATCH_EXPORT = {
    "uuid": UUID,
    "timestamp": "2026-11-21T12:34:56.789000+00:00",
    "_inserted_at": "2026-11-21T12:35:01.250000+00:00",
    "created_at": "2026-11-21T12:34:58.104000+00:00",
    "event": "order paid",
    "properties": PROPERTIES,
    "distinct_id": "u-42",
    "elements_chain": "",
    "person_properties": PERSON,
    "person_id": "018f2b64-55aa-7b3c-9e21-6a7b8c9d0e1f",
}
PLUGIN_EVENT = {
    "distinct_id": "u-42",
    "ip": None,
    "team_id": 7,
    "event": "order paid",
    "properties": PROPERTIES,
    "timestamp": TIME,
    "$set": PROPERTIES["$set"],
    "$set_once": PROPERTIES["$set_once"],
    "uuid": UUID,
}
WEBHOOK = {
    "event": {
        "uuid": UUID,
        "event": "order paid",
        "elements_chain": "",
        "distinct_id": "u-42",
        "properties": PROPERTIES,
        "timestamp": TIME,
        "captured_at": "2026-11-21T12:34:57.013Z",
        "url": "https://eu.example/project/7/events/0193/2026-11-21T12%3A34%3A56.789Z",
    },
    "person": {
        "id": "018f2b64-55aa-7b3c-9e21-6a7b8c9d0e1f",
        "properties": PERSON,
        "name": "kim@shop.example",
        "url": "https://eu.example/project/7/person/u-42",
    },
}
CAPTURED = {
    "event": "order paid",
    "uuid": UUID,
    "distinct_id": "u-42",
    "timestamp": "2026-11-21T12:34:56.789000+00:00",
    "properties": {"total": 18.5, "$groups": {"company": "acme"}},
    "$set": {"plan": "pro"},
    "$set_once": {"first": 1},
}
FROM_BROWSER = {
    "event": "order paid",
    "uuid": UUID,
    "timestamp": TIME,
    "properties": {**PROPERTIES, "token": "phc_demo", "distinct_id": "u-42"},
}
ENVELOPE = {"api_key": "phc_demo", "historical_migration": False, "sent_at": "2026-11-21T12:35:00.000Z"}


@pytest.mark.parametrize(
    ("shape", "has_person"),
    [
        pytest.param(KAFKA, True, id="kafka"),
        pytest.param({**BATCH_EXPORT, "properties": json.dumps(PROPERTIES)}, True, id="parquet-row"),
        pytest.param(BATCH_EXPORT, True, id="batch-export"),
        pytest.param(PLUGIN_EVENT, False, id="plugin-event"),
        pytest.param({**PLUGIN_EVENT, "elements": []}, False, id="plugin-event-of-the-plugin-server"),
        pytest.param(WEBHOOK, True, id="webhook"),
        pytest.param({"event": WEBHOOK["event"]}, False, id="webhook-without-person"),
        pytest.param(CAPTURED, False, id="capture"),
        pytest.param(FROM_BROWSER, False, id="capture-from-a-browser"),
        pytest.param([CAPTURED], False, id="capture-array"),
        pytest.param({**ENVELOPE, "batch": [CAPTURED]}, False, id="capture-batch"),
        pytest.param(
            {
                "eventUuid": UUID,
                "event": "order paid",
                "teamId": 7,
                "distinctId": "u-42",
                "properties": PROPERTIES,
                "timestamp": TIME,
                "elementsList": [],
                "person": {"uuid": "018f2b64-55aa-7b3c-9e21-6a7b8c9d0e1f", "properties": PERSON},
            },
            True,
            id="rest-hook",
        ),
    ],
)
def test_every_shape_gives_the_same_event(shape: Any, has_person: bool) -> None:  # noqa: FBT001
    """Name, ids, time, properties, and the person where the shape has it."""
    (event,) = read(shape)

    assert isinstance(event, Event)
    assert ("order paid", UUID, "u-42") == (event.event, event.uuid, event.distinct_id)
    assert datetime(2026, 11, 21, 12, 34, 56, 789000, UTC) == datetime.fromisoformat(event.timestamp)
    assert PROPERTIES == {name: event.properties[name] for name in PROPERTIES}
    assert (PERSON if has_person else None) == event.person_properties


def test_kafkas_time_becomes_the_one_that_posthog_gave_its_plugins() -> None:
    """Payload version 1 sends the time as it stands."""
    assert TIME == only(KAFKA).timestamp
    assert "yesterday" == only({**KAFKA, "timestamp": "yesterday"}).timestamp


@pytest.mark.parametrize(
    "body",
    [b'{"event":"a","distinct_id":"u"}', b'\xef\xbb\xbf {"event" : "a",\r\n\t"distinct_id":"u"}\n'],
    ids=["compact", "with-a-byte-order-mark-and-white-space"],
)
def test_spelling_does_not_matter(body: bytes) -> None:
    """JSON is JSON."""
    assert {"event": "a", "distinct_id": "u", "properties": {}} == said(only(body))


@pytest.mark.parametrize(
    "nothing", ["null", "{}", '""', '"{}"', "[]"], ids=["null", "object", "text", "json", "php"]
)
@pytest.mark.parametrize("field", ["properties", "person_properties"])
def test_nothing_is_an_empty_object(field: str, nothing: str) -> None:
    """Batch exports write null, Kafka `"{}"`, PHP `[]`."""
    event = only(f'{{"event":"a","distinct_id":"u","{field}":{nothing}}}')

    assert not getattr(event, field)
    assert {} == event.properties


@pytest.mark.parametrize("field", ["properties", "person_properties"])
@pytest.mark.parametrize(
    ("reason", "value"),
    [("number", 5), ("array", [1]), ("boolean", True), ("not JSON", "{"), ("string", '"a"')],
    ids=["number", "array", "boolean", "broken-text", "text-of-a-text"],
)
def test_properties_that_are_no_object_are_refused(reason: str, value: Any, field: str) -> None:
    """Rather than sent without what they were meant to say."""
    with pytest.raises(InvalidRecord, match=reason):
        read({"event": "a", "distinct_id": "u", field: value})


def test_what_stands_beside_the_properties_wins_over_what_stands_in_them() -> None:
    """As in PostHog's ingestion."""
    event = only({**CAPTURED, "properties": {"$set": {"plan": "old", "seats": 3}, "$set_once": "nonsense"}})

    assert {"$set": {"plan": "pro", "seats": 3}, "$set_once": {"first": 1}} == event.properties
    assert (None, None) == (event.set_, event.set_once)


@pytest.mark.parametrize(
    ("expected", "ids"),
    [
        pytest.param("top", {"distinct_id": "top", "properties": {"distinct_id": "within"}}, id="top-level"),
        pytest.param("within", {"properties": {"distinct_id": "within"}}, id="within"),
        pytest.param("dollar", {"$distinct_id": "dollar", "properties": {}}, id="dollar"),
        pytest.param("dollar", {"$distinct_id": "dollar"}, id="dollar-without-properties"),
        pytest.param(17, {"distinct_id": 17}, id="a-number-stands"),
        pytest.param(None, {"properties": {}}, id="none"),
    ],
)
def test_the_id_is_found_wherever_the_capture_api_takes_it(expected: object, ids: dict[str, Any]) -> None:
    """Top level first."""
    assert expected == only({"event": "a", **ids}).distinct_id


def test_an_engage_body_is_an_identify() -> None:
    """It has no event name, but an id and person properties."""
    event = only({"$token": "phc_demo", "$distinct_id": "u-42", "$set": {"plan": "pro"}})

    assert {"event": "$identify", "distinct_id": "u-42", "properties": {"$set": {"plan": "pro"}}} == said(
        event
    )


def test_capture_v1_puts_back_what_it_moved_out_of_the_properties() -> None:
    """Options, session and window; `created_at` is when it was sent."""
    body = {
        "created_at": "2026-11-21T12:35:00Z",
        "batch": [
            {
                "event": "$pageview",
                "uuid": UUID,
                "distinct_id": "u-42",
                "timestamp": TIME,
                "options": {"process_person_profile": False, "cookieless_mode": True, "product_tour_id": "t"},
                "properties": {"a": 1, "$window_id": "its own"},
                "session_id": "s",
                "window_id": "w",
            }
        ],
    }
    event = only(body)

    assert "2026-11-21T12:35:00Z" == event.sent_at
    assert {
        "a": 1,
        "$process_person_profile": False,
        "$cookieless_mode": True,
        "$product_tour_id": "t",
        "$session_id": "s",
        "$window_id": "its own",
    } == event.properties


def test_a_webhook_with_groups_has_them_where_events_have_them() -> None:
    """For bodies that were customised; what the event itself says is not touched."""
    groups = {
        "company": {"id": "acme", "type": "company", "index": 0, "properties": {"seats": 3}},
        "workspace": {"id": "ws-1", "type": "workspace", "index": 1},
        "broken": None,
    }
    within = {**WEBHOOK["event"], "properties": {"a": 1}}

    event = only({"event": within, "groups": groups})

    assert {
        "a": 1,
        "$groups": {"company": "acme", "workspace": "ws-1"},
        "$group_0": "acme",
        "$group_1": "ws-1",
    } == event.properties
    assert PROPERTIES == only({**WEBHOOK, "groups": groups}).properties
    assert {"a": 1} == only({"event": within, "groups": {"broken": {"index": 0}}}).properties


@pytest.mark.parametrize(
    ("reason", "body"),
    [
        pytest.param("not JSON", b"", id="nothing"),
        pytest.param("not JSON", b"api_key=phc_demo", id="a-form"),
        pytest.param("not JSON", b'{"event":"a"', id="cut-short"),
        pytest.param("not JSON", b'{"batch":[{"event":"a"}', id="a-batch-cut-short"),
        pytest.param("not UTF-8", b'{"event":"\xff\xfe"}', id="broken-utf-8"),
        pytest.param(
            "nested too deep",
            f'{{"event":"a","properties":{"[" * 20_000 + "]" * 20_000}}}'.encode(),
            id="deep",
        ),
        pytest.param("a JSON string is not an event", b'"a"', id="a-text"),
        pytest.param("a JSON null is not an event", b"null", id="null"),
        pytest.param("`event` is missing", b"{}", id="an-empty-object"),
        pytest.param("`event` is missing", b'{"batch":{"event":"a"}}', id="a-batch-that-is-no-list"),
        pytest.param("`event` is array", b'{"event":["a"]}', id="a-list-for-a-name"),
        pytest.param(
            "`event` is empty", b'{"event":"","distinct_id":"u","properties":{}}', id="an-empty-name"
        ),
        pytest.param("`event` is missing", b'{"event":{"properties":{}}}', id="a-webhook-without-a-name"),
    ],
)
def test_a_record_that_is_no_event_is_refused_with_the_reason(reason: str, body: bytes) -> None:
    """Alone."""
    with pytest.raises(InvalidRecord, match=reason):
        read(body)


@pytest.mark.parametrize("key", ["(record)", "(position)"])
def test_an_event_cannot_pretend_to_be_another_record(key: str) -> None:
    """What stands in the record does not reach the fields that are kept beside it."""
    body = json.dumps({"event": "a", "distinct_id": "u", "properties": {}, key: "YQ=="}).encode()

    event = only(body)

    assert (body, None) == (event.record, event.position)


def test_a_hosts_dict_is_not_changed() -> None:
    """Other plugins of the chain may look at it afterwards."""
    for shape in (PLUGIN_EVENT, CAPTURED, FROM_BROWSER, WEBHOOK, KAFKA, BATCH_EXPORT):
        given_ = copy.deepcopy(shape)
        from_mapping(given_)
        assert shape == given_
