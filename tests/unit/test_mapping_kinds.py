"""Which event becomes which message."""

from typing import Any

import pytest

from tests.benches.mapping import map_event, messages, only
from variance_plugin.errors import InvalidRecord
from variance_plugin.mapping import Mapper, MappingSettings, SkipReason


def skipped(event: dict[str, Any], **settings: Any) -> SkipReason | None:
    """Why an event has no message."""
    return map_event(event, **settings).skipped


def event(name: str, /, distinct_id: Any = "u-1", **properties: Any) -> dict[str, Any]:
    """An event with an id and these properties."""
    return {"event": name, "uuid": "id-1", "distinct_id": distinct_id, "properties": properties}


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        pytest.param({"type": "page"}, event("$pageview"), id="pageview"),
        pytest.param({"type": "page"}, event("$page"), id="page"),
        pytest.param(
            {"type": "screen", "name": "Home"}, event("$screen", **{"$screen_name": "Home"}), id="screen"
        ),
        pytest.param({"type": "identify"}, event("$identify"), id="identify"),
        pytest.param({"type": "identify"}, event("$set"), id="set"),
        pytest.param({"type": "identify"}, event("$set_once"), id="set-once"),
        pytest.param(
            {"type": "group", "groupId": "acme", "traits": {"seats": 3, "posthog_group_type": "company"}},
            event(
                "$groupidentify",
                **{"$group_type": "company", "$group_key": "acme", "$group_set": {"seats": 3}},
            ),
            id="groupidentify",
        ),
        pytest.param(
            {"type": "alias", "previousId": "anon-1", "userId": "u-1"},
            event("$create_alias", "anon-1", alias="u-1"),
            id="create-alias",
        ),
        pytest.param(
            {"type": "alias", "previousId": "old", "userId": "u-1"},
            event("$merge_dangerously", "u-1", alias="old"),
            id="merge-dangerously",
        ),
        pytest.param({"type": "track", "event": "order paid"}, event("order paid"), id="a-name-of-ones-own"),
        pytest.param({"type": "track", "event": "pageview"}, event("pageview"), id="without-the-dollar"),
        pytest.param({"type": "track", "event": " $pageview"}, event(" $pageview"), id="with-a-space"),
    ],
)
def test_an_event_becomes_the_message_of_the_table(expected: dict[str, Any], given: dict[str, Any]) -> None:
    """Row by row."""
    assert expected == {name: value for name, value in only(given).items() if name in expected}


def test_create_alias_takes_the_previous_id_from_the_properties_first() -> None:
    """Browsers put it there; else it is the event's own."""
    given = event("$create_alias", "u-9", alias="u-1")

    assert "u-9" == only(given)["previousId"]
    given["properties"]["distinct_id"] = "anon-1"
    assert "anon-1" == only(given)["previousId"]


@pytest.mark.parametrize(
    ("expected", "properties"),
    [
        pytest.param(("crm-1", "u-1"), {"$is_identified": True}, id="identified"),
        pytest.param(("crm-1", "u-1"), {"$user_id": "u-1"}, id="named"),
        pytest.param(("u-1", "crm-1"), {"$is_identified": False}, id="a-visitor"),
        pytest.param(("u-1", "crm-1"), {"$user_id": "u-2"}, id="somebody-else"),
        pytest.param(("u-2", "crm-1"), {"$is_identified": True, "distinct_id": "u-2"}, id="of-another"),
        pytest.param(("u-1", "crm-1"), {}, id="a-server-does-not-tell"),
    ],
)
def test_another_id_of_an_identified_user_is_folded_into_theirs(
    expected: tuple[str, str], properties: dict[str, Any]
) -> None:
    """Their browser goes on with it, and so does PostHog; else the user would come twice."""
    given = event("$create_alias", "u-1", alias="crm-1")
    given["properties"] |= properties
    message = only(given)

    assert expected == (message["previousId"], message["userId"])


def test_merge_dangerously_folds_the_alias_into_the_events_id() -> None:
    """The other way round than `$create_alias`, whatever the properties say."""
    given = event("$merge_dangerously", "u-1", alias="old")
    given["properties"]["distinct_id"] = "another"

    assert ("old", "u-1") == (only(given)["previousId"], only(given)["userId"])


def test_an_alias_has_no_anonymous_id() -> None:
    """Its two ends are all it is about."""
    given = event("$create_alias", "anon-1", alias="u-1", **{"$device_id": "device-1"})

    assert "anonymousId" not in only(given)


@pytest.mark.parametrize("missing", ["alias", "distinct_id"])
@pytest.mark.parametrize("name", ["$create_alias", "$merge_dangerously"])
def test_an_alias_with_one_end_is_refused(name: str, missing: str) -> None:
    """There is nothing to join."""
    given = event(name, "a", alias="b")
    given.pop(missing, None)
    given["properties"].pop(missing, None)

    with pytest.raises(InvalidRecord, match="joins nobody"):
        messages(given)


SYSTEM_EVENTS = [
    "$autocapture",
    "$pageleave",
    "$rageclick",
    "$feature_flag_called",
    "$exception",
    "$opt_in",
    "$",
]


@pytest.mark.parametrize("name", SYSTEM_EVENTS)
def test_any_other_event_of_posthogs_own_is_left_out(name: str) -> None:
    """With the reason, and by its name alone."""
    assert SkipReason.SYSTEM_EVENT is skipped(event(name))
    assert SkipReason.SYSTEM_EVENT is Mapper(MappingSettings()).skips(name)


@pytest.mark.parametrize("name", [name for name in SYSTEM_EVENTS if name != "$autocapture"])
@pytest.mark.parametrize("named", ["exactly", "*"], ids=["named", "by-pattern"])
def test_it_is_a_track_message_when_the_user_names_it(name: str, named: str) -> None:
    """Under its own name."""
    message = only(event(name), system_events=(name if named == "exactly" else named,))

    assert ("track", name) == (message["type"], message["event"])


def test_naming_a_system_event_does_not_change_what_the_table_says() -> None:
    """A page stays a page."""
    assert "page" == only(event("$pageview"), system_events=("*",))["type"]


@pytest.mark.parametrize(
    ("expected", "wanted", "ignored"),
    [
        pytest.param(None, (), (), id="all"),
        pytest.param(None, ("order paid",), (), id="listed"),
        pytest.param(None, ("order *", "x"), (), id="listed-by-pattern"),
        pytest.param(SkipReason.NOT_LISTED, ("signed up",), (), id="not-listed"),
        pytest.param(SkipReason.NOT_LISTED, ("Order paid",), (), id="case-counts"),
        pytest.param(SkipReason.IGNORED, (), ("order p?id",), id="ignored"),
        pytest.param(SkipReason.IGNORED, ("order paid",), ("order paid",), id="ignored-wins"),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_the_user_chooses_events_by_name(
    expected: SkipReason | None, wanted: tuple[str, ...], ignored: tuple[str, ...], version: int
) -> None:
    """`*` stands for any text, `?` for one character; what is ignored is ignored."""
    settings: dict[str, Any] = {
        "events_to_export": wanted,
        "export_events_to_ignore": ignored,
        "payload_version": version,
    }
    given = {**event("order paid"), "timestamp": "2026-11-21T12:34:56.789Z"}

    assert expected is skipped(given, **settings)
    assert expected is Mapper(MappingSettings(**settings)).skips("order paid")


@pytest.mark.parametrize("name", ["order [draft]", "order d", "a|b", "100%", "a.b", "order\npaid"])
def test_only_star_and_question_mark_are_special(name: str) -> None:
    """Any other character in a name stands for itself."""
    mapper = Mapper(MappingSettings(events_to_export=(name,)))

    assert None is mapper.skips(name)
    assert {SkipReason.NOT_LISTED} == {mapper.skips(other) for other in [f"{name}x", f"x{name}", "d", "ab"]}


def test_names_without_end_are_decided_without_end() -> None:
    """`$feature/<flag>` never ends, and what is remembered of it does."""
    mapper = Mapper(MappingSettings(system_events=("$feature/*7",)))

    decisions = [mapper.skips(f"$feature/{number}") is None for number in range(12_000)]

    assert [number % 10 == 7 for number in range(12_000)] == decisions
    assert [number % 10 == 7 for number in range(12_000)] == [
        mapper.skips(f"$feature/{number}") is None for number in range(12_000)
    ]


CHAIN = (
    'button.btn.btn-primary:attr__type="submit"nth-child="2"nth-of-type="1"text="Buy";div.card:text="Card"'
)


@pytest.mark.parametrize(
    ("expected", "properties"),
    [
        pytest.param(
            'clicked button with text "Buy"', {"$event_type": "click", "$elements_chain": CHAIN}, id="chain"
        ),
        pytest.param(
            'clicked button with text "Buy now"',
            {"$event_type": "click", "$elements_chain": CHAIN, "$el_text": "Buy now"},
            id="the-text-of-the-event-first",
        ),
        pytest.param(
            'clicked link with text "Start \\"free\\"; no card"'.replace("\\", ""),
            {
                "$event_type": "click",
                "$elements_chain": 'a:href="/x"text="Start \\"free\\"; no card";div:text="No"',
            },
            id="quotes-and-semicolons-within",
        ),
        pytest.param(
            'changed input with aria label "Seats"',
            {"$event_type": "change", "$elements_chain": 'input:attr__aria-label="Seats"attr__name="seats"'},
            id="aria-label",
        ),
        pytest.param(
            "submitted form", {"$event_type": "submit", "$elements_chain": "form.seats"}, id="no-text"
        ),
        pytest.param(
            'touched a UIButton with text "Pay"',
            {"$event_type": "touch", "$elements_chain": 'UIButton:text="Pay"'},
            id="mobile",
        ),
        pytest.param(
            'clicked image with aria label "Logo"',
            {
                "$event_type": "click",
                "$elements": [
                    {"tag_name": "img", "attr__aria-label": "Logo"},
                    {"tag_name": "a", "$el_text": "No"},
                ],
            },
            id="elements-as-older-sdks-send-them",
        ),
        pytest.param(
            'clicked button with text "Buy"',
            {"$event_type": "click", "$elements": [{"tag_name": "button", "$el_text": "Buy"}]},
            id="elements-with-text",
        ),
        pytest.param("interacted with element", {}, id="nothing"),
        pytest.param(
            "interacted with element",
            {"$event_type": 5, "$elements_chain": [], "$elements": [5], "$el_text": {}},
            id="nonsense",
        ),
        pytest.param(
            "interacted with element", {"$event_type": "nod", "$elements_chain": ";"}, id="more-nonsense"
        ),
    ],
)
def test_autocapture_gets_the_words_posthog_shows(expected: str, properties: dict[str, Any]) -> None:
    """Verb, element, and what stands on it."""
    message = only(event("$autocapture", **properties), system_events=("$autocapture",))

    assert ("track", expected) == (message["type"], message["event"])


def test_autocapture_reads_the_chain_from_where_an_export_has_it() -> None:
    """Kafka, batch exports and webhooks keep it beside the properties."""
    given = {**event("$autocapture", **{"$event_type": "click"}), "elements_chain": CHAIN}

    assert 'clicked button with text "Buy"' == only(given, system_events=("$autocapture",))["event"]


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "chain",
    [
        'a="' * 100_000,
        "a:" + 'b="c' * 100_000,
        'a:text="' + '\\"' * 200_000,
        "x" * 500_000,
        'a:b="' + "\\" * 500_001,
    ],
    ids=["open-quotes", "values", "escaped-quotes", "one-word", "backslashes"],
)
def test_a_chain_is_read_in_one_pass(chain: str) -> None:
    """However it is made, the time grows with its length and no faster."""
    given = event("$autocapture", **{"$event_type": "click", "$elements_chain": chain})

    assert only(given, system_events=("$autocapture",))["event"].startswith("clicked ")
