"""Layouts are learned from the events before, where that pays, and not without end."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benches.rows import row, unread_row
from variance_plugin.errors import InvalidRecord
from variance_plugin.formats import UnreadEvent
from variance_plugin.mapping import Fact, Mapper, MappingSettings, Memory, SkipReason
from variance_plugin.mapping.layouts import EVENTS_TO_LEARN, merged
from variance_plugin.messages import encoded


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


def test_a_place_of_a_group_alone_tells_who_it_is() -> None:
    """Without the groups by their names, as in rows of people who were in none of them by then."""
    reader = Reader()
    record = row({"$group_4": "acme"})
    reader.read(record)

    assert reader.read(record) is not None


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


def test_what_has_another_shape_is_looked_at_again_only_later() -> None:
    """Rows of Kafka have their properties as a text, and of those no layout is made."""
    reader = Reader(events_to_learn=2)
    text_row = row({}).replace(b'"properties": {}', b'"properties": "{}"')
    usual = row({"total": 1})
    for _ in range(2):
        reader.read(text_row)

    read = [reader.read(usual) is not None for _ in range(600)]

    assert not any(read[:500])
    assert all(read[-50:])


def test_what_is_left_out_by_its_name_is_learned_like_the_rest() -> None:
    """Then nobody looks for the name; and a record that is no JSON is not left out, but found broken."""
    mapper, memory = Mapper(MappingSettings(), events_to_learn=2), Memory()
    record = row({"total": 1}, event="$autocapture")

    assert [None, None] == [mapper.read(record, memory) for _ in range(2)]
    read = mapper.read(record, memory)

    assert read is not None
    assert SkipReason.SYSTEM_EVENT is read.skipped
    assert mapper.read(record[:-1], memory) is None


def test_an_account_that_was_forgotten_is_told_again() -> None:
    """By a layout as well, which asks the memory about a member once and not with every event."""
    mapper, memory = Mapper(MappingSettings(), events_to_learn=1), Memory()
    record = row({"$groups": {"company": "acme"}})
    mapper.read(record, memory)

    def types() -> list[str]:
        mapped = mapper.read(record, memory)
        assert mapped is not None
        memory.learn(mapped.facts)
        facts.extend(mapped.facts)
        return [encoded(message).type for message in mapped.messages]

    facts: list[Fact] = []
    assert [["group", "track"], ["track"], ["track"]] == [types() for _ in range(3)]
    memory.forget(facts)
    assert ["group", "track"] == types()


def test_an_account_of_long_ago_is_told_again() -> None:
    """What the memory has let go for newer facts it does not know any more, and nobody may think it does."""
    mapper, memory = Mapper(MappingSettings(), events_to_learn=1), Memory(limit=2)
    record = row({"$groups": {"company": "acme"}})
    mapper.read(record, memory)
    for expected in (2, 1):
        mapped = mapper.read(record, memory)
        assert mapped is not None
        assert expected == len(mapped.messages)
        memory.learn(mapped.facts)

    for subject in range(2):
        memory.learn([(subject, True)])

    mapped = mapper.read(record, memory)
    assert mapped is not None
    assert 2 == len(mapped.messages)


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
