"""The three ways in which a connection finds the account of a contact."""

import json
from typing import Any

import msgspec
import pytest

from variance_plugin.receiver.book import Book
from variance_plugin.receiver.connections import Connection
from variance_plugin.receiver.matching import Matching, Way
from variance_plugin.receiver.message import read_message
from variance_plugin.receiver.records import ChangeKind
from variance_plugin.receiver.summary import Account, FoundBy

GROUP = {"type": "group", "userId": "u-1", "groupId": "g-1", "traits": {"name": "Initech"}}


def identify(**traits: object) -> dict[str, Any]:
    """An identify of always the same user."""
    return {"type": "identify", "userId": "u-1", "traits": traits}


def book_of(*messages: dict[str, Any], matching: Matching) -> Book:
    """A book with these messages, which came by a connection with that way."""
    book = Book()
    read = (read_message(msgspec.Raw(json.dumps(message).encode())) for message in messages)
    book.add(read, connection=Connection(matching=matching))
    return book


def accounts(*messages: dict[str, Any], matching: Matching) -> list[tuple[str, str, tuple[str, ...]]]:
    """Id, name and members of every account."""
    summary = book_of(*messages, matching=matching).summary()
    return [(account.account_id, account.name, account.contacts) for account in summary.accounts]


def test_by_group_calls_alone() -> None:
    """What an identify says of a company is a trait and nothing more."""
    told = identify(email="ada@acme.example", company={"id": 1, "name": "Acme"})

    assert [("g-1", "Initech", ("u-1",))] == accounts(told, GROUP, matching=Matching(way=Way.GROUP))


@pytest.mark.parametrize(
    ("matching", "traits"),
    [
        pytest.param(Matching(way=Way.TRAITS), {"company": {"id": 1, "name": "Acme"}}, id="nested"),
        pytest.param(
            Matching(way=Way.TRAITS, id_trait="org_id", name_trait="org_name"),
            {"org_id": "1", "org_name": "Acme"},
            id="flat",
        ),
        pytest.param(
            Matching(way=Way.TRAITS, id_trait="a.b.c", name_trait="name of company"),
            {"a": {"b": {"c": 1}}, "name of company": "Acme"},
            id="deep",
        ),
        pytest.param(
            Matching(way=Way.TRAITS), {"company.id": "1", "company.name": "Acme"}, id="a dot in the name"
        ),
    ],
)
def test_by_traits_alone(matching: Matching, traits: dict[str, Any]) -> None:
    """At the paths that the connection names; group calls make no account."""
    assert [("1", "Acme", ("u-1",))] == accounts(identify(**traits), GROUP, matching=matching)


def test_id_and_name_may_come_one_after_the_other() -> None:
    """The traits of the contact as they stand count, not those of one message."""
    matching = Matching(way=Way.TRAITS, id_trait="org_id", name_trait="org_name")
    told = (identify(org_id="1"), identify(org_name="Acme"), identify(plan="pro"))

    assert [("1", "Acme", ("u-1",))] == accounts(*told, matching=matching)


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        pytest.param("Ada@Acme.Example", [("acme.example", "acme.example", ("u-1",))], id="own domain"),
        pytest.param("ada@gmail.com", [], id="free mail"),
        pytest.param("ada@GMail.com ", [], id="free mail in capitals"),
        pytest.param("ada@yahoo.com", [], id="another free mail"),
        pytest.param("ada", [], id="no address"),
        pytest.param("@acme.example", [], id="nobody"),
        pytest.param(None, [], id="null"),
        pytest.param(7, [], id="a number"),
    ],
)
def test_by_the_domain_of_the_email_alone(email: object, expected: list[object]) -> None:
    """A contact with an address at a free mail provider stays one, without an account."""
    told = identify(email=email, company={"id": 1})
    book = book_of(told, GROUP, matching=Matching(way=Way.EMAIL))

    assert expected == accounts(told, GROUP, matching=Matching(way=Way.EMAIL))
    assert ["u-1"] == [contact.user_id for contact in book.summary().contacts]


def test_a_contact_with_another_company_leaves_the_one_before() -> None:
    """What an identify says is a trait, and its latest value stands; the history tells the move."""
    book = book_of(identify(company={"id": "acme"}), identify(company={"id": "initech"}), matching=Matching())

    assert [("acme", ()), ("initech", ("u-1",))] == [
        (account.account_id, account.contacts) for account in book.summary().accounts
    ]
    [person] = book.store.persons()
    assert [ChangeKind.IDENTIFIED, ChangeKind.JOINED, ChangeKind.LEFT, ChangeKind.JOINED] == [
        change.kind for change in person.changes
    ]


def test_a_company_that_is_null_is_left() -> None:
    """And one that an identify does not mention is not."""
    matching = Matching(way=Way.TRAITS)
    told = identify(company={"id": "acme"})

    assert [("acme", "acme", ("u-1",))] == accounts(told, identify(plan="pro"), matching=matching)
    assert [("acme", "acme", ())] == accounts(told, identify(company=None), matching=matching)


def test_groups_add_up() -> None:
    """A user can be in more than one group (Segment spec), whatever their company."""
    groups = [{**GROUP, "groupId": group_id} for group_id in ("g-1", "g-2")]
    book = book_of(*groups, identify(company={"id": "acme"}), identify(company=None), matching=Matching())

    assert (("g-1", "g-2"),) == tuple(contact.accounts for contact in book.summary().contacts)


def test_a_merge_keeps_the_groups_of_both_and_one_company() -> None:
    """That of the user who stays, if they have one."""
    for stays, expected in (({"company": {"id": "initech"}}, "initech"), ({}, "acme")):
        book = book_of(
            {**GROUP, "userId": "old"},
            {**identify(company={"id": "acme"}), "userId": "old"},
            {**identify(**stays), "userId": "new"},
            {"type": "alias", "previousId": "old", "userId": "new"},
            matching=Matching(),
        )

        [contact] = book.summary().contacts
        assert {"g-1", expected} == set(contact.accounts)
        assert all(
            ("new" in account.contacts) == (account.account_id in contact.accounts)
            for account in book.summary().accounts
        )


def test_an_account_has_all_the_traits_of_its_group_calls() -> None:
    """The latest value of each, with the message that brought it."""
    book = book_of(
        {**GROUP, "messageId": "m-1", "traits": {"name": "Initech", "employees": 329}},
        {**GROUP, "messageId": "m-2", "traits": {"name": "Initech", "employees": 330}},
        matching=Matching(way=Way.GROUP),
    )

    [account] = book.store.companies()
    assert {"name": ('"Initech"', "m-1"), "employees": ("330", "m-2")} == {
        name: (trait.json, trait.origin.message_id) for name, trait in account.traits.items()
    }
    assert (Account(account_id="g-1", name="Initech", found_by=FoundBy.GROUP),) == book.summary().accounts
