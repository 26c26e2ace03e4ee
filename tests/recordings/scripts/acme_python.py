"""A day at the server of Acme Boards, an invented project tool, through posthog-python 7."""

import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import posthog

KIM = "u-4711"
AIKO = "u-4712"
BOT = "svc-import"

client: Any = posthog.Posthog(
    os.environ["POSTHOG_TOKEN"],
    host=os.environ["POSTHOG_HOST"],
    disable_geoip=False,
    flush_at=6,
    in_app_modules=["acme_python"],
)


class QuotaExceeded(Exception):
    """Raised when a workspace is full."""


def attach(file: str, megabytes: int) -> None:
    """Attach a file to a card."""
    raise QuotaExceeded(f"{file} needs {megabytes} MB, 12 MB are left")


def sign_up() -> None:
    """A visitor looks around, then becomes a user of a company."""
    client.capture("pricing viewed", properties={"currency": "EUR", "seats_on_slider": 25})
    client.capture("demo requested", distinct_id="anon-7f3c9a", properties={"channel": "webinar"})
    client.alias(previous_id="anon-7f3c9a", distinct_id=KIM)
    client.capture(
        "signed up",
        distinct_id=KIM,
        properties={
            "plan": "trial",
            "$set": {"email": "kim@northwind.example", "name": "Kim Løvås", "plan": "trial"},
            "$set_once": {"signed_up_at": "2026-11-21T08:00:00Z", "first_campaign": "spring webinar"},
        },
        groups={"company": "northwind"},
    )
    client.group_identify(
        "company",
        "northwind",
        {"name": "Northwind Räder GmbH", "seats": 40, "plan": "trial", "domain": "northwind.example"},
    )
    client.group_identify("workspace", "ws-88", {"name": "Fahrradbau", "archived": False}, distinct_id=KIM)
    client.set(distinct_id=KIM, properties={"role": "owner", "company": {"id": "northwind", "seats": 40}})
    client.set_once(distinct_id=KIM, properties={"first_project": "Fahrradbau", "invited_by": None})


def work() -> None:
    """Events with the values that exporters trip over."""
    both = {"company": "northwind", "workspace": "ws-88"}
    client.capture(
        "board created",
        distinct_id=KIM,
        properties={
            "board_id": 9007199254740993,
            "template": "kanban",
            "columns": ["To do", "進行中", "Done ✅"],
        },
        groups=both,
    )
    client.capture(
        "card moved",
        distinct_id=KIM,
        properties={
            "from": {"column": "To do", "position": 3},
            "to": {"column": "進行中", "position": 0, "wip": {"limit": 5, "used": 4.0}},
            "labels": [],
            "estimate_hours": 0.1,
            "trace_id": 340282366920938463463374607431768211455,
            "due": datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
            "budget": Decimal("1299.90"),
            "reviewer": None,
            "a.dotted.name": "stays one name",
        },
        groups=both,
    )
    client.capture(
        "comment posted",
        distinct_id=AIKO,
        properties={
            "text": 'Größer als 3 m²? "ja" – naïve\tcafé 🧑‍🔧 \\ / </script>',
            "mentions": [KIM],
            "length": 47,
            "sentiment": -0.25,
            "tiny": 1e-9,
        },
        groups=both,
        uuid=UUID("0193a1f0-7c11-7000-8abc-0d5e6f7a8b9c"),
        timestamp=datetime(2026, 11, 20, 23, 59, 59, 999000, tzinfo=UTC),
    )
    with client.new_context():
        client.identify_context(AIKO)
        client.set_context_session("0193a1ef-0000-7000-8000-000000000001")
        client.tag("release", "2026.47")
        client.capture("card completed", properties={"board_id": 9007199254740993, "on_time": True})
    client.capture(
        "import finished", distinct_id=BOT, properties={"$process_person_profile": False, "rows": 12000}
    )


def fail_and_decide() -> None:
    """An exception and a feature flag."""
    try:
        attach("Rahmen.step", 180)
    except QuotaExceeded as problem:
        client.capture_exception(problem, distinct_id=AIKO, properties={"workspace": "ws-88"})
    client.get_feature_flag("new-board-view", KIM, groups={"company": "northwind"})
    client.capture(
        "plan upgraded",
        distinct_id=KIM,
        properties={"plan": "team", "seats": 40, "mrr": 1299.9, "$set": {"plan": "team"}},
        groups={"company": "northwind"},
    )
    client.set(distinct_id=AIKO, properties={"email": "aiko@northwind.example", "name": "田中 愛子"})
    client.capture("$merge_dangerously", distinct_id=AIKO, properties={"alias": "aiko@old-login"})


sign_up()
work()
fail_and_decide()
client.shutdown()
