"""What is read by a learned layout gives the same messages as what is decoded as a whole."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.generate import Traffic
from tests.benches.rows import UUID, row, unread_row
from variance_plugin.errors import InvalidRecord
from variance_plugin.events import Event
from variance_plugin.formats import UnreadEvent, events, ignored_name, plain_name
from variance_plugin.mapping import AccountMapping, AnonymousUsers, Mapper, MappingSettings, Memory
from variance_plugin.messages import encoded

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings"


def said(mapper: Mapper, event: Event) -> Any:
    """All that comes of an event; numbers exactly, however spelled, and members in whatever order.

    Once where everything is news, and once where nothing is.
    """
    memory = Memory()
    both = []
    for _ in range(2):
        try:
            mapped = mapper.map(event, memory)
        except InvalidRecord as error:
            return str(error)
        memory.learn(mapped.facts)
        messages = [json.loads(encoded(one).body, parse_float=Decimal) for one in mapped.messages]
        both.append((messages, mapped.skipped, mapped.facts, mapped.distinct_id))
    return both


def decoded(record: bytes) -> Event:
    """The same event the long way."""
    (event,) = events(record)
    if isinstance(event, InvalidRecord):
        raise event
    return event


def expected_of(mapper: Mapper, record: bytes) -> Any:
    """The same without layouts; a record that is left out by its name is not looked into by anyone."""
    if name := ignored_name(record, mapper.skips):
        return [([], mapper.skips(name), (), None)] * 2
    try:
        return said(mapper, decoded(record))
    except InvalidRecord as error:
        return str(error)


def assert_same(records: list[bytes], settings: MappingSettings) -> int:
    """Map each record twice; returns how many were read without being decoded."""
    learning = Mapper(settings, events_to_learn=1)
    plain = Mapper(settings)
    read = 0
    for record in records:
        event = unread_row(record)
        if event is not None:
            got = said(learning, event)
            assert expected_of(plain, record) == got
            read += type(event) is UnreadEvent and not isinstance(got, str) and not got[0][1]
    return read


NUMBERS = st.sampled_from(["1.10", "52.5323", "-23.55051234567890123", "12345678901234567890123", "1e9", "0"])
TEXTS = st.sampled_from(
    ['"u-1"', '"u-2"', '""', '"null"', '"São Paulo"', '"\\u0041\\n"', '"https://a.example/?b=c"']
)
NO_CONTAINERS = TEXTS | st.sampled_from(["null", "true", "false", "17", "12345678901234567890123"])
USUAL = NO_CONTAINERS | NUMBERS | st.sampled_from(["{}", "[]", '{"a":{"b":1.50}}', "[1,[2]]"])
ODD = USUAL | st.sampled_from(
    ['{"a":1,"a":2}', "NaN", "1e400", "1E-7", '"\\ud83d"', '{"email":"k@a.io"}', "1e-99999999999"]
)
UPDATES = st.sampled_from(
    ["{}", '{"$os":"Linux"}', '{"email":"k@a.io"}', '{"$os":"Linux","plan":"a","utm_source":"b"}', "null"]
)
KNOWN = (
    "$ip $os $app_version $device_id $user_id $anon_distinct_id $current_url title name category utm_source "
    "alias posthog_version $group_0 $group_1 $group_type $group_key $el_text distinct_id search".split()
)
OTHERS = [
    *[
        "$is_identified",
        "$process_person_profile",
        "$screen_width",
        "$geoip_latitude",
        "$feature/a",
        "$browser",
        "gclid",
        "token",
        "total",
    ],
    *["order id", "nothing", "!", "ü", "$groups"],
]


def _objects(members: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[str]:
    return st.lists(members, max_size=8).map(
        lambda members: "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in members) + "}"
    )


GROUPS = st.sampled_from(
    ["null", "{}", '{"company":"acme"}', '{"company":7}', '{"company":1.50}', '{"company":true,"team":"a"}']
)
MEMBERS = (
    st.tuples(st.sampled_from(KNOWN), NO_CONTAINERS)
    | st.tuples(st.sampled_from(OTHERS), USUAL)
    | st.tuples(st.sampled_from(["$set", "$set_once"]), UPDATES)
    | st.tuples(st.just("$groups"), GROUPS)
)
ODD_MEMBERS = st.tuples(st.sampled_from([*KNOWN, *OTHERS, "$set", 'a "b"', "a\\b", ""]), ODD | UPDATES)
EVENT_NAMES = st.sampled_from(
    ["$pageview", "$screen", "$identify", "$groupidentify", "$create_alias", "$autocapture", "order paid"]
)


def _rows(
    properties: st.SearchStrategy[str], person: st.SearchStrategy[str], more: st.SearchStrategy[list[str]]
) -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda event, properties, person, more: (
            f'{{"uuid":"{UUID}","timestamp":"2026-11-21T12:34:56.789Z","event":"{event}",'
            f'"properties":{properties},"distinct_id":"u-42","person_properties":{person}{"".join(more)}}}'
        ).encode(),
        EVENT_NAMES,
        properties,
        person,
        more,
    )


ROWS = _rows(_objects(MEMBERS), _objects(MEMBERS) | st.just("null"), st.just([]))
ODD_ROWS = _rows(
    _objects(MEMBERS | ODD_MEMBERS) | ODD,
    _objects(ODD_MEMBERS) | ODD,
    st.lists(
        st.builds(
            lambda name, value: f',"{name}":{value}',
            st.sampled_from(
                ["ip", "$set", "person", "uuid", "timestamp", "distinct_id", "elements_chain", "event"]
            ),
            ODD | UPDATES,
        ),
        max_size=2,
    ),
)
SETTINGS = st.builds(
    MappingSettings,
    system_events=st.sampled_from([(), ("*",)]),
    anonymous_users=st.sampled_from(AnonymousUsers),
    send_person_traits=st.booleans(),
    group_from_events=st.booleans(),
    identify_from_events=st.sampled_from([True, True, False]),
    historical=st.sampled_from([False, False, True]),
    send_ip=st.booleans(),
    account_mapping=st.sampled_from(AccountMapping),
    include_posthog_properties=st.sampled_from([(), ("$*",), ("*",), ("$os", "token")]),
    properties_to_exclude=st.sampled_from([(), (), (), (), (), ("email",)]),
    payload_version=st.sampled_from([2, 2, 2, 2, 2, 1]),
)


@given(st.lists(ROWS | ROWS | ROWS | ODD_ROWS, min_size=4, max_size=12), SETTINGS)
def test_a_layout_gives_what_decoding_gives(records: list[bytes], settings: MappingSettings) -> None:
    """Whatever stands in the records: the same messages, reasons, facts and errors."""
    assert_same(records + records, settings)


NEWS = {"$set": {"plan": "team"}}


@pytest.mark.parametrize(
    ("records", "settings"),
    [
        pytest.param(
            [
                row({"$groups": {"company": "acme"}}),
                row({"$groups": {"company": "beta"}}),
                row({"$groups": {}}),
            ],
            MappingSettings(group_from_events=False),
            id="somebody-goes-from-one-account-to-another",
        ),
        pytest.param(
            [row({"$user_id": 1}), row({"$user_id": True}), row({"$user_id": "1"}), row({"$user_id": 1.0})],
            MappingSettings(),
            id="ids-that-are-equal-in-python-only",
        ),
        pytest.param(
            [
                row({"$user_id": -1}),
                row({"$user_id": -2}),
                row({"$user_id": 0}),
                row({"$user_id": 2**61 - 1}),
            ],
            MappingSettings(),
            id="ids-whose-hash-is-one",
        ),
        pytest.param(
            [row({"$groups": {"company": id_}}) for id_ in (-1, -2, "-1", None)],
            MappingSettings(),
            id="accounts-whose-hash-is-one",
        ),
        pytest.param(
            [row({"$is_identified": value}) for value in (False, 0, True, 1, None)],
            MappingSettings(),
            id="flags-that-are-equal-in-python-only",
        ),
        pytest.param(
            [row({"distinct_id": "u-1"}, distinct_id=" "), row({"distinct_id": "u-2"}, distinct_id=" ")],
            MappingSettings(),
            id="a-blank-id",
        ),
        pytest.param(
            [row({"$is_identified": False}), row({"$is_identified": True})],
            MappingSettings(anonymous_users=AnonymousUsers.SKIP),
            id="visitors-who-are-skipped",
        ),
        *[
            pytest.param([row({"{total}": 1, "p0": 2}, event=name)], MappingSettings(), id=f"named-{name!a}")
            for name in [
                "",
                "\0",
                "\ud83d",
                "é" * 5_000,
                "x' + {y} \\ \" \n",
                "{head}",
                "%s",
                "'''",
                "a\u2028b",
                "é{",
            ]
        ],
        pytest.param(
            [row({"$ip": "203.0.113.9"}), row({}, ip="203.0.113.9")],
            MappingSettings(send_ip=False),
            id="no-ip",
        ),
        pytest.param(
            [row({"total": 1} | NEWS), row({"total": [1, 2]} | NEWS).replace(b"1, 2", b"1,\n2")],
            MappingSettings(),
            id="news-beside-a-value-over-two-lines",
        ),
        pytest.param(
            [row({"total": 1} | NEWS), row({"total": "a\tb"} | NEWS).replace(b"\\t", b"\xff")],
            MappingSettings(),
            id="news-beside-what-is-no-utf-8",
        ),
    ],
)
def test_a_layout_tells_apart_what_decoding_tells_apart(
    records: list[bytes], settings: MappingSettings
) -> None:
    """One event after the other, of a visitor who is known by then."""
    texts = [text for record in records for text in (record, *records)]

    assert_same(texts, settings)


@pytest.mark.parametrize("file", sorted(RECORDINGS.glob("**/*.jsonl")), ids=lambda file: file.name)
def test_a_layout_gives_what_decoding_gives_for_real_events(file: Path) -> None:
    """In every shape that PostHog and its SDKs give them."""
    records = [line for line in file.read_bytes().splitlines() if unread_row(line)]

    assert_same(records + records, MappingSettings(system_events=("*",), send_person_traits=True))


def test_traffic_of_exports_is_read_by_layouts() -> None:
    """Nearly all of it, once the layouts are learned, with the same messages as by decoding."""
    records = [json.dumps(event).encode() for event in Traffic(7).events(600)]
    exported = [record for record in records if not Mapper(MappingSettings()).skips(plain_name(record) or "")]
    assert_same(exported, MappingSettings())

    assert assert_same(exported + exported, MappingSettings()) > 1.4 * len(exported)
