"""What PostHog's real SDKs sent of an invented application's day (tests/recordings), as Variance shows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.variance import Variance

RECORDINGS = Path(__file__).parents[1] / "recordings"
KIM, AIKO = "Kim Løvås <kim@northwind.example>", "田中 愛子 <aiko@northwind.example>"


def recorded(name: str) -> Iterator[bytes]:
    """The records of a recording."""
    yield from (RECORDINGS / f"{name}.jsonl").read_bytes().splitlines()


def test_a_day_in_the_browser(variance: Variance) -> None:
    """Kim comes from a campaign, signs up, works, gets an id in the CRM, and logs out; then Aiko logs in.

    They are two contacts of one company. The visitor on another computer stays one.
    """
    variance.receive(recorded("posthog-js"), accountGroupType="company")

    assert [
        f"u-4711 is {KIM} at Northwind Räder GmbH, 8 events",
        f"u-4712 is {AIKO} at Northwind Räder GmbH, 3 events",
        "Northwind Räder GmbH has u-4711, u-4712",
        "1 anonymous",
    ] == variance.shows()


def test_a_day_at_the_server(variance: Variance) -> None:
    """A visitor asks for a demo and becomes Kim by an alias; Aiko had another login once.

    A page and an import of nobody are two visitors; a workspace is no company.
    """
    variance.receive(recorded("posthog-python"), accountGroupType="company")

    assert [
        f"u-4711 is {KIM} at Northwind Räder GmbH, 5 events",
        f"u-4712 is {AIKO} at Northwind Räder GmbH, 2 events",
        "Northwind Räder GmbH has u-4711, u-4712",
        "2 anonymous",
    ] == variance.shows()


def test_a_day_at_the_billing_service(variance: Variance) -> None:
    """Ravi checks out before he has a name; the service then aliases him to his id in the CRM.

    A server does not tell that he is a user already, so the id in the CRM is his from then on. What he did
    before as a visitor came with an id like any other, so it counts as somebody's who was never identified.
    """
    variance.receive(recorded("posthog-node"), accountGroupType="company")

    assert [
        "crm-99182 is Ravi Ångström <ravi@contoso.example> at Contoso Ltd, 3 events",
        "Contoso Ltd has crm-99182",
        "1 known by id only",
        "2 anonymous",
    ] == variance.shows()


def test_a_day_with_an_old_sdk(variance: Variance) -> None:
    """Jo reads the docs, signs up, shares a board: one contact with all of it, in one account."""
    variance.receive(recorded("posthog-python-5.4"))

    assert [
        "u-5001 is Jo Ødegård <jo@fabrikam.example> at Fabrikam AB, 5 events",
        "Fabrikam AB has u-5001",
    ] == variance.shows()


@pytest.mark.parametrize("shape", ["kafka", "batch-export", "webhook", "plugin-event", "plugin-event-new"])
def test_all_of_it_together_in_every_shape(variance: Variance, shape: str) -> None:
    """Browser and servers speak of the same people, whichever way the events leave PostHog, in any order."""
    variance.receive(recorded(f"derived/{shape}"), accountGroupType="company")

    assert [
        "crm-99182 is Ravi Ångström <ravi@contoso.example> at Contoso Ltd, 3 events",
        f"u-4711 is {KIM} at Northwind Räder GmbH, 12 events",
        f"u-4712 is {AIKO} at Northwind Räder GmbH, 5 events",
        "u-5001 is Jo Ødegård <jo@fabrikam.example> at Fabrikam AB, 5 events",
        "Contoso Ltd has crm-99182",
        "Fabrikam AB has u-5001",
        "Northwind Räder GmbH has u-4711, u-4712",
        "1 known by id only",
        "5 anonymous",
    ] == variance.shows()
