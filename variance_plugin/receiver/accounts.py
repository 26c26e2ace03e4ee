"""The companies, and the ways in which Variance finds them. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .message import Message, text
from .people import Person
from .summary import Account, FoundBy

_SUREST_FIRST: Final = tuple(FoundBy)


@dataclass(slots=True)
class _Found:
    found_by: FoundBy
    name: str | None = None
    # "company acme", from the group type, for as long as there is no better name.
    makeshift_name: str | None = None


class Accounts:
    """All accounts, by id; one that has only a name is known by its name."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Found] = {}

    def from_group(self, message: Message, member: Person | None) -> None:
        """Take a group message: the account with its traits and, if it is a user's, their membership."""
        if message.group_id is None:
            return
        group_type = text(message.traits.get("posthog_group_type"))
        account = self._account(message.group_id, FoundBy.GROUP)
        account.name = text(message.traits.get("name")) or account.name
        if group_type is not None:
            account.makeshift_name = f"{group_type} {message.group_id}"
        if member is not None:
            member.accounts[message.group_id] = None

    def from_identify(self, traits: Mapping[str, Any], contact: Person) -> None:
        """Take `traits.company`, Segment's reserved place, of an identify."""
        company = traits.get("company")
        if not isinstance(company, dict):
            return
        name = text(company.get("name"))
        account_id = text(company.get("id"))
        if account_id is None and name is None:
            return
        _, _, domain = (text(traits.get("email")) or "").rpartition("@")
        by_domain = account_id is None and name == domain
        account = self._account(account_id or name or "", FoundBy.DOMAIN if by_domain else FoundBy.TRAITS)
        account.name = name or account.name
        contact.accounts[account_id or name or ""] = None

    def summary(self, contacts: Iterable[Person]) -> tuple[Account, ...]:
        """Every account with those of the contacts who belong to it."""
        members = defaultdict(list)
        for contact in contacts:
            for account_id in contact.accounts:
                members[account_id].append(contact.user_id)
        return tuple(
            Account(
                account_id=account_id,
                name=found.name or found.makeshift_name or account_id,
                found_by=found.found_by,
                contacts=tuple(members[account_id]),
            )
            for account_id, found in self._accounts.items()
        )

    def _account(self, account_id: str, found_by: FoundBy) -> _Found:
        account = self._accounts.setdefault(account_id, _Found(found_by))
        account.found_by = min(account.found_by, found_by, key=_SUREST_FIRST.index)
        return account
