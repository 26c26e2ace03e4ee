"""The companies, and the ways in which Variance finds them. Pure."""

from typing import Final

from .matching import Matching
from .message import Message, Traits, raw_json
from .records import Change, ChangeKind, Company, Membership, Origin, Person, learn
from .store import Store
from .summary import FoundBy

_SUREST_FIRST: Final = tuple(FoundBy)


class Accounts:
    """All accounts, by id; one that has only a name is known by its name.

    Group calls add up: "a user can be in more than one group" (Segment spec, "Group"). What an identify
    says is a trait, of which the latest value stands, so that a contact with another company leaves
    the one before.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def group(self, message: Message, member: Person | None, origin: Origin) -> None:
        """Take a group message: the account with its traits and, if it is a user's, their membership."""
        if message.group_id is None:
            return
        self._learn(message.group_id, FoundBy.GROUP, message.traits, origin)
        if member is not None:
            self._join(message.group_id, member, Membership(FoundBy.GROUP, origin))

    def identify(self, contact: Person, message: Message, matching: Matching, origin: Origin) -> None:
        """Take an identify, whose traits the contact has learnt already."""
        if not (matching.concerns(message.traits) or matching.concerns(message.context.traits)):
            return
        found = matching.account_of(contact)
        for account_id, membership in list(contact.accounts.items()):
            if membership.found_by is not FoundBy.GROUP and (found is None or account_id != found.account_id):
                self._leave(account_id, contact, origin)
        if found is not None:
            self._learn(found.account_id, found.found_by, {}, origin, name=found.name)
            self._join(found.account_id, contact, Membership(found.found_by, origin))

    def merge(self, former: Person, person: Person) -> None:
        """The memberships of who was merged: all of group calls; that of traits if the other has none."""
        has_company = any(one.found_by is not FoundBy.GROUP for one in person.accounts.values())
        for account_id, membership in list(former.accounts.items()):
            self._store.leave(account_id, former)
            if membership.found_by is FoundBy.GROUP or not has_company:
                self._join(account_id, person, membership)

    def _join(self, account_id: str, member: Person, membership: Membership) -> None:
        known = member.accounts.get(account_id)
        if known is not None and _surer(known.found_by, membership.found_by) is known.found_by:
            return
        member.accounts[account_id] = membership
        if known is None:
            self._store.join(account_id, member)
            member.note(Change(ChangeKind.JOINED, membership.origin, other=account_id))
        self._store.save(member)

    def _leave(self, account_id: str, member: Person, origin: Origin) -> None:
        del member.accounts[account_id]
        self._store.leave(account_id, member)
        member.note(Change(ChangeKind.LEFT, origin, other=account_id))

    def _learn(
        self, account_id: str, found_by: FoundBy, traits: Traits, origin: Origin, *, name: str | None = None
    ) -> None:
        account = self._store.company(account_id)
        known = account is not None
        if account is None:
            account = Company(account_id=account_id, found_by=found_by)
        surest = _surer(account.found_by, found_by)
        if known and surest is account.found_by and not traits and (name is None or name == account.name):
            return
        account.found_by = surest
        learn(account.traits, traits, origin)
        if name is not None and name != account.name:
            learn(account.traits, {"name": raw_json(name)}, origin)
        self._store.save(account)


def _surer(one: FoundBy, other: FoundBy) -> FoundBy:
    return min(one, other, key=_SUREST_FIRST.index)
