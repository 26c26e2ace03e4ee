"""What the user wants kept out or hashed is so in every field of every message."""

import json
from functools import partial
from hashlib import sha256
from typing import Any

import pytest

from tests.benches import mapping
from tests.benches.mapping import event
from variance_plugin.errors import InvalidRecord
from variance_plugin.exact_json import encode
from variance_plugin.formats import from_mapping
from variance_plugin.mapping import Mapper, MappingSettings, Memory, SkipReason
from variance_plugin.secret import Secret

SALT = "pepper and salt"

messages = partial(mapping.messages, hash_salt=Secret(SALT))


def hashed(text: str, salt: str = SALT) -> str:
    """SHA-256 of salt and text, as any tool gives it."""
    return sha256(f"{salt}{text}".encode()).hexdigest()


def test_what_is_excluded_is_nowhere() -> None:
    """At any depth, in properties, traits and the traits of the context; its neighbours stay."""
    given = event(
        "order paid",
        {
            "email": "x",
            "a": {"email": "x", "b": [{"email": "x", "c": 1}]},
            "$set": {"email": "x", "plan": "pro"},
        },
        person_properties={"email": "x", "name": "Kim"},
    )

    identify, track = messages(given, properties_to_exclude=("email",), send_person_traits=True)

    assert {"plan": "pro"} == identify["traits"]
    assert {"a": {"b": [{"c": 1}]}} == track["properties"]
    assert {"name": "Kim", "plan": "pro"} == track["context"]["traits"]


def test_what_is_hashed_is_the_same_hash_everywhere() -> None:
    """So joins survive."""
    given = event(
        "order paid",
        {
            "email": "kim@acme.example",
            "a": [{"email": "kim@acme.example"}],
            "$set": {"email": "kim@acme.example"},
        },
        person_properties={"email": "kim@acme.example"},
    )

    identify, track = messages(given, properties_to_hash=("email",), send_person_traits=True)

    expected = hashed("kim@acme.example")
    assert expected == identify["traits"]["email"]
    assert {"email": expected, "a": [{"email": expected}]} == track["properties"]
    assert {"email": expected} == track["context"]["traits"]


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        pytest.param(hashed("kim"), "kim", id="text"),
        pytest.param(hashed("ü😀"), "ü😀", id="utf-8"),
        pytest.param(hashed(""), "", id="empty"),
        pytest.param(hashed("17"), 17, id="number"),
        pytest.param(hashed("18446744073709551617"), 2**64 + 1, id="large-number"),
        pytest.param(hashed("1.5"), 1.5, id="decimal"),
        pytest.param(hashed("true"), True, id="boolean"),
        pytest.param(hashed('{"a":[1]}'), {"a": [1]}, id="object"),
        pytest.param(None, None, id="null"),
    ],
)
def test_a_hash_is_of_the_text_a_value_has(expected: str | None, value: Any) -> None:
    """SHA-256 of the salt and the UTF-8 text; nothing has no hash."""
    (track,) = messages(event("a", {"v": value}), properties_to_hash=("v",))

    assert expected == track["properties"]["v"]


def test_half_a_character_has_a_hash_too() -> None:
    """There is no UTF-8 for it, and no reason to fail."""
    (track,) = messages(event("a", {"v": "\ud83d"}), properties_to_hash=("v",))

    assert 64 == len(track["properties"]["v"])


def test_the_salt_is_the_users() -> None:
    """Another salt, other hashes; none is no salt."""
    by_salt = [
        messages(event("a", {"v": "kim"}), properties_to_hash=("v",), hash_salt=Secret(salt))[0][
            "properties"
        ]["v"]
        for salt in ["", "a", "b"]
    ]

    assert [hashed("kim", ""), hashed("kim", "a"), hashed("kim", "b")] == by_salt


def test_what_is_excluded_and_hashed_is_excluded() -> None:
    """The stricter wish counts."""
    (track,) = messages(event("a", {"v": 1, "w": 2}), properties_to_hash=("*",), properties_to_exclude=("v",))

    assert {"w": hashed("2")} == track["properties"]


@pytest.mark.parametrize(
    ("pattern", "gone"),
    [("email", ["email"]), ("*mail*", ["email", "mail"]), ("?mail", ["email"]), ("Email", [])],
    ids=["name", "stars", "question-mark", "case-counts"],
)
def test_names_can_be_patterns(pattern: str, gone: list[str]) -> None:
    """`*` stands for any text, `?` for one character."""
    own = {"email": 1, "mail": 2, "plan": 3}

    (track,) = messages(event("a", own), properties_to_exclude=(pattern,))

    assert {name: value for name, value in own.items() if name not in gone} == track["properties"]


CONTEXT_NAMES = {
    "$ip": "ip",
    "$os": "os",
    "$current_url": "page",
    "title": "page",
    "utm_source": "campaign",
    "$geoip_city_name": "location",
    "$session_id": "sessionId",
    "$raw_user_agent": "userAgent",
}


@pytest.mark.parametrize("wish", ["properties_to_exclude", "properties_to_hash"])
@pytest.mark.parametrize("name", CONTEXT_NAMES)
def test_the_context_is_no_way_around(name: str, wish: str) -> None:
    """A property that has a place there is kept out of it, or hashed in it."""
    given = event("$pageview", {name: "marker"}, **({"ip": "marker"} if name == "$ip" else {}))

    (page,) = messages(given, **{wish: (name,)})

    assert "marker" not in json.dumps(page)
    assert (CONTEXT_NAMES[name] in page["context"]) == (wish == "properties_to_hash")


PAGE = {
    "url": "https://a.example/b?c=d",
    "path": "/b",
    "search": "?c=d",
    "title": "B",
    "referrer": "https://r.example/",
    "host": "a.example",
}


@pytest.mark.parametrize("name", PAGE)
def test_what_a_message_calls_it_counts_as_its_name(name: str) -> None:
    """Who reads the messages knows the page's fields by Segment's names, not by PostHog's."""
    posthogs = {"$current_url": PAGE["url"], "$pathname": PAGE["path"], "$referrer": PAGE["referrer"]}
    given = event("$pageview", {**posthogs, "title": PAGE["title"], "$host": PAGE["host"]})
    others = {other: value for other, value in PAGE.items() if other != name}
    if name == "url":  # of which the search is a part
        del others["search"]

    (excluded,) = messages(given, properties_to_exclude=(name,))
    (hidden,) = messages(given, properties_to_hash=(name,))

    assert [others, others] == [excluded["properties"], excluded["context"]["page"]]
    expected = others | {name: hashed(PAGE[name])}
    assert [expected, expected] == [hidden["properties"], hidden["context"]["page"]]


def test_a_company_that_nobody_wants_is_not_made_up() -> None:
    """Neither as a whole nor in part."""
    given = event("$identify", {"$set": {"email": "kim@acme.example", "org": "Acme", "org_id": 7}})
    by_trait = {"account_id_trait": "org_id", "account_name_trait": "org"}

    wishes: list[dict[str, Any]] = [
        {"properties_to_exclude": ("company",)},
        {"properties_to_hash": ("company",)},
        {"properties_to_exclude": ("name",)},
        {"properties_to_exclude": ("name",), **by_trait},
        {"properties_to_hash": ("org",), **by_trait},
    ]
    assert [None, None, None, {"id": 7}, {"id": 7, "name": hashed("Acme")}] == [
        messages(given, **wish)[0]["traits"].get("company") for wish in wishes
    ]


def test_the_type_of_a_group_has_the_name_it_is_sent_under_too() -> None:
    """It is a trait like the others."""
    given = event("$groupidentify", {"$group_key": "g", "$group_type": "company"})

    assert "traits" not in messages(given, properties_to_exclude=("posthog_group_type",))[0]
    assert "traits" not in messages(given, properties_to_exclude=("$group_type",))[0]
    (told,) = messages(given, properties_to_hash=("posthog_group_type", "$group_type"))
    assert {"posthog_group_type": hashed("company")} == told["traits"]


@pytest.mark.parametrize("version", [1, 2])
def test_an_address_that_is_kept_back_is_not_among_the_included_properties(version: int) -> None:
    """`sendIp` off is the stricter wish."""
    given = event("a", {"$ip": "marker", "$lib": "web"}, ip="marker", timestamp="2026-11-21T12:34:56.789Z")

    (track,) = messages(given, send_ip=False, include_posthog_properties=("$*",), payload_version=version)

    assert "marker" not in json.dumps(track)


def test_a_hashed_email_gives_no_company() -> None:
    """Nor does an excluded one: its domain would tell."""
    given = event("$identify", {"$set": {"email": "kim@acme.example"}})

    assert {"email": hashed("kim@acme.example")} == messages(given, properties_to_hash=("email",))[0][
        "traits"
    ]
    assert "traits" not in messages(given, properties_to_exclude=("email",))[0]


def test_the_traits_of_an_account_are_looked_through_as_well() -> None:
    """`$group_set` is one more place."""
    given = event(
        "$groupidentify", {"$group_key": "g", "$group_type": "company", "$group_set": {"phone": "1", "a": 2}}
    )

    (excluded,) = messages(given, properties_to_exclude=("phone",), properties_to_hash=("$group_type",))

    assert {"a": 2, "posthog_group_type": hashed("company")} == excluded["traits"]


@pytest.mark.parametrize("name", ["$el_text", "$elements_chain", "elements_chain", "$elements"])
@pytest.mark.parametrize("wish", ["properties_to_exclude", "properties_to_hash"])
def test_the_words_of_autocapture_are_no_way_around(wish: str, name: str) -> None:
    """What stands on a button stands in the chain of elements, too."""
    chain = 'button:text="marker";div'
    properties = {
        "$event_type": "click",
        "$elements_chain": chain,
        "$elements": [{"tag_name": "button", "$el_text": "marker"}],
        "$el_text": "marker" if name == "$el_text" else None,
    }
    settings: dict[str, Any] = {wish: (name,), "system_events": ("*",), "include_posthog_properties": ("$*",)}

    (track,) = messages(event("$autocapture", properties, elements_chain=chain), **settings)

    assert "marker" not in json.dumps(track)


def test_excluding_an_id_keeps_it_out_of_everything_but_the_messages_ids() -> None:
    """Without ids nobody could be told apart; those that can be done without go."""
    given = event(
        "a", {"$device_id": "d-1", "$anon_distinct_id": "a-1", "distinct_id": "u-1", "$groups": {"c": "g"}}
    )
    settings = {"properties_to_exclude": ("*_id", "$groups"), "include_posthog_properties": ("*",)}

    (track,) = messages(given, **settings)

    assert "u-1" == track["userId"]
    assert not [marker for marker in ("d-1", "a-1", "g") if f'"{marker}"' in json.dumps(track)]


def test_excluding_the_device_makes_no_user_of_a_visitor() -> None:
    """The visitor is told by it, and has no other id."""
    (track,) = messages(event("a", {"$device_id": "u-1"}), properties_to_exclude=("$device_id",))

    assert (None, "u-1") == (track.get("userId"), track["anonymousId"])
    assert "device" not in track["context"]


PERSON_IDS = ["distinct_id", "$user_id", "$device_id", "$anon_distinct_id", "alias"]


@pytest.mark.parametrize("named", PERSON_IDS)
def test_hashing_one_id_of_persons_hashes_all_of_them(named: str) -> None:
    """Everywhere, so that a visitor, the user it became, and the alias between them can still be joined."""
    settings = {"properties_to_hash": (named,), "include_posthog_properties": ("$*", "distinct_id")}
    device = {"$device_id": "d-1", "distinct_id": "d-1"}

    (visitor,) = messages(event("a", device, distinct_id="d-1"), **settings)
    (user,) = messages(event("a", {"$anon_distinct_id": "d-1", "$user_id": "u-1"}), **settings)
    (alias,) = messages(
        event("$create_alias", {"alias": "u-1", "distinct_id": "d-1"}, distinct_id="d-1"), **settings
    )

    assert (None, hashed("d-1")) == (visitor.get("userId"), visitor["anonymousId"])
    assert (hashed("u-1"), hashed("d-1")) == (user["userId"], user["anonymousId"])
    assert (hashed("d-1"), hashed("u-1")) == (alias["previousId"], alias["userId"])
    for message in (visitor, user, alias):
        assert not [marker for marker in ("d-1", "u-1") if f'"{marker}"' in json.dumps(message)]


def test_an_id_that_stands_for_nobody_is_known_before_it_is_hashed() -> None:
    """It stays what it is: nobody."""
    mapper = Mapper(MappingSettings(properties_to_hash=("distinct_id",)))
    alias = event("$create_alias", {"alias": "null"})

    assert SkipReason.NO_PERSON_IN_ALIAS is mapper.map(from_mapping(alias), Memory()).skipped
    (track,) = messages(event("a", distinct_id="null"), properties_to_hash=("distinct_id",))
    assert (None, "null") == (track.get("userId"), track["anonymousId"])


@pytest.mark.parametrize("named", ["$group_key", "$groups", "$group_0"])
def test_hashing_an_id_of_groups_hashes_all_of_them(named: str) -> None:
    """An account is the same one from `$groupidentify` and from its users' events."""
    group = event("$groupidentify", {"$group_key": "acme", "$group_type": "company"})
    order = event("a", {"$groups": {"company": "acme"}, "$group_0": "acme"})
    settings = {"properties_to_hash": (named,), "include_posthog_properties": ("$*",)}

    (told,) = messages(group, **settings)
    of_user, track = messages(order, **settings)

    assert {hashed("acme")} == {told["groupId"], of_user["groupId"], track["context"]["groupId"]}
    assert "acme" not in json.dumps([told, of_user, track])


def test_version_1_keeps_the_users_wishes_too() -> None:
    """It reproduces how messages looked; what must not be sent is not sent."""
    given = event(
        "order paid",
        {
            "email": "marker",
            "a": {"email": "marker"},
            "phone": "marker",
            "$ip": "marker",
            "$device_id": "marker",
        },
        timestamp="2026-11-21T12:34:56.789Z",
        ip="marker",
    )

    (track,) = messages(
        given,
        payload_version=1,
        properties_to_exclude=("email", "$ip", "$device_id"),
        properties_to_hash=("phone",),
    )

    assert "marker" not in json.dumps(track)
    assert {"a": {}, "phone": hashed("marker")} == track["properties"]


@pytest.mark.parametrize("wish", ["properties_to_exclude", "properties_to_hash"])
def test_an_event_too_deep_to_be_looked_through_is_refused(wish: str) -> None:
    """Alone, with the reason; it is never sent unseen."""
    value: Any = {"email": "marker"}
    for _ in range(100_000):
        value = [value]

    with pytest.raises(InvalidRecord, match="nested too deep"):
        messages(event("a", {"deep": value}), **{wish: ("email",)})


def test_the_event_itself_stays_as_it_is() -> None:
    """Other plugins and the dead letters see what came."""
    given = from_mapping(event("a", {"email": "x", "b": {"email": "x"}}, person_properties={"email": "x"}))
    before = json.loads(encode(given))
    mapper = Mapper(
        MappingSettings(properties_to_exclude=("email",), properties_to_hash=("distinct_id", "b"))
    )

    mapper.map(given, Memory())

    assert before == json.loads(encode(given))
