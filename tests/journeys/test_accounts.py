"""Which company a person belongs to, from an application's events to Variance's accounts."""

import pytest

from tests.journeys.application import Application
from tests.journeys.variance import Variance
from variance_plugin.receiver import Connection, LocalVariance, Matching, Way

KIM = {"email": "kim@acme.example", "name": "Kim"}
BOB = {"email": "bob@acme.example", "name": "Bob"}


def test_who_signs_up_and_then_joins_a_company_has_one_account(app: Application, variance: Variance) -> None:
    """The email was there before the group: the company is one account all the same."""
    browser = app.browser()
    browser.identify("u-kim", **KIM)
    browser.capture("role chosen", **{"$set": {"role": "owner"}})
    browser.group("company", "acme", name="Acme Inc")
    browser.capture("board created")

    variance.receive(app.events)

    assert ["u-kim is Kim <kim@acme.example> at Acme Inc, 2 events", "Acme Inc has u-kim"] == variance.shows()


def test_colleagues_are_in_one_account(app: Application, variance: Variance) -> None:
    """One in a browser, the other known to the server alone; a third person is in no company."""
    browser, server = app.browser(), app.server()
    server.group_identify("company", "acme", name="Acme Inc")
    browser.identify("u-kim", **KIM)
    browser.group("company", "acme")
    server.set("u-bob", **BOB)
    server.capture("u-bob", "report mailed", groups={"company": "acme"})
    server.set("u-ann", email="ann@else.example", name="Ann")

    variance.receive(app.events)

    assert [
        "u-ann is Ann <ann@else.example>, 0 events",
        "u-bob is Bob <bob@acme.example> at Acme Inc, 1 event",
        "u-kim is Kim <kim@acme.example> at Acme Inc, 0 events",
        "Acme Inc has u-bob, u-kim",
    ] == variance.shows()


def test_a_visitor_of_a_company_is_not_in_it(app: Application, variance: Variance) -> None:
    """An invitation link names the company before anybody has a name."""
    browser = app.browser()
    browser.group("company", "acme", name="Acme Inc")
    browser.pageview("/invitation")

    variance.receive(app.events)

    assert ["Acme Inc has nobody", "1 anonymous"] == variance.shows()


def test_who_works_for_two_companies_is_in_both(app: Application, variance: Variance) -> None:
    """A consultant switches to another group and back: group calls add up."""
    browser = app.browser()
    browser.identify("u-kim", **KIM)
    for company, name in (("acme", "Acme Inc"), ("globex", "Globex"), ("acme", "Acme Inc")):
        browser.group("company", company, name=name)
        browser.capture("board created")

    variance.receive(app.events)

    assert [
        "u-kim is Kim <kim@acme.example> at Acme Inc and Globex, 3 events",
        "Acme Inc has u-kim",
        "Globex has u-kim",
    ] == variance.shows()


def test_logging_out_leaves_the_company(app: Application, variance: Variance) -> None:
    """On a shared computer the next user is not in the account of the one before."""
    computer = app.browser()
    computer.identify("u-kim", **KIM)
    computer.group("company", "acme", name="Acme Inc")
    computer.reset()
    computer.identify("u-ann", email="ann@else.example", name="Ann")
    computer.capture("board created")

    variance.receive(app.events)

    assert [
        "u-ann is Ann <ann@else.example>, 1 event",
        "u-kim is Kim <kim@acme.example> at Acme Inc, 0 events",
        "Acme Inc has u-kim",
    ] == variance.shows()


def test_of_several_group_types_the_first_is_the_account(app: Application, variance: Variance) -> None:
    """PostHog numbers them, and the company came first; a team is no account."""
    browser = app.browser()
    browser.identify("u-kim", **KIM)
    browser.group("company", "acme", name="Acme Inc")
    browser.group("team", "red", name="The reds")
    browser.capture("board created")

    variance.receive(app.events)

    assert ["u-kim is Kim <kim@acme.example> at Acme Inc, 1 event", "Acme Inc has u-kim"] == variance.shows()


def test_of_several_group_types_the_named_one_is_the_account(app: Application, variance: Variance) -> None:
    """Whichever PostHog met first, and also where a server names a group without a user."""
    browser, server = app.browser(), app.server()
    server.group_identify("team", "red", name="The reds")
    browser.identify("u-kim", **KIM)
    browser.group("team", "red")
    browser.group("company", "acme", name="Acme Inc")
    browser.capture("board created")

    variance.receive(app.events, accountGroupType="company")

    assert ["u-kim is Kim <kim@acme.example> at Acme Inc, 1 event", "Acme Inc has u-kim"] == variance.shows()


def test_the_company_can_stand_with_the_person(app: Application, variance: Variance) -> None:
    """Once its trait is named: the groups that there are too make no second account."""
    browser = app.browser()
    browser.identify("u-kim", company_id=7, company_name="Acme Inc", **KIM)
    browser.group("company", "acme", name="Acme")
    browser.capture("board created")

    variance.receive(app.events, accountIdTrait="company_id", accountNameTrait="company_name")

    assert ["u-kim is Kim <kim@acme.example> at Acme Inc, 1 event", "Acme Inc has u-kim"] == variance.shows()


def test_the_company_can_be_the_emails_domain(app: Application, variance: Variance) -> None:
    """But the provider of a free mailbox is nobody's company."""
    server = app.server()
    server.set("u-kim", **KIM)
    server.set("u-bob", **BOB)
    server.set("u-ann", email="ann@gmail.com", name="Ann")

    variance.receive(app.events, accountMapping="email_domain")

    assert [
        "u-ann is Ann <ann@gmail.com>, 0 events",
        "u-bob is Bob <bob@acme.example> at acme.example, 0 events",
        "u-kim is Kim <kim@acme.example> at acme.example, 0 events",
        "acme.example has u-bob, u-kim",
    ] == variance.shows()


def test_who_changes_company_leaves_the_former_one(app: Application, variance: Variance) -> None:
    """Where the company is a trait of the person, the latest one counts."""
    browser = app.browser()
    browser.identify("u-kim", company_id=7, company_name="Acme Inc", **KIM)
    browser.capture("company changed", **{"$set": {"company_id": 8, "company_name": "Globex"}})
    browser.capture("board created")

    variance.receive(app.events, accountIdTrait="company_id", accountNameTrait="company_name")

    assert [
        "u-kim is Kim <kim@acme.example> at Globex, 2 events",
        "Acme Inc has nobody",
        "Globex has u-kim",
    ] == variance.shows()


@pytest.mark.parametrize(
    ("way", "account"), [(Way.GROUP, "Acme Inc"), (Way.EMAIL, "acme.example")], ids=["groups", "emails"]
)
def test_whichever_way_a_connection_is_set_to_a_company_is_one_account(
    app: Application, way: Way, account: str
) -> None:
    """Under default settings: Variance takes groups, or reads the email itself, and never both."""
    browser = app.browser()
    browser.identify("u-kim", **KIM)
    browser.group("company", "acme", name="Acme Inc")
    browser.capture("board created")

    with LocalVariance(connections=[Connection(matching=Matching(way=way))]) as running:
        variance = Variance(running)
        variance.receive(app.events)

        assert [
            f"u-kim is Kim <kim@acme.example> at {account}, 1 event",
            f"{account} has u-kim",
        ] == variance.shows()


def test_accounts_come_out_the_same_in_any_order(app: Application, variance: Variance) -> None:
    """From the last event to the first."""
    browser = app.browser()
    browser.identify("u-kim", **KIM)
    browser.group("company", "acme", name="Acme")
    browser.capture("board created")
    browser.group("company", "acme", name="Acme Inc")

    variance.receive(reversed(app.events))

    assert ["u-kim is Kim <kim@acme.example> at Acme Inc, 1 event", "Acme Inc has u-kim"] == variance.shows()


def test_a_backfill_over_live_data_takes_nobody_back_to_a_former_company(
    app: Application, variance: Variance
) -> None:
    """Kim was at Globex, and Globex had another name then."""
    browser = app.browser()
    browser.identify("u-kim", **KIM)
    browser.group("company", "globex", name="Globex (trial)")
    browser.capture("board created")
    past = len(app.events)
    browser.group("company", "acme", name="Acme Inc")
    browser.identify("u-kim", role="owner")

    variance.receive(app.events[past:])
    variance.receive(app.events[:past], historical="yes")

    assert ["u-kim is Kim <kim@acme.example> at Acme Inc, 1 event", "Acme Inc has u-kim"] == variance.shows()
