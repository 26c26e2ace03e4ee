"""What PostHog's ingestion would have added to an event that comes from an SDK straight."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from variance_plugin.capture import Reception, Skew, as_ingested, members

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
UUID = "0193a1f0-7c11-7000-8abc-0d5e6f7a8b9c"


def ingested(
    event: Mapping[str, Any], *, sent_at: Any = None, ip: str | None = None, nonce: str = "a", number: int = 0
) -> dict[str, Any]:
    """The record of an event that came now."""
    [member] = members(json.dumps({"event": "e", "distinct_id": "u", **event}).encode()).members
    reception = Reception(at=NOW, ip=ip, nonce=nonce)
    record = as_ingested(member, reception, Skew.of(sent_at, NOW), number=number)
    found: dict[str, Any] = json.loads(record)
    return found


@pytest.mark.parametrize(
    ("event", "sent_at", "expected"),
    [
        ({"timestamp": "2026-11-25T11:00:00Z"}, "2026-11-25T12:10:00Z", "2026-11-25T10:50:00.000Z"),
        ({"timestamp": "2026-11-25T11:00:00Z"}, "2026-11-25T11:50:00Z", "2026-11-25T11:10:00.000Z"),
        ({"timestamp": "2026-11-25T11:00:00Z"}, "2026-11-25T12:01:00Z", "2026-11-25T11:00:00.000Z"),
        ({"timestamp": "2026-11-25T11:00:00Z"}, "2026-11-25T11:59:00Z", "2026-11-25T11:00:00.000Z"),
        ({"timestamp": "2026-11-25T12:30:00+01:00"}, "1795608600000", "2026-11-25T11:20:00.000Z"),
        ({"timestamp": "2026-11-25T11:00:00Z"}, None, "2026-11-25T11:00:00.000Z"),
        ({"timestamp": "2026-11-25T11:00:00Z"}, "yesterday", "2026-11-25T11:00:00.000Z"),
        (
            {"timestamp": "2026-11-25T11:00:00Z", "properties": {"$ignore_sent_at": True}},
            "2026-11-25T12:10:00Z",
            "2026-11-25T11:00:00.000Z",
        ),
        (
            {"timestamp": "2026-11-25T11:00:00Z", "options": {"disable_skew_correction": True}},
            "2026-11-25T12:10:00Z",
            "2026-11-25T11:00:00.000Z",
        ),
        ({"offset": 5000}, "2026-11-25T12:10:00Z", "2026-11-25T11:59:55.000Z"),
        ({"offset": 5000, "timestamp": "2026-11-25T11:00:00Z"}, None, "2026-11-25T11:59:55.000Z"),
        ({}, "2026-11-25T11:00:00Z", "2026-11-25T12:00:00.000Z"),
        ({"timestamp": "never"}, "2026-11-25T11:00:00Z", "2026-11-25T12:00:00.000Z"),
        ({"timestamp": "2026-11-26T12:00:00Z"}, None, "2026-11-25T12:00:00.000Z"),
        ({"timestamp": "2026-11-26T10:59:00Z"}, None, "2026-11-26T10:59:00.000Z"),
        ({"timestamp": "0001-01-01T00:00:00Z"}, "2026-11-26T12:00:00Z", "2026-11-25T12:00:00.000Z"),
        ({"offset": 1e300}, None, "2026-11-25T12:00:00.000Z"),
    ],
    ids=[
        "clock ahead",
        "clock behind",
        "clock a minute ahead",
        "a minute on its way",
        "zone, and sent at milliseconds",
        "not said when sent",
        "sent at nonsense",
        "told to leave it",
        "told so by v1",
        "offset",
        "offset counts more",
        "no time",
        "no such time",
        "a day ahead",
        "less than 23 h ahead",
        "shifted out of time",
        "endless offset",
    ],
)
def test_the_time_is_the_servers(event: Mapping[str, Any], sent_at: Any, expected: str) -> None:
    """The client's clock is wrong by as much as it is at sending; if that is little, it was the way here."""
    record = ingested(event, sent_at=sent_at)

    assert expected == record["timestamp"]
    assert "offset" not in record


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, "203.0.113.9"),
        ({"properties": {"$ip": "198.51.100.7"}}, None),
        ({"ip": "10.0.0.1"}, "203.0.113.9"),
    ],
    ids=["none of its own", "its own among the properties", "a field that capture does not know"],
)
def test_the_address_is_the_clients_unless_the_event_has_one(
    event: Mapping[str, Any], expected: str | None
) -> None:
    """A server that captures for its visitors says whose it is in `$ip`."""
    assert expected == ingested(event, ip="203.0.113.9").get("ip")


def test_an_address_that_is_not_to_be_kept_is_not() -> None:
    """None is none."""
    assert "ip" not in ingested({})


@pytest.mark.parametrize("given", [UUID, UUID.upper(), f"urn:uuid:{UUID}"])
def test_an_id_of_its_own_is_kept_in_the_one_spelling(given: str) -> None:
    """It is how repeats are known."""
    assert UUID == ingested({"uuid": given})["uuid"]


@pytest.mark.parametrize("given", [None, "", "seven", 7, "x" * 1000, {}], ids=repr)
def test_an_event_without_an_id_gets_one_that_a_repeat_gets_again(given: Any) -> None:
    """A client that tries again sends the same text, with the same time in it."""
    event = {"uuid": given, "timestamp": "2026-11-25T11:00:00Z"}

    first = ingested(event, nonce="a")["uuid"]

    assert first == ingested(event, nonce="b")["uuid"]
    assert first != ingested({**event, "properties": {"n": 1}})["uuid"]
    assert first != ingested(event, number=1)["uuid"]


def test_events_that_nothing_tells_apart_but_their_requests_are_two() -> None:
    """Without a time, the same text may mean that it happened again."""
    assert ingested({}, nonce="a")["uuid"] != ingested({}, nonce="b")["uuid"]


def test_what_ingestion_used_up_is_gone_and_all_else_is_there() -> None:
    """With the name first, where it is found soonest."""
    event = {
        "properties": {"n": 1},
        "api_key": "phc_demo",
        "uuid": UUID,
        "timestamp": "2026-11-25T11:00:00Z",
        "$set": {"plan": "pro"},
    }

    record = ingested(event)

    assert record == {
        "event": "e",
        "distinct_id": "u",
        "properties": {"n": 1},
        "uuid": UUID,
        "timestamp": "2026-11-25T11:00:00.000Z",
        "$set": {"plan": "pro"},
    }
    assert "event" == next(iter(record))
