"""One event in, its messages out: the order of steps that all the other modules of the mapping serve."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID, uuid5

import msgspec

from ..errors import InvalidRecord
from ..events import Event, utc_text
from ..exact_json import encode
from ..formats import UnreadEvent, glance, is_named
from ..messages import (
    AliasMessage,
    AnyMessage,
    Context,
    GroupMessage,
    IdentifyMessage,
    PageMessage,
    ScreenMessage,
    TrackMessage,
)
from .accounts import Accounts
from .autocapture import autocapture_words
from .context import page_properties
from .given import Given, given_by
from .identity import (
    distinct_id_of,
    group_identity_of,
    id_text,
    identity_of,
    is_anonymous,
    is_nobody,
    is_user,
    names_device,
)
from .layouts import EVENTS_TO_LEARN, Layouts
from .mapped import Mapped
from .memory import Fact, Memory
from .names import OF_A_PERSON, VIEWS, WITH_PROPERTIES, Kind, Names, SkipReason
from .news import News
from .own import OwnProperties
from .patterns import Patterns
from .people import People
from .prepared import Prepared
from .privacy import Privacy
from .settings import AnonymousUsers, MappingSettings
from .v1 import message_v1
from .wanted import Updates, Wanted
from .who import Who

Head: TypeAlias = tuple[str, str | None, str | None, str | None, Context]
"""The fields all messages begin with, in the order of `messages.Message`."""


_NOTHING: tuple[tuple[AnyMessage, ...], tuple[Fact, ...]] = ((), ())


class Mapper:
    """Turns events into messages as the settings say. No state of its own but caches; safe for threads.

    Args:
        settings: As the user wants it.
        events_to_learn: See `Layouts`.
    """

    def __init__(self, settings: MappingSettings, *, events_to_learn: int = EVENTS_TO_LEARN) -> None:
        self._settings = settings
        self._names = Names(settings)
        self._privacy = Privacy(settings)
        self._is_private = bool(self._privacy)
        self._reads_records = not self._is_private and settings.payload_version != 1
        include = Patterns(settings.include_posthog_properties)
        self._own = OwnProperties(include)
        self._own_traits = OwnProperties(include, plumbing=())
        self._people = People(self._own_traits)
        self._layouts = Layouts(skips=self.skips, wanted=self._wanted, events_to_learn=events_to_learn)
        self._accounts = Accounts(settings)
        self._news = News()
        # An enum's member costs 0.1 µs at each look-up on its class (Python 3.11), a dict's half of that.
        self._ways: dict[Kind, Callable[[Given, Given, Memory], Mapped]] = {
            Kind.PAGE: partial(self._of_person, self._page_message),
            Kind.SCREEN: partial(self._of_person, self._screen_message),
            Kind.TRACK: partial(self._of_person, self._track_message),
            Kind.IDENTIFY: self._identify,
            Kind.GROUP: self._group,
            Kind.ALIAS: self._alias,
            Kind.MERGE: self._merge,
        }
        self.read: Callable[[bytes, Memory], Prepared | Mapped | None]
        self.read = self._layouts.read if self._reads_records else _not_read
        """As `map`, for an event that is like many before it; None when it has to be decoded to know.

        Takes any bytes, whether they hold an event, several, or none, and what was sent lately. Raises
        `InvalidRecord` as `map` does.
        """
        self._sends_ip = settings.send_ip
        self._tells_persons = settings.identify_from_events and not settings.historical
        self._tells_accounts = settings.group_from_events and not settings.historical
        self._sends_traits = settings.send_person_traits
        self._sends_anonymous = settings.anonymous_users is AnonymousUsers.SEND

    def skips(self, name: str) -> SkipReason | None:
        """Why every event of that name is left out; None when the event itself has to be looked at."""
        kind = self._names[name]
        return kind if isinstance(kind, SkipReason) else None

    def map(self, event: Event, memory: Memory) -> Prepared | Mapped:
        """The messages of an event.

        The same event gives the same messages with the same ids, but for the messages about what the
        memory knows to be said already. It is not told here what these messages say.

        Raises:
            InvalidRecord: when nothing can be made of it: it names nobody, or its time is no time.
        """
        if type(event) is UnreadEvent:
            name, record = glance(event)
            found = self.read(record, memory)
            if found is not None:
                return found
            kind = self._names[name]
            if isinstance(kind, SkipReason) and is_named(record, name):
                return Mapped(skipped=kind)
        return self._map_decoded(event, memory)

    def _wanted(self, name: str) -> Wanted:
        """What is read of events of that name."""
        kind = Kind(self._names[name])  # of what is left out nothing is read
        updates = Updates.NOTHING
        if self._sends_traits or (kind is Kind.IDENTIFY and not self._settings.historical):
            updates = Updates.ALL
        elif self._tells_persons and kind in WITH_PROPERTIES:
            updates = Updates.USERS
        return Wanted(
            event=name,
            kind=kind,
            own=self._own,
            way=partial(self._map_given, kind),
            who=self._who_of,
            updates=updates,
            posthogs_traits=self._people.not_set_by_user,
            sends_ip=self._sends_ip,
            sends_anonymous=self._sends_anonymous,
        )

    def _map_given(self, kind: Kind, given: Given, memory: Memory) -> Mapped:
        mapped = self._ways[kind](given, given, memory)
        mapped.distinct_id = given.distinct_id
        return mapped

    def _map_decoded(self, event: Event, memory: Memory) -> Mapped:
        kind = self._names[event.event]
        if isinstance(kind, SkipReason):
            return Mapped(skipped=kind)
        distinct_id = event.distinct_id
        seen = event
        if self._is_private:
            seen, event = self._privacy.apply(event), self._privacy.ids(event)
        given = given_by(event, self._own)
        if self._settings.payload_version == 1:
            if not self._sends_anonymous and kind in OF_A_PERSON and is_anonymous(given):
                return Mapped(skipped=SkipReason.ANONYMOUS)
            message = message_v1(seen, kind, ids=event, send_ip=self._settings.send_ip)
            mapped = Mapped((message,)) if message else Mapped(skipped=SkipReason.NOT_IN_VERSION_1)
        else:
            seen_given = given if seen is event else self._private(given_by(seen, self._own))
            if kind in VIEWS:
                seen_given.sent = page_properties(seen_given.context.page, seen_given.sent)
            mapped = self._ways[kind](given, seen_given, memory)
        mapped.distinct_id = distinct_id
        return mapped

    def _private(self, given: Given) -> Given:
        """Without the search that stands in a page's address."""
        page = given.context.page
        if page is not None:
            page.search = self._privacy.value("search", page.search)
        return given

    def _of_person(
        self, make: Callable[[Given, Head], AnyMessage], given: Given, seen: Given, memory: Memory
    ) -> Mapped:
        """The event's own message, after the news of the person and the account that it carries."""
        who = self._who_of(given)
        if who.user_id is None and not self._sends_anonymous:
            return Mapped(skipped=SkipReason.ANONYMOUS)
        head = self._head(given, seen, who)
        ahead, facts = _NOTHING
        if self._tells_persons and (updates := self._people.updates(seen)):
            self._add_company(updates, seen)
            news, facts = self._news_of_person(head, updates, memory)
            if news:
                ahead = (IdentifyMessage(*_ahead(head, "identify"), news),)
        if (member := _news_of_account(who, memory)) is not None:
            ahead += (_account_message(head),)
            facts += (member,)
        if self._sends_traits:
            # The messages ahead share the context; traits belong to the event's own message alone.
            traits = self._traits(seen) or None
            head = (*head[:-1], msgspec.structs.replace(head[-1], traits=traits))
        return Mapped((*ahead, make(seen, head)), None, facts)

    def _identify(self, given: Given, seen: Given, memory: Memory) -> Mapped:
        who = self._who_of(given)
        if who.user_id is None and not self._sends_anonymous:
            return Mapped(skipped=SkipReason.ANONYMOUS)
        head = self._head(given, seen, who)
        ahead, facts = _NOTHING
        if (member := _news_of_account(who, memory)) is not None:
            ahead, facts = (_account_message(head),), (member,)
        traits: dict[str, Any] = {}
        if not self._settings.historical:
            traits = self._traits(seen)
            news, told = self._news_of_person(head, traits, memory)
            if not told:
                traits = news
            # It is sent in any case, and from here on these are the last traits sent for the person.
            facts += told
        return Mapped((*ahead, IdentifyMessage(*head, traits or None)), None, facts)

    def _news_of_person(
        self, head: Head, traits: dict[str, Any], memory: Memory
    ) -> tuple[dict[str, Any], tuple[Fact, ...]]:
        """The traits that are still news, and what to remember then; see `News.traits`."""
        _, time, user_id, anonymous_id, _ = head
        # A person is one person on every device: the anonymous id counts where there is no other.
        who = (user_id, None if user_id else anonymous_id)
        news, fact = self._news.traits(who, traits, time, memory)
        return news, () if fact is None else (fact,)

    def _who_of(self, given: Given) -> Who:
        """See `identity_of`, also for what it raises."""
        user_id, anonymous_id = identity_of(given)
        group_id = self._accounts.group_of(given.known)
        member = None
        if user_id is not None and group_id is not None and self._tells_accounts:
            member = _member(user_id, group_id)
        return Who(user_id, anonymous_id, group_id, member)

    def _head(self, given: Given, seen: Given, who: Who) -> Head:
        """Who, when and where."""
        context = self._context(seen, who.group_id)
        return (_id_of(given), _time_of(given), who.user_id, who.anonymous_id, context)

    def _page_message(self, given: Given, head: Head) -> AnyMessage:
        return PageMessage(*head, given.known.name, given.known.category, given.sent)

    def _screen_message(self, given: Given, head: Head) -> AnyMessage:
        return ScreenMessage(*head, given.known.screen_name, given.known.category, given.sent)

    def _track_message(self, given: Given, head: Head) -> AnyMessage:
        name = autocapture_words(given) if given.event == "$autocapture" else given.event
        return TrackMessage(*head, event=name, properties=given.sent)

    def _group(self, given: Given, seen: Given, memory: Memory) -> Mapped:
        if not self._sends_anonymous and names_device(given) and is_anonymous(given):
            return Mapped(skipped=SkipReason.ANONYMOUS)
        identity = group_identity_of(given)
        group_id = id_text(given.known.group_key)
        if group_id is None:
            raise InvalidRecord("it names no group: `$group_key` is missing or no id")
        if self._accounts.by_persons:
            return Mapped(skipped=SkipReason.NOT_BY_GROUP)
        if not self._accounts.is_account(given.known):
            return Mapped(skipped=SkipReason.OTHER_GROUP_TYPE)
        update = seen.known.group_set
        traits = self._own_traits.of(update) if isinstance(update, dict) else {}
        type_ = seen.known.group_type
        if type_ is not None:
            traits["posthog_group_type"] = type_
        context = self._context(seen, group_id)
        head = (_id_of(given), _time_of(given), *identity, context)
        current, fact = self._news.traits((group_id, "account"), traits, head[1], memory)
        facts = [] if fact is None else [fact]
        if fact is None:
            traits = current
        if identity.user_id is not None:
            facts.append(_member(identity.user_id, group_id))
        message = GroupMessage(*head, group_id=group_id, traits=traits or None)
        return Mapped((message,), None, tuple(facts))

    def _alias(self, given: Given, seen: Given, _memory: Memory) -> Mapped:
        previous_id = id_text(given.known.distinct_id) or id_text(given.distinct_id)
        user_id = id_text(given.known.alias)
        if previous_id is not None and is_user(previous_id, given):
            # Another id for a user who goes on under theirs, which is the one PostHog keeps.
            previous_id, user_id = user_id, previous_id
        return self._joined(given, seen, previous_id, user_id)

    def _merge(self, given: Given, seen: Given, _memory: Memory) -> Mapped:
        return self._joined(given, seen, id_text(given.known.alias), distinct_id_of(given))

    def _joined(self, given: Given, seen: Given, previous_id: str | None, user_id: str | None) -> Mapped:
        if previous_id is None or user_id is None:
            raise InvalidRecord("it joins nobody: `alias` or `distinct_id` is missing or no id")
        if previous_id == user_id or is_nobody(previous_id) or is_nobody(user_id):
            return Mapped(skipped=SkipReason.NO_PERSON_IN_ALIAS)
        context = self._context(seen, None)
        return Mapped(
            (AliasMessage(_id_of(given), _time_of(given), user_id, None, context, previous_id=previous_id),)
        )

    def _context(self, seen: Given, group_id: str | None) -> Context:
        context = seen.context
        context.group_id = group_id
        if not self._sends_ip:
            context.ip = None
        return context

    def _traits(self, given: Given) -> dict[str, Any]:
        traits = self._people.traits(given)
        self._add_company(traits, given, person=traits)
        return traits

    def _add_company(
        self, traits: dict[str, Any], given: Given, *, person: dict[str, Any] | None = None
    ) -> None:
        if not self._accounts.by_persons:
            return
        known = self._people.traits(given) if person is None else person
        company = self._accounts.company_of(known)
        if company is not None and self._is_private:
            company = self._privacy.company(company)
        if company:
            traits["company"] = company


def _not_read(_record: bytes, _memory: Memory) -> None:
    pass


def _ahead(head: Head, part: str) -> Head:
    """The head of a message that goes ahead of the event's own; its id is as stable."""
    return (f"{head[0]}:{part}", *head[1:])


def _account_message(head: Head) -> AnyMessage:
    """That the user of this head belongs to its account, ahead of the event's own message."""
    return GroupMessage(*_ahead(head, "group"), group_id=head[-1].group_id or "")


def _news_of_account(who: Who, memory: Memory) -> Fact | None:
    """That this user belongs to this account, if it is news."""
    return None if who.member is None or memory.last(who.member[0]) is not None else who.member


def _member(user_id: str, group_id: str) -> Fact:
    """Each pair of user and account is remembered: a user may go to and fro between accounts."""
    return hash((user_id, group_id, "account")), True


def _time_of(given: Given) -> str | None:
    try:
        return utc_text(given.timestamp)
    except ValueError as error:
        raise InvalidRecord(f"`timestamp` is no time: {error}") from error


# The namespace of the ids made here: uuid5(NAMESPACE_DNS, "posthog-variance-plugin").
_NAMESPACE = UUID("1293224e-5c9c-5cf0-a582-7273100f2b8e")


def _id_of(given: Given) -> str:
    """The event's `uuid`; of one that came without, an id made from its content, the same at every try."""
    return id_text(given.uuid) or _id_from_content(given)


def _id_from_content(given: Given) -> str:
    content = encode([given.event, given.distinct_id, given.timestamp, given.properties])
    return str(uuid5(_NAMESPACE, content.decode()))
