"""What the receiver makes of messages: contacts, accounts, events."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.receiver.book import Book
from variance_plugin.receiver.message import read_message
from variance_plugin.receiver.summary import Account, Contact, FoundBy, Summary


def summed_up(*messages: object) -> Summary:
    """The summary of these messages, given as Python values."""
    book = Book()
    book.add(read_message(msgspec.Raw(json.dumps(message).encode())) for message in messages)
    return book.summary()


def identify(user_id: str, *, anonymous_id: str | None = None, **traits: object) -> dict[str, Any]:
    """An identify message."""
    return {"type": "identify", "userId": user_id, "anonymousId": anonymous_id, "traits": traits}


def page(*, user_id: str | None = None, anonymous_id: str | None = None) -> dict[str, Any]:
    """A page message."""
    return {"type": "page", "userId": user_id, "anonymousId": anonymous_id}


def alias(previous_id: str, user_id: str) -> dict[str, Any]:
    """An alias message."""
    return {"type": "alias", "previousId": previous_id, "userId": user_id}


def group(group_id: str, *, user_id: str | None = None, **traits: object) -> dict[str, Any]:
    """A group message."""
    return {
        "type": "group",
        "groupId": group_id,
        "userId": user_id,
        "anonymousId": "server",
        "traits": traits,
    }


def test_an_identify_makes_a_contact() -> None:
    """With the email and the name of the latest identify that had them."""
    summary = summed_up(
        identify("u-1", email="a@acme.example", name="Ada"),
        identify("u-1", email="ada@acme.example"),
        identify("u-2", firstName="Grace", lastName="Hopper"),
    )

    assert (
        Contact(user_id="u-1", email="ada@acme.example", name="Ada"),
        Contact(user_id="u-2", name="Grace Hopper"),
    ) == summary.contacts


def test_a_visitor_is_no_contact() -> None:
    """An anonymous id is counted apart, once, whatever comes from it."""
    summary = summed_up(
        page(anonymous_id="a-1"),
        page(anonymous_id="a-1"),
        {"type": "identify", "anonymousId": "a-2", "traits": {"email": "x@acme.example"}},
    )

    assert summary.contacts == ()
    assert summary.anonymous_visitors == 2
    assert summary.messages == {"page": 2, "identify": 1}


def test_a_user_id_that_was_never_identified_is_no_contact() -> None:
    """It is counted, so that the missing identify shows."""
    summary = summed_up(page(user_id="u-1"), page(user_id="u-1"))

    assert summary.contacts == ()
    assert summary.users_without_identify == 1


def test_an_identify_links_the_visitor() -> None:
    """What the visitor did before and does afterwards is the contact's."""
    summary = summed_up(
        page(anonymous_id="a-1"),
        identify("u-1", anonymous_id="a-1"),
        page(anonymous_id="a-1"),
        page(user_id="u-1"),
    )

    assert (Contact(user_id="u-1", events=3),) == summary.contacts
    assert summary.anonymous_visitors == 0


def test_two_users_of_one_device_stay_two_contacts() -> None:
    """The device's visitor follows the latest identify; the contacts are not merged by it."""
    summary = summed_up(
        page(anonymous_id="device"),
        identify("u-1", anonymous_id="device"),
        identify("u-2", anonymous_id="device"),
        page(anonymous_id="device"),
    )

    assert (Contact(user_id="u-1", events=1), Contact(user_id="u-2", events=1)) == summary.contacts


def test_an_alias_folds_one_contact_into_the_other() -> None:
    """Events add up, the remaining user's traits win, and the old id means the new one."""
    summary = summed_up(
        identify("old", email="old@acme.example", name="Ada", company={"id": "acme"}),
        page(user_id="old"),
        identify("new", email="ada@acme.example", company={"id": "initech"}),
        page(user_id="new"),
        alias("old", "new"),
        page(user_id="old"),
    )

    assert (
        Contact(user_id="new", email="ada@acme.example", name="Ada", accounts=("initech",), events=3),
    ) == summary.contacts


def test_an_alias_may_come_before_the_identify() -> None:
    """Whoever is identified under the old id later is the user of the new one."""
    summary = summed_up(alias("old", "new"), identify("old", name="Ada"))

    assert (Contact(user_id="new", name="Ada"),) == summary.contacts


def test_an_alias_folds_a_visitor_into_the_user() -> None:
    """That is what PostHog's `alias` does most of the time."""
    summary = summed_up(
        page(anonymous_id="a-1"), alias("a-1", "u-1"), identify("u-1"), page(anonymous_id="a-1")
    )

    assert (Contact(user_id="u-1", events=2),) == summary.contacts
    assert summary.anonymous_visitors == 0


def test_aliases_in_a_circle_end_in_one_contact() -> None:
    """The last one has nothing left to fold."""
    summary = summed_up(
        identify("u-1"),
        identify("u-2"),
        identify("u-3"),
        alias("u-1", "u-2"),
        alias("u-2", "u-3"),
        alias("u-3", "u-1"),
        alias("u-3", "u-3"),
    )

    assert (Contact(user_id="u-3"),) == summary.contacts


def test_a_group_message_makes_an_account() -> None:
    """Named by its traits, else after its type and id, else by its id."""
    summary = summed_up(
        group("g-1", name="Acme", posthog_group_type="company"),
        group("g-2", posthog_group_type="company"),
        group("g-3"),
    )

    assert (
        Account(account_id="g-1", name="Acme", found_by=FoundBy.GROUP),
        Account(account_id="g-2", name="company g-2", found_by=FoundBy.GROUP),
        Account(account_id="g-3", name="g-3", found_by=FoundBy.GROUP),
    ) == summary.accounts
    assert summary.anonymous_visitors == 0


def test_a_group_message_with_a_user_is_membership() -> None:
    """It leaves the account's name alone, and shows once the user is a contact."""
    summary = summed_up(
        group("acme", user_id="u-1"),
        group("acme", name="Acme"),
        group("acme", user_id="u-2"),
        identify("u-1"),
    )

    assert (Contact(user_id="u-1", accounts=("acme",)),) == summary.contacts
    assert (
        Account(account_id="acme", name="Acme", found_by=FoundBy.GROUP, contacts=("u-1",)),
    ) == summary.accounts
    assert summary.users_without_identify == 1


@pytest.mark.parametrize(
    ("company", "expected"),
    [
        pytest.param({"id": 7, "name": "Acme"}, ("7", "Acme", FoundBy.TRAITS), id="id and name"),
        pytest.param({"id": "acme"}, ("acme", "acme", FoundBy.TRAITS), id="id"),
        pytest.param({"name": "Acme"}, ("Acme", "Acme", FoundBy.TRAITS), id="name"),
        pytest.param(
            {"name": "acme.example"},
            ("acme.example", "acme.example", FoundBy.DOMAIN),
            id="domain of the email",
        ),
    ],
)
def test_an_identify_finds_an_account(company: object, expected: tuple[str, str, FoundBy]) -> None:
    """In `traits.company`, Segment's reserved place; how it was found is told."""
    summary = summed_up(identify("u-1", email="ada@acme.example", company=company))

    account_id, name, found_by = expected
    assert (
        Account(account_id=account_id, name=name, found_by=found_by, contacts=("u-1",)),
    ) == summary.accounts
    assert summary.contacts[0].accounts == (account_id,)


@pytest.mark.parametrize("company", [{}, {"id": None}, {"name": ""}, "Acme", 7, []], ids=repr)
def test_a_company_without_id_and_name_is_no_account(company: object) -> None:
    """Nothing could be shown of it."""
    assert summed_up(identify("u-1", company=company)).accounts == ()


def test_the_surest_way_tells_how_an_account_was_found() -> None:
    """Whichever came first."""
    by_traits = identify("u-1", company={"id": "acme"})
    by_group = group("acme")

    for messages in ((by_traits, by_group), (by_group, by_traits)):
        assert FoundBy.GROUP is summed_up(*messages).accounts[0].found_by


def test_events_are_counted_by_type_and_tracks_by_name() -> None:
    """Pages and screens have no name here."""
    summary = summed_up(
        page(user_id="u-1"),
        {"type": "screen", "userId": "u-1", "name": "Home"},
        {"type": "track", "userId": "u-1", "event": "signed up"},
        {"type": "track", "userId": "u-1", "event": "signed up"},
        {"type": "track", "userId": "u-1"},
    )

    assert summary.messages == {"page": 1, "screen": 1, "track": 3}
    assert summary.events == {"signed up": 2}
    assert summary.incomplete == {"track without event": 1}


def test_a_message_id_counts_once() -> None:
    """Also when the repeat says something else; without an id every message counts."""
    summary = summed_up(
        {**page(user_id="u-1"), "messageId": "m-1"},
        {**identify("u-1"), "messageId": "m-1"},
        {**page(user_id="u-1"), "messageId": "m-2"},
        page(user_id="u-1"),
        page(user_id="u-1"),
    )

    assert summary.duplicates == 1
    assert summary.messages == {"page": 4}
    assert summary.contacts == ()


def test_what_is_no_message_is_counted_by_reason() -> None:
    """And harms nothing else."""
    summary = summed_up(1, None, {}, {"type": "x"}, page(user_id="u-1"))

    assert summary.invalid == {"not an object": 2, "no type": 1, "unknown type": 1}
    assert summary.messages == {"page": 1}


ids = st.none() | st.sampled_from(["a", "b", "c", "d"])
companies = st.none() | st.fixed_dictionaries({}, optional={"id": ids, "name": ids})
messages = st.fixed_dictionaries(
    {"type": st.sampled_from(["page", "screen", "track", "identify", "group", "alias"])},
    optional={
        "messageId": st.none() | st.integers(0, 9).map(str),
        "userId": ids,
        "anonymousId": ids,
        "previousId": ids,
        "groupId": ids,
        "event": ids,
        "traits": st.fixed_dictionaries({}, optional={"email": ids, "name": ids, "company": companies}),
    },
)
anything = messages | st.none() | st.integers() | st.dictionaries(st.sampled_from(["type", "x"]), ids)


@given(st.lists(anything))
def test_every_message_is_applied_a_duplicate_or_invalid(received: list[object]) -> None:
    """None is lost, none is counted twice, and what `fresh` foretells is what is applied."""
    read = [read_message(msgspec.Raw(json.dumps(value).encode())) for value in received]
    book = Book()
    foretold = list(book.fresh(read))

    book.add(read)
    summary = book.summary()

    assert len(received) == summary.received
    assert len(foretold) == book.applied == sum(summary.messages.values())
    assert list(book.fresh(read)) == [
        position for position in foretold if "messageId" not in _fields(received[position])
    ]


def _fields(value: object) -> set[str]:
    return {name for name, field in value.items() if field is not None} if isinstance(value, dict) else set()


@given(st.lists(messages))
def test_every_event_is_somebodys_or_a_visitors(received: list[dict[str, Any]]) -> None:
    """Identifying everybody who has a user id leaves no event of a user unaccounted for."""
    everybody = [identify(user_id) for user_id in "abcd"]
    apart = [{**message, "messageId": None} for message in received]

    summary = summed_up(*apart, *everybody)

    of_users = [m for m in apart if m["type"] in {"page", "screen", "track"} and m.get("userId") is not None]
    of_visitors = [
        m
        for m in apart
        if m["type"] in {"page", "screen", "track"}
        and m.get("userId") is None
        and m.get("anonymousId") is not None
    ]
    counted = sum(contact.events for contact in summary.contacts)
    assert len(of_users) <= counted <= len(of_users) + len(of_visitors)
    assert summary.users_without_identify == 0
    assert all(
        (account.account_id in contact.accounts) == (contact.user_id in account.contacts)
        for account in summary.accounts
        for contact in summary.contacts
    )


@given(st.lists(messages))
def test_a_summary_survives_its_json(received: list[dict[str, Any]]) -> None:
    """Another process reads what this one wrote."""
    summary = summed_up(*received)

    assert summary == Summary.from_json(summary.to_json())


def test_a_name_that_is_half_a_utf16_pair_survives_the_json() -> None:
    """The one text that msgspec does not write."""
    summary = summed_up({"type": "track", "userId": "u-1", "event": chr(0xD83D)})

    assert summary.events == {chr(0xD83D): 1}
    assert summary == Summary.from_json(summary.to_json())
