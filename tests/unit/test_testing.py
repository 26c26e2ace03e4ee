"""The stand-ins for tests, where no protocol says what they do."""

import pytest

from variance_plugin import SettingsError, VariancePlugin, testing
from variance_plugin.delivery import Answer, Compression, DeliverySettings, PayloadFormat, Request
from variance_plugin.delivery.request import build
from variance_plugin.testing import InMemoryMeta, ScriptedTransport, make_event, messages_in, running

CONFIG = {"webhookUrl": "https://variance.example/hook", "authHeader": "Bearer demo"}
REQUEST = Request(b"[]", {"Content-Type": "application/json"}, 0)


def test_the_example_at_the_top_of_the_module_is_true() -> None:
    """It runs as it stands there."""
    text = (testing.__doc__ or "").split("\n\n")[1]
    lines = [line.removeprefix("    ") for line in text.splitlines()]
    assert lines[0].startswith("meta = ")

    exec("\n".join(lines), vars(testing) | {"VariancePlugin": VariancePlugin})  # noqa: S102 -- our own


def test_listed_answers_are_used_up_and_then_it_is_200() -> None:
    """In order, each once."""
    transport = ScriptedTransport([Answer(status=503), Answer(status=400)])

    assert [503, 400, 200, 200] == [transport.post(REQUEST).status for _ in range(4)]
    assert [REQUEST] * 4 == [*transport.requests]


def test_a_function_may_answer() -> None:
    """It sees the request."""
    transport = ScriptedTransport(lambda request: Answer(status=200 + request.count))

    assert 200 == transport.post(REQUEST).status


@pytest.mark.parametrize("payload_format", PayloadFormat, ids=str)
@pytest.mark.parametrize("compression", Compression, ids=str)
def test_the_messages_of_a_request_can_be_looked_at(
    payload_format: PayloadFormat, compression: Compression
) -> None:
    """Whichever form they went out in."""
    settings = DeliverySettings(
        webhook_url="https://variance.example/hook", payload_format=payload_format, compression=compression
    )
    messages = [b'{"type":"page"}', b'{"type":"track"}'][: 1 if payload_format is PayloadFormat.SINGLE else 2]

    request = build(messages, settings, sent_at="2026-01-01T00:00:00.000Z")

    assert ["page", "track"][: len(messages)] == [message["type"] for message in messages_in(request)]


def test_a_made_event_becomes_one_message_of_an_identified_user() -> None:
    """With an id and a time that follow from its number, and any field as one likes."""
    transport = ScriptedTransport()
    meta = InMemoryMeta(CONFIG)

    with running(VariancePlugin(transport=transport), meta) as plugin:
        plugin.export_events([make_event(number=7), make_event("$screen", distinct_id="bob", ip="::1")], meta)

    first, second = messages_in(transport.requests[0])
    assert ("track", "ada", "00000000-0000-0000-0000-000000000007", "2026-01-01T00:00:07.000Z") == (
        first["type"],
        first["userId"],
        first["messageId"],
        first["timestamp"],
    )
    assert ("screen", "bob", "::1") == (second["type"], second["userId"], second["context"]["ip"])


def test_a_plugin_is_torn_down_also_when_it_does_not_start() -> None:
    """`running` keeps the promise that hosts make."""
    transport = ScriptedTransport()

    with running(VariancePlugin(transport=transport), InMemoryMeta(CONFIG)):
        assert not transport.closed
    assert transport.closed
    with pytest.raises(SettingsError), running(VariancePlugin(), InMemoryMeta({})):
        raise AssertionError("it must not come to this")


def test_a_meta_does_not_show_its_configuration() -> None:
    """It holds secrets."""
    assert "Bearer demo" not in repr(InMemoryMeta(CONFIG))


def test_everything_that_is_offered_is_documented() -> None:
    """Each name has a docstring."""
    assert [] == [name for name in testing.__all__ if not getattr(testing, name).__doc__]
