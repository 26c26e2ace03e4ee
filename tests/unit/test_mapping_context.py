"""The context of a message: where and on what it happened, by Segment's names."""

import json
from functools import partial
from typing import Any

import pytest

from tests.benches import mapping
from tests.benches.mapping import event
from variance_plugin.__about__ import __version__
from variance_plugin.mapping import AccountMapping

LIBRARY = {"name": "posthog-variance-plugin", "version": __version__}

# No accounts unless asked for.
messages = partial(mapping.messages, account_mapping=AccountMapping.NONE)
only = partial(mapping.only, account_mapping=AccountMapping.NONE)


CONTEXT_ROWS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"app": {"name": "v"}}, {"$app_name": "v"}),
    ({"app": {"version": "v"}}, {"$app_version": "v"}),
    ({"app": {"version": "v"}}, {"$app_version": "v", "posthog_version": "w"}),
    ({"app": {"version": "w"}}, {"posthog_version": "w"}),
    ({"app": {"build": "v"}}, {"$app_build": "v"}),
    ({"app": {"namespace": "v"}}, {"$app_namespace": "v"}),
    ({"ip": "203.0.113.9"}, {"$ip": "203.0.113.9"}),
    ({"locale": "de-DE"}, {"$locale": "de-DE"}),
    ({"locale": "de-DE"}, {"$locale": "de-DE", "$browser_language": "en-GB"}),
    ({"locale": "en-GB"}, {"$browser_language": "en-GB"}),
    ({"timezone": "Europe/Berlin"}, {"$timezone": "Europe/Berlin"}),
    ({"userAgent": "raw"}, {"$raw_user_agent": "raw"}),
    ({"userAgent": "raw"}, {"$raw_user_agent": "raw", "$user_agent": "v"}),
    ({"userAgent": "v"}, {"$user_agent": "v"}),
    ({"os": {"name": "Linux"}}, {"$os": "Linux"}),
    ({"os": {"version": "12"}}, {"$os_version": "12"}),
    ({"device": {"id": "v"}}, {"$device_id": "v"}),
    ({"device": {"type": "Desktop"}}, {"$device_type": "Desktop"}),
    ({"device": {"model": "v"}}, {"$device_model": "v"}),
    ({"device": {"manufacturer": "v"}}, {"$device_manufacturer": "v"}),
    ({"device": {"name": "v"}}, {"$device_name": "v"}),
    ({"network": {"wifi": False}}, {"$network_wifi": False}),
    ({"network": {"cellular": True}}, {"$network_cellular": True}),
    ({"network": {"bluetooth": True}}, {"$network_bluetooth": True}),
    ({"network": {"carrier": "v"}}, {"$network_carrier": "v"}),
    ({"screen": {"width": 1920}}, {"$screen_width": 1920}),
    ({"screen": {"height": 0}}, {"$screen_height": 0}),
    (
        {"page": {"url": "https://a.example/b?c=d", "search": "?c=d"}},
        {"$current_url": "https://a.example/b?c=d"},
    ),
    ({"page": {"path": "/b"}}, {"$pathname": "/b"}),
    ({"page": {"title": "v"}}, {"title": "v"}),
    ({"page": {"referrer": "$direct"}}, {"$referrer": "$direct"}),
    ({"page": {"host": "a.example"}}, {"$host": "a.example"}),
    ({"campaign": {"source": "v"}}, {"utm_source": "v"}),
    ({"campaign": {"medium": "v"}}, {"utm_medium": "v"}),
    ({"campaign": {"name": "v"}}, {"utm_campaign": "v"}),
    ({"campaign": {"term": "v"}}, {"utm_term": "v"}),
    ({"campaign": {"content": ""}}, {"utm_content": ""}),
    ({"location": {"city": "v"}}, {"$geoip_city_name": "v"}),
    ({"location": {"country": "v"}}, {"$geoip_country_name": "v"}),
    ({"location": {"region": "v"}}, {"$geoip_subdivision_1_name": "v"}),
    ({"location": {"latitude": 52.5}}, {"$geoip_latitude": 52.5}),
    ({"location": {"longitude": 0}}, {"$geoip_longitude": 0}),
    ({"sessionId": "v"}, {"$session_id": "v"}),
]


@pytest.mark.parametrize(
    "name", ["a", "$pageview", "$screen", "$identify", "$groupidentify", "$create_alias"]
)
@pytest.mark.parametrize(
    ("expected", "properties"), CONTEXT_ROWS, ids=["+".join(properties) for _, properties in CONTEXT_ROWS]
)
def test_the_context_is_made_by_the_table(
    expected: dict[str, Any], properties: dict[str, Any], name: str
) -> None:
    """Row by row, for every type of message; a value keeps its type, and `false` and 0 are values."""
    if name == "$groupidentify":
        expected = {**expected, "groupId": "g"}
    given = event(name, {**properties, "$user_id": "u-1", "$group_key": "g", "alias": "b"})

    assert {"library": LIBRARY, **expected} == only(given)["context"]


def test_the_address_of_the_event_comes_before_that_of_its_properties() -> None:
    """Where both are."""
    given = event("a", {"$ip": "203.0.113.9"}, ip="198.51.100.7")

    assert "198.51.100.7" == only(given)["context"]["ip"]


@pytest.mark.parametrize("name", ["a", "$pageview", "$identify", "$groupidentify", "$create_alias"])
def test_the_address_can_be_kept_back(name: str) -> None:
    """Wherever it stood."""
    given = event(name, {"$ip": "203.0.113.9", "$group_key": "g", "alias": "b"}, ip="198.51.100.7")

    (message,) = messages(given, send_ip=False)

    assert "203.0.113.9" not in json.dumps(message)
    assert "198.51.100.7" not in json.dumps(message)


@pytest.mark.parametrize(
    ("expected", "url"),
    [
        pytest.param("?a=b&c=%20d", "https://a.example/x?a=b&c=%20d#e?f", id="query"),
        pytest.param("?a=%C3%BC%20b", "https://a.example/?a=ü b ", id="as-a-browser-spells-it"),
        pytest.param("?a", "http://münchen.example?a", id="a-host-in-another-script"),
        pytest.param("?a=b", "about:blank?a=b", id="another-scheme"),
        pytest.param(None, "https://a.example/x?", id="empty-query"),
        pytest.param(None, "https://a.example/x", id="no-query"),
        pytest.param(None, "https://a.example/#?a=b", id="only-in-the-fragment"),
        pytest.param(None, "/relative?a=b", id="relative"),
        pytest.param(None, "http://a b?c", id="broken-host"),
        pytest.param(None, "http://[::1?a=b", id="broken-bracket"),
        pytest.param(None, "https://a.example:99999/?a=b", id="broken-port"),
        pytest.param(None, "?a=b", id="nothing-but-a-query"),
        pytest.param(None, "", id="empty"),
        pytest.param("?%EF%BF%BD", "https://a.example/?\ud83d", id="half-a-character"),
        pytest.param(None, 17, id="a-number"),
        pytest.param(None, True, id="a-boolean"),
    ],
)
@pytest.mark.parametrize("name", ["a", "$pageview"])
def test_a_broken_address_costs_the_search_and_nothing_else(
    expected: str | None, url: object, name: str
) -> None:
    """The address itself is sent as it stands."""
    message = only(event(name, {"$current_url": url, "own": 1}))

    assert {"url": url} | ({} if expected is None else {"search": expected}) == message["context"]["page"]
    assert 1 == message["properties"]["own"]


@pytest.mark.parametrize("wrong", [{}, [], {"a": 1}, [1]], ids=str)
def test_an_object_has_no_place_in_a_field_of_segments(wrong: Any) -> None:
    """It costs that field, never the event; among the event's own properties it stays."""
    names = [name for _, properties in CONTEXT_ROWS for name in properties]
    given = event("$pageview", dict.fromkeys([*names, "name", "category"], wrong), ip=wrong)

    message = only(given)

    assert {"library": LIBRARY} == message["context"]
    own = {"title", "name", "category", "posthog_version"} | {
        name for name in names if name.startswith("utm_")
    }
    assert dict.fromkeys(own, wrong) == message["properties"]
    assert not {"name", "category"} & message.keys()
