"""The messages have Segment's fields and Segment's JSON form."""

import json
from typing import Any

import pytest

from variance_plugin.__about__ import __version__
from variance_plugin.exact_json import encode
from variance_plugin.mapping import Mapper, MappingSettings, Memory
from variance_plugin.messages import (
    LIBRARY,
    AliasMessage,
    AnyMessage,
    App,
    Campaign,
    Context,
    Device,
    GroupMessage,
    IdentifyMessage,
    Location,
    Message,
    Network,
    Os,
    Page,
    PageMessage,
    Screen,
    ScreenMessage,
    TrackMessage,
    encoded,
    id_in,
)
from variance_plugin.testing import make_event

HEAD = ("id-1", "2026-11-21T12:34:56.789Z", "u-1", "anon-1", Context(LIBRARY))
COMMON = {
    "messageId": "id-1",
    "timestamp": "2026-11-21T12:34:56.789Z",
    "userId": "u-1",
    "anonymousId": "anon-1",
    "context": {"library": {"name": "posthog-variance-plugin", "version": __version__}},
}


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        pytest.param(
            {"type": "page", "name": "n", "category": "c", "properties": {"p": 1}},
            PageMessage(*HEAD, "n", "c", {"p": 1}),
            id="page",
        ),
        pytest.param(
            {"type": "screen", "name": "n", "category": "c", "properties": {"p": 1}},
            ScreenMessage(*HEAD, "n", "c", {"p": 1}),
            id="screen",
        ),
        pytest.param(
            {"type": "track", "event": "e", "properties": {"p": 1}},
            TrackMessage(*HEAD, event="e", properties={"p": 1}),
            id="track",
        ),
        pytest.param(
            {"type": "identify", "traits": {"t": 1}}, IdentifyMessage(*HEAD, {"t": 1}), id="identify"
        ),
        pytest.param(
            {"type": "group", "groupId": "g", "traits": {"t": 1}},
            GroupMessage(*HEAD, group_id="g", traits={"t": 1}),
            id="group",
        ),
        pytest.param({"type": "alias", "previousId": "p"}, AliasMessage(*HEAD, previous_id="p"), id="alias"),
    ],
)
def test_each_message_has_the_fields_of_its_type(expected: dict[str, Any], message: Message) -> None:
    """`type`, what all messages have, and its own."""
    assert COMMON | expected == json.loads(encode(message))


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        pytest.param({"type": "page"}, PageMessage("id", None, None, "a", Context()), id="page"),
        pytest.param(
            {"type": "track", "event": "e"},
            TrackMessage("id", None, None, "a", Context(), event="e"),
            id="track",
        ),
    ],
)
def test_what_is_absent_is_left_out(expected: dict[str, Any], message: Message) -> None:
    """No nulls, and only `context` stands there empty if nothing is known."""
    assert {"messageId": "id", "anonymousId": "a", "context": {}} | expected == json.loads(encode(message))


def test_the_context_has_segments_names() -> None:
    """Every field, by its name in the spec."""
    context = Context(
        LIBRARY,
        app=App("name", "version", "build", "namespace"),
        ip="ip",
        locale="locale",
        timezone="timezone",
        user_agent="userAgent",
        os=Os("name", "version"),
        device=Device("id", "type", "model", "manufacturer", "name"),
        network=Network("wifi", "cellular", "bluetooth", "carrier"),
        screen=Screen("width", "height"),
        page=Page("url", "path", "search", "title", "referrer", "host"),
        campaign=Campaign("source", "medium", "name", "term", "content"),
        location=Location("city", "country", "region", "latitude", "longitude"),
        session_id="sessionId",
        group_id="groupId",
        traits={"any": "trait"},
    )
    written = json.loads(encode(context))

    assert COMMON["context"] == {"library": written.pop("library")}
    assert {"any": "trait"} == written.pop("traits")
    # Each value above is its own name, so that a field under another name shows.
    for name, value in written.items():
        assert value == ({key: key for key in value} if isinstance(value, dict) else name)
    assert [4, 2, 5, 4, 2, 6, 5, 5] == [len(value) for value in written.values() if isinstance(value, dict)]


@pytest.mark.parametrize(
    ("expected", "message"),
    [("track", TrackMessage(event="e")), ("group", GroupMessage(group_id="g")), ("page", {"type": "page"})],
    ids=["track", "group", "version-1"],
)
def test_a_message_tells_its_type(expected: str, message: AnyMessage) -> None:
    """Also the dict that is a message of payload version 1."""
    assert expected == encoded(message).type
    assert encoded(message) == encoded(encoded(message))


@pytest.mark.parametrize("version", [1, 2])
def test_a_message_can_be_named_by_its_bytes(version: int) -> None:
    """By its own id, and not by somebody's property of that name, or half an id."""
    mapper = Mapper(MappingSettings(payload_version=version))

    def named(uuid: str) -> list[str]:
        event = make_event("paid", properties={"messageId": "a secret of somebody's"})
        event.uuid = uuid
        return [id_in(encode(message)) for message in mapper.map(event, Memory()).messages]

    assert ["0190-a"] == named("0190-a")
    assert [""] == named('0190"a')
    assert "a secret of somebody's" not in named("")
