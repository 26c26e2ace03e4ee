"""Who an event is about: `userId` for a person who is known, `anonymousId` for everybody else."""

from typing import Any

import pytest

from tests.benches.mapping import map_event, messages
from variance_plugin.errors import InvalidRecord
from variance_plugin.mapping import AnonymousUsers, SkipReason

Ids = tuple[str | None, str | None]


def ids(event: dict[str, Any]) -> Ids:
    """The `userId` and the `anonymousId` of an event's own message."""
    message = messages(event)[-1]
    return message.get("userId"), message.get("anonymousId")


def event(distinct_id: Any, name: str = "order paid", /, **properties: Any) -> dict[str, Any]:
    """An event of somebody; in the properties, `_` stands for `$`."""
    named = {f"${name[1:]}" if name.startswith("_") else name: value for name, value in properties.items()}
    return {"event": name, "uuid": "id-1", "distinct_id": distinct_id, "properties": named}


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        pytest.param(("u", None), event("u"), id="an-id-is-all-a-server-has"),
        pytest.param(("u", None), event("u", _device_id="d"), id="a-device-is-anybodys"),
        pytest.param(
            ("u", "a"), event("u", _device_id="d", _anon_distinct_id="a"), id="anon-distinct-id-first"
        ),
        pytest.param(("u", None), event("u", _anon_distinct_id="u"), id="only-where-it-differs"),
        pytest.param(("named", None), event("u", _user_id="named", _device_id="d"), id="user-id-first"),
        pytest.param(
            ("named", "u"), event("u", _user_id="named", _device_id="u"), id="user-id-on-its-device"
        ),
        pytest.param(("u", None), event("u", _is_identified=True, _device_id="d"), id="identified"),
        pytest.param(("u", None), event("u", _process_person_profile=True), id="with-a-profile"),
        pytest.param((None, "v"), event("v", _is_identified=False), id="not-identified"),
        pytest.param(
            (None, "v"), event("v", _is_identified=False, _user_id="u"), id="not-identified-though-named"
        ),
        pytest.param((None, "v"), event("v", _process_person_profile=False), id="without-a-profile"),
        pytest.param((None, "d"), event("d", _device_id="d"), id="known-by-the-device-alone"),
        pytest.param(
            (None, "v"), event("v", _is_identified=False, _anon_distinct_id="a"), id="nothing-but-the-id"
        ),
        pytest.param((None, "d"), event(None, _device_id="d"), id="a-device-without-an-id"),
        pytest.param(("u", None), event("u", "$identify", _device_id="d"), id="identify"),
        pytest.param(
            ("u", "a"), event("u", "$identify", _anon_distinct_id="a"), id="identify-with-anonymous-id"
        ),
        pytest.param((None, "v"), event("v", "$set", _is_identified=False), id="set-of-a-visitor"),
        pytest.param(("17", None), event(17), id="a-number"),
        pytest.param(("1.5", None), event(1.5), id="a-decimal"),
        pytest.param(("18446744073709551617", None), event(2**64 + 1), id="a-large-number"),
        pytest.param(("u", None), event(None, distinct_id="u"), id="from-the-properties"),
        pytest.param(("u", None), event("u", _device_id=["d"], _anon_distinct_id={}), id="ids-that-are-none"),
        pytest.param(
            ("u", None), event("u", _is_identified=0, _process_person_profile=None), id="no-booleans"
        ),
        pytest.param((" u ", None), event(" u "), id="as-it-stands"),
        pytest.param(("\ud83d", None), event("\ud83d"), id="half-a-character"),
    ],
)
def test_an_event_is_somebodys(expected: Ids, given: dict[str, Any]) -> None:
    """A person who is identified has a `userId`; a visitor never has."""
    assert expected == ids(given)


def test_the_next_user_of_a_computer_gets_nothing_of_the_one_before() -> None:
    """`posthog.reset()` makes a new anonymous id and keeps `$device_id`, which was the first visitor's id."""
    device = {"_device_id": "first-visitor", "_is_identified": True}
    identify = event("bob", "$identify", _anon_distinct_id="second-visitor", **device)

    assert ("bob", "second-visitor") == ids(identify)
    assert ("bob", None) == ids(event("bob", _user_id="bob", **device))


NOBODY = [
    *["anonymous", "guest", "distinctid", "distinct_id", "id", "not_authenticated", "email", "undefined"],
    *[
        "true",
        "false",
        "Anonymous",
        "GUEST",
        "uNdEfInEd",
        "[object Object]",
        "NaN",
        "None",
        "none",
        "null",
        "0",
    ],
    *["'null'", '"null"', "'Guest'", '"not_authenticated"', "''", 0],
]


@pytest.mark.parametrize("nobody", NOBODY, ids=repr)
def test_an_id_that_stands_for_nobody_is_no_user_id(nobody: str) -> None:
    """PostHog refuses to merge persons by it; here it would make one contact of strangers."""
    assert (None, "d") == ids(event(nobody, _device_id="d"))
    assert (None, "a") == ids(event(nobody, _device_id="d", _anon_distinct_id="a"))
    assert (None, str(nobody)) == ids(event(nobody))
    assert ("u", None) == ids(event("u", _user_id=nobody))


@pytest.mark.parametrize("nobody", NOBODY, ids=repr)
def test_an_id_that_stands_for_nobody_is_not_tied_to_a_user(nobody: str) -> None:
    """One message with both would join everybody who has it."""
    assert ("u", None) == ids(event("u", _anon_distinct_id=nobody))
    assert ("u", None) == ids(event(nobody, _user_id="u", _device_id=nobody))


@pytest.mark.parametrize("nobody", NOBODY, ids=repr)
@pytest.mark.parametrize("name", ["$create_alias", "$merge_dangerously"])
def test_an_id_that_stands_for_nobody_is_no_end_of_an_alias(name: str, nobody: str) -> None:
    """Neither end, and left out with a reason."""
    for given in (event(nobody, name, alias="u"), event("u", name, alias=nobody)):
        mapped = map_event(given)
        assert ((), SkipReason.NO_PERSON_IN_ALIAS) == (mapped.messages, mapped.skipped)


@pytest.mark.parametrize(
    "somebody", ["nan", "NULL", "00", "0.0", "guests", "'guest", "ids", "not_authenticated_17"]
)
def test_an_id_that_only_looks_similar_is_somebodys(somebody: str) -> None:
    """Some of PostHog's list count in any case, some do not."""
    assert (somebody, None) == ids(event(somebody))


def test_an_alias_of_oneself_is_left_out() -> None:
    """There is nothing to join."""
    mapped = map_event(event("u", "$create_alias", alias="u"))

    assert ((), SkipReason.NO_PERSON_IN_ALIAS) == (mapped.messages, mapped.skipped)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(event(None), id="none"),
        pytest.param(event(""), id="empty"),
        pytest.param(event("  "), id="blank"),
        pytest.param(event(True), id="a-boolean"),  # noqa: FBT003
        pytest.param(event(["u"]), id="a-list"),
        pytest.param(event({"id": "u"}, _is_identified=False), id="an-object"),
        pytest.param(event(None, "$groupidentify", _group_key="acme"), id="a-group-of-nobody"),
    ],
)
def test_an_event_of_nobody_is_refused(given: dict[str, Any]) -> None:
    """Segment takes no message without an id."""
    with pytest.raises(InvalidRecord, match="it names nobody"):
        ids(given)


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        pytest.param((None, "$company_acme"), event("$company_acme"), id="node-invents-an-id"),
        pytest.param((None, "7d3f"), event("7d3f", _is_server=True), id="python-invents-an-id"),
        pytest.param((None, "u"), event("u", _is_server=True), id="a-server-does-not-tell"),
        pytest.param(
            (None, "u"), event("u", _is_server=True, _is_identified=True), id="a-server-is-no-device"
        ),
        pytest.param(("u", None), event("u", _is_identified=True, _device_id="d"), id="a-browser-knows"),
        pytest.param(("u", None), event("u", _user_id="u"), id="somebody-said-so"),
        pytest.param(("u", None), event("u", _device_id="d"), id="an-older-browser"),
        pytest.param((None, "d"), event("d", _device_id="d"), id="a-visitor-in-a-browser"),
        pytest.param((None, "v"), event("v", _is_identified=False), id="a-visitor"),
        pytest.param((None, "null"), event("null"), id="nobody"),
    ],
)
def test_a_group_message_has_a_user_only_from_a_users_device(expected: Ids, given: dict[str, Any]) -> None:
    """The `distinct_id` that servers put there is invented; the message stays valid with an anonymous id."""
    given["event"] = "$groupidentify"
    given["properties"] |= {"$group_type": "company", "$group_key": "acme"}

    assert expected == ids(given)


@pytest.mark.parametrize(
    ("left_out", "given"),
    [
        pytest.param(True, event("v", _is_identified=False), id="visitor"),
        pytest.param(True, event("v", _process_person_profile=False), id="no-profile"),
        pytest.param(True, event("d", _device_id="d"), id="device"),
        pytest.param(True, event("v", "$pageview", _is_identified=False), id="page"),
        pytest.param(True, event("v", "$screen", _is_identified=False), id="screen"),
        pytest.param(True, event("v", "$set", _is_identified=False), id="identify"),
        pytest.param(True, event("v", "$groupidentify", _is_identified=False, _group_key="g"), id="group"),
        pytest.param(True, event("null"), id="nobody"),
        pytest.param(False, event("u"), id="user"),
        pytest.param(False, event("$company_g", "$groupidentify", _group_key="g"), id="group-from-a-server"),
        pytest.param(
            False,
            event("7d3f", "$groupidentify", _is_server=True, _process_person_profile=False, _group_key="g"),
            id="group-from-a-server-without-a-person",
        ),
        pytest.param(False, event("v", "$create_alias", alias="u"), id="alias"),
    ],
)
def test_anonymous_events_can_be_left_out(left_out: bool, given: dict[str, Any]) -> None:  # noqa: FBT001
    """All of them, with the reason; never those of users, accounts and aliases."""
    mapped = map_event(given, anonymous_users=AnonymousUsers.SKIP)

    assert (left_out, SkipReason.ANONYMOUS if left_out else None) == (not mapped.messages, mapped.skipped)


def test_anonymous_events_can_be_left_out_in_version_1_too() -> None:
    """Version 1 is how messages look, not which are sent."""
    when = {"timestamp": "2026-11-21T12:34:56.789Z"}

    visitor, user = (
        map_event(
            {**event(id_, _device_id="d"), **when}, anonymous_users=AnonymousUsers.SKIP, payload_version=1
        )
        for id_ in ("d", "u")
    )

    assert (SkipReason.ANONYMOUS, None) == (visitor.skipped, user.skipped)
