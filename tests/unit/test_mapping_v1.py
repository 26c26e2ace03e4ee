"""Payload version 1: messages as connector 1.0.0 made them, oddities and all."""

import copy
import json
from typing import Any

import pytest

from variance_plugin.exact_json import encode
from variance_plugin.formats import from_mapping
from variance_plugin.mapping import Mapper, MappingSettings, Memory, SkipReason

WHEN = "2026-11-21T12:34:56+00:00"
HEAD = {
    "libary": {"name": "posthog-variance-plugin", "version": "1.0.0"},
    "messageId": "id-1",
    "timestamp": WHEN,
}


def message(event: dict[str, Any], **settings: Any) -> dict[str, Any] | None:
    """The one message of an event, without what every message has; None when there is none."""
    mapper = Mapper(MappingSettings(payload_version=1, **settings))
    mapped = mapper.map(from_mapping(event), Memory())
    assert (mapped.skipped is None) == (len(mapped.messages) == 1)
    if not mapped.messages:
        return None
    found: dict[str, Any] = json.loads(encode(mapped.messages[0]))
    assert HEAD == {name: found.pop(name) for name in HEAD}
    return found


def event(name: str, properties: Any = None, /, **fields: Any) -> dict[str, Any]:
    """An event with these properties and fields, and no ids."""
    return {"event": name, "uuid": "id-1", "timestamp": WHEN, "properties": properties, **fields}


def test_a_message_says_no_more_than_the_event() -> None:
    """The misspelt `libary`, the id, and the time as it stands; what is null or missing is left out."""
    assert {"type": "track", "event": "a"} == message(event("a"))
    assert {"type": "track", "event": "a"} == message(event("a", {"b": None, "$c": 1}, ip=None, sent_at=None))


@pytest.mark.parametrize("field", ["uuid", "timestamp"])
@pytest.mark.parametrize("falsy", [None, "", 0, False], ids=repr)
def test_an_event_without_uuid_or_time_sends_nothing(field: str, falsy: Any) -> None:
    """Missing or falsy."""
    without = event("a")
    del without[field]

    assert message(without) is None
    assert message(event("a", **{field: falsy})) is None


@pytest.mark.parametrize("timestamp", [WHEN, "yesterday", 17, {}, []], ids=str)
def test_the_time_is_sent_as_it_stands(timestamp: Any) -> None:
    """Nobody looked at it then; what is true in JavaScript is a time."""
    mapped = Mapper(MappingSettings(payload_version=1)).map(
        from_mapping(event("a", timestamp=timestamp)), Memory()
    )

    assert timestamp == json.loads(encode(mapped.messages[0]))["timestamp"]


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        ("alias", "$create_alias"),
        ("group", "$groupidentify"),
        ("identify", "$identify"),
        ("page", "$pageview"),
        ("track", "order paid"),
        ("track", ""),
    ],
)
def test_five_kinds_of_events_are_sent(expected: str, name: str) -> None:
    """By name."""
    given = from_mapping(event("a"))
    given.event = name

    mapped = Mapper(MappingSettings(payload_version=1)).map(given, Memory())

    assert expected == json.loads(encode(mapped.messages[0]))["type"]


@pytest.mark.parametrize(
    "name", ["$page", "$screen", "$set", "$set_once", "$merge_dangerously", "$pageleave"]
)
def test_no_other_event_of_posthogs_own_is_sent(name: str) -> None:
    """Also not when it is named in `systemEvents`, which 1.0.0 did not have."""
    assert message(event(name), system_events=("*",)) is None
    assert SkipReason.NOT_IN_VERSION_1 is Mapper(MappingSettings(payload_version=1)).skips(name)


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ({"context": {"app": {"version": "1"}}}, event("$identify", {"posthog_version": "1"})),
        ({"context": {"ip": "203.0.113.9"}}, event("$identify", ip="203.0.113.9")),
        ({"context": {"os": {"name": "Linux"}}}, event("$identify", {"$os": "Linux"})),
        ({"context": {"page": {"host": "h"}}}, event("$identify", {"$host": "h"})),
        ({"context": {"page": {"path": "/p"}}}, event("$identify", {"$pathname": "/p"})),
        ({"context": {"page": {"referrer": "r"}}}, event("$identify", {"$referrer": "r"})),
        ({"context": {"page": {"url": 17}}}, event("$identify", {"$current_url": 17})),
        ({"context": {"screen": {"height": 0}}}, event("$identify", {"$screen_height": 0})),
        ({"context": {"screen": {"width": 1}}}, event("$identify", {"$screen_width": 1})),
        ({"sentAt": WHEN}, event("$identify", sent_at=WHEN)),
        ({}, event("$identify", {"$ip": "x", "$app_version": "1", "title": "t", "utm_source": "s"})),
    ],
    ids=lambda value: "+".join({**(value["properties"] or value)} if "uuid" in value else value) or "nothing",
)
def test_the_context_has_ten_fields(expected: dict[str, Any], given: dict[str, Any]) -> None:
    """And `sentAt` stands beside it."""
    assert {"type": "identify", **expected} == message(given)


def test_the_address_can_be_kept_back_here_too() -> None:
    """It is a wish of the user's."""
    assert {"type": "identify"} == message(event("$identify", ip="203.0.113.9"), send_ip=False)


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ({"anonymousId": "a"}, {"properties": {"$anon_distinct_id": "a", "$device_id": "d"}}),
        ({"anonymousId": "d"}, {"properties": {"$anon_distinct_id": "", "$device_id": "d"}}),
        ({"anonymousId": "i", "userId": "u"}, {"properties": {"distinct_id": "i"}, "distinct_id": "u"}),
        ({"anonymousId": ""}, {"properties": {"$device_id": 0, "distinct_id": ""}, "distinct_id": None}),
        ({}, {"properties": {"$device_id": "", "distinct_id": None}, "distinct_id": None}),
        ({"anonymousId": []}, {"properties": {"$anon_distinct_id": []}}),
        ({"userId": "u"}, {"$user_id": "u", "distinct_id": "i"}),
        ({"userId": "i"}, {"$user_id": 0, "distinct_id": "i"}),
        ({"userId": 0}, {"$user_id": None, "distinct_id": 0}),
        ({"userId": "null"}, {"distinct_id": "null"}),
    ],
    ids=json.dumps,
)
def test_an_id_is_the_first_true_one_else_the_last(expected: dict[str, Any], given: dict[str, Any]) -> None:
    """True as in JavaScript; nobody was told apart from anybody."""
    assert {"type": "identify", **expected} == message({**event("$identify"), **given})


@pytest.mark.parametrize(
    ("expected", "url"),
    [
        ("?a=b", "https://a.example/?a=b"),
        ("", "https://a.example/?"),
        ("", "https://a.example/"),
        (None, "/relative?a=b"),
        (None, "http://a b?c"),
        (None, 17),
    ],
)
def test_the_search_of_a_page_may_be_empty(expected: str | None, url: Any) -> None:
    """In the context; among the page's properties it is left out then. A broken address has none."""
    found = message(event("$pageview", {"$current_url": url}))

    page = {"url": url} | ({} if expected is None else {"search": expected})
    properties = {"url": url} | ({"search": expected} if expected else {})
    assert {"type": "page", "context": {"page": page}, "properties": properties} == found


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        pytest.param(
            {"type": "alias", "anonymousId": "old", "previousId": "old", "userId": "new"},
            event("$create_alias", {"distinct_id": "old", "alias": "new"}, distinct_id="u"),
            id="alias",
        ),
        pytest.param(
            {"type": "alias", "userId": "u"},
            event("$create_alias", {"alias": None}, distinct_id="u"),
            id="alias-half",
        ),
        pytest.param(
            {
                "type": "page",
                "name": "n",
                "category": "c",
                "properties": {"host": "h", "path": "p", "referrer": "r"},
                "context": {"page": {"host": "h", "path": "p", "referrer": "r"}},
            },
            event(
                "$pageview",
                {"name": "n", "category": "c", "$host": "h", "$pathname": "p", "$referrer": "r", "x": 1},
            ),
            id="page",
        ),
        pytest.param(
            {
                "type": "group",
                "groupId": "acme",
                "traits": {"posthog_group_type": "company", "company": "acme", "a": {"b": 1}},
            },
            event(
                "$groupidentify",
                {
                    "$group_type": "company",
                    "$group_key": "acme",
                    "$group_set": {"seats": 3},
                    "$groups": {"company": "acme", "a.b": 1, "$x": 2, "y": None},
                },
            ),
            id="group",
        ),
        pytest.param(
            {"type": "identify", "traits": {"email": "e"}},
            event("$identify", {"$set": {"email": "e", "$browser": "b", "x": None}, "$set_once": {"y": 1}}),
            id="identify",
        ),
        pytest.param(
            {"type": "track", "event": "a", "properties": {"token": "t", "x": 1}, "anonymousId": "i"},
            event("a", {"token": "t", "$lib": "web", "x": 1, "y": None, "$device_id": "i"}),
            id="track",
        ),
    ],
)
def test_each_type_has_the_fields_it_had(expected: dict[str, Any], given: dict[str, Any]) -> None:
    """Side by side."""
    assert expected == message(given)


@pytest.mark.parametrize(
    ("expected", "properties"),
    [
        pytest.param({"a": {"b": {"c": 1}}}, {"a.b.c": 1}, id="nests"),
        pytest.param({"a": {"b": 1, "c": 2}}, {"a.b": 1, "a.c": 2}, id="together"),
        pytest.param({"a": {"b": 1}}, {"a": 5, "a.b": 1}, id="replaces-a-scalar"),
        pytest.param({"a": 5}, {"a.b": 1, "a": 5}, id="is-replaced"),
        pytest.param({"a": {"x": 1, "b": 2}}, {"a": {"x": 1}, "a.b": 2}, id="joins-an-object"),
        pytest.param({"0": {"1": "x"}}, {"0.1": "x"}, id="numbers-are-plain-keys"),
        pytest.param({"a[0]": 1}, {"a[0]": 1}, id="brackets-are-plain-keys"),
        pytest.param({"__proto__": {"x": 1}}, {"__proto__.x": 1}, id="prototypes-are-plain-keys"),
        pytest.param({"": {"": 1}}, {".": 1}, id="empty-steps"),
        pytest.param({"a": {"$b": 1, "c": None}}, {"a": {"$b": 1, "c": None}}, id="nothing-skipped-inside"),
    ],
)
def test_a_dot_in_a_key_nests(expected: dict[str, Any], properties: dict[str, Any]) -> None:
    """And the event's own objects stay as they are."""
    given = copy.deepcopy(properties)

    found = message(event("a", given))

    assert found is not None
    assert expected == found["properties"]
    assert properties == given


def test_kafkas_rows_have_the_time_that_plugins_were_given() -> None:
    """1.0.0 never saw ClickHouse's spelling."""
    row = {**event("a", '{"x":1}'), "timestamp": "2026-11-21 12:34:56.789"}

    mapped = Mapper(MappingSettings(payload_version=1)).map(from_mapping(row), Memory())

    assert "2026-11-21T12:34:56.789Z" == json.loads(encode(mapped.messages[0]))["timestamp"]
