"""The sentences below an event in the preview: which contact, which account, new or changed."""

from typing import Any

import pytest

from variance_plugin.cli.difference import Differences, account_rule
from variance_plugin.mapping import AccountMapping, MappingSettings


def said(*messages: dict[str, Any], **settings: Any) -> list[str]:
    """What is said of the last of these messages."""
    differences = Differences(MappingSettings(**settings))
    return [[*differences.of([message])] for message in messages][-1]


KIM: dict[str, Any] = {"type": "identify", "userId": "u-1", "traits": {"email": "kim@acme.example"}}
VISIT: dict[str, Any] = {"type": "page", "anonymousId": "v-1"}
GROUP: dict[str, Any] = {"type": "group", "userId": "u-1", "groupId": "acme"}
ORDER: dict[str, Any] = {"type": "track", "userId": "u-1", "event": "order paid"}
ALIAS: dict[str, Any] = {"type": "alias", "previousId": "u-0", "userId": "u-1"}

BACK: dict[str, Any] = {"type": "alias", "previousId": "u-1", "userId": "u-0"}


def of_company(**company: Any) -> dict[str, Any]:
    """An identify of somebody with this company."""
    return {"type": "identify", "userId": "u-1", "traits": {"company": company}}


@pytest.mark.parametrize(
    ("expected", "messages"),
    [
        pytest.param(["new contact u-1 with email"], [KIM], id="new"),
        pytest.param(["new contact u-1"], [{"type": "identify", "userId": "u-1"}], id="new-without-traits"),
        pytest.param(["contact u-1: nothing new"], [KIM, KIM], id="nothing-new"),
        pytest.param(
            ['contact u-1: email "kim@acme.example" → "k@acme.example", new plan'],
            [KIM, KIM | {"traits": {"email": "k@acme.example", "plan": "pro"}}],
            id="changed",
        ),
        pytest.param(
            ["new contact u-1 with a, b, c, d and 2 more"],
            [KIM | {"traits": dict.fromkeys("abcdef", 1)}],
            id="many",
        ),
        pytest.param(
            ["visitor v-1 gets plan, and is still no contact"],
            [{"type": "identify", "anonymousId": "v-1", "traits": {"plan": "x"}}],
            id="a-visitor",
        ),
        pytest.param(
            ["new contact u-1 with email", "visitor v-1 is u-1, with 2 events from before"],
            [VISIT, VISIT, KIM | {"anonymousId": "v-1"}],
            id="a-visitor-becomes-known",
        ),
        pytest.param(
            ["contact u-1: nothing new"], [*[KIM | {"anonymousId": "v-1"}] * 2], id="a-visitor-who-is-known"
        ),
        pytest.param(["one more event of visitor v-1, who is no contact"], [VISIT], id="a-visit"),
        pytest.param(
            ["one more event of u-1, who is no contact: never identified"], [ORDER], id="of-an-id-only"
        ),
        pytest.param(
            ["one more event of contact u-1, in no account: no group so far"], [KIM, ORDER], id="no-account"
        ),
        pytest.param(
            ["one more event of contact u-1, in account acme"], [KIM, GROUP, ORDER], id="in-an-account"
        ),
        pytest.param(
            ["one more event of contact u-1, in no account: no group so far"],
            [KIM | {"anonymousId": "v-1"}, VISIT],
            id="of-a-visitor-who-is-known",
        ),
        pytest.param(["u-1 is in new account acme, by group"], [GROUP], id="a-new-account"),
        pytest.param(
            ["u-1 is in account acme, by group"], [GROUP | {"userId": "u-2"}, GROUP], id="a-known-account"
        ),
        pytest.param(["account acme: nothing new"], [GROUP, GROUP], id="a-member-already"),
        pytest.param(
            ["new account acme with name"],
            [{"type": "group", "groupId": "acme", "traits": {"name": "Acme", "posthog_group_type": "c"}}],
            id="an-account-of-nobody",
        ),
        pytest.param(
            ['account acme: name "A" → "B"'],
            [GROUP | {"traits": {"name": "A"}}, GROUP | {"traits": {"name": "B"}}],
            id="an-account-changes",
        ),
        pytest.param(["visitor u-0 is u-1"], [ALIAS], id="alias-of-a-stranger"),
        pytest.param(
            ["contact u-0 is merged into contact u-1"], [KIM, KIM | {"userId": "u-0"}, ALIAS], id="merge"
        ),
        pytest.param(["contact u-0 becomes u-1"], [KIM | {"userId": "u-0"}, ALIAS], id="rename"),
        pytest.param(["user u-0 becomes u-1"], [ORDER | {"userId": "u-0"}, ALIAS], id="rename-of-an-id-only"),
        pytest.param(["u-0 is u-1 already"], [KIM, ALIAS, ALIAS], id="the-same-alias-again"),
        pytest.param(["u-1 is u-1 already"], [ALIAS, KIM, BACK], id="an-alias-back"),
        pytest.param(
            ["one more event of contact u-1, in no account: no group so far"],
            [KIM, ALIAS, BACK, ORDER],
            id="an-alias-to-and-fro",
        ),
        pytest.param(
            ["contact u-1: nothing new"],
            [KIM | {"userId": "u-0"}, ALIAS, KIM | {"userId": "u-0"}],
            id="the-former-id-is-theirs",
        ),
        pytest.param(
            ["new contact �[2J with �"], [{"type": "identify", "userId": "\x1b[2J", "traits": {"\n": 1}}],
            id="hostile",
        ),
    ],
)  # fmt: skip
def test_it_says_what_is_new_or_changed(expected: list[str], messages: list[dict[str, Any]]) -> None:
    """In view of the messages before."""
    assert expected == said(*messages)


def test_who_changes_company_leaves_the_former_one() -> None:
    """Where the company is a trait of the person."""
    traits = {"account_mapping": AccountMapping.TRAITS}
    first, second = of_company(id=7), of_company(id=8, name="Globex")

    assert "u-1 is in new account 7, by the person's traits" == said(first, **traits)[-1]
    assert (
        "u-1 is in new account 8, by the person's traits, and leaves 7" == said(first, second, **traits)[-1]
    )


def test_a_company_among_the_traits_is_no_account_where_groups_are() -> None:
    """The connection is set to groups."""
    assert ["new contact u-1 with company"] == said(of_company(id=7))


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        ("by PostHog's groups (accountMapping = auto, which is group here)", {}),
        ("by traits of the person (accountMapping = auto, which is traits here)", {"account_id_trait": "c"}),
        ("by PostHog's groups (accountMapping = group)", {"account_mapping": AccountMapping.GROUP}),
        ("by the domain of the email (accountMapping = email_domain)", {
            "account_mapping": AccountMapping.EMAIL_DOMAIN
        }),
        ("by group messages alone (payloadVersion = 1)", {"payload_version": 1}),
        ("by nothing that is sent (accountMapping = none)", {"account_mapping": AccountMapping.NONE}),
    ],
)  # fmt: skip
def test_the_rule_is_told_in_words(expected: str, settings: dict[str, Any]) -> None:
    """And the parameter that chose it."""
    assert expected == account_rule(MappingSettings(**settings))


def test_what_is_known_is_bounded() -> None:
    """Whoever was forgotten counts as new once more."""
    differences = Differences(MappingSettings())
    crowd = [KIM | {"userId": f"u-{number}"} for number in range(20_001)]
    for one in crowd:
        [*differences.of([one])]

    groups = [{"type": "group", "groupId": f"g-{number}"} for number in range(20_001)]
    for one in groups:
        [*differences.of([one])]

    assert ["new account g-0"] == [*differences.of([groups[0]])]
    assert ["new contact u-0 with email"] == [*differences.of([crowd[0]])]
    assert ["contact u-20000: nothing new"] == [*differences.of([crowd[-1]])]
