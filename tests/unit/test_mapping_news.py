"""Events that come after newer ones: what they say of a person or an account is not taken for the present."""

import json
from typing import Any

import pytest

from variance_plugin.exact_json import encode
from variance_plugin.formats import from_mapping
from variance_plugin.mapping import Mapper, MappingSettings, Memory, SkipReason

Message = dict[str, Any]


class Export:
    """A run: events in, in this order, the messages out."""

    def __init__(self, **settings: Any) -> None:
        self._mapper = Mapper(MappingSettings(**settings))
        self._memory = Memory()
        self.skipped: SkipReason | None = None

    def messages(self, event: dict[str, Any]) -> list[Message]:
        """What becomes of the next event."""
        mapped = self._mapper.map(from_mapping(event), self._memory)
        self._memory.learn(mapped.facts)
        self.skipped = mapped.skipped
        return [json.loads(encode(message)) for message in mapped.messages]

    def traits(self, event: dict[str, Any]) -> list[dict[str, Any] | None]:
        """The traits of each identify or group message that becomes of it; None where there are none."""
        told = [message for message in self.messages(event) if message["type"] in ("identify", "group")]
        return [message.get("traits") for message in told]


def at(minute: int, name: str, /, *, user: str = "u-1", **properties: Any) -> dict[str, Any]:
    """An event of that minute; `_` in front stands for `$`; `person` is the person as exported."""
    event = {"event": name, "uuid": f"id-{minute}", "distinct_id": user}
    person = properties.pop("person", None)
    spelled = {"$" + key[1:] if key[0] == "_" else key: value for key, value in properties.items()}
    time = {"timestamp": f"2026-11-21T12:{minute:02}:00Z"}
    return event | time | {"properties": spelled, "person_properties": person}


def test_an_identify_from_before_keeps_what_was_said_since() -> None:
    """It is sent, for it joins a visitor to the user; what it says otherwise that is older is not."""
    export = Export()
    export.messages(at(5, "plan changed", _set={"plan": "pro"}))

    (late,) = export.messages(
        at(1, "$identify", _anon_distinct_id="v-1", person={"plan": "free", "name": "Kim"})
    )

    assert ("u-1", "v-1", {"name": "Kim"}) == (late["userId"], late["anonymousId"], late["traits"])


def test_an_identify_with_nothing_new_is_sent_without_traits() -> None:
    """Its ids are news all the same."""
    export = Export()
    export.messages(at(5, "$identify", person={"plan": "pro", "name": "Kim"}))

    assert [None] == export.traits(at(1, "$identify", person={"plan": "free", "name": "Kim B"}))


def test_traits_of_an_event_from_before_are_left_out() -> None:
    """And only those that were said since."""
    export = Export()
    export.messages(at(5, "plan changed", _set={"plan": "pro"}))

    assert [] == export.traits(at(1, "plan changed", _set={"plan": "free"}))
    assert [{"seats": 4}] == export.traits(at(2, "plan changed", _set={"plan": "free", "seats": 4}))


def test_what_is_said_again_is_as_new_as_the_last_time() -> None:
    """Though it was not sent again."""
    export = Export()
    for minute in (1, 9):
        export.messages(at(minute, "plan changed", _set={"plan": "pro"}))

    assert [] == export.traits(at(5, "plan changed", _set={"plan": "free"}))


def test_a_clock_that_is_years_ahead_silences_nobody() -> None:
    """What is told after it is not late but right; somewhat late is what sources mix."""
    export = Export()
    for time, told in (("2126-11-21T12:00:00Z", 1), ("2026-11-21T12:00:00Z", 1), ("2026-11-01T12:00:00Z", 0)):
        event = {**at(0, "plan changed", _set={"plan": f"of {time}"}), "timestamp": time}
        assert told == len(export.traits(event)), time


def test_one_persons_time_is_not_anothers() -> None:
    """Events of many persons come between each other."""
    export = Export()
    export.messages(at(5, "$identify", user="u-2", person={"plan": "pro"}))

    assert [{"plan": "free"}] == export.traits(at(1, "$identify", person={"plan": "free"}))


def test_what_comes_in_order_is_said_as_it_is() -> None:
    """Also within the same minute, and without a time."""
    export = Export()
    timeless = {"event": "$identify", "distinct_id": "u-1", "properties": {"$set": {"plan": "c"}}}
    events = [at(1, "$identify", person={"plan": plan}) for plan in ("a", "b")]

    assert [[{"plan": "a"}], [{"plan": "b"}], [{"plan": "c"}]] == [*map(export.traits, [*events, timeless])]


def test_an_account_keeps_what_was_said_since_too() -> None:
    """Its traits come from `$groupidentify`."""
    export = Export()
    group: dict[str, Any] = {"_group_type": "company", "_group_key": "acme"}
    export.messages(at(5, "$groupidentify", **group, _group_set={"plan": "pro"}))

    late = export.traits(at(1, "$groupidentify", **group, _group_set={"plan": "free", "city": "Oslo"}))

    assert [{"city": "Oslo"}] == late


IN_GROUP: dict[str, Any] = {"_groups": {"company": "acme"}}


@pytest.mark.parametrize(
    ("types", "event"),
    [
        pytest.param(["track"], at(1, "order paid", _set={"plan": "pro"}, **IN_GROUP), id="track"),
        pytest.param(["page"], at(1, "$pageview", _set={"plan": "pro"}), id="page"),
        pytest.param(["identify"], at(1, "$identify", _anon_distinct_id="v-1", **IN_GROUP), id="identify"),
        pytest.param(["alias"], at(1, "$create_alias", alias="u-2"), id="alias"),
    ],
)
def test_of_the_past_only_what_happened_is_sent(types: list[str], event: dict[str, Any]) -> None:
    """With `historical`, and who was who."""
    assert types == [message["type"] for message in Export(historical=True).messages(event)]


@pytest.mark.parametrize("name", ["$set", "$set_once", "$groupidentify"])
def test_of_the_past_nothing_is_sent_that_would_change_the_present(name: str) -> None:
    """Left out by its name, with the reason."""
    export = Export(historical=True)

    assert [] == export.messages(at(1, name, _set={"plan": "free"}, _group_key="acme"))
    assert SkipReason.HISTORICAL is export.skipped


def test_an_identify_of_the_past_has_no_traits() -> None:
    """The ids join visitor and user; the person of that time is not the one of today."""
    event = at(1, "$identify", _anon_distinct_id="v-1", _set={"plan": "free"}, person={"name": "Kim"})

    assert [None] == Export(historical=True).traits(event)
