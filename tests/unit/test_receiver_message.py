"""Messages are read as far as they can be; what is none says why."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.receiver.message import Context, Invalid, Message, MessageType, read_message

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = ["messageId", "userId", "anonymousId", "previousId", "groupId", "event", "traits"]


def read(value: object) -> Message | Invalid:
    """Read a message given as a Python value."""
    return read_message(msgspec.Raw(json.dumps(value).encode()))


def test_every_field_is_read() -> None:
    """Under Segment's names."""
    expected = Message(
        type=MessageType.IDENTIFY,
        message_id="m-1",
        user_id="u-1",
        anonymous_id="a-1",
        previous_id="p-1",
        group_id="g-1",
        event="signed up",
        timestamp=datetime(2026, 11, 21, 12, 34, 56, 789_000, UTC),
        traits={"email": msgspec.Raw(b'"ada@acme.example"')},
        context=Context(traits={"plan": msgspec.Raw(b'"pro"')}, active=False),
    )
    sent = {
        "type": "identify",
        "messageId": "m-1",
        "userId": "u-1",
        "anonymousId": "a-1",
        "previousId": "p-1",
        "groupId": "g-1",
        "event": "signed up",
        "traits": {"email": "ada@acme.example"},
        "timestamp": "2026-11-21T12:34:56.789Z",
        "context": {"ip": "192.0.2.1", "traits": {"plan": "pro"}, "active": False},
    }

    assert expected == read(sent)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param("track", "not an object", id="text"),
        pytest.param(None, "not an object", id="null"),
        pytest.param([], "not an object", id="list"),
        pytest.param({"event": "x"}, "no type", id="no type"),
        pytest.param({"type": None}, "no type", id="null type"),
        pytest.param({"type": "capture"}, "unknown type", id="other type"),
        pytest.param({"type": "Track"}, "unknown type", id="type in capitals"),
        pytest.param({"type": ["track"]}, "unknown type", id="type is a list"),
    ],
)
def test_what_is_no_message_says_why(sent: object, expected: str) -> None:
    """The reason is fit to be counted under: it holds nothing of the message."""
    assert Invalid(expected) == read(sent)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b"12", "12", id="integer"),
        pytest.param(b"1.5", "1.5", id="decimal"),
        pytest.param(b'""', None, id="empty"),
        pytest.param(b"null", None, id="null"),
        pytest.param(b"true", None, id="boolean"),
        pytest.param(b'["u"]', None, id="list"),
        pytest.param(b"1e400", None, id="beyond a float"),
        pytest.param(b"9" * 5_000, None, id="5,000 digits"),
        pytest.param(b'"\\ud83d"', chr(0xD83D), id="half a UTF-16 pair"),
    ],
)
def test_an_odd_id_does_not_cost_the_message(text: bytes, expected: str | None) -> None:
    """A number stands for its text, anything else for no id; the message is applied all the same."""
    message = read_message(msgspec.Raw(b'{"type":"page","userId":%b}' % text))

    assert Message(type=MessageType.PAGE, user_id=expected) == message


@pytest.mark.parametrize("traits", ["null", "[]", '"x"'])
def test_odd_traits_do_not_cost_the_message(traits: str) -> None:
    """They count as none."""
    message = read_message(msgspec.Raw(b'{"type":"identify","traits":%b}' % traits.encode()))

    assert Message(type=MessageType.IDENTIFY) == message


@pytest.mark.parametrize("user_id", [b'"u-1"', b"7"], ids=["usual", "odd id"])
def test_traits_that_are_nested_too_deeply_cost_their_message_alone(user_id: bytes) -> None:
    """It is invalid, with that reason; nothing is raised."""
    deep = b"[" * 100_000 + b"]" * 100_000
    sent = b'{"type":"identify","userId":%b,"traits":{"a":%b}}' % (user_id, deep)

    assert Invalid("nested too deeply") == read_message(msgspec.Raw(sent))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param({"type": "page", "userId": "u"}, None, id="page with user"),
        pytest.param({"type": "page", "anonymousId": "a"}, None, id="page with visitor"),
        pytest.param({"type": "page"}, "page without userId or anonymousId", id="page of nobody"),
        pytest.param({"type": "track", "event": "x", "userId": "u"}, None, id="track"),
        pytest.param({"type": "track", "userId": "u"}, "track without event", id="track of nothing"),
        pytest.param({"type": "group", "groupId": "g", "userId": "u"}, None, id="group"),
        pytest.param({"type": "group", "userId": "u"}, "group without groupId", id="group of nothing"),
        pytest.param(
            {"type": "identify", "traits": {}},
            "identify without userId or anonymousId",
            id="identify of nobody",
        ),
        pytest.param({"type": "alias", "userId": "u", "previousId": "p"}, None, id="alias"),
        pytest.param(
            {"type": "alias", "userId": "u"}, "alias without userId and previousId", id="alias of one end"
        ),
    ],
)
def test_a_message_says_what_it_lacks(sent: object, expected: str | None) -> None:
    """By what the Segment spec wants of its type."""
    message = read(sent)

    assert isinstance(message, Message)
    assert expected == message.lacks()


@given(values | st.fixed_dictionaries({"type": values}, optional=dict.fromkeys(FIELDS, values)))
def test_no_value_makes_reading_fail(value: object) -> None:
    """Whatever JSON holds is a message or a reason."""
    message = read(value)

    if isinstance(message, Message):
        assert message.lacks() is None or message.type in str(message.lacks())
    else:
        assert message.reason in {"not an object", "no type", "unknown type"}
