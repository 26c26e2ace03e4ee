"""An event that nobody has looked at: read at the first look, and an event like any other from then on."""

import copy
from typing import Any

import msgspec
import pytest

from variance_plugin.errors import InvalidRecord
from variance_plugin.events import Event
from variance_plugin.formats import UnreadEvent, events, from_mapping, glance, readable, unread

ROW = b'{"event":"order paid","distinct_id":"u-42","properties":{"total":18.5},"uuid":"id-1"}'


def unread_row(record: bytes = ROW) -> UnreadEvent:
    """As the pipeline makes it."""
    return UnreadEvent(event="order paid", record=record, position=17)


def read_row() -> Event:
    """The same event, decoded at once."""
    (event,) = events(ROW)
    assert isinstance(event, Event)
    event.position = 17
    return event


@pytest.mark.parametrize("attribute", Event.__struct_fields__)
def test_each_attribute_is_what_the_record_says(attribute: str) -> None:
    """Whichever of them is the first that somebody looks at."""
    assert getattr(read_row(), attribute) == getattr(unread_row(), attribute)


def test_it_is_an_event_from_the_first_look_on() -> None:
    """Its type says so too: who changes it changes an ordinary event."""
    event: Event = unread_row()
    assert isinstance(event, Event)

    assert event.properties == {"total": 18.5}
    event.properties["total"] = 20

    assert type(event) is Event
    assert event.properties == {"total": 20}


def test_it_stays_unread_while_only_record_and_position_are_asked_for() -> None:
    """They are at hand; nothing is decoded for a message to people, or for a new position."""
    event = unread_row(b"no JSON")
    event.position = 18

    assert (b"no JSON", 18) == (event.record, event.position)
    assert glance(event) == ("order paid", b"no JSON")
    assert "no JSON" in repr(event)
    assert type(event) is UnreadEvent


def test_an_attribute_can_be_set_before_any_is_read() -> None:
    """What is set stays, and the rest is what the record says."""
    event: Event = unread_row()
    event.distinct_id = "u-43"

    assert ("u-43", {"total": 18.5}) == (event.distinct_id, event.properties)


def test_it_equals_the_event_that_it_is() -> None:
    """From either side of the comparison."""
    assert unread_row() == read_row()
    assert read_row() == unread_row()
    assert unread_row() != from_mapping({"event": "another"})


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(b"{", id="no-json"),
        pytest.param(b'{"event":5}', id="no-event"),
        pytest.param(b'[{"event":"a"},{"event":"b"}]', id="two-events"),
        pytest.param(b'[{"event":5}]', id="a-broken-one-in-a-batch"),
    ],
)
def test_a_record_that_is_no_event_says_so_at_every_look(record: bytes) -> None:
    """And is still there to be kept, in an event that is empty."""
    event = unread_row(record)

    for _ in range(2):
        with pytest.raises(InvalidRecord):
            _ = event.properties
    with pytest.raises(InvalidRecord):
        event.distinct_id = "u"

    assert readable(event) == Event(event="", properties={}, record=record, position=17)


def test_a_readable_event_is_that_very_event() -> None:
    """Read already or not."""
    event, decoded = unread_row(), read_row()

    assert readable(event) is event
    assert readable(decoded) is decoded
    assert type(event) is Event


def test_what_reads_fields_without_asking_for_them_cannot_take_them_for_values() -> None:
    """It meets something that is no value and has no JSON form."""
    assert "<not read yet>" in str(msgspec.structs.asdict(unread_row()))
    with pytest.raises(TypeError):
        msgspec.json.encode(unread_row())


def test_an_event_can_be_put_back_to_unread() -> None:
    """Without its values it takes a third of the memory; what is read again is what it was."""
    event = read_row()
    again = unread(event)

    assert type(again) is UnreadEvent
    assert again is not event
    assert event == again


def test_an_unread_event_is_copied_unread() -> None:
    """A change of one does not show in the other."""
    event = unread_row()
    again: Any = unread(event)
    again.properties["total"] = 0

    assert type(event) is UnreadEvent
    assert event == read_row()


def test_an_event_without_a_record_stays_as_it_is() -> None:
    """What a plugin made of nothing can be read from nowhere again."""
    event = from_mapping({"event": "order paid", "distinct_id": "u-42"})

    assert unread(event) is event
    assert copy.copy(event) == event
