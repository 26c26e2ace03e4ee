"""How many people and companies a file would bring, and why some have no account, in bounded memory."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from variance_plugin import VariancePlugin
from variance_plugin.cli.census import OTHERS, Census
from variance_plugin.cli.preview_summary import Count, Meter
from variance_plugin.cli.sample import Sample
from variance_plugin.formats import events
from variance_plugin.mapping import AccountMapping, MappingSettings
from variance_plugin.receiver import LocalVariance
from variance_plugin.sources.file import FileSource

RECORDINGS = Path(__file__).parents[1] / "recordings"


def counted(*paths: Path, **settings: Any) -> Census:
    """The census of files."""
    source = FileSource(paths)
    count = Count(MappingSettings(**settings))
    count.take_all(source.records(), limit=None, meter=Meter(source))
    return count.census


def census(*messages: dict[str, Any], groups: frozenset[str] = frozenset(), **settings: Any) -> Census:
    """The census of messages, each of an event of its own."""
    taken = Census(MappingSettings(**settings))
    for message in messages:
        taken.take([message], groups)
    return taken


def reasons(found: Census) -> Counter[str]:
    """Why users have no account."""
    return Counter(found.reason(user) for user in found.present() if not user.in_account)


@pytest.mark.parametrize(
    "name",
    [
        "posthog-js",
        "posthog-python",
        "posthog-node",
        "posthog-python-5.4",
        "derived/kafka",
        "derived/webhook",
    ],
)
def test_it_counts_what_a_local_variance_gets(name: str) -> None:
    """Contacts, users who were never identified, visitors, accounts: the same numbers as after an export."""
    recording = RECORDINGS / f"{name}.jsonl"
    found = counted(recording)
    with LocalVariance(authorization="Bearer demo") as variance:
        address = {"webhookUrl": variance.url, "authHeader": "Bearer demo", "allowedHosts": "127.0.0.1"}
        meta, plugin = SimpleNamespace(config=address), VariancePlugin()
        plugin.setup_plugin(meta)
        records = recording.read_bytes().splitlines()
        plugin.export_events([event for record in records for event in events(record)], meta)  # type: ignore[misc]
        plugin.teardown_plugin(meta)
        summary = variance.summary()

    users = found.present()
    contacts = sum(user.identified for user in users)
    visitors = sum(not joined for _, (joined,) in found.visitors.items())
    assert (len(summary.contacts), summary.users_without_identify) == (contacts, len(users) - contacts)
    assert (summary.anonymous_visitors, len(summary.accounts)) == (visitors, len(found.accounts))
    assert summary.messages == dict(found.messages)
    without = [contact for contact in summary.contacts if not contact.accounts]
    assert len(without) == sum(user.identified and not user.in_account for user in users)


KIM: dict[str, Any] = {"type": "identify", "userId": "u-1", "traits": {"email": "kim@acme.example"}}
TRACK: dict[str, Any] = {"type": "track", "userId": "u-1", "event": "a", "context": {}}


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        pytest.param("in no group in any of their events", census(KIM), id="no-group"),
        pytest.param(
            "only in groups of another type: team",
            census(TRACK, groups=frozenset(["team"]), account_group_type="company"),
            id="another-type",
        ),
        pytest.param(
            "in groups, and which type is the account is not clear: company, team",
            census(TRACK, groups=frozenset(["company", "team"])),
            id="not-clear",
        ),
        pytest.param(
            "in a group that the settings keep from being told",
            census({**TRACK, "context": {"groupId": "acme"}}),
            id="not-told",
        ),
        pytest.param(
            "nothing at company.id",
            census(KIM, account_mapping=AccountMapping.TRAITS, account_id_trait="company.id"),
            id="no-trait",
        ),
        pytest.param(
            "no email",
            census({"type": "identify", "userId": "u-1"}, account_mapping=AccountMapping.EMAIL_DOMAIN),
            id="no-email",
        ),
        pytest.param(
            "an email that is no company's",
            census(KIM | {"traits": {"email": "kim@gmail.com"}}, account_mapping=AccountMapping.EMAIL_DOMAIN),
            id="a-free-email",
        ),
        pytest.param(
            "never identified, so that nothing but the id is known",
            census(TRACK, account_mapping=AccountMapping.EMAIL_DOMAIN),
            id="never-identified",
        ),
        pytest.param(
            "payloadVersion 1 does not tell the accounts of users",
            census(TRACK, payload_version=1),
            id="version-1",
        ),
        pytest.param(
            "accountMapping is none", census(KIM, account_mapping=AccountMapping.NONE), id="not-wanted"
        ),
    ],
)
def test_it_says_why_a_user_has_no_account(expected: str, found: Census) -> None:
    """By the way that the settings choose."""
    assert Counter([expected]) == reasons(found)


def test_a_user_with_an_account_has_no_reason() -> None:
    """By group, by trait, by email."""
    company = KIM | {"traits": {"company": {"name": "acme.example"}}}

    assert not reasons(census(TRACK, {"type": "group", "userId": "u-1", "groupId": "acme"}))
    assert not reasons(census(company, account_mapping=AccountMapping.EMAIL_DOMAIN))


def test_an_alias_makes_one_user_of_two() -> None:
    """And a visitor one of them; what comes under the former id later is theirs."""
    alias = {"type": "alias", "previousId": "u-1", "userId": "u-2"}
    back = {"type": "alias", "previousId": "u-2", "userId": "u-1"}

    found = census(KIM, {**KIM, "userId": "u-2"}, alias, TRACK, back)

    (user,) = found.present()
    assert user.identified


def test_an_alias_counts_before_anybody_is_known() -> None:
    """The two ids mean one user from then on, whichever comes first."""
    alias = {"type": "alias", "previousId": "u-1", "userId": "u-2"}

    assert 0 == len(census(alias).present())
    assert 1 == len(census(alias, KIM, {**KIM, "userId": "u-2"}, alias).present())


def test_traits_are_counted_by_person_and_shown_with_an_example() -> None:
    """Shortened, and never longer than a line; null is none."""
    long = KIM | {"userId": "u-2", "traits": {"email": "k" * 1000, "plan": None}}
    found = census(KIM, KIM, long)

    bits = Counter(user.traits for user in found.present())
    assert {"email": 2, "plan": 1} == found.traits.counted(bits, 1)
    assert {"email": '"kim@acme.example"'} == found.traits.examples
    assert 60 == len(census(long).traits.examples["email"])


def test_a_large_population_is_sampled_and_its_size_estimated() -> None:
    """The limit holds, whatever comes; the estimate is near."""
    sample = Sample(list[None], limit=1_000)
    for number in range(50_000):
        sample.get(f"user-{number}")
        assert len(sample) <= 1_000

    assert sample.share > 1
    assert 50_000 == pytest.approx(len(sample) * sample.share, rel=0.15)


def test_who_is_in_a_sample_stays_the_same_one() -> None:
    """And who was left out is left out the next time."""
    sample: Sample[list[str]] = Sample(list, limit=10)
    for number in range(1_000):
        member = sample.get(f"user-{number}")
        if member is not None:
            member.append("seen")
    size = len(sample)

    again = [key for key, _ in sample.items()]
    assert [["seen"]] * size == [sample.get(key) for key in again]
    assert [None] * (1_000 - size) == [
        sample.get(f"user-{number}") for number in range(1_000) if f"user-{number}" not in again
    ]


def test_however_many_names_there_are_memory_is_bounded() -> None:
    """The rarest are summed up under no name; nothing is lost of the sum."""
    found = census()
    for number in range(10_000):
        found.skip(f"$event {number}", "system event")
        found.skip("$autocapture", "system event")
        found.take([TRACK | {"event": f"event {number}"}], frozenset())

    assert len(found.skipped) <= 2_001
    assert 20_000 == found.skipped.total()
    assert 10_000 == found.skipped["$autocapture", "system event"]
    assert len(found.tracks) <= 2_001
    assert 10_000 == found.tracks.total()
    assert found.tracks[OTHERS] > 0


def test_a_trait_too_many_is_no_fault() -> None:
    """Some hundred names are counted, and the rest are not."""
    found = census({**KIM, "traits": {f"trait {number}": number for number in range(2_000)}})

    assert 500 == len(found.traits.examples)
