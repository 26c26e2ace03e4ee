"""For any event at all: valid Segment messages or a named reason, the same ones every time, and no leak."""

import copy
import json
import re
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import Any, TypeAlias

from hypothesis import example, given
from hypothesis import strategies as st

from variance_plugin.errors import InvalidRecord
from variance_plugin.exact_json import encode
from variance_plugin.formats import events, from_mapping
from variance_plugin.mapping import (
    AccountMapping,
    AnonymousUsers,
    Mapped,
    Mapper,
    MappingSettings,
    Memory,
    Prepared,
    SkipReason,
)
from variance_plugin.secret import Secret

NAMES = st.sampled_from(
    [
        *[
            "$pageview",
            "$page",
            "$screen",
            "$identify",
            "$set",
            "$set_once",
            "$groupidentify",
            "$create_alias",
        ],
        *["$merge_dangerously", "$autocapture", "$pageleave", "order paid", "signed up", "a.b", "\ud83d"],
    ]
)
IDS = st.sampled_from(
    [
        *["u-1", "u-2", "v-1", "0193a1f0-7c11-7000-8abc-0d5e6f7a8b9c", "$company_acme", "kim@acme.example"],
        *["null", "undefined", "anonymous", "guest", "0", "", " ", "\ud83d", 17, 0, 1.5, None, True, [], {}],
    ]
)
TEXT = st.text(st.characters(exclude_categories=()), max_size=4)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
URLS = st.sampled_from(["https://a.example/b?c=d#e", "/b?c", "http://[", "https://ü.example/?\ud83d", "", 5])
TRAITS = st.dictionaries(
    st.sampled_from(
        ["email", "plan", "company", "company_id", "$browser", "utm_source", "token", "a.b", "\ud83d"]
    ),
    VALUES | st.sampled_from(["kim@acme.example", "kim@gmail.com"]),
    max_size=4,
)
KNOWN: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        ["$user_id", "$device_id", "$anon_distinct_id", "distinct_id", "alias", "$group_key"], IDS
    ),
    **dict.fromkeys(["$is_identified", "$process_person_profile", "$is_server"], st.booleans() | VALUES),
    "$groups": st.dictionaries(st.sampled_from(["company", "team"]), IDS | VALUES),
    **dict.fromkeys(["$group_0", "$group_1"], IDS),
    "$group_type": st.sampled_from(["company", "team", None, 5]),
    **dict.fromkeys(["$set", "$set_once", "$group_set"], TRAITS),
    "$current_url": URLS,
    "$elements_chain": st.sampled_from(['button.a:text="Buy"', ";", '"', "a"]) | TEXT,
}
PLAIN = [
    *[
        "$ip",
        "$os",
        "$app_version",
        "posthog_version",
        "$browser_language",
        "$pathname",
        "$host",
        "$referrer",
        "title",
    ],
    *[
        "utm_source",
        "utm_campaign",
        "gclid",
        "$screen_width",
        "$network_wifi",
        "$geoip_latitude",
        "$session_id",
    ],
    *[
        "$screen_name",
        "$event_type",
        "$el_text",
        "$elements",
        "name",
        "category",
        "url",
        "search",
        "token",
        "total",
    ],
    *["$lib", "$feature/a", "__proto__", "a.b", "", "\ud83d"],
]
PROPERTIES = st.fixed_dictionaries(
    {}, optional={**KNOWN, **dict.fromkeys(PLAIN, VALUES)}
) | st.fixed_dictionaries({}, optional=dict.fromkeys([*KNOWN, *PLAIN], VALUES))
TIMES: st.SearchStrategy[Any] = st.sampled_from(
    ["2026-11-21T12:34:56.789Z", "2026-11-21 12:34:56.789", 1795264496789, None, "", "soon", {}]
)
EVENTS = st.fixed_dictionaries(
    {"event": NAMES, "properties": PROPERTIES},
    optional={
        "distinct_id": IDS,
        "uuid": st.sampled_from(["id-1", "id-2", None, 17, {}]),
        "timestamp": TIMES,
        "person_properties": TRAITS,
        "ip": st.sampled_from(["203.0.113.9", None, {}, 5]),
        "sent_at": TIMES,
        "$user_id": IDS,
        "$set": TRAITS,
        "$set_once": TRAITS | VALUES,
        "elements_chain": TEXT,
    },
)
SETTINGS = st.builds(
    MappingSettings,
    system_events=st.sampled_from([(), ("*",)]),
    anonymous_users=st.sampled_from(AnonymousUsers),
    send_person_traits=st.booleans(),
    historical=st.sampled_from([False, False, True]),
    account_mapping=st.sampled_from(AccountMapping),
    account_group_type=st.sampled_from(["", "company"]),
    account_id_trait=st.sampled_from(["", "company_id", "company.id"]),
    include_posthog_properties=st.sampled_from([(), ("$*",), ("*",)]),
    properties_to_exclude=st.sampled_from([(), ("email",), ("$*",), ("*",)]),
    properties_to_hash=st.sampled_from([(), ("plan", "company"), ("distinct_id",), ("$groups",), ("*",)]),
    payload_version=st.sampled_from([2, 2, 2, 1]),
)


Outcome: TypeAlias = Prepared | Mapped | str


def outcome(event: dict[str, Any], settings: MappingSettings, memory: Memory | None = None) -> Outcome:
    """What becomes of an event: messages, a named reason for none, or why it is unusable."""
    try:
        mapped = Mapper(settings).map(from_mapping(event), memory or Memory())
        for message in mapped.messages:
            encode(message)
    except InvalidRecord as reason:
        return str(reason) or "a reason that says nothing"
    return mapped


def bodies(of: Outcome) -> list[bytes]:
    """The bytes of the messages; none for an event that is unusable."""
    return [] if isinstance(of, str) else [encode(message) for message in of.messages]


def refuse(constant: str) -> None:
    """`NaN` and `Infinity` are no JSON."""
    raise AssertionError(constant)


def nothing(_constant: str) -> None:
    """What comes of a number that is none."""


def faults(message: dict[str, Any]) -> list[str]:
    """What Segment's specification has against a message."""
    found = []
    texts = ["messageId", "userId", "anonymousId", "previousId", "groupId", "event"]
    found += [f"{name} is no text" for name in texts if name in message and not is_text(message[name])]
    needed = {"alias": ["previousId", "userId"], "track": ["event"], "group": ["groupId"]}
    if message.get("type") not in {"page", "screen", "track", "identify", "group", "alias"}:
        found.append("unknown type")
    missing = [
        name for name in ["messageId", "context", *needed.get(message["type"], [])] if name not in message
    ]
    found += [f"{name} is missing" for name in missing]
    if not {"userId", "anonymousId"} & message.keys():
        found.append("it is nobody's")
    time = message.get("timestamp", "2026-11-21T12:34:56.789Z")
    if not (isinstance(time, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z", time)):
        found.append("the timestamp has another form")
    users = {"properties", "traits"}  # what is in them is the user's own
    spec = {name: value for name, value in message.items() if name not in users}
    context = {name: value for name, value in spec.pop("context", {}).items() if name not in users}
    parts = [value for value in context.values() if isinstance(value, dict)]
    for place in (message, spec, message.get("context", {}), context, *parts):
        found += [f"{name} is {value}" for name, value in place.items() if value is None or value == {}]
    found += [f"{name} is an object" for name, value in spec.items() if isinstance(value, dict | list)]
    found += [
        f"{name} is a list"
        for part in parts
        for name, value in part.items()
        if isinstance(value, dict | list)
    ]
    return found


def is_text(value: object) -> bool:
    """Whether it is text, and not blank."""
    return isinstance(value, str) and bool(value.strip())


@given(EVENTS, SETTINGS)
@example({"event": "$pageview", "properties": {"$device_id": float("inf")}}, MappingSettings())
def test_any_event_gives_valid_messages_or_a_named_reason(
    event: dict[str, Any], settings: MappingSettings
) -> None:
    """Never an exception, never a message that Segment's specification does not know."""
    found = outcome(event, replace(settings, payload_version=2))

    if isinstance(found, Mapped):
        assert (found.skipped is None) == bool(found.messages)
        assert found.skipped is None or isinstance(found.skipped, SkipReason)
    else:
        assert found != "a reason that says nothing"
    for body in bodies(found):
        assert [] == faults(json.loads(body.decode(), parse_constant=refuse)), body


@given(EVENTS, SETTINGS)
def test_any_event_gives_a_message_of_version_1_or_a_reason(
    event: dict[str, Any], settings: MappingSettings
) -> None:
    """At most one, with its id and its time."""
    found = bodies(outcome(event, replace(settings, payload_version=1)))

    assert len(found) <= 1
    for body in found:
        message = json.loads(body.decode(), parse_constant=refuse)
        assert {"libary", "messageId", "timestamp", "type"} <= message.keys()
        assert None not in message.values()


@given(EVENTS, SETTINGS)
def test_the_same_event_gives_the_same_messages(event: dict[str, Any], settings: MappingSettings) -> None:
    """Whichever mapper does it, whatever came before."""
    mapper = Mapper(settings)
    first, second = outcome(event, settings), outcome(copy.deepcopy(event), settings)
    assert bodies(first) == bodies(second)
    if isinstance(first, Mapped):
        again = [bodies(mapper.map(from_mapping(event), Memory())) for _ in range(2)]
        assert [bodies(first)] * 2 == again


@given(EVENTS, SETTINGS)
def test_what_is_known_is_left_out_and_nothing_else_changes(
    event: dict[str, Any], settings: MappingSettings
) -> None:
    """Told to a memory that knows, an event gives some of the same messages, its own among them."""
    first = outcome(event, settings)
    memory = Memory()
    if isinstance(first, Mapped):
        memory.learn(first.facts)

    second = bodies(outcome(event, settings, memory))

    assert bodies(first)[-1:] == second[-1:]
    assert [body for body in bodies(first) if body in second] == second
    assert len(second) <= 1


@given(EVENTS, SETTINGS)
def test_the_ids_of_messages_differ(event: dict[str, Any], settings: MappingSettings) -> None:
    """A receiver that drops repeats must not drop a part of an event."""
    ids = [json.loads(body)["messageId"] for body in bodies(outcome(event, settings))]

    assert len(ids) == len({json.dumps(id_) for id_ in ids})


@given(EVENTS, SETTINGS)
def test_the_event_is_not_changed(event: dict[str, Any], settings: MappingSettings) -> None:
    """Other plugins and the dead letters see it as it came."""
    before = repr(event)
    outcome(event, settings)
    assert before == repr(event)

    try:
        read = from_mapping(event)
    except InvalidRecord:
        return
    before = repr(read)
    with suppress(InvalidRecord):
        Mapper(settings).map(read, Memory())
    assert before == repr(read)


@given(EVENTS, SETTINGS, st.sampled_from(["flag", "profile", "device"]))
def test_an_anonymous_event_never_has_a_user(
    event: dict[str, Any], settings: MappingSettings, why: str
) -> None:
    """No visitor becomes a contact, by whichever sign they are one."""
    event = {**event, "properties": dict(event["properties"])}
    if why == "device":
        event["distinct_id"] = event["properties"]["$device_id"] = "d-1"
        event["properties"].pop("$user_id", None)
    else:
        event["properties"]["$is_identified" if why == "flag" else "$process_person_profile"] = False

    messages = map(json.loads, bodies(outcome(event, replace(settings, payload_version=2))))

    assert [] == [message for message in messages if "userId" in message and message["type"] != "alias"]


@given(EVENTS, SETTINGS)
def test_nobody_is_never_a_user(event: dict[str, Any], settings: MappingSettings) -> None:
    """Nor an end of an alias; nor tied to a user."""
    nobody = {"null", "undefined", "anonymous", "guest", "0", ""}

    for body in bodies(outcome(event, replace(settings, payload_version=2))):
        message = json.loads(body)
        assert message.get("userId") not in nobody
        assert message.get("previousId") not in nobody
        assert "userId" not in message or message.get("anonymousId") not in nobody


MARKER = "marker-7f3c"
MARKED = st.recursive(
    st.just(MARKER),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=2) | st.dictionaries(TEXT, inner, min_size=1, max_size=2)
    ),
    max_leaves=3,
)
PRIVATE_NAMES = [*PLAIN, "email", "plan", "company", "phone", "$browser", "$group_type"]


def plant(event: dict[str, Any], name: str, places: set[str], value: Any) -> dict[str, Any]:
    """The event with a value under a name, at several places and depths."""
    event = copy.deepcopy(event)
    properties = event["properties"]
    for place in places:
        if place == "properties":
            properties[name] = value
        elif place == "deep":
            properties["total"] = [{"a": {name: value}, "b": 1}]
        elif place == "person_properties":
            event[place] = {**(event.get(place) or {}), name: value, "nested": [{name: value}]}
        else:
            within = properties.get(place)
            properties[place] = {
                **(within if isinstance(within, dict) else {}),
                name: value,
                "nested": {name: value},
            }
    if name == "$ip":
        event["ip"] = MARKER
    return event


PLACES = st.sets(
    st.sampled_from(["properties", "deep", "person_properties", "$set", "$set_once", "$group_set"]),
    min_size=1,
)


@given(EVENTS, SETTINGS, st.sampled_from(PRIVATE_NAMES), PLACES, MARKED, st.booleans())
@example(
    {"event": "$identify", "distinct_id": "u-1", "uuid": "id-1", "properties": {}},
    MappingSettings(),
    "email",
    {"$set"},
    f"kim@{MARKER}.example",
    False,  # noqa: FBT003
)
def test_what_is_private_leaks_nowhere(  # noqa: PLR0913, PLR0917
    event: dict[str, Any],
    settings: MappingSettings,
    name: str,
    places: set[str],
    value: Any,
    hashes: bool,  # noqa: FBT001
) -> None:
    """Excluded or hashed, at any depth, in any field, in either version."""
    wish: Any = {"properties_to_hash" if hashes else "properties_to_exclude": (name,)}

    found = outcome(plant(event, name, places, value), replace(settings, **wish))

    assert not [body for body in bodies(found) if MARKER.encode() in body]


@given(EVENTS, SETTINGS, PLACES, st.text(st.sampled_from("abü😀")), st.sampled_from(["", "salt"]))
def test_a_value_has_one_hash(
    event: dict[str, Any], settings: MappingSettings, places: set[str], value: str, salt: str
) -> None:
    """In every field that it stands in, in either version."""
    planted = plant(event, "telephone", places, value)
    hashing = replace(
        settings, properties_to_exclude=(), properties_to_hash=("telephone",), hash_salt=Secret(salt)
    )

    found = [json.loads(body) for body in bodies(outcome(planted, hashing))]

    assert set(values_of(found, "telephone")) <= {sha256(f"{salt}{value}".encode()).hexdigest()}


def values_of(place: Any, name: str) -> list[Any]:
    """All values under a name, at any depth."""
    if isinstance(place, list):
        return [value for member in place for value in values_of(member, name)]
    if not isinstance(place, dict):
        return []
    inner = [value for member in place.values() for value in values_of(member, name)]
    return ([place[name]] if name in place else []) + inner


@given(EVENTS, SETTINGS, st.booleans())
def test_it_does_not_matter_whether_an_event_came_as_bytes(
    event: dict[str, Any],
    settings: MappingSettings,
    ascii_only: bool,  # noqa: FBT001
) -> None:
    """Or from a host, as an object."""
    text = json.dumps(event, ensure_ascii=ascii_only)
    try:
        (read,) = events(text.encode())
    except (InvalidRecord, UnicodeEncodeError):
        return
    if isinstance(read, InvalidRecord):
        return
    plain = json.loads(text, parse_constant=nothing)
    try:
        found: Outcome = Mapper(settings).map(read, Memory())
        from_bytes = bodies(found)
    except InvalidRecord as reason:
        from_bytes, found = [], str(reason)

    expected = outcome(plain, settings)

    assert bodies(expected) == from_bytes
    if isinstance(expected, str):
        assert expected == found
