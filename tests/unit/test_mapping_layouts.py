"""What is read by a learned layout gives the same messages as what is decoded as a whole."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.generate import Traffic
from variance_plugin.errors import InvalidRecord
from variance_plugin.events import Event
from variance_plugin.formats import UnreadEvent, events, ignored_name, plain_name
from variance_plugin.mapping import AccountMapping, AnonymousUsers, Mapper, MappingSettings, Memory
from variance_plugin.mapping.layouts import EVENTS_TO_LEARN, merged
from variance_plugin.messages import encoded

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings"
UUID = "01a19b45-baf3-7382-a494-90e3bdcf2894"


def row(properties: dict[str, Any], **fields: Any) -> bytes:
    """A row of a batch export, as JSON; `set_` is `$set`."""
    named = {"uuid": UUID, "timestamp": "2026-11-21T12:34:56.789000+00:00", "event": "order paid"}
    others = {"distinct_id": "u-42", "elements_chain": "", "person_properties": None}
    spelled = {"$" + key.rstrip("_") if key.endswith("_") else key: value for key, value in fields.items()}
    return json.dumps(named | {"properties": properties} | others | spelled).encode()


def unread_row(record: bytes) -> UnreadEvent | None:
    """As the pipeline makes it; None for a record that it decodes at once."""
    name = plain_name(record)
    return None if name is None else UnreadEvent(event=name, record=record)


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


class Reader:
    """A mapper that makes a layout of the first event."""

    def __init__(self, *, events_to_learn: int = 1) -> None:
        self._mapper = Mapper(MappingSettings(), events_to_learn=events_to_learn)

    def read(self, record: bytes) -> dict[str, Any] | None:
        """The message of a record that was read by a layout; None when it was decoded."""
        event = unread_row(record)
        assert event is not None
        try:
            mapped = self._mapper.map(event, Memory())
        except InvalidRecord:
            return None
        message: dict[str, Any] = json.loads(encoded(mapped.messages[-1]).body)
        return message if type(event) is UnreadEvent else None


def test_a_layout_is_learned_from_the_events_before() -> None:
    """The first event of a name is decoded, the next one is not."""
    reader = Reader()

    assert reader.read(row({"$os": "Linux", "total": 1})) is None
    message = reader.read(row({"$os": "Windows", "total": 2}))

    assert message is not None
    assert ({"name": "Windows"}, {"total": 2}) == (message["context"]["os"], message["properties"])


def test_a_property_never_seen_is_learned() -> None:
    """It could be the user's own, which must not get lost; the event that has it is decoded."""
    reader = Reader()
    reader.read(row({"total": 1}))

    assert reader.read(row({"total": 1, "currency": "EUR"})) is None
    message = reader.read(row({"total": 1, "currency": "EUR"}))

    assert message is not None
    assert message["properties"] == {"total": 1, "currency": "EUR"}


def test_null_and_nothing_are_told_apart() -> None:
    """A user's null is sent, also that of a property which the mapping knows."""
    reader = Reader()
    reader.read(row({"total": 1, "title": "a"}))

    for properties in ({"total": None}, {"title": None}):
        message = reader.read(row(properties))
        assert message is not None
        assert "page" not in message["context"]
        assert properties == message["properties"]


def test_nothing_is_sent_where_an_event_has_nothing_of_its_own() -> None:
    """And not an empty object."""
    reader = Reader()
    reader.read(row({"total": 1}))
    message = reader.read(row({}))

    assert message is not None
    assert "properties" not in message


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(row({"total": 1}, set_={"plan": "a"}), id="updates-beside-the-properties"),
        pytest.param(row({"total": 1}, person={"properties": {}}), id="a-person"),
        pytest.param(row({"total": 1}, person_properties="{}"), id="a-text-row"),
        pytest.param(row({"total": 1}, uuid=None), id="no-uuid"),
        pytest.param(row({"total": 1}, uuid=" " * 36), id="a-blank-uuid"),
        pytest.param(row({"total": 1}, timestamp=1795264496789), id="a-time-that-is-no-text"),
        pytest.param(row({"total": 1}, distinct_id=5), id="an-id-that-is-no-text"),
        pytest.param(row({"total": 1, "$os": {"name": "Linux"}}), id="an-object-for-a-text"),
        pytest.param(row({"total": 1, "$screen_width": [1]}), id="a-list-for-a-number"),
        pytest.param(row({"total": 1, "$os": "\ud83d"}), id="half-a-character"),
        pytest.param(row({"total": "a\tb"}).replace(b"\\t", b"\xff"), id="no-utf-8"),
        pytest.param(row({"total": [1, 2]}).replace(b"1, 2", b"1,\n2"), id="a-value-over-two-lines"),
        pytest.param(row({"total": float("nan")}), id="nan"),
        pytest.param(row({"total": 1}, **{"(sent)": {"total": 2}}), id="a-key-of-our-own"),
    ],
)
def test_what_is_odd_is_decoded(odd: bytes) -> None:
    """The layout is for rows as they nearly always are."""
    reader = Reader()
    usual = row({"total": 1, "$os": "Linux", "$screen_width": 5})
    reader.read(usual)
    assert reader.read(usual) is not None

    assert reader.read(odd) is None


def test_a_layout_that_hardly_ever_fits_is_given_up() -> None:
    """Trying it costs more than decoding then; events of other names keep theirs."""
    reader = Reader()
    usual, odd = row({"total": 1}), row({"total": 1}, uuid=None)
    other = row({"total": 1}, event="another")
    for record in (usual, other):
        reader.read(record)
        assert reader.read(record) is not None

    for _ in range(10_000):
        reader.read(odd)

    assert reader.read(usual) is None
    assert reader.read(other) is not None


def test_names_without_end_are_not_learned() -> None:
    """Neither of events nor of properties: what is kept stays bounded."""
    reader = Reader()
    for number in range(300):
        reader.read(row({"total": 1}, event=f"order {number}"))
        reader.read(row({f"total {number}": 1}))

    assert reader.read(row({"total": 1}, event="order 1")) is not None
    assert reader.read(row({"total": 1}, event="order 299")) is None
    assert reader.read(row({"total 299": 1})) is None


def test_an_event_of_a_name_seen_now_and_then_is_not_learned_from() -> None:
    """A layout has to pay: it takes twenty events."""
    reader = Reader(events_to_learn=EVENTS_TO_LEARN)
    record = row({"total": 1})
    read = [reader.read(record) for _ in range(21)]

    assert [None] * 20 == read[:20]
    assert read[20] is not None


def test_a_layout_knows_what_any_of_those_events_had() -> None:
    """Else each event with one property more would have it made anew."""
    reader = Reader(events_to_learn=2)
    reader.read(row({"total": 1}))
    reader.read(row({"currency": "EUR"}))

    message = reader.read(row({"total": 1, "currency": "EUR"}))

    assert message is not None
    assert message["properties"] == {"total": 1, "currency": "EUR"}


@pytest.mark.parametrize(
    ("expected", "names", "others"),
    [
        pytest.param("abc", "", "abc", id="nothing-before"),
        pytest.param("abxcd", "abcd", "abxc", id="in-between"),
        pytest.param("xyabc", "abc", "xya", id="at-the-front"),
        pytest.param("abcxy", "abc", "cxy", id="at-the-end"),
        pytest.param("abc", "abc", "cba", id="another-order"),
        pytest.param("abc", "ab", "bac", id="both"),
    ],
)
def test_names_are_put_where_they_are_looked_for(expected: str, names: str, others: str) -> None:
    """Behind the one that stands ahead of them in an event."""
    assert sorted(expected) == sorted(merged(names, others))
    if expected != "abc":
        assert list(expected) == merged(names, others)


@given(st.lists(st.text(max_size=2), unique=True), st.lists(st.text(max_size=2), unique=True))
def test_merging_loses_no_name(names: list[str], others: list[str]) -> None:
    """Each is there once."""
    assert sorted({*names, *others}) == sorted(merged(names, others))
