"""What a message says: its id, its time, and the fields of its type."""

import json
from functools import partial
from typing import Any

import pytest

from tests.benches import mapping
from tests.benches.mapping import event
from variance_plugin.__about__ import __version__
from variance_plugin.errors import InvalidRecord
from variance_plugin.exact_json import encode
from variance_plugin.formats import from_mapping
from variance_plugin.mapping import AccountMapping, Mapper, MappingSettings, Memory

LIBRARY = {"name": "posthog-variance-plugin", "version": __version__}

# No accounts unless asked for.
messages = partial(mapping.messages, account_mapping=AccountMapping.NONE)
only = partial(mapping.only, account_mapping=AccountMapping.NONE)


def test_a_message_says_no_more_than_the_event() -> None:
    """What is absent stays absent: no nulls, no empty objects."""
    expected = {"type": "track", "messageId": "id-1", "userId": "u-1", "context": {"library": LIBRARY}}

    nothing = dict.fromkeys(
        ["$os", "$current_url", "title", "$device_id", "utm_source", "$geoip_city_name", "$ip"]
    )

    assert {**expected, "event": "a"} == only(event("a"))
    assert {**expected, "event": "a", "properties": {"title": None}} == only(event("a", nothing, ip=None))


def test_the_id_of_a_message_is_the_uuid_of_the_event() -> None:
    """So a receiver knows a repeat when it sees one."""
    assert "id-1" == only(event("a"))["messageId"]


def test_an_event_without_uuid_gets_an_id_from_its_content() -> None:
    """The same at every try, another one for any other event."""
    given = event("a", {"n": 1}, timestamp="2026-11-21T12:34:56.789Z", uuid=None)
    others = [
        {**given, "event": "b"},
        {**given, "distinct_id": "u-2"},
        {**given, "timestamp": "2026-11-21T12:34:56.790Z"},
        {**given, "properties": {"n": 2}},
        {**given, "properties": {"n": "\ud83d"}},
    ]

    assert "eb72f7fb-d415-50a6-8993-9140e3cad9fe" == only(given)["messageId"]
    assert len(others) + 1 == len({only(each)["messageId"] for each in [given, *others, given]})


@pytest.mark.parametrize(
    "spelling",
    [
        "2026-11-21T12:34:56.789Z",
        "2026-11-21 12:34:56.789",
        "2026-11-21T13:34:56.789000+01:00",
        1795264496789,
    ],
    ids=["sdk", "kafka", "zone", "number"],
)
def test_the_time_is_in_utc_and_in_one_spelling(spelling: object) -> None:
    """And there is no other time in the message that would make a receiver shift it."""
    message = only(
        event("a", {"$sent_at": "2026-11-21T12:35:00Z"}, timestamp=spelling, sent_at="2026-11-21T12:35:00Z")
    )

    assert "2026-11-21T12:34:56.789Z" == message["timestamp"]
    assert not {"originalTimestamp", "sentAt", "sent_at"} & message.keys()


def test_an_event_without_a_time_has_none() -> None:
    """The receiver takes the time of arrival; nothing is made up here."""
    assert "timestamp" not in only(event("a"))


@pytest.mark.parametrize("name", ["a", "$pageview", "$identify", "$groupidentify", "$create_alias"])
def test_an_event_whose_time_is_no_time_is_refused(name: str) -> None:
    """Rather than sent with a wrong one, or as if it were new."""
    given = event(name, {"$group_key": "g", "alias": "b"}, timestamp="yesterday")

    with pytest.raises(InvalidRecord, match="`timestamp` is no time"):
        messages(given)


PAGE = {
    "$current_url": "https://a.example/b?c=d",
    "$pathname": "/b",
    "title": "B",
    "$referrer": "https://r.example/",
    "$host": "a.example",
}
PAGE_PROPERTIES = {
    "url": "https://a.example/b?c=d",
    "path": "/b",
    "search": "?c=d",
    "title": "B",
    "referrer": "https://r.example/",
    "host": "a.example",
}


def test_a_page_has_name_category_and_where_it_is() -> None:
    """Besides the event's own properties."""
    message = only(
        event("$pageview", {**PAGE, "name": "Pricing", "category": "Docs", "plan": "pro", "$lib": "web"})
    )

    assert ("page", "Pricing", "Docs") == (message["type"], message["name"], message["category"])
    assert {**PAGE_PROPERTIES, "name": "Pricing", "category": "Docs", "plan": "pro"} == message["properties"]
    assert PAGE_PROPERTIES == message["context"]["page"]


def test_a_screen_is_named_by_its_screen_name() -> None:
    """All else is as in a page."""
    message = only(event("$screen", {**PAGE, "$screen_name": "Home", "name": "not this", "category": "Main"}))

    assert ("screen", "Home", "Main") == (message["type"], message["name"], message["category"])
    assert {**PAGE_PROPERTIES, "name": "not this", "category": "Main"} == message["properties"]


def test_the_events_own_properties_win_over_where_the_page_is() -> None:
    """The user's code said so; the context still says what the browser said."""
    message = only(
        event("$pageview", {**PAGE, "url": "https://own.example", "host": None, "search": {"q": "x"}})
    )

    own = {"url": "https://own.example", "host": None, "search": {"q": "x"}}
    assert {**PAGE_PROPERTIES, **own} == message["properties"]
    assert PAGE_PROPERTIES == message["context"]["page"]


def test_a_track_message_has_the_name_and_the_events_own_properties() -> None:
    """Not the page's, which is in the context."""
    message = only(event("order paid", {**PAGE, "total": 18.5}))

    assert ("order paid", {"title": "B", "total": 18.5}) == (message["event"], message["properties"])


OWN = {
    "plain": 1,
    "with.dot": 2,
    "with space": 3,
    "__proto__": {"x": 1},
    "": 4,
    "posthog_version": "1",
    "é": 5,
}
POSTHOGS = {"$lib": "web", "$feature/a": True, "$set": {}, "$": 1, "token": "phc_demo", "distinct_id": "u-1"}


def test_own_properties_are_those_without_a_dollar_and_without_plumbing() -> None:
    """Names are kept as they are: a dot does not nest."""
    assert OWN == only(event("a", OWN | POSTHOGS))["properties"]


@pytest.mark.parametrize(
    ("included", "patterns"),
    [
        (["$lib"], ("$lib",)),
        (["$feature/a"], ("$feature/*",)),
        (["$lib", "$feature/a", "$set", "$"], ("$*",)),
        (["token"], ("token",)),
        (list(POSTHOGS), ("*",)),
        ([], ("$LIB", "lib")),
    ],
    ids=["name", "pattern", "all-with-a-dollar", "plumbing", "everything", "case-counts"],
)
def test_posthogs_properties_can_be_included(included: list[str], patterns: tuple[str, ...]) -> None:
    """By name or pattern, as they stand."""
    message = only(event("a", OWN | POSTHOGS), include_posthog_properties=patterns)

    assert OWN | {name: POSTHOGS[name] for name in included} == message["properties"]


def test_events_of_any_number_of_kinds_are_told_apart() -> None:
    """What is remembered of names has an end, and no say."""
    mapper = Mapper(MappingSettings(include_posthog_properties=("$feature/*",)))
    for number in [*range(5_000), *range(10)]:
        properties = {f"own {number}": 1, f"$own {number}": 2, f"$feature/{number}": 3, "token": 4}
        (message,) = mapper.map(from_mapping(event("a", properties)), Memory()).messages
        assert {f"own {number}": 1, f"$feature/{number}": 3} == json.loads(encode(message))["properties"]


def test_a_campaign_property_that_the_address_does_not_have_is_left_out() -> None:
    """posthog-js puts all of them on every event, most of them null; others' nulls are values."""
    given = event("a", {"gclid": None, "utm_source": "spring", "utm_term": "", "_kx": 0, "coupon": None})

    assert {"coupon": None, "utm_source": "spring", "utm_term": "", "_kx": 0} == only(given)["properties"]


VALUES: list[Any] = [
    *[0, -1, 2**53 + 1, -(2**63) - 1, 2**64 + 1, 10**30, 0.1, -2.5e-300, 1e22, True, False, None, "", "text"],
    *["ü😀\u2028\x00", "\ud83d", [], {}, [[{}], None], {"a": {"b": [1, {"c": None}]}}, {"$ in": {"$set": 1}}],
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_keep_their_type_and_their_digits(value: Any) -> None:
    """In properties, traits and the traits of a group."""
    track = only(event("a", {"v": value, "w": [value]}))
    identify = only(event("$identify", {"$set": {"v": value}}))
    group = only(event("$groupidentify", {"$group_key": "g", "$group_set": {"v": value}}))

    for found in (
        track["properties"]["v"],
        track["properties"]["w"][0],
        identify["traits"]["v"],
        group["traits"]["v"],
    ):
        assert (type(value), value) == (type(found), found)


def test_what_is_no_number_is_null() -> None:
    """`NaN` and `Infinity` are not JSON."""
    given = event("a", {"n": float("nan"), "i": [float("inf")]})

    assert {"n": None, "i": [None]} == only(given)["properties"]


def test_the_traits_are_the_person_overlaid_by_what_the_event_sets() -> None:
    """`$set_once` only where the person has no such key."""
    given = event(
        "$identify",
        {
            "$set": {"plan": "pro", "seats": 3},
            "$set_once": {"first": 1, "plan": "once", "email": "once@b.example"},
        },
        person_properties={"email": "kim@shop.example", "plan": "free"},
    )

    assert {"email": "kim@shop.example", "plan": "pro", "seats": 3, "first": 1} == only(given)["traits"]


def test_the_person_of_a_webhook_gives_the_traits_too() -> None:
    """Stored events lose their `$set`: then the person's properties are all there is."""
    given = {
        "event": {"event": "$identify", "uuid": "id-1", "distinct_id": "u-1", "properties": {}},
        "person": {"id": "p", "properties": {"email": "kim@shop.example"}, "name": "kim"},
    }

    assert {"email": "kim@shop.example"} == only(given)["traits"]


def test_traits_are_own_ones_as_properties_are() -> None:
    """PostHog's own are left out unless included; a person's `token` is no plumbing."""
    given = event(
        "$set",
        {"$set": {"$browser": "Firefox", "token": "t"}, "$set_once": {"$initial_referrer": "$direct"}},
        person_properties={"$geoip_city_name": "Ulm", "name": "Kim"},
    )

    assert {"name": "Kim", "token": "t"} == only(given)["traits"]
    assert {"name": "Kim", "token": "t", "$initial_referrer": "$direct"} == only(
        given, include_posthog_properties=("$initial_*",)
    )["traits"]


@pytest.mark.parametrize("wrong", [None, 5, "text", [1], True], ids=str)
def test_an_update_that_is_no_object_updates_nothing(wrong: Any) -> None:
    """And costs nothing else."""
    given = event("$identify", {"$set": wrong, "$set_once": wrong}, person_properties={"name": "Kim"})

    assert {"name": "Kim"} == only(given)["traits"]
    assert "traits" not in only(event("$groupidentify", {"$group_key": "g", "$group_set": wrong}))


def test_an_identify_without_traits_has_none() -> None:
    """It still ties the ids together."""
    assert "traits" not in only(event("$identify", {"$anon_distinct_id": "a-1"}))


def test_a_group_has_its_type_among_its_traits() -> None:
    """Besides what `$group_set` says."""
    given = event(
        "$groupidentify",
        {
            "$group_type": "company",
            "$group_key": 17,
            "$group_set": {"name": "Acme", "$secret": 1, "token": 2},
        },
    )
    message = only(given)

    assert ("17", "17") == (message["groupId"], message["context"]["groupId"])
    assert {"name": "Acme", "token": 2, "posthog_group_type": "company"} == message["traits"]


@pytest.mark.parametrize("key", [None, "", " ", {}, ["g"], True], ids=repr)
def test_a_group_without_a_key_is_refused(key: Any) -> None:
    """It names no account."""
    with pytest.raises(InvalidRecord, match="it names no group"):
        messages(event("$groupidentify", {"$group_key": key}))


@pytest.mark.parametrize("name", ["a", "$pageview", "$screen"])
def test_the_persons_traits_come_with_every_event_when_asked_for(name: str) -> None:
    """In the context, on page, screen and track."""
    given = event(name, {"$set": {"plan": "pro"}}, person_properties={"name": "Kim", "$browser": "Firefox"})

    *before, message = messages(given, send_person_traits=True)

    assert {"name": "Kim", "plan": "pro"} == message["context"]["traits"]
    assert ["identify"] == [derived["type"] for derived in before if "traits" not in derived["context"]]
    assert "traits" not in messages(given)[-1]["context"]


@pytest.mark.parametrize("name", ["$identify", "$groupidentify", "$create_alias"])
def test_other_messages_have_no_traits_in_their_context(name: str) -> None:
    """They have traits of their own, or are about two persons."""
    given = event(name, {"$group_key": "g", "alias": "b"}, person_properties={"name": "Kim"})

    assert "traits" not in only(given, send_person_traits=True)["context"]


def test_a_person_without_properties_gives_no_traits() -> None:
    """An empty object is left out here too."""
    assert "traits" not in only(event("a", person_properties={}), send_person_traits=True)["context"]
