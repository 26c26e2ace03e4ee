"""Who is one person and who is not, from an application's events to Variance's contacts."""

from tests.journeys.application import Application
from tests.journeys.variance import Variance

KIM = {"email": "kim@acme.example", "name": "Kim"}
BOB = {"email": "bob@acme.example", "name": "Bob"}


def test_a_visitor_is_nobody_yet(app: Application, variance: Variance) -> None:
    """Whoever looks around without a name is no contact."""
    browser = app.browser()
    browser.pageview("/")
    browser.pageview("/pricing")

    variance.receive(app.events)

    assert ["1 anonymous"] == variance.shows()


def test_who_signs_up_brings_their_visits_along(app: Application, variance: Variance) -> None:
    """One contact, with what they did before they had a name."""
    browser = app.browser()
    browser.pageview("/")
    browser.pageview("/pricing")
    browser.identify("u-kim", **KIM)
    browser.capture("board created")

    variance.receive(app.events)

    assert ["u-kim is Kim <kim@acme.example>, 3 events"] == variance.shows()


def test_a_second_device_is_the_same_person(app: Application, variance: Variance) -> None:
    """Once they log in there, with what they did there before."""
    laptop, phone = app.browser(), app.browser()
    laptop.identify("u-kim", **KIM)
    laptop.capture("board created")
    phone.pageview("/")
    phone.identify("u-kim")
    phone.capture("board opened")

    variance.receive(app.events)

    assert ["u-kim is Kim <kim@acme.example>, 3 events"] == variance.shows()


def test_two_people_at_one_computer_are_two(app: Application, variance: Variance) -> None:
    """Kim logs out with `reset`, Bob looks around and logs in: each has their own events."""
    computer = app.browser()
    computer.pageview("/")
    computer.identify("u-kim", **KIM)
    computer.capture("board created")
    computer.reset()
    computer.pageview("/login")
    computer.identify("u-bob", **BOB)
    computer.capture("board opened", **{"$set": {"role": "guest"}})
    computer.capture("board opened")

    variance.receive(app.events)

    assert [
        "u-bob is Bob <bob@acme.example>, 3 events",
        "u-kim is Kim <kim@acme.example>, 2 events",
    ] == variance.shows()


def test_the_next_user_does_not_get_the_visitor_before(app: Application, variance: Variance) -> None:
    """Somebody looked around and left without a name; what Bob sets later says nothing about them."""
    computer = app.browser()
    computer.pageview("/")
    computer.pageview("/pricing")
    computer.reset()
    computer.identify("u-bob", **BOB)
    computer.capture("role chosen", **{"$set": {"role": "owner"}})

    variance.receive(app.events)

    assert ["u-bob is Bob <bob@acme.example>, 1 event", "1 anonymous"] == variance.shows()


def test_who_forgets_to_log_out_stays_apart_from_who_comes_next(app: Application, variance: Variance) -> None:
    """The application never calls `reset`: two contacts all the same."""
    computer = app.browser()
    computer.pageview("/")
    computer.identify("u-kim", **KIM)
    computer.identify("u-bob", **BOB)
    computer.capture("board opened")

    variance.receive(app.events)

    assert [
        "u-bob is Bob <bob@acme.example>, 1 event",
        "u-kim is Kim <kim@acme.example>, 1 event",
    ] == variance.shows()


def test_a_backend_joins_a_visitor_to_a_user(app: Application, variance: Variance) -> None:
    """The server that makes the account knows the browser's id, and calls `alias`."""
    browser, server = app.browser(), app.server()
    browser.pageview("/")
    server.capture(browser.distinct_id, "trial requested")
    server.alias(previous_id=browser.distinct_id, user_id="u-kim")
    server.set("u-kim", **KIM)
    server.capture("u-kim", "trial started")

    variance.receive(app.events)

    assert ["u-kim is Kim <kim@acme.example>, 3 events"] == variance.shows()


def test_another_id_for_a_user_leaves_them_the_one_they_go_by(app: Application, variance: Variance) -> None:
    """The application tells PostHog the id that Kim has in the CRM; the browser goes on with its own."""
    browser, crm = app.browser(), app.server()
    browser.identify("u-kim", **KIM)
    browser.alias("crm-1200")
    browser.capture("board created")
    crm.capture("crm-1200", "contract signed")

    variance.receive(app.events)

    assert ["u-kim is Kim <kim@acme.example>, 2 events"] == variance.shows()


def test_ids_that_everybody_has_join_nobody(app: Application, variance: Variance) -> None:
    """PostHog refuses such merges, and so do Kim and Bob."""
    server = app.server()
    server.identify("u-kim", anonymous_id="anonymous", **KIM)
    server.identify("u-bob", anonymous_id="anonymous", **BOB)
    server.alias(previous_id="undefined", user_id="u-kim")
    server.alias(previous_id="u-bob", user_id="null")
    server.capture("undefined", "board opened")

    variance.receive(app.events)

    assert [
        "u-bob is Bob <bob@acme.example>, 0 events",
        "u-kim is Kim <kim@acme.example>, 0 events",
        "1 anonymous",
    ] == variance.shows()


def test_an_identify_does_not_swallow_another_user(app: Application, variance: Variance) -> None:
    """Bob's login names Kim as the visitor he was; PostHog refuses, Kim is somebody already."""
    server = app.server()
    server.identify("u-kim", **KIM)
    server.capture("u-kim", "board created")
    server.identify("u-bob", anonymous_id="u-kim", **BOB)
    server.capture("u-kim", "board created")

    variance.receive(app.events)

    assert [
        "u-bob is Bob <bob@acme.example>, 0 events",
        "u-kim is Kim <kim@acme.example>, 2 events",
    ] == variance.shows()


def test_a_user_whom_only_the_server_knows_is_a_contact(app: Application, variance: Variance) -> None:
    """They never visited: a CRM import names them, with `identify` or with `set`."""
    server = app.server()
    server.identify("u-kim", **KIM)
    server.set("u-bob", **BOB)
    server.capture("u-ann", "report mailed")

    variance.receive(app.events)

    assert [
        "u-bob is Bob <bob@acme.example>, 0 events",
        "u-kim is Kim <kim@acme.example>, 0 events",
        "1 known by id only",
    ] == variance.shows()


def test_events_in_any_order_make_the_same_people(app: Application, variance: Variance) -> None:
    """From the last to the first: Kim's name is the last one she had, and her visits are hers."""
    browser = app.browser()
    browser.pageview("/")
    browser.identify("u-kim", email="kim@old.example", name="Kim B")
    browser.capture("name changed", **{"$set": {"name": "Kim Larsen"}})
    browser.capture("email changed", **{"$set": {"email": "kim@acme.example"}})
    browser.identify("u-kim", seats=3)

    variance.receive(reversed(app.events))

    assert ["u-kim is Kim Larsen <kim@acme.example>, 3 events"] == variance.shows()


def test_a_backfill_before_the_live_export_ends_with_today(app: Application, variance: Variance) -> None:
    """The order to choose: the past first, and the present has the last word."""
    browser = app.browser()
    browser.identify("u-kim", email="kim@old.example", name="Kim")
    browser.capture("board created")
    past = len(app.events)
    browser.capture("email changed", **{"$set": {"email": "kim@acme.example"}})

    variance.receive(app.events[:past])
    variance.receive(app.events[past:])

    assert ["u-kim is Kim <kim@acme.example>, 2 events"] == variance.shows()


def test_a_backfill_over_live_data_changes_nothing_of_today(app: Application, variance: Variance) -> None:
    """With `historical`: visits and events of the past come along, the old address does not."""
    browser = app.browser()
    browser.pageview("/")
    browser.identify("u-kim", email="kim@old.example", name="Kim")
    browser.capture("board created")
    past = len(app.events)
    browser.identify("u-kim", email="kim@acme.example")

    variance.receive(app.events[past:])
    variance.receive(app.events[:past], historical="yes")

    assert ["u-kim is Kim <kim@acme.example>, 2 events"] == variance.shows()
