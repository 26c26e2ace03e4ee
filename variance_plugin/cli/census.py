"""Counts who and what a file of events would bring to Variance, in memory that does not grow with it. Pure.

The rules are those of the local Variance: who was identified is a contact, a visitor who is joined to a
user is one of them, an alias makes one user of two.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from ..exact_json import encode
from ..mapping import AccountMapping, MappingSettings, account_way, company_domain
from .sample import Sample
from .wording import printable, shortened

# A name more and the rarest half is summed up under no name.
_MOST_NAMES: Final = 2_000
_MOST_TRAITS: Final = 500
# PostHog has five; but this is what the events say.
_MOST_TYPES: Final = 100
_LONGEST_EXAMPLE: Final = 60
OTHERS: Final = ""
"""In place of names that were too many to count each."""


class User:
    """One user id."""

    __slots__ = ("folded_into", "groups", "identified", "in_account", "mail", "traits", "untold")

    def __init__(self) -> None:
        self.identified = False
        self.folded_into: str | None = None
        """The user whom an alias made them part of."""
        self.in_account = False
        self.untold = False
        """Events name their account, and the settings keep it from being told."""
        self.groups: frozenset[str] = frozenset()
        """Types of the groups they were seen in, where none of these was taken for the account."""
        self.mail: str | None = None
        """`company` or `free`, by the last email; None without one."""
        self.traits = 0
        """A bit for each trait that was told of them, in the order of `Traits`."""


class Traits:
    """The names of traits in order of appearance, each with an example."""

    def __init__(self) -> None:
        self.examples: dict[str, str] = {}
        self._bits: dict[str, int] = {}

    def bits(self, traits: Mapping[str, Any]) -> int:
        """The bits of these names; 0 for those beyond the bound."""
        bits = 0
        for name, value in traits.items():
            bit = self._bits.get(name)
            if bit is None:
                if len(self._bits) >= _MOST_TRAITS:
                    continue
                bit = self._bits[name] = 1 << len(self._bits)
            if value is not None and name not in self.examples:
                self.examples[name] = shortened(printable(encode(value).decode()), _LONGEST_EXAMPLE)
            bits |= bit
        return bits

    def counted(self, members: Counter[int], share: int) -> dict[str, int]:
        """How many have each trait, the most frequent first; `members` by their bits."""
        counts = {
            name: sum(count for bits, count in members.items() if bits & bit) * share
            for name, bit in self._bits.items()
        }
        return dict(sorted(counts.items(), key=lambda entry: -entry[1]))


class Account:
    """One account id."""

    __slots__ = ("traits",)

    def __init__(self) -> None:
        self.traits = 0


class Census:
    """Adds up events and their messages."""

    def __init__(self, settings: MappingSettings, *, limit: int = 50_000) -> None:
        self.settings = settings
        self.way = account_way(settings)
        self.sent = self.unusable = 0
        self.first_time: str | None = None
        self.last_time: str | None = None
        self.messages: Counter[str] = Counter()
        self.tracks: Counter[str] = Counter()
        self.skipped: Counter[tuple[str, str]] = Counter()
        """By name and reason."""
        self.users = Sample(User, limit=limit)
        self.visitors: Sample[list[bool]] = Sample(lambda: [False], limit=limit)
        """Whether each was joined to a user."""
        self.accounts = Sample(Account, limit=limit)
        self.domains: Sample[list[None]] = Sample(list, limit=limit)
        """Of companies, among the emails."""
        self.group_types: Counter[str] = Counter()
        """Of the groups that would be accounts."""
        self.traits, self.account_traits = Traits(), Traits()

    def skip(self, name: str, reason: str) -> None:
        """An event is left out."""
        self.skipped[name, reason] += 1
        if len(self.skipped) > _MOST_NAMES:
            _sum_up(self.skipped, lambda key: (OTHERS, key[1]))

    def take(self, messages: list[dict[str, Any]], groups: frozenset[str]) -> None:
        """An event is sent.

        Args:
            messages: As their JSON says.
            groups: The types of the groups it happened in, where none of them is taken for the account.
        """
        self.sent += 1
        for message in messages:
            self.messages[message["type"]] += 1
            self._take(message, groups)
        time = messages[-1].get("timestamp")
        if isinstance(time, str):
            self.first_time = min(self.first_time or time, time)
            self.last_time = max(self.last_time or time, time)

    def present(self) -> list[User]:
        """The users in the sample, each once."""
        return [user for _, user in self.users.items() if user.folded_into is None]

    def reason(self, user: User) -> str:
        """Why a user has no account."""
        settings = self.settings
        if settings.payload_version == 1:
            return "payloadVersion 1 does not tell the accounts of users"
        match self.way:
            case AccountMapping.GROUP if user.untold:
                return "in a group that the settings keep from being told"
            case AccountMapping.GROUP if user.groups:
                types = ", ".join(sorted(map(printable, user.groups)))
                if settings.account_group_type or len(user.groups) == 1:
                    return f"only in groups of another type: {types}"
                return f"in groups, and which type is the account is not clear: {types}"
            case AccountMapping.GROUP:
                return "in no group in any of their events"
            case AccountMapping.NONE:
                return "accountMapping is none"
        if not user.identified:
            return "never identified, so that nothing but the id is known"
        if self.way is AccountMapping.TRAITS:
            named = filter(None, (settings.account_id_trait, settings.account_name_trait))
            return f"nothing at {' or '.join(map(printable, named)) or 'accountIdTrait, which is not set'}"
        return "an email that is no company's" if user.mail else "no email"

    def _take(self, message: dict[str, Any], groups: frozenset[str]) -> None:
        type_, user_id = message["type"], _text(message.get("userId"))
        if type_ == "alias":
            self._join(_text(message.get("previousId")), user_id)
            return
        traits = message.get("traits")
        traits = traits if isinstance(traits, dict) else {}
        user = None if user_id is None else self._user(user_id)
        if user_id is None:
            self._meet_visitor(message)
        if type_ == "identify" and user_id is not None:
            self._identify(user, traits, _text(message.get("anonymousId")))
        elif type_ == "group":
            self._group(message, user, traits)
        elif type_ == "track":
            self.tracks[str(message["event"])] += 1
            if len(self.tracks) > _MOST_NAMES:
                _sum_up(self.tracks, lambda _: OTHERS)
        if user is not None:
            user.groups = user.groups or groups
            user.untold = user.untold or "groupId" in message.get("context", ())

    def _user(self, user_id: str) -> User | None:
        user = self.users.get(user_id)
        while user is not None and user.folded_into is not None:
            user = self.users.get(user.folded_into)
        return user

    def _meet_visitor(self, message: dict[str, Any]) -> None:
        # Servers name groups under ids that they invent.
        anonymous_id = _text(message.get("anonymousId"))
        if anonymous_id is not None and message["type"] != "group":
            self.visitors.get(anonymous_id)

    def _identify(self, user: User | None, traits: dict[str, Any], visitor_id: str | None) -> None:
        if visitor_id is not None and (visitor := self.visitors.get(visitor_id)):
            visitor[0] = True
        company = self._company(traits)
        if "email" in traits and (domain := company_domain(traits["email"])):
            self.domains.get(domain)
        bits = self.traits.bits(traits)
        if user is None:
            return
        user.identified = True
        user.traits |= bits
        user.in_account = user.in_account or company
        if traits.get("email") is not None:
            user.mail = "company" if company_domain(traits["email"]) else "free"

    def _company(self, traits: dict[str, Any]) -> bool:
        """Whether the traits name an account, which then is met."""
        company = traits.get("company")
        if self.way not in _BY_PERSONS or not isinstance(company, dict):
            return False
        known_as = _text(company.get("id")) or _text(company.get("name"))
        if known_as is None:
            return False
        self.accounts.get(known_as)
        return True

    def _group(self, message: dict[str, Any], user: User | None, traits: dict[str, Any]) -> None:
        group_id = _text(message.get("groupId"))
        if group_id is None:
            return
        account = self.accounts.get(group_id)
        type_ = _text(traits.get("posthog_group_type"))
        if type_ is not None and len(self.group_types) < _MOST_TYPES:
            self.group_types[type_] += 1
        bits = self.account_traits.bits(traits)
        if account is not None:
            account.traits |= bits
        if user is not None:
            user.in_account = True

    def _join(self, previous_id: str | None, user_id: str | None) -> None:
        if previous_id is None or user_id is None:
            return
        if visitor := self.visitors.known(previous_id):
            visitor[0] = True
            self._user(user_id)
        is_new = self.users.known(previous_id) is None
        former = self._user(previous_id)
        if former is None or former is self._known(user_id):
            return  # the other end of an earlier alias, or of one that the sample does not have
        former.folded_into = user_id
        if is_new:  # from here on the two ids mean one user, whoever comes first
            return
        user = self._user(user_id)
        if user is not None:
            user.identified |= former.identified
            user.in_account |= former.in_account
            user.untold |= former.untold
            user.traits |= former.traits
            user.mail = user.mail or former.mail
            user.groups = user.groups or former.groups

    def _known(self, user_id: str) -> User | None:
        user = self.users.known(user_id)
        while user is not None and user.folded_into is not None:
            user = self.users.known(user.folded_into)
        return user


_BY_PERSONS = {AccountMapping.TRAITS, AccountMapping.EMAIL_DOMAIN}


def _text(value: object) -> str | None:
    return None if value is None or value == "" or isinstance(value, dict | list) else str(value)


def _sum_up(counts: Counter[Any], under: Any) -> None:
    """Put the rarer half of the names together."""
    for key, count in counts.most_common()[_MOST_NAMES // 2 :]:
        if under(key) != key:
            del counts[key]
            counts[under(key)] += count
