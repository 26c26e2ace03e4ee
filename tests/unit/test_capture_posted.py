"""The events in a capture request's JSON, whose project they are for, and what cannot be used."""

import json
from typing import Any

import pytest

from variance_plugin.capture import NoProjectKey, members
from variance_plugin.errors import InvalidRecord

KEY = "phc_demo"
EVENT = {"event": "card moved", "distinct_id": "u-1", "properties": {"n": 1}}


def text(value: Any) -> bytes:
    """As an SDK writes it."""
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "posted",
    [
        {"api_key": KEY, "batch": [EVENT]},
        {"token": KEY, "batch": [EVENT], "sent_at": "2026-11-25T10:00:00Z"},
        {"api_key": KEY, **EVENT},
        {"$token": KEY, **EVENT},
        [{"token": KEY, **EVENT}, {"token": KEY, **EVENT}],
        {"event": "card moved", "properties": {"token": KEY, "distinct_id": "u-1"}},
        {"batch": [{"event": "card moved", "properties": {"token": KEY, "distinct_id": "u-1"}}]},
    ],
    ids=["batch", "batch with token", "one", "one with $token", "array", "browser's one", "browser's batch"],
)
def test_the_project_key_is_found_wherever_sdks_put_it(posted: Any) -> None:
    """Around the events, beside their names, or among their properties."""
    assert KEY == members(text(posted)).project_key


def test_events_for_several_projects_are_not_taken_together() -> None:
    """PostHog answers 401 to them, too."""
    with pytest.raises(NoProjectKey, match="several projects"):
        members(text([{"token": "phc_a", **EVENT}, {"token": "phc_b", **EVENT}]))


def test_an_event_has_its_name_first_and_its_id_beside_it() -> None:
    """So that both are found without a look at the properties."""
    [member] = members(text({"properties": {"distinct_id": "u-1"}, "event": "card moved"})).members

    assert ["event", "distinct_id", "properties"] == list(member.fields)
    assert b'"u-1"' == member.fields["distinct_id"]


def test_values_keep_their_bytes() -> None:
    """Digits beyond any number of the machine, escapes, and the white space between them."""
    event = b'{"event":"e","distinct_id":7,"properties":{"n": 1.50, "big":' + b"9" * 50 + b"}}"

    [member] = members(event).members

    assert b'{"n": 1.50, "big":' + b"9" * 50 + b"}" == member.fields["properties"]


def test_an_engage_without_a_name_is_an_identify_and_elsewhere_a_mistake() -> None:
    """As PostHog takes it at `/engage` only."""
    engage = text({"distinct_id": "u-1", "$set": {"plan": "pro"}})

    [member] = members(engage, engages=True).members

    assert b'"$identify"' == member.fields["event"]
    with pytest.raises(InvalidRecord, match="has no name"):
        members(engage)


@pytest.mark.parametrize(
    ("member", "fault"),
    [
        (b"7", "an event is a JSON object"),
        (b"{}", "has no name"),
        (b'{"event":"","distinct_id":"u"}', "has no name"),
        (b'{"event":7,"distinct_id":"u"}', "has no name"),
        (b'{"event":"e"}', "has no `distinct_id`"),
        (b'{"event":"e","distinct_id":""}', "has no `distinct_id`"),
        (b'{"event":"e","distinct_id":"u","properties":"{}"}', "`properties` is no JSON object"),
        (b'{"event":"e","distinct_id":"u","properties":' + b"[" * 5000 + b"]" * 5000 + b"}", "too deep"),
        (b'{"event":"e","distinct_id":"u","properties":{"a":tru}}', "not JSON"),
    ],
    ids=["number", "empty", "no name", "odd name", "no id", "empty id", "text for object", "deep", "broken"],
)
def test_what_cannot_be_used_spoils_nothing_beside_it(member: bytes, fault: str) -> None:
    """It stands there with its text and its fault; alone it is refused."""
    batch = b'{"api_key":"phc_demo","batch":[' + text(EVENT) + b"," + member + b"," + text(EVENT) + b"]}"

    first, second, third = members(batch).members

    assert (None, None) == (first.fault, third.fault)
    assert member == second.text
    assert fault in (second.fault or "")
    with pytest.raises(InvalidRecord, match="no event that can be used"):
        members(b"[" + member + b"]")


@pytest.mark.parametrize(
    "properties",
    [b'{"a":"\\ud83d"}', b'{"a":NaN}', b'{"a":1e400}', b'{"__proto__":{"a":1},"a":1,"a":2}'],
    ids=["lone surrogate", "NaN", "beyond any range", "odd keys"],
)
def test_what_posthogs_writers_let_pass_is_kept_as_it_is(properties: bytes) -> None:
    """What becomes of it is for the reader of the record."""
    event = b'{"event":"e","distinct_id":"u","properties":' + properties + b"}"

    [member] = members(b'{"api_key":"phc_demo","batch":[' + event + b"]}").members

    assert (None, properties) == (member.fault, member.fields["properties"])


def test_names_and_ids_are_cut_where_posthog_cuts_them() -> None:
    """At 200 characters, so that both see the same user."""
    [member] = members(text({"event": "é" * 300, "distinct_id": "ü" * 300})).members

    assert "é" * 200 == json.loads(member.fields["event"])
    assert "ü" * 200 == json.loads(member.fields["distinct_id"])


@pytest.mark.parametrize(
    "posted",
    [b"[]", b'{"batch":[]}', b"[", b"{", b'{"batch":[', b'{"batch":[{}]', b"[" * 100_000, b"{7:1}"],
    ids=["no events", "empty batch", "open array", "open object", "open batch", "cut", "deep", "odd key"],
)
def test_a_body_without_events_is_refused(posted: bytes) -> None:
    """With a reason, and nothing else."""
    with pytest.raises(InvalidRecord):
        members(posted)
