"""The difference that messages make at the other end: which contact, which account, new or changed.

The rules are those of the local Variance. What is known comes from the messages before, and is bounded:
whoever was forgotten counts as new once more. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from ..exact_json import encode
from ..mapping import AccountMapping, MappingSettings, account_way
from ..plurals import many
from .wording import printable, shortened

_MOST_KNOWN: Final = 20_000
_MOST_NAMED: Final = 4
_LONGEST_VALUE: Final = 24
# Enough of an id to tell it from others; the whole of it stands in the message.
_LONGEST_ID: Final = 24

# Stands among the traits of every group, and is none of the user's.
_TYPE: Final = "posthog_group_type"

Entry = TypeVar("Entry")


def account_rule(settings: MappingSettings) -> str:
    """The rule by which contacts find their accounts, in words."""
    if settings.payload_version == 1:
        return "by group messages alone (payloadVersion = 1)"
    chosen, way = settings.account_mapping, account_way(settings)
    auto = f", which is {way} here" if way is not chosen else ""
    return f"{_RULES[way]} (accountMapping = {chosen}{auto})"


_RULES = {
    AccountMapping.GROUP: "by PostHog's groups",
    AccountMapping.TRAITS: "by traits of the person",
    AccountMapping.EMAIL_DOMAIN: "by the domain of the email",
    AccountMapping.NONE: "by nothing that is sent",
}


class _Known(dict[str, Entry]):
    """The latest entries; the oldest go when there are too many."""

    def __setitem__(self, key: str, entry: Entry) -> None:
        super().__setitem__(key, entry)
        if len(self) > _MOST_KNOWN:
            del self[next(iter(self))]


class _Person:
    def __init__(self) -> None:
        self.identified = False
        self.traits: dict[str, str] = {}
        self.accounts: dict[str, None] = {}


class Differences:
    """Says what each event changes, and remembers it."""

    def __init__(self, settings: MappingSettings) -> None:
        self._way = account_way(settings)
        self._people: _Known[_Person] = _Known()
        self._folded: _Known[str] = _Known()
        self._visitors: _Known[int] = _Known()
        """The events of each who is nobody yet."""
        self._linked: _Known[str] = _Known()
        self._accounts: _Known[dict[str, str]] = _Known()

    def of(self, messages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """A sentence or two for each message of an event."""
        for message in messages:
            match message["type"]:
                case "identify":
                    yield from self._identify(message)
                case "group":
                    yield from self._group(message)
                case "alias":
                    yield self._alias(_text(message.get("previousId")), _text(message.get("userId")))
                case _:
                    yield self._event(message)

    def _identify(self, message: Mapping[str, Any]) -> Iterator[str]:
        user_id, visitor_id = _text(message.get("userId")), _text(message.get("anonymousId"))
        traits = _traits(message)
        if not user_id:
            yield f"visitor {_id(visitor_id)} gets {_some(traits)}, and is still no contact"
            return
        user_id, person = self._person(user_id)
        told = {name: _value(value) for name, value in traits.items()}
        if person.identified:
            changes = [*_changes(person.traits, told)]
            yield f"contact {_id(user_id)}: {_listed(changes) or 'nothing new'}"
        else:
            yield f"new contact {_id(user_id)}" + (f" with {_some(told)}" if told else "")
        person.identified = True
        person.traits |= told
        if visitor_id and self._linked.get(visitor_id) != user_id:
            yield self._link(visitor_id, user_id)
        yield from self._company(user_id, person, traits)

    def _company(self, user_id: str, person: _Person, traits: Mapping[str, Any]) -> Iterator[str]:
        company = traits.get("company")
        if self._way not in _BY_PERSON or not isinstance(company, dict):
            return
        account_id = _text(company.get("id")) or _text(company.get("name"))
        if account_id and account_id not in person.accounts:
            left = f", and leaves {_listed(map(_id, person.accounts))}" if person.accounts else ""
            person.accounts.clear()
            yield self._join(account_id, user_id, person) + left

    def _group(self, message: Mapping[str, Any]) -> Iterator[str]:
        account_id, user_id = _text(message.get("groupId")), _text(message.get("userId"))
        traits = {name: _value(value) for name, value in _traits(message).items() if name != _TYPE}
        if not account_id:
            return
        joins, is_new = False, account_id not in self._accounts
        if user_id:
            user_id, person = self._person(user_id)
            joins = account_id not in person.accounts
            if joins:
                yield self._join(account_id, user_id, person)
        known = self._account(account_id)
        if is_new and not joins:
            yield f"new account {_id(account_id)}" + (f" with {_some(traits)}" if traits else "")
        elif changes := _listed(_changes(known, traits)):
            yield f"account {_id(account_id)}: {changes}"
        elif not joins:
            yield f"account {_id(account_id)}: nothing new"
        known |= traits

    def _join(self, account_id: str, user_id: str, person: _Person) -> str:
        new = "" if account_id in self._accounts else "new "
        self._account(account_id)
        person.accounts[account_id] = None
        return f"{_id(user_id)} is in {new}account {_id(account_id)}, by {_BY.get(self._way, 'group')}"

    def _account(self, account_id: str) -> dict[str, str]:
        known = self._accounts.get(account_id)
        if known is None:
            self._accounts[account_id] = known = {}
        return known

    def _alias(self, previous_id: str, user_id: str) -> str:
        named, previous_id, user_id = previous_id, self._current(previous_id), self._current(user_id)
        if previous_id == user_id:
            return f"{_id(named)} is {_id(user_id)} already"
        former, person = self._people.pop(previous_id, None), self._people.get(user_id)
        self._folded[previous_id] = user_id
        if former is None:
            return self._link(previous_id, user_id)
        if person is None:
            self._people[user_id] = former
            return f"{_whom(previous_id, former)} becomes {_id(user_id)}"
        merged = f"{_whom(previous_id, former)} is merged into {_whom(user_id, person)}"
        person.identified |= former.identified
        person.traits = former.traits | person.traits
        person.accounts = former.accounts | person.accounts
        return merged

    def _link(self, visitor_id: str, user_id: str) -> str:
        events = self._visitors.pop(visitor_id, 0)
        self._linked[visitor_id] = user_id
        before = f", with {many(events, 'event')} from before" if events else ""
        return f"visitor {_id(visitor_id)} is {_id(user_id)}{before}"

    def _event(self, message: Mapping[str, Any]) -> str:
        user_id, visitor_id = _text(message.get("userId")), _text(message.get("anonymousId"))
        user_id = user_id or self._linked.get(visitor_id, "")
        if not user_id:
            self._visitors[visitor_id] = self._visitors.get(visitor_id, 0) + 1
            return f"one more event of visitor {_id(visitor_id)}, who is no contact"
        user_id, person = self._person(user_id)
        if not person.identified:
            return f"one more event of {_id(user_id)}, who is no contact: never identified"
        none = f"in no account: {_NONE_BY[self._way]}"
        where = f"in account {_listed(map(_id, person.accounts))}" if person.accounts else none
        return f"one more event of contact {_id(user_id)}, {where}"

    def _person(self, user_id: str) -> tuple[str, _Person]:
        user_id = self._current(user_id)
        person = self._people.get(user_id)
        if person is None:
            person = self._people[user_id] = _Person()
        return user_id, person

    def _current(self, user_id: str) -> str:
        while user_id in self._folded:
            user_id = self._folded[user_id]
        return user_id


def _whom(user_id: str, person: _Person) -> str:
    return f"contact {_id(user_id)}" if person.identified else f"user {_id(user_id)}"


_BY = {
    AccountMapping.GROUP: "group",
    AccountMapping.TRAITS: "the person's traits",
    AccountMapping.EMAIL_DOMAIN: "the email's domain",
}
_NONE_BY = {
    AccountMapping.GROUP: "no group so far",
    AccountMapping.TRAITS: "no such trait so far",
    AccountMapping.EMAIL_DOMAIN: "no company's email so far",
    AccountMapping.NONE: "accountMapping is none",
}
_BY_PERSON = {AccountMapping.TRAITS, AccountMapping.EMAIL_DOMAIN}


def _changes(known: Mapping[str, str], told: Mapping[str, str]) -> Iterator[str]:
    for name, value in told.items():
        before = known.get(name)
        if before is None:
            yield f"new {printable(name)}"
        elif before != value:
            yield f"{printable(name)} {before} → {value}"


def _listed(texts: Iterable[str]) -> str:
    listed = list(texts)
    more = len(listed) - _MOST_NAMED
    return ", ".join(listed[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _some(traits: Iterable[str]) -> str:
    return _listed(map(printable, traits)) or "no traits"


def _traits(message: Mapping[str, Any]) -> Mapping[str, Any]:
    traits = message.get("traits")
    return traits if isinstance(traits, dict) else {}


def _value(value: object) -> str:
    return shortened(printable(encode(value).decode()), _LONGEST_VALUE)


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _id(id_: str) -> str:
    return shortened(printable(id_), _LONGEST_ID)
