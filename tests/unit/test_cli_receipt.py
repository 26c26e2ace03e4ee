"""What came of the messages that a local Variance received, in words."""

from variance_plugin.cli.receipt import receipt
from variance_plugin.receiver import Account, Contact, FoundBy, Summary


def lines(summary: Summary) -> list[str]:
    """Without the blanks that make columns."""
    return [" ".join(line.split()) for line in receipt(summary)]


def test_a_receipt_shows_people_and_companies_by_their_names() -> None:
    """Who is no contact is counted beside them."""
    summary = Summary(
        messages={"group": 1, "track": 3},
        posts=2,
        contacts=(
            Contact(user_id="u-1", email="kim@acme.example", name="Kim", accounts=("a-1", "a-2"), events=1),
            Contact(user_id="u-2", email="ravi@acme.example", events=2),
            Contact(user_id="u-3"),
        ),
        accounts=(Account(account_id="a-1", name="Acme", found_by=FoundBy.GROUP, contacts=("u-1",)),),
        anonymous_visitors=1,
        users_without_identify=2,
        events={"paid": 1, "sent": 2},
    )

    assert [
        "4 messages in 2 requests",
        "3 track, 1 group",
        "3 contacts",
        "Kim kim@acme.example 1 event at Acme, a-2",
        "ravi@acme.example ravi@acme.example 2 events",
        "u-3 0 events",
        "and 1 anonymous visitor, who are no contacts",
        "and 2 users of whom nothing but the id is known",
        "1 account",
        "Acme 1 contact found by group",
        "2 event names",
        "sent (2), paid (1)",
    ] == lines(summary)


def test_a_receipt_says_what_was_not_counted() -> None:
    """Repeats, what is no message, and requests that were refused."""
    summary = Summary(duplicates=2, invalid={"no type": 1}, rejected={"too large": 1_200}, posts=1_201)

    assert [
        "0 messages in 1,201 requests",
        "2 messages came twice and counted once",
        "1 not taken as a message: no type",
        "1,200 requests refused: too large",
        "0 contacts",
        "0 accounts",
    ] == lines(summary)


def test_a_receipt_stays_short() -> None:
    """However many there are."""
    summary = Summary(
        contacts=tuple(Contact(user_id=f"u-{number}") for number in range(1_500)),
        accounts=tuple(
            Account(account_id=f"a-{number}", name="x", found_by=FoundBy.DOMAIN) for number in range(20)
        ),
        events={f"event {number}": 1 for number in range(40)},
    )

    told = lines(summary)

    assert "and 1,488 more" in told
    assert "and 8 more" in told
    assert told[-1].endswith(" and 28 more")
    assert len(told) < 40


def test_the_columns_of_a_receipt_stand_below_each_other_in_every_script() -> None:
    """Chinese and Japanese letters are twice as wide as others; what would move the terminal is left out."""
    summary = Summary(
        contacts=(
            Contact(user_id="u-1", email="aiko@acme.example", name="田中 愛子"),
            Contact(user_id="u-2", email="kim@acme.example", name="Kim\x1b[2J"),
        )
    )

    aiko, kim = list(receipt(summary))[2:4]

    assert kim.index("kim@") - aiko.index("aiko@") == len("田中愛子")
    assert "\x1b" not in kim
