"""Who a contact is: traits and where they came from, when they were seen, and what an alias does."""

import json
from typing import Any

import msgspec
import pytest

from variance_plugin.receiver.book import Book
from variance_plugin.receiver.connections import Connection
from variance_plugin.receiver.message import read_message
from variance_plugin.receiver.records import ChangeKind, Person

NOON, ONE = "2026-01-01T12:00:00Z", "2026-01-01T14:00:00+01:00"
AT_NOON, AT_ONE = 1_767_268_800.0, 1_767_272_400.0


def book_of(*messages: dict[str, Any], connection: Connection | None = None, received: float = 0.0) -> Book:
    """A book with these messages."""
    book = Book()
    read = (read_message(msgspec.Raw(json.dumps(message).encode())) for message in messages)
    book.add(read, connection=connection or Connection(), received=received)
    return book


def person(book: Book, user_id: str = "u-1") -> Person:
    """The person with that id."""
    found = book.store.person(user_id)
    assert found is not None
    return found


def identify(
    user_id: str = "u-1", *, at: str = NOON, number: int | None = None, **traits: object
) -> dict[str, Any]:
    """An identify message."""
    return {
        "type": "identify",
        "messageId": None if number is None else f"m-{number}",
        "timestamp": at,
        "userId": user_id,
        "traits": traits,
    }


def test_every_trait_knows_where_it_came_from() -> None:
    """Message, time, type and connection; one that says the same again changes nothing."""
    book = book_of(
        identify(plan="free", seats=3, number=1, at=NOON),
        identify(plan="pro", seats=3, number=2, at=ONE),
        connection=Connection(name="website"),
    )

    assert {
        "plan": ("pro", "m-2", AT_ONE, "identify", "website"),
        "seats": (3, "m-1", AT_NOON, "identify", "website"),
    } == {
        name: (
            trait.value,
            trait.origin.message_id,
            trait.origin.time,
            trait.origin.type,
            trait.origin.connection,
        )
        for name, trait in person(book).traits.items()
    }


@pytest.mark.parametrize(
    "number", ["12345678901234567890123", "1.10", "1e400", "-0.0", "9" * 5_000], ids=lambda text: text[:24]
)
def test_a_trait_is_kept_to_the_last_digit(number: str) -> None:
    """Its JSON text is what was sent."""
    raw = msgspec.Raw(b'{"type":"identify","userId":"u-1","traits":{"n":%b}}' % number.encode())
    book = Book()
    book.add([read_message(raw)])

    assert number == person(book).traits["n"].json


def test_null_is_a_value() -> None:
    """It replaces the one before (Segment spec, "Group", says so of traits); what is absent stays."""
    traits = person(book_of(identify(plan="pro", title="CTO"), identify(plan=None))).traits

    assert {"plan": None, "title": "CTO"} == {name: trait.value for name, trait in traits.items()}


def test_rudderstacks_place_for_traits_counts() -> None:
    """`context.traits` of an identify; those beside it win."""
    message = {**identify(plan="pro"), "context": {"traits": {"plan": "free", "email": "ada@acme.example"}}}
    contact = person(book_of(message))

    assert ("pro", "ada@acme.example") == (contact.traits["plan"].value, contact.email)


def test_the_latest_time_is_last_seen() -> None:
    """By the messages' own times, in whatever order they come and however they are spelled."""
    book = book_of(
        {"type": "page", "userId": "u-1", "timestamp": ONE}, identify(at=NOON), received=AT_ONE + 1000
    )

    assert (AT_NOON, AT_ONE) == (person(book).first_seen, person(book).last_seen)


def test_a_message_without_a_time_happened_when_it_came() -> None:
    """Also one whose time cannot be read; one without a zone is UTC."""
    for spelled, expected in ((None, 7.0), ("yesterday", 7.0), ("2026-01-01T12:00:00", AT_NOON)):
        book = book_of({"type": "page", "userId": "u-1", "timestamp": spelled}, received=7.0)
        assert expected == person(book).last_seen


def test_not_everything_says_that_somebody_was_there() -> None:
    """Neither what is marked as not active (Segment spec), nor what comes by a connection that is not to."""
    update = {**identify(), "context": {"active": False}}
    assert None is person(book_of(update)).last_seen

    silent = Connection(updates_last_seen=False)
    assert None is person(book_of(identify(), connection=silent)).last_seen


def test_what_a_visitor_did_counts_as_seen() -> None:
    """Once they are somebody."""
    book = book_of(
        {"type": "page", "anonymousId": "a-1", "timestamp": NOON}, {**identify(at=ONE), "anonymousId": "a-1"}
    )

    contact = person(book)
    assert (AT_NOON, AT_ONE) == (contact.first_seen, contact.last_seen)
    [took_over] = [change for change in contact.changes if change.kind is ChangeKind.TOOK_OVER]
    assert ("a-1", 1) == (took_over.other, took_over.events)


def alias(previous_id: str, user_id: str) -> dict[str, Any]:
    """An alias message."""
    return {"type": "alias", "previousId": previous_id, "userId": user_id, "messageId": "m-alias"}


def test_an_alias_of_two_users_merges_them() -> None:
    """Into the one with `userId`, as Variance documents it: one contact, with what both had."""
    book = book_of(
        identify("old", plan="free", title="CTO"),
        {"type": "page", "userId": "old"},
        identify("new", plan="pro"),
        alias("old", "new"),
    )

    [contact] = book.summary().contacts
    assert ("new", 1) == (contact.user_id, contact.events)
    traits = {name: trait.value for name, trait in person(book, "new").traits.items()}
    assert {"plan": "pro", "title": "CTO"} == traits


def test_an_alias_of_one_user_changes_their_id() -> None:
    """If only `previousId` exists, as Variance documents it; the history keeps the former id."""
    book = book_of(identify("old", plan="pro"), {"type": "page", "userId": "old"}, alias("old", "new"))

    [contact] = book.summary().contacts
    assert ("new", 1) == (contact.user_id, contact.events)
    assert ["old"] == person(book, "new").names
    assert [ChangeKind.IDENTIFIED, ChangeKind.RENAMED] == [c.kind for c in person(book, "new").changes]


def test_an_alias_of_nobody_makes_no_contact() -> None:
    """It says only that both ids mean the same user, whichever comes first."""
    summary = book_of(alias("old", "new")).summary()
    assert ((), 0, 0) == (summary.contacts, summary.users_without_identify, summary.anonymous_visitors)

    for user_id in ("old", "new"):
        [contact] = book_of(alias("old", "new"), identify(user_id)).summary().contacts
        assert contact.user_id == "new"


def test_an_alias_of_a_visitor_gives_the_user_what_the_visitor_did() -> None:
    """Which is what Segment's libraries send: the anonymous id is the previous one."""
    did = [{"type": "page", "anonymousId": "a-1"}]

    for messages in ([*did, identify(), alias("a-1", "u-1")], [*did, alias("a-1", "u-1"), identify()]):
        [contact] = book_of(*messages).summary().contacts
        assert ("u-1", 1) == (contact.user_id, contact.events)
