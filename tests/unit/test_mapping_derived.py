"""What an event tells besides itself: the traits of its person and the account of its user, each once."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.exact_json import encode
from variance_plugin.formats import from_mapping
from variance_plugin.mapping import AccountMapping, Mapper, MappingSettings, Memory


class Export:
    """A run: events in, messages out, and what was delivered is remembered."""

    def __init__(self, memory: Memory | None = None, **settings: Any) -> None:
        self._mapper = Mapper(MappingSettings(**settings))
        self._memory = memory or Memory()

    def batch(self, *events: dict[str, Any], delivered: bool = True) -> list[list[dict[str, Any]]]:
        """The messages of each event of a batch."""
        all_mapped = []
        for event in events:
            all_mapped.append(self._mapper.map(from_mapping(event), self._memory))
            self._memory.learn(all_mapped[-1].facts)
        if not delivered:
            for mapped in all_mapped:
                self._memory.forget(mapped.facts)
        return [[json.loads(encode(message)) for message in mapped.messages] for mapped in all_mapped]

    def types(self, *events: dict[str, Any]) -> list[str]:
        """The types of all messages, each event in a batch of its own."""
        return [message["type"] for event in events for message in self.batch(event)[0]]


def event(name: str = "order paid", /, distinct_id: Any = "u-1", **properties: Any) -> dict[str, Any]:
    """An event; in the properties, `_` in front stands for `$`."""
    named = {f"${name[1:]}" if name.startswith("_") else name: value for name, value in properties.items()}
    return {"event": name, "uuid": "id-1", "distinct_id": distinct_id, "properties": named}


def test_person_properties_on_any_event_are_an_identify_ahead_of_it() -> None:
    """Same person, same time, same context; an id of its own that stays the same."""
    given_ = event(_set={"plan": "pro"}, _set_once={"first": 1}, _anon_distinct_id="d", _os="Linux")
    given_["timestamp"] = "2026-11-21T12:34:56.789Z"
    ((identify, track),) = Export().batch(given_)

    common = ["timestamp", "userId", "anonymousId", "context"]
    assert ("identify", "id-1:identify", {"plan": "pro", "first": 1}) == (
        identify["type"],
        identify["messageId"],
        identify["traits"],
    )
    assert ("track", "id-1") == (track["type"], track["messageId"])
    assert [track[name] for name in common] == [identify[name] for name in common]


@pytest.mark.parametrize("name", ["order paid", "$pageview", "$page", "$screen", "$pageleave"])
def test_every_event_but_an_identify_can_have_one(name: str) -> None:
    """Page, screen and track, also of PostHog's own events that the user chose."""
    export = Export(system_events=("$pageleave",))

    assert ["identify"] == export.types(event(name, _set={"plan": "pro"}))[:-1]


@pytest.mark.parametrize("name", ["$identify", "$set", "$set_once"])
def test_an_identify_is_one_message(name: str) -> None:
    """It says itself what it sets."""
    assert ["identify"] == Export().types(event(name, _set={"plan": "pro"}, _set_once={"first": 1}))


POSTHOGS_OWN = [
    *[
        "$browser",
        "$initial_referrer",
        "$geoip_city_name",
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_content",
    ],
    *[
        "utm_term",
        "utm_name",
        "utm_id",
        "gclid",
        "gad_source",
        "gclsrc",
        "dclid",
        "gbraid",
        "wbraid",
        "fbclid",
    ],
    *[
        "msclkid",
        "twclid",
        "li_fat_id",
        "mc_cid",
        "igshid",
        "ttclid",
        "rdt_cid",
        "epik",
        "qclid",
        "sccid",
        "irclid",
    ],
    *["oppref", "bfcid", "_kx", "ph_keyword"],
]


@pytest.mark.parametrize("key", POSTHOGS_OWN)
def test_what_posthog_sets_by_itself_is_no_news_of_a_person(key: str) -> None:
    """SDK and ingestion put it on every event."""
    assert ["track"] == Export().types(event(_set={key: "x"}, _set_once={key: None, f"$initial_{key}": "x"}))


def test_of_what_an_event_sets_the_users_own_is_told() -> None:
    """And not what PostHog put beside it."""
    ((identify, _),) = Export().batch(event(_set=dict.fromkeys(POSTHOGS_OWN, "x") | {"plan": "pro"}))

    assert {"plan": "pro"} == identify["traits"]


def test_a_set_once_that_came_too_late_tells_what_the_person_has() -> None:
    """It changed nothing."""
    given_ = {**event(_set_once={"first": 2, "new": 3}), "person_properties": {"first": 1, "plan": "pro"}}
    ((identify, _),) = Export().batch(given_)

    assert {"first": 1, "new": 3} == identify["traits"]


@pytest.mark.parametrize("wrong", [None, 5, "text", ["plan"], {}, {"$browser": 1}], ids=str)
def test_an_update_without_a_trait_is_none(wrong: Any) -> None:
    """Nothing to tell."""
    assert ["track"] == Export().types(event(_set=wrong, _set_once=wrong))


def test_identifies_of_events_can_be_switched_off() -> None:
    """The events themselves are sent."""
    assert ["track"] == Export(identify_from_events=False).types(event(_set={"plan": "pro"}))


def test_the_same_traits_are_told_once() -> None:
    """As long as they were the last ones told of that person, in whatever order they stand."""
    export = Export()
    pro, free = event(_set={"plan": "pro", "seats": 1}), event(_set={"plan": "free"})
    pro_again = event(_set={"seats": 1, "plan": "pro"})

    assert ["identify", "track", "track", "track"] == export.types(pro, pro, pro_again)
    assert ["identify", "track", "identify", "track", "track"] == export.types(free, pro, pro)


def test_a_person_is_one_on_every_device() -> None:
    """What another device told in between is the last."""
    here, there = event(_device_id="a", _set={"plan": "pro"}), event(_device_id="b", _set={"plan": "free"})

    assert ["identify", "track"] * 3 == Export().types(here, there, here)


def test_persons_are_told_apart() -> None:
    """Users, visitors, and a visitor whose id is a user's."""
    people = [
        event(distinct_id="u-1", _set={"plan": "pro"}),
        event(distinct_id="u-2", _set={"plan": "pro"}),
        event(distinct_id="u-1", _set={"plan": "pro"}, _is_identified=False),
        event(distinct_id="v-1", _set={"plan": "pro"}, _is_identified=False),
    ]

    assert ["identify", "track"] * 4 + ["track"] * 4 == Export().types(*people, *people)


def test_an_identify_in_between_counts_as_told() -> None:
    """Else a change back to what an event had told before would be lost."""
    export = Export(account_mapping=AccountMapping.NONE)
    pro, free = event(_set={"plan": "pro"}), event("$set", _set={"plan": "free"})

    assert ["identify", "track", "identify", "identify", "track"] == export.types(pro, free, pro)
    assert ["identify", "track"] == export.types(
        event("$identify", _set={"plan": "x"}), event(_set={"plan": "x"})
    )


def test_an_identify_is_sent_even_when_it_says_nothing_new() -> None:
    """It is the user's own call."""
    assert ["identify"] * 2 == Export().types(*[event("$identify", _set={"plan": "pro"})] * 2)


GROUP = {"_groups": {"company": "acme"}, "_group_0": "acme"}


def test_the_first_event_of_a_user_in_a_group_tells_the_account() -> None:
    """Ahead of itself, with both ids and nothing of the group's."""
    ((group, track),) = Export().batch(event(**GROUP, _device_id="d", _anon_distinct_id="a"))

    context = {"library": track["context"]["library"], "device": {"id": "d"}, "groupId": "acme"}
    assert {
        "type": "group",
        "messageId": "id-1:group",
        "userId": "u-1",
        "anonymousId": "a",
        "groupId": "acme",
        "context": context,
    } == group
    assert context == track["context"]


def test_identify_comes_before_group_comes_before_the_event() -> None:
    """A contact, then its account, then what it did."""
    assert ["identify", "group", "track"] == Export().types(event(**GROUP, _set={"plan": "pro"}))
    assert ["group", "identify"] == Export().types(event("$identify", **GROUP, _set={"plan": "pro"}))


def test_an_account_is_told_once_for_each_user() -> None:
    """Also for who goes to and fro between two."""
    acme, other = event(**GROUP), event(_groups={"company": "other"})
    colleague = event(distinct_id="u-2", **GROUP)

    assert ["group", "track", "track"] == (export := Export()).types(acme, acme)
    assert ["group", "track", "track", "track"] == export.types(other, acme, other)
    assert ["group", "track", "track"] == export.types(colleague, colleague)


@pytest.mark.parametrize(
    "who",
    [{"_is_identified": False}, {"_process_person_profile": False}, {"_device_id": "u-1"}],
    ids=["not-identified", "no-profile", "device"],
)
def test_a_visitor_has_no_account(who: dict[str, Any]) -> None:
    """Only its events tell the group they happened in."""
    ((track,),) = Export().batch(event(**GROUP, **who))

    assert "acme" == track["context"]["groupId"]


def test_a_groupidentify_of_a_user_tells_the_account_too() -> None:
    """No need to say it again."""
    given_ = event("$groupidentify", _group_type="company", _group_key="acme", _is_identified=True, **GROUP)

    assert ["group", "track"] == Export().types(given_, event(**GROUP))


def test_a_groupidentify_of_a_server_tells_nobodys_account() -> None:
    """Its id is no user's."""
    given_ = event("$groupidentify", _group_type="company", _group_key="acme")

    assert ["group", "group", "track"] == Export().types(given_, event(**GROUP))


def test_accounts_of_events_can_be_switched_off() -> None:
    """The context still names the group."""
    ((track,),) = Export(group_from_events=False).batch(event(**GROUP))

    assert "acme" == track["context"]["groupId"]


def test_within_a_batch_news_is_told_once() -> None:
    """Before any of it is delivered."""
    given_ = event(**GROUP, _set={"plan": "pro"})

    first, second = Export().batch(given_, given_)

    assert (["identify", "group", "track"], ["track"]) == (
        [m["type"] for m in first],
        [m["type"] for m in second],
    )


def test_what_was_not_delivered_is_told_again() -> None:
    """Under the same ids."""
    export = Export()
    given_ = event(**GROUP, _set={"plan": "pro"})

    first = export.batch(given_, delivered=False)

    assert first == export.batch(given_)
    assert ["track"] == export.types(given_)


def test_a_memory_has_an_end() -> None:
    """What it forgot is told once more, and that does no harm."""
    export = Export(Memory(limit=100))
    crowd = [event(distinct_id=f"u-{number}", _set={"plan": "pro"}) for number in range(100)]

    export.types(*crowd)

    assert ["identify", "track"] == export.types(crowd[0])
    assert ["track"] == export.types(crowd[-1])


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 2)), max_size=200), st.integers(1, 30))
def test_a_memory_never_knows_what_is_not_so(told: list[tuple[int, int]], limit: int) -> None:
    """It may forget, but never more than it must, and never mistake an old fact for the last."""
    memory = Memory(limit=limit)
    last: dict[int, int] = {}
    for fact in told:
        memory.learn([fact])
        last.pop(fact[0], None)
        last[fact[0]] = fact[1]

    for subject, content in last.items():
        assert memory.last(subject) in (content, None)
    assert sum(memory.last(subject) is not None for subject in last) <= max(limit, 2)
    if last and limit >= 4:
        newest = [*last][-1]
        assert last[newest] == memory.last(newest)
