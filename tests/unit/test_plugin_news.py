"""What an event tells of its person goes ahead of it once, and not once too few."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from variance_plugin import Event, RetryError, VariancePlugin
from variance_plugin.delivery import Answer
from variance_plugin.delivery.request import Request
from variance_plugin.testing import InMemoryMeta, ScriptedTransport, make_event, messages_in, running

CONFIG: Mapping[str, Any] = {
    "webhookUrl": "https://hooks.example/variance",
    "authHeader": "Bearer demo",
    "retrySeconds": "0",
}


def upgraded(number: int) -> Event:
    """An event that sets a property of its person."""
    return make_event("upgraded", number=number, properties={"$set": {"plan": "pro"}})


def types(requests: Sequence[Request]) -> list[list[str]]:
    """Of the messages of each request."""
    return [[message["type"] for message in messages_in(request)] for request in requests]


def test_news_is_told_once() -> None:
    """The second event that says the same of the person goes alone."""
    transport, meta = ScriptedTransport(), InMemoryMeta(config=CONFIG)

    with running(VariancePlugin(transport=transport), meta) as plugin:
        plugin.export_events([upgraded(1)], meta)
        plugin.export_events([upgraded(2)], meta)

    assert [["identify", "track"], ["track"]] == types(transport.requests)


def test_refused_news_is_told_again() -> None:
    """An identify that the destination refused did not tell it anything."""

    def refuse_the_first(request: Request) -> Answer:
        refused = any(message["messageId"].endswith("1:identify") for message in messages_in(request))
        return Answer(status=400 if refused else 200)

    transport, meta = ScriptedTransport(refuse_the_first), InMemoryMeta(config=CONFIG)

    with running(VariancePlugin(transport=transport), meta) as plugin:
        plugin.export_events([upgraded(1)], meta)
        plugin.export_events([upgraded(2)], meta)

    assert 1 == len(meta.rejections)
    assert ["identify", "track"] == types(transport.requests)[-1]


@pytest.mark.parametrize("prepares", [True, False], ids=["a host that prepares", "a host that does not"])
def test_news_that_is_late_is_told_when_its_turn_comes(*, prepares: bool) -> None:
    """What the destination did not take goes along in the next try, whichever kind of host it is."""
    transport, meta = ScriptedTransport([Answer(status=503)]), InMemoryMeta(config=CONFIG)

    with running(VariancePlugin(transport=transport), meta) as plugin:
        event = upgraded(1)
        given = plugin.prepare_event(event, meta) if prepares else event
        assert given is not None
        with pytest.raises(RetryError) as caught:
            plugin.export_events([given], meta)
        assert caught.value.events is not None
        plugin.export_events(caught.value.events, meta)

    assert [["identify", "track"], ["identify", "track"]] == types(transport.requests)
