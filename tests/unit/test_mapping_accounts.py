"""How a contact finds its account: by group, by its own traits, or by the domain of its email."""

from typing import Any

import pytest

from tests.benches.mapping import map_event, messages
from variance_plugin.mapping import AccountMapping, SkipReason

AUTO, GROUP, TRAITS, EMAIL, NONE = AccountMapping


def account(properties: dict[str, Any], **settings: Any) -> str | None:
    """The account that an event with these properties puts its user into."""
    event = {"event": "order paid", "uuid": "id-1", "distinct_id": "u-1", "properties": properties}
    *before, track = messages(event, **settings)
    told = [message["groupId"] for message in before]
    named = track["context"].get("groupId")
    assert told == ([] if named is None else [named])
    return told[0] if told else None


def traits(
    person: dict[str, Any], properties: dict[str, Any] | None = None, /, **settings: Any
) -> dict[str, Any]:
    """The traits of an identify of this person."""
    event = {
        "event": "$identify",
        "distinct_id": "u-1",
        "properties": properties or {},
        "person_properties": person,
    }
    found: dict[str, Any] = messages(event, **settings)[-1].get("traits", {})
    return found


@pytest.mark.parametrize(
    ("expected", "type_", "properties"),
    [
        pytest.param("acme", "", {"$groups": {"company": "acme"}}, id="the-only-type-there-is"),
        pytest.param(
            "acme", "", {"$groups": {"company": "acme"}, "$group_0": "acme"}, id="the-only-and-first"
        ),
        pytest.param(
            "acme",
            "",
            {"$groups": {"team": "t", "company": "acme"}, "$group_0": "acme", "$group_1": "t"},
            id="the-first",
        ),
        pytest.param(None, "", {"$groups": {"team": "t", "company": "acme"}}, id="nobody-knows-which"),
        pytest.param(None, "", {"$groups": {"team": "t"}, "$group_1": "t"}, id="not-the-first"),
        pytest.param(
            "acme", "", {"$groups": {"company": "acme", "team": None}}, id="the-only-one-with-a-key"
        ),
        pytest.param("17", "", {"$groups": {"company": 17, "team": "t"}, "$group_0": "17"}, id="a-number"),
        pytest.param(
            "acme", "company", {"$groups": {"team": "t", "company": "acme"}, "$group_0": "t"}, id="named"
        ),
        pytest.param(None, "company", {"$groups": {"team": "t"}}, id="named-and-not-there"),
        pytest.param(None, "company", {"$groups": {"Company": "acme"}}, id="case-counts"),
        pytest.param(None, "company", {"$groups": {"company": ""}}, id="an-empty-key"),
        pytest.param(None, "company", {"$groups": {"company": {"id": 1}}}, id="an-object-for-a-key"),
        pytest.param(None, "", {"$groups": {}}, id="in-no-group"),
        pytest.param(None, "", {"$groups": ["company"]}, id="no-object"),
        pytest.param(None, "", {}, id="nothing"),
        pytest.param(None, "", {"$group_0": "acme"}, id="without-groups"),
    ],
)
def test_the_group_that_stands_for_the_account(
    expected: str | None, type_: str, properties: dict[str, Any]
) -> None:
    """Its type is named; else it is the only type, else the project's first."""
    assert expected == account(properties, account_group_type=type_)


@pytest.mark.parametrize(
    ("expected", "mapping"), [("acme", AUTO), ("acme", GROUP), (None, TRAITS), (None, EMAIL), (None, NONE)]
)
def test_groups_count_where_the_user_wants_them(expected: str | None, mapping: AccountMapping) -> None:
    """`accountMapping` picks one way, `auto` tries all."""
    assert expected == account({"$groups": {"company": "acme"}}, account_mapping=mapping)


@pytest.mark.parametrize(
    ("sent", "settings", "properties"),
    [
        pytest.param(True, {}, {}, id="a-server-tells-no-groups"),
        pytest.param(True, {}, {"$groups": {"company": "acme"}}, id="the-only-type"),
        pytest.param(True, {}, {"$groups": {"company": "acme", "team": "t"}}, id="nobody-knows-which"),
        pytest.param(
            True, {}, {"$groups": {"company": "acme", "team": "t"}, "$group_0": "acme"}, id="the-first"
        ),
        pytest.param(
            False, {}, {"$groups": {"company": "acme", "team": "t"}, "$group_0": "t"}, id="the-second"
        ),
        pytest.param(True, {"account_group_type": "company"}, {}, id="named"),
        pytest.param(False, {"account_group_type": "team"}, {}, id="another-is-named"),
    ],
)
def test_only_the_accounts_group_becomes_an_account(
    sent: bool,  # noqa: FBT001
    settings: dict[str, Any],
    properties: dict[str, Any],
) -> None:
    """PostHog has up to five types; a team is no account where companies are."""
    group = {"$group_type": "company", "$group_key": "acme", **properties}
    event = {"event": "$groupidentify", "distinct_id": "u-1", "properties": group}

    mapped = map_event(event, **settings)

    assert (sent, None if sent else SkipReason.OTHER_GROUP_TYPE) == (bool(mapped.messages), mapped.skipped)


@pytest.mark.parametrize(
    ("expected", "settings", "person"),
    [
        pytest.param({"id": 7}, {"account_id_trait": "company_id"}, {"company_id": 7}, id="id"),
        pytest.param(
            {"name": "Acme"}, {"account_name_trait": "org.slug"}, {"org": {"slug": "Acme"}}, id="path"
        ),
        pytest.param(
            {"name": "Acme"}, {"account_name_trait": "org.slug"}, {"org.slug": "Acme"}, id="a-dot-in-a-name"
        ),
        pytest.param(
            {"id": "7", "name": "Acme"},
            {"account_id_trait": "a.b.c", "account_name_trait": "a.n"},
            {"a": {"b": {"c": "7"}, "n": "Acme"}},
            id="both",
        ),
        pytest.param(
            {"id": "7", "seats": 3},
            {"account_id_trait": "company.id"},
            {"company": {"id": "7", "seats": 3}},
            id="in-place",
        ),
        pytest.param(
            {"name": "Acme"}, {"account_name_trait": "company"}, {"company": "Acme"}, id="a-text-in-its-place"
        ),
        pytest.param(None, {"account_id_trait": "company_id"}, {"company_id": None}, id="null"),
        pytest.param(None, {"account_id_trait": "company_id"}, {"company_id": {"id": 7}}, id="an-object"),
        pytest.param(None, {"account_id_trait": "a.b"}, {"a": "b"}, id="a-path-through-a-text"),
        pytest.param(None, {"account_id_trait": "company_id"}, {}, id="nothing"),
        pytest.param(None, {}, {"company_id": 7}, id="no-trait-named"),
    ],
)
@pytest.mark.parametrize("mapping", [AUTO, TRAITS])
def test_a_trait_gives_the_company(
    expected: dict[str, Any] | None, settings: dict[str, Any], person: dict[str, Any], mapping: AccountMapping
) -> None:
    """In Segment's reserved place, besides what is there; the trait itself stays."""
    found = traits(person, account_mapping=mapping, **settings)

    assert {**person, **({} if expected is None else {"company": expected})} == found


@pytest.mark.parametrize(
    ("expected", "email"),
    [
        pytest.param("acme.example", "kim@acme.example", id="a-domain"),
        pytest.param("acme.example", " Kim.B+x@ACME.example ", id="in-any-case"),
        pytest.param("mail.acme.co.uk", "kim@mail.acme.co.uk", id="as-it-stands"),
        pytest.param("bücher.example", "kim@bücher.example", id="in-any-script"),
        pytest.param("acme.example", '"kim@home"@acme.example', id="the-last-at"),
        pytest.param(None, "kim@gmail.com", id="a-free-provider"),
        pytest.param(None, "kim@GoogleMail.com", id="a-free-provider-in-any-case"),
        pytest.param(None, "kim@outlook.com", id="another"),
        pytest.param(None, "kim", id="no-email"),
        pytest.param(None, "@acme.example", id="nobody"),
        pytest.param(None, "kim@localhost", id="no-dot"),
        pytest.param(None, "kim@acme.example>", id="a-bracket-too-many"),
        pytest.param(None, "kim@192.0.2.7", id="an-address"),
        pytest.param(None, "kim@[192.0.2.7]", id="an-address-in-brackets"),
        pytest.param(None, "kim@acme..example", id="two-dots"),
        pytest.param(None, "kim@acme example.com", id="a-space"),
        pytest.param(None, "", id="empty"),
        pytest.param(None, ["kim@acme.example"], id="a-list"),
        pytest.param(None, None, id="null"),
    ],
)
def test_the_domain_of_the_email_gives_the_company(expected: str | None, email: Any) -> None:
    """But not that of a free mail provider: it would join strangers."""
    found = traits({"email": email}, account_mapping=EMAIL)

    assert {"email": email, **({} if expected is None else {"company": {"name": expected}})} == found


@pytest.mark.parametrize("own", ["Acme", {"id": 7}, {}, 5], ids=repr)
def test_the_persons_own_company_wins_over_the_email(own: Any) -> None:
    """What the user's code says is worth more than a guess; null says nothing."""
    person = {"email": "kim@acme.example", "company": own}

    assert person == traits(person, account_mapping=EMAIL)
    assert {"name": "acme.example"} == traits({**person, "company": None}, account_mapping=EMAIL)["company"]


PERSON = {"email": "kim@acme.example", "company_id": 7}
IN_GROUP = {"$groups": {"company": "acme"}}


@pytest.mark.parametrize(
    ("group", "company", "settings"),
    [
        pytest.param("acme", None, {}, id="groups-unless-told-otherwise"),
        pytest.param("acme", None, {"account_group_type": "company"}, id="the-group-type-that-is-named"),
        pytest.param(None, {"id": 7}, {"account_id_trait": "company_id"}, id="the-trait-that-is-named"),
        pytest.param(None, {"name": 7}, {"account_name_trait": "company_id"}, id="a-name-is-one-too"),
        pytest.param(
            "acme",
            None,
            {"account_group_type": "company", "account_id_trait": "company_id"},
            id="of-both-the-group",
        ),
    ],
)
def test_auto_is_one_way_for_all_events(group: str | None, company: Any, settings: dict[str, Any]) -> None:
    """The settings decide it: a company that some events name in one way and some in another is two accounts.

    The email's domain is not among them: Variance reads it off `traits.email` itself, on a connection that
    is set to it.
    """
    assert group == account(IN_GROUP, **settings)
    for properties in ({}, IN_GROUP):
        assert company == traits(PERSON, properties, **settings).get("company")


@pytest.mark.parametrize(
    ("group", "company", "way"),
    [
        pytest.param("acme", None, GROUP, id="group"),
        pytest.param(None, {"id": 7}, TRAITS, id="traits"),
        pytest.param(None, {"name": "acme.example"}, EMAIL, id="email"),
        pytest.param(None, None, NONE, id="none"),
    ],
)
def test_one_way_is_taken(group: str | None, company: Any, way: AccountMapping) -> None:
    """And the others are not, whatever an event has to offer."""
    settings = {"account_mapping": way, "account_id_trait": "company_id"}

    assert group == account(IN_GROUP, **settings)
    assert company == traits(PERSON, IN_GROUP, **settings).get("company")


@pytest.mark.parametrize(
    ("sent", "way"), [(True, AUTO), (True, GROUP), (False, TRAITS), (False, EMAIL), (True, NONE)]
)
def test_where_persons_name_their_account_a_group_makes_no_second_one(
    sent: bool,  # noqa: FBT001
    way: AccountMapping,
) -> None:
    """A `$groupidentify` would be an account without people beside the one that has them."""
    group = {"$group_type": "company", "$group_key": "acme", "$group_set": {"plan": "pro"}}
    event = {"event": "$groupidentify", "distinct_id": "u-1", "properties": group}

    mapped = map_event(event, account_mapping=way)

    assert (sent, None if sent else SkipReason.NOT_BY_GROUP) == (bool(mapped.messages), mapped.skipped)


def test_the_identify_ahead_of_an_event_names_the_company_too() -> None:
    """By what is known of the person, not only by what this event sets."""
    event = {
        "event": "order paid",
        "distinct_id": "u-1",
        "properties": {"$set": {"plan": "pro"}},
        "person_properties": {"email": "kim@acme.example"},
    }

    assert {"plan": "pro", "company": {"name": "acme.example"}} == messages(event, account_mapping=EMAIL)[0][
        "traits"
    ]


def test_the_traits_in_a_context_name_the_company_too() -> None:
    """They are the same traits."""
    event = {"event": "a", "distinct_id": "u-1", "person_properties": {"email": "kim@acme.example"}}

    (track,) = messages(event, send_person_traits=True, account_mapping=EMAIL)

    assert {"name": "acme.example"} == track["context"]["traits"]["company"]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("domain", ["a" * 1_000_000, "a." * 500_000, "a-" * 500_000 + "@", "@" * 1_000_000])
def test_an_email_is_read_in_one_pass(domain: str) -> None:
    """However long it is."""
    assert "company" not in traits({"email": f"kim@{domain}"})
