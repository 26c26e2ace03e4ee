"""Cohorts as traits, from PostHog's API to the events that tell of them, on the wire."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.stand_ins.posthog import KEY, PROJECT, Cohort, PostHog, Refused, person
from variance_plugin.cohorts import CohortSync, Listing
from variance_plugin.errors import UsageError
from variance_plugin.events import Event
from variance_plugin.masking import Mask
from variance_plugin.posthog_api import ApiClient, Patience
from variance_plugin.secret import Secret
from variance_plugin.state import Positions, StateFile
from variance_plugin.testing import FakeClock

DEVICE = "0193a1ef-0000-7000-8000-000000000001"
UUID_USER = "7f9c24e5-2f5c-4d3a-9b1e-1d2c3b4a5f60"


class Killed(BaseException):
    """Ends a sync where a kill would."""


@pytest.fixture
def posthog() -> Iterator[PostHog]:
    """With a cohort of 250 users, 40 on a page, and others."""
    with PostHog() as running:
        running.conduct.page_persons = 40
        running.cohorts[5] = Cohort(5, "Power users", [person(number) for number in range(1, 251)])
        running.cohorts[6] = Cohort(6, "Trial", [person(1), person(2)])
        running.cohorts[8] = Cohort(8, "Trial (old)")
        yield running


class Starts:
    """One start of a program after another, on the same state file.

    Attributes:
        delivered: Every event that reached its end, in order, over all starts.
        kill_at: At so many events the program ends, before their end is remembered.
    """

    def __init__(self, posthog: PostHog, folder: Path) -> None:
        self.posthog = posthog
        self.clock = FakeClock()
        self.delivered: list[Event] = []
        self.kill_at: int | None = None
        self._path = folder / "state.db"

    def sync(self, *chosen: str) -> list[tuple[str, dict[str, bool]]]:
        """One sync; which traits were told, of which users."""
        before = len(self.delivered)
        client = ApiClient(self.posthog.url, key=Secret(KEY), clock=self.clock, mask=Mask([Secret(KEY)]))
        patience = Patience(self.clock, logging.getLogger(__name__))
        with closing(client), closing(StateFile.open(self._path, self.clock)) as state:
            CohortSync(
                chosen or ("5",),
                listing=Listing(client, patience=patience, project=str(PROJECT)),
                memory=Positions(state),
                deliver=self._deliver,
                clock=self.clock,
            ).run()
        return [(event.distinct_id, event.properties["$set"]) for event in self.delivered[before:]]

    def _deliver(self, events: Sequence[Event]) -> None:
        self.delivered += events
        if self.kill_at is not None and len(self.delivered) >= self.kill_at:
            self.kill_at = None
            raise Killed


@pytest.fixture
def starts(posthog: PostHog, tmp_path: Path) -> Starts:
    """Of a program that has told nothing yet."""
    return Starts(posthog, tmp_path)


IN, OUT = {"power_users": True}, {"power_users": False}


def test_the_first_sync_tells_all_the_second_nothing_and_a_change_exactly_that(
    posthog: PostHog, starts: Starts
) -> None:
    """Over seven pages."""
    first, second = starts.sync(), starts.sync()
    cohort = posthog.cohorts[5]
    cohort.persons = [*cohort.persons[:100], *cohort.persons[101:], person(900)]
    cohort.version += 1
    third = starts.sync()

    assert [(f"u-{number}", IN) for number in range(1, 251)] == first
    assert [] == second
    assert [("u-900", IN), ("u-101", OUT)] == third
    assert [] == starts.sync()


def test_who_comes_back_is_told_by_another_message(posthog: PostHog, starts: Starts) -> None:
    """A receiver that drops what it has had would drop the same one."""
    cohort = posthog.cohorts[6]
    for persons in ([person(1)], [], [person(1)]):
        cohort.persons = persons
        cohort.version += 1
        starts.sync("6")

    assert [True, False, True] == [event.properties["$set"]["trial"] for event in starts.delivered]
    assert 3 == len({event.uuid for event in starts.delivered})


@pytest.mark.parametrize("kill_at", [1, 40, 41, 120, 250])
def test_a_kill_repeats_no_more_than_what_was_under_way_and_loses_nothing(
    starts: Starts, kill_at: int
) -> None:
    """What is told twice has the same id."""
    starts.kill_at = kill_at
    with pytest.raises(Killed):
        starts.sync()
    starts.sync()

    times = Counter(event.uuid for event in starts.delivered)
    assert {f"u-{number}" for number in range(1, 251)} == {event.distinct_id for event in starts.delivered}
    assert 250 == len(times)
    assert sum(times.values()) - 250 <= 40  # one page is one batch
    assert [] == starts.sync()


def test_who_left_while_it_was_not_known_whether_it_had_been_told_is_taken_back(
    posthog: PostHog, starts: Starts
) -> None:
    """The kill came after the message; nobody must stay a member for ever by that."""
    starts.kill_at = 1
    with pytest.raises(Killed):
        starts.sync("6")
    posthog.cohorts[6].persons = []

    assert [("u-1", {"trial": False}), ("u-2", {"trial": False})] == starts.sync("6")


def test_limits_on_requests_are_waited_out(posthog: PostHog, starts: Starts) -> None:
    """For as long as PostHog asks for."""
    throttled = "Request was throttled. Expected available in 60 seconds."
    posthog.conduct.refusals += [Refused(429, throttled, retry_after=60)] * 3
    began = starts.clock.monotonic()

    assert 250 == len(starts.sync())
    assert starts.clock.monotonic() - began >= 180


def test_a_cohort_that_changes_while_it_is_listed_loses_nobody(posthog: PostHog, starts: Starts) -> None:
    """Pages shift then, and who slipped between two of them has not left."""
    starts.sync()
    cohort = posthog.cohorts[5]

    def shift(offset: int) -> None:
        if offset == 80 and cohort.version == 1:
            cohort.persons = cohort.persons[3:]
            cohort.version += 1

    posthog.conduct.before_page = shift

    assert [(f"u-{number}", OUT) for number in (1, 2, 3)] == starts.sync()


def test_a_cohort_that_changes_all_the_time_takes_nobody_out(
    posthog: PostHog, starts: Starts, caplog: pytest.LogCaptureFixture
) -> None:
    """Who has left it is told another time, and that is said."""
    starts.sync()
    cohort = posthog.cohorts[5]

    def change(_offset: int) -> None:
        cohort.version += 1
        cohort.persons = [*cohort.persons[1:], person(1_000 + cohort.version)]

    posthog.conduct.before_page = change
    found = starts.sync()
    posthog.conduct.before_page = lambda _offset: None

    assert {True} == {traits["power_users"] for _, traits in found}
    assert "changes while it is listed; who has left it is told at the next sync" in caplog.text
    assert {False} == {traits["power_users"] for user, traits in starts.sync() if len(user) < 5}


def test_a_renamed_cohort_keeps_its_members_under_the_new_name(
    posthog: PostHog, starts: Starts, caplog: pytest.LogCaptureFixture
) -> None:
    """The old trait becomes false in the same message; whether it is chosen by its number or its name."""
    starts.sync("Trial")
    posthog.cohorts[6].name = "On trial"
    found = starts.sync("Trial")

    assert [(f"u-{number}", {"trial": False, "on_trial": True}) for number in (1, 2)] == found
    assert "cohort 6 ('On trial') has had another name: its members have on_trial now" in caplog.text
    assert "the cohort that was called 'Trial' is called 'On trial' now" in caplog.text
    assert [] == starts.sync("Trial")
    assert [] == starts.sync("On trial")


def test_persons_who_are_merged_stay_in(posthog: PostHog, starts: Starts) -> None:
    """PostHog lists one of them, with the ids of both; to Variance they are one contact, which is in."""
    cohort = posthog.cohorts[6]
    starts.sync("6")
    cohort.persons = [person(1, "u-1", "u-2")]
    cohort.version += 1
    merged = starts.sync("6")
    cohort.persons = []
    cohort.version += 1

    assert [] == merged
    assert [("u-1", {"trial": False})] == starts.sync("6")


def test_a_deleted_cohort_has_no_members(
    posthog: PostHog, starts: Starts, caplog: pytest.LogCaptureFixture
) -> None:
    """That is said, and told once."""
    starts.sync("Trial")
    posthog.cohorts[6].deleted = True

    assert [(f"u-{number}", {"trial": False}) for number in (1, 2)] == starts.sync("Trial")
    assert "cohort 6 ('Trial') was deleted in PostHog; trial is false now for 2 who were in it" in caplog.text
    assert [] == starts.sync("6")


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (["99"], "has no cohort 99; nothing was taken back for it: check cohorts.sync, posthog.project_id"),
        (["Power usres"], "project 7 has no cohort called 'Power usres'; did you mean Power users?"),
        (["Twin"], "cohorts 10, 11 are all called 'Twin': choose one by its number"),
        (["5", "12"], "would both be the trait power_users: give one of them another name in PostHog"),
    ],
    ids=["no such number", "no such name", "several of one name", "two of one trait"],
)
def test_a_cohort_that_cannot_be_told_is_refused(
    posthog: PostHog, starts: Starts, chosen: list[str], said: str
) -> None:
    """Before anything is told."""
    posthog.cohorts |= {10: Cohort(10, "Twin"), 11: Cohort(11, "Twin"), 12: Cohort(12, "Power-Users")}
    with pytest.raises(UsageError) as caught:
        starts.sync(*chosen)

    assert said in str(caught.value)
    assert [] == starts.delivered


def test_only_persons_who_are_known_are_told_of(
    posthog: PostHog, starts: Starts, caplog: pytest.LogCaptureFixture
) -> None:
    """Anonymous visitors are counted; where the listing does not tell, the last `$identify` event does."""
    caplog.set_level(logging.INFO)
    several, made_up, silent = (
        person(21, "a", "b"),
        person(22, DEVICE, UUID_USER),
        person(23, DEVICE, UUID_USER),
    )
    posthog.identified = {several["id"]: "b", made_up["id"]: UUID_USER}
    posthog.cohorts[6].persons = [
        person(20, DEVICE, "u-20"),
        several,
        made_up,
        silent,
        person(24, DEVICE, is_identified=False),
    ]

    assert ["u-20", "b", UUID_USER] == [user for user, _ in starts.sync("6")]
    assert (
        "cohort 6 ('Trial') is the trait trial of 3 users: 3 came, 0 left; left out: 1 anonymous visitor; "
        "left out: 1 person of whom nothing tells by which id they are known"
    ) in caplog.text


def test_without_the_right_to_query_the_listing_has_to_do(
    posthog: PostHog, starts: Starts, caplog: pytest.LogCaptureFixture
) -> None:
    """That is said once, with the scope; who has an id that was given is told of all the same."""
    posthog.conduct.scopes = ["cohort:read", "person:read"]
    posthog.conduct.page_persons = 1
    posthog.cohorts[6].persons = [person(21, "a", "b"), person(22, DEVICE, UUID_USER)]

    assert ["a"] == [user for user, _ in starts.sync("6")]
    assert 1 == caplog.text.count("it needs the scope query:read")


@pytest.mark.parametrize("scope", ["cohort:read", "person:read"])
def test_a_key_that_lacks_a_scope_is_told_which(posthog: PostHog, starts: Starts, scope: str) -> None:
    """Both at once."""
    posthog.conduct.scopes = [one for one in posthog.conduct.scopes if one != scope]
    with pytest.raises(UsageError, match=f"API key missing required scope '{scope}'") as caught:
        starts.sync()

    assert scope in str(caught.value).partition("it needs")[2]


def test_the_next_page_is_asked_of_the_same_host(posthog: PostHog, starts: Starts) -> None:
    """PostHog names the one that it knows itself by, which may be another."""
    starts.sync()

    pages = [asked.path for asked in posthog.asked if "/persons/" in asked.path]
    assert f"/api/projects/{PROJECT}/cohorts/5/persons/?limit=500" == pages[0]
    assert f"/api/projects/{PROJECT}/cohorts/5/persons/?limit=40&offset=40" == pages[1]


def test_pages_that_go_in_a_circle_end(posthog: PostHog, starts: Starts) -> None:
    """Rather than never."""
    posthog.conduct.page_persons = 0
    with pytest.raises(UsageError, match="go in a circle"):
        starts.sync()


def test_no_person_is_named_in_the_log(starts: Starts, caplog: pytest.LogCaptureFixture) -> None:
    """Nor the key."""
    caplog.set_level(logging.DEBUG)
    starts.sync()

    assert "u-1" not in json.dumps(caplog.messages)
    assert KEY not in caplog.text
