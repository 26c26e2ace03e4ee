"""What the page shows, as values that become JSON. Made while nothing is applied."""

from collections.abc import Mapping

import msgspec

from ..connections import Connection, ConnectionLog
from ..records import Change, ChangeKind, Company, Membership, Origin, Person, Trait
from ..store import Store
from .lines import Line, Ref, lines

LISTED = 100
"""So many of a list are shown; the rest is found by search."""

_ACCOUNTS_OF_ONE = 20


class ContactRow(msgspec.Struct, frozen=True, kw_only=True):
    """A contact in a list."""

    id: str
    name: str | None
    email: str | None
    accounts: list[Ref]
    events: int
    last_seen: float | None


class ContactList(msgspec.Struct, frozen=True):
    """Contacts, and how many there are in all."""

    total: int
    contacts: list[ContactRow]


class TraitRow(msgspec.Struct, frozen=True):
    """A trait: its value as JSON text, and where it came from."""

    name: str
    json: str
    origin: Origin


class MembershipRow(msgspec.Struct, frozen=True):
    """An account of a contact, and how it was found."""

    account: Ref
    membership: Membership


class ChangeRow(msgspec.Struct, frozen=True):
    """A change, and the account that it is about."""

    change: Change
    account: Ref | None


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """All about a contact."""

    id: str
    name: str | None
    email: str | None
    identified: bool
    names: list[str]
    first_seen: float | None
    last_seen: float | None
    events: int
    accounts: list[MembershipRow]
    traits: list[TraitRow]
    changes: list[ChangeRow]
    messages: list[Line]


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """All about an anonymous visitor."""

    id: str
    first_seen: float | None
    last_seen: float | None
    events: int
    """Since nobody is known behind them; what came before is a contact's."""
    linked_to: Ref | None
    messages: list[Line]


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """An account in a list."""

    id: str
    name: str
    found_by: str
    people: int
    last_seen: float | None


class AccountList(msgspec.Struct, frozen=True):
    """Accounts, and how many there are in all."""

    total: int
    accounts: list[AccountRow]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """All about an account."""

    id: str
    name: str
    found_by: str
    last_seen: float | None
    traits: list[TraitRow]
    people: ContactList
    messages: list[Line]


class ConnectionView(msgspec.Struct, frozen=True, kw_only=True):
    """A connection. Its secrets are not shown; whoever needs them has set them."""

    name: str
    path: str
    authorization: bool
    secret: bool
    enforced: bool
    accounts_by: str
    id_trait: str
    name_trait: str
    updates_last_seen: bool
    posts: int
    rejections: int
    rejected: list["RejectedRow"]
    let_in: dict[str, int]
    latest: str | None
    latest_time: float


class RejectedRow(msgspec.Struct, frozen=True):
    """A rejected post."""

    time: float
    status: int | None
    reason: str


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it was sent, and the PostHog event that it came from where that is known."""

    line: Line
    connection: str
    message_id: str | None
    json: str
    event: str | None


def contact_list(store: Store, words: list[str]) -> ContactList:
    """Those that have all these words."""
    found, total = store.find_contacts(words, LISTED)
    return ContactList(total, [_contact_row(person, store) for person in found])


def contact(store: Store, user_id: str) -> Contact | None:
    """The contact with that id, or with that former id."""
    while (into := store.folded_into(user_id)) is not None:
        user_id = into
    person = store.person(user_id)
    if person is None:
        return None
    return Contact(
        id=person.user_id,
        name=person.name,
        email=person.email,
        identified=person.identified,
        names=person.names[::-1],
        first_seen=person.first_seen,
        last_seen=person.last_seen,
        events=person.events,
        accounts=[
            MembershipRow(_account_ref(account_id, store), membership)
            for account_id, membership in person.accounts.items()
        ],
        traits=_traits(person.traits),
        changes=[_change_row(change, store) for change in reversed(person.changes)],
        messages=lines(store.entries(limit=LISTED, owners=person.keys), store),
    )


def visitor(store: Store, anonymous_id: str) -> Visitor | None:
    """The visitor with that id."""
    known = store.visitor(anonymous_id)
    if known is None:
        return None
    owner = store.owners([known.key]).get(known.key)
    return Visitor(
        id=known.anonymous_id,
        first_seen=known.first_seen,
        last_seen=known.last_seen,
        events=known.events,
        linked_to=Ref.to(owner) if isinstance(owner, Person) else None,
        messages=lines(store.entries(limit=LISTED, owners=[known.key]), store),
    )


def account_list(store: Store, words: list[str]) -> AccountList:
    """Those that have all these words."""
    found, total = store.find_companies(words, LISTED)
    return AccountList(total, [_account_row(company, store) for company in found])


def account(store: Store, account_id: str) -> Account | None:
    """The account with that id."""
    company = store.company(account_id)
    if company is None:
        return None
    members, total = store.members(account_id, LISTED)
    owners = [key for member in members for key in member.keys]
    entries = {entry.number: entry for entry in store.group_entries(account_id, LISTED)}
    entries |= {entry.number: entry for entry in store.entries(limit=LISTED, owners=owners)}
    newest = [entries[number] for number in sorted(entries, reverse=True)[:LISTED]]
    return Account(
        id=company.account_id,
        name=company.name,
        found_by=company.found_by,
        last_seen=members[0].last_seen if members else None,
        traits=_traits(company.traits),
        people=ContactList(total, [_contact_row(member, store) for member in members]),
        messages=lines(newest, store),
    )


def connection_view(connection: Connection, log: ConnectionLog) -> ConnectionView:
    """A connection as it is now."""
    matching, credentials = connection.matching, connection.credentials
    return ConnectionView(
        name=connection.name,
        path=connection.path,
        authorization=credentials.authorization is not None,
        secret=credentials.secret is not None,
        enforced=connection.enforced,
        accounts_by=matching.way,
        id_trait=matching.id_trait,
        name_trait=matching.name_trait,
        updates_last_seen=connection.updates_last_seen,
        posts=log.posts,
        rejections=log.rejections,
        rejected=[RejectedRow(one.time, one.status, one.reason) for one in reversed(log.rejected)],
        let_in=dict(log.let_in),
        latest=log.latest_payload,
        latest_time=log.latest_time,
    )


def _contact_row(person: Person, store: Store) -> ContactRow:
    return ContactRow(
        id=person.user_id,
        name=person.name,
        email=person.email,
        accounts=[_account_ref(one, store) for one in list(person.accounts)[:_ACCOUNTS_OF_ONE]],
        events=person.events,
        last_seen=person.last_seen,
    )


def _change_row(change: Change, store: Store) -> ChangeRow:
    about_account = change.kind in (ChangeKind.JOINED, ChangeKind.LEFT)
    return ChangeRow(change, _account_ref(change.other, store) if about_account else None)


def _account_row(company: Company, store: Store) -> AccountRow:
    members, total = store.members(company.account_id, 1)
    return AccountRow(
        id=company.account_id,
        name=company.name,
        found_by=company.found_by,
        people=total,
        last_seen=members[0].last_seen if members else None,
    )


def _account_ref(account_id: str, store: Store) -> Ref:
    company = store.company(account_id)
    return Ref("account", account_id, account_id) if company is None else Ref.to(company)


def _traits(traits: Mapping[str, Trait]) -> list[TraitRow]:
    return [TraitRow(name, trait.json, trait.origin) for name, trait in sorted(traits.items())]
