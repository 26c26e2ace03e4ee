"""One event in, its messages out: the order of steps that all the other modules of the mapping serve."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID, uuid5

import msgspec

from ..errors import InvalidRecord
from ..events import Event, utc_text
from ..exact_json import encode
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
from .context import context_of, page_properties, plain
from .identity import group_identity_of, id_text, identity_of, is_anonymous, is_nobody, names_device
from .memory import Draft, Fact
from .names import Kind, Names, SkipReason
from .own import OwnProperties
from .patterns import Patterns
from .people import People
from .privacy import Privacy
from .settings import AnonymousUsers, MappingSettings
from .v1 import message_v1


@dataclass(slots=True)
class Mapped:
    """What becomes of one event: messages in the order in which they are sent, or the reason for none."""

    messages: tuple[AnyMessage, ...] = ()
    skipped: SkipReason | None = None
    facts: tuple[Fact, ...] = ()
    """For `Memory.learn`, once the messages are on their way."""


Head: TypeAlias = tuple[str, str | None, str | None, str | None, Context]
"""The fields all messages begin with, in the order of `messages.Message`."""


_SKIPPED_ANONYMOUS = Mapped(skipped=SkipReason.ANONYMOUS)
_OF_A_PERSON = {Kind.PAGE, Kind.SCREEN, Kind.TRACK, Kind.IDENTIFY}


class Mapper:
    """Turns events into messages as the settings say. No state of its own but caches; safe for threads."""

    def __init__(self, settings: MappingSettings) -> None:
        self._settings = settings
        self._names = Names(settings)
        self._privacy = Privacy(settings)
        self._is_private = bool(self._privacy)
        include = Patterns(settings.include_posthog_properties)
        self._own = OwnProperties(include)
        self._own_traits = OwnProperties(include, plumbing=())
        self._people = People(self._own_traits)
        self._accounts = Accounts(settings)
        # An enum's member costs 0.1 µs at each look-up on its class (Python 3.11), a dict's half of that.
        self._ways = {
            Kind.PAGE: self._page,
            Kind.SCREEN: self._screen,
            Kind.TRACK: self._track,
            Kind.IDENTIFY: self._identify,
            Kind.GROUP: self._group,
            Kind.ALIAS: self._alias,
            Kind.MERGE: self._merge,
        }
        self._sends_anonymous = settings.anonymous_users is AnonymousUsers.SEND

    def skips(self, name: str) -> SkipReason | None:
        """Why every event of that name is left out; None when the event itself has to be looked at."""
        kind = self._names[name]
        return kind if isinstance(kind, SkipReason) else None

    def map(self, event: Event, draft: Draft) -> Mapped:
        """The messages of an event.

        The same event gives the same messages with the same ids, but for the messages about what the
        draft knows to be said already.

        Raises:
            InvalidRecord: when nothing can be made of it: it names nobody, or its time is no time.
        """
        kind = self._names[event.event]
        if isinstance(kind, SkipReason):
            return Mapped(skipped=kind)
        seen = event
        if self._is_private:
            seen, event = self._privacy.apply(event), self._privacy.ids(event)
        if self._settings.payload_version == 1:
            if not self._sends_anonymous and kind in _OF_A_PERSON and is_anonymous(event):
                return _SKIPPED_ANONYMOUS
            message = message_v1(seen, kind, ids=event, send_ip=self._settings.send_ip)
            return Mapped((message,)) if message else Mapped(skipped=SkipReason.NOT_IN_VERSION_1)
        return self._ways[kind](event, seen, draft)

    def _page(self, event: Event, seen: Event, draft: Draft) -> Mapped:
        return self._of_person(event, seen, draft, self._page_message)

    def _screen(self, event: Event, seen: Event, draft: Draft) -> Mapped:
        return self._of_person(event, seen, draft, self._screen_message)

    def _track(self, event: Event, seen: Event, draft: Draft) -> Mapped:
        return self._of_person(event, seen, draft, self._track_message)

    def _of_person(
        self, event: Event, seen: Event, draft: Draft, make: Callable[[Event, Head], AnyMessage]
    ) -> Mapped:
        """The event's own message, after the news of the person and the account that it carries."""
        settings = self._settings
        head = self._head(event, seen)
        if head is None:
            return _SKIPPED_ANONYMOUS
        _, _, user_id, anonymous_id, context = head
        group_id = context.group_id
        messages: list[AnyMessage] = []
        facts: list[Fact] = []
        if settings.identify_from_events and (updates := self._people.updates(seen)):
            self._add_company(updates, seen, in_group=group_id is not None)
            fact = _told_of_person(user_id, anonymous_id, updates)
            if draft.is_news(fact):
                facts.append(fact)
                messages.append(IdentifyMessage(*_ahead(head, "identify"), updates))
        self._tell_account(head, draft, messages, facts)
        if settings.send_person_traits:
            # The messages ahead share the context; traits belong to the event's own message alone.
            traits = self._traits(seen, group_id) or None
            head = (*head[:-1], msgspec.structs.replace(context, traits=traits))
        messages.append(make(seen, head))
        return Mapped(tuple(messages), None, tuple(facts))

    def _identify(self, event: Event, seen: Event, draft: Draft) -> Mapped:
        head = self._head(event, seen)
        if head is None:
            return _SKIPPED_ANONYMOUS
        messages: list[AnyMessage] = []
        facts: list[Fact] = []
        self._tell_account(head, draft, messages, facts)
        _, _, user_id, anonymous_id, context = head
        traits = self._traits(seen, context.group_id) or None
        if traits is not None:
            # It is sent in any case; from here on these are the last traits sent for the person.
            fact = _told_of_person(user_id, anonymous_id, traits)
            draft.is_news(fact)
            facts.append(fact)
        messages.append(IdentifyMessage(*head, traits))
        return Mapped(tuple(messages), None, tuple(facts))

    def _head(self, event: Event, seen: Event) -> Head | None:
        """Who, when and where; None when it was nobody and the settings leave such events out."""
        user_id, anonymous_id = identity_of(event)
        if user_id is None and not self._sends_anonymous:
            return None
        context = self._context(seen)
        context.group_id = self._accounts.group_of(event.properties)
        return (_id_of(event), _time_of(event), user_id, anonymous_id, context)

    def _tell_account(self, head: Head, draft: Draft, messages: list[AnyMessage], facts: list[Fact]) -> None:
        """Add the news that this user belongs to this account, if it is news."""
        _, _, user_id, _, context = head
        group_id = context.group_id
        if group_id is not None and user_id is not None and self._settings.group_from_events:
            fact = _told_of_account(user_id, group_id)
            if draft.is_news(fact):
                facts.append(fact)
                messages.append(GroupMessage(*_ahead(head, "group"), group_id=group_id))

    def _page_message(self, event: Event, head: Head) -> AnyMessage:
        properties = event.properties
        name, category = plain(properties.get("name")), plain(properties.get("category"))
        found = page_properties(head[-1].page, self._own.of(properties)) or None
        return PageMessage(*head, name, category, found)

    def _screen_message(self, event: Event, head: Head) -> AnyMessage:
        properties = event.properties
        name, category = plain(properties.get("$screen_name")), plain(properties.get("category"))
        found = page_properties(head[-1].page, self._own.of(properties)) or None
        return ScreenMessage(*head, name, category, found)

    def _track_message(self, event: Event, head: Head) -> AnyMessage:
        name = autocapture_words(event) if event.event == "$autocapture" else event.event
        return TrackMessage(*head, event=name, properties=self._own.of(event.properties) or None)

    def _group(self, event: Event, seen: Event, draft: Draft) -> Mapped:
        if not self._sends_anonymous and names_device(event) and is_anonymous(event):
            return _SKIPPED_ANONYMOUS
        identity = group_identity_of(event)
        group_id = id_text(event.properties.get("$group_key"))
        if group_id is None:
            raise InvalidRecord("it names no group: `$group_key` is missing")
        if not self._accounts.is_account(event.properties):
            return Mapped(skipped=SkipReason.OTHER_GROUP_TYPE)
        update = seen.properties.get("$group_set")
        traits = self._own_traits.of(update) if isinstance(update, dict) else {}
        type_ = seen.properties.get("$group_type")
        if type_ is not None:
            traits["posthog_group_type"] = type_
        context = self._context(seen)
        context.group_id = group_id
        message = GroupMessage(
            _id_of(event), _time_of(event), *identity, context, group_id=group_id, traits=traits or None
        )
        facts: tuple[Fact, ...] = ()
        if identity.user_id is not None:
            fact = _told_of_account(identity.user_id, group_id)
            draft.is_news(fact)
            facts = (fact,)
        return Mapped((message,), None, facts)

    def _alias(self, event: Event, seen: Event, _draft: Draft) -> Mapped:
        properties = event.properties
        previous_id = id_text(properties.get("distinct_id")) or id_text(event.distinct_id)
        return self._joined(event, seen, previous_id, id_text(properties.get("alias")))

    def _merge(self, event: Event, seen: Event, _draft: Draft) -> Mapped:
        properties = event.properties
        user_id = id_text(event.distinct_id) or id_text(properties.get("distinct_id"))
        return self._joined(event, seen, id_text(properties.get("alias")), user_id)

    def _joined(self, event: Event, seen: Event, previous_id: str | None, user_id: str | None) -> Mapped:
        if previous_id is None or user_id is None:
            raise InvalidRecord("it joins nobody: `alias` or `distinct_id` is missing")
        if previous_id == user_id or is_nobody(previous_id) or is_nobody(user_id):
            return Mapped(skipped=SkipReason.NO_PERSON_IN_ALIAS)
        context = self._context(seen)
        return Mapped(
            (AliasMessage(_id_of(event), _time_of(event), user_id, None, context, previous_id=previous_id),)
        )

    def _context(self, seen: Event) -> Context:
        context = context_of(seen, send_ip=self._settings.send_ip)
        if self._is_private and context.page is not None:
            context.page.search = self._privacy.value("search", context.page.search)
        return context

    def _traits(self, event: Event, group_id: str | None) -> dict[str, Any]:
        traits = self._people.traits(event)
        self._add_company(traits, event, in_group=group_id is not None, person=traits)
        return traits

    def _add_company(
        self, traits: dict[str, Any], event: Event, *, in_group: bool, person: dict[str, Any] | None = None
    ) -> None:
        known = self._people.traits(event) if person is None else person
        company = self._accounts.company_of(known, in_group=in_group)
        if company is not None and self._is_private:
            company = self._privacy.company(company)
        if company:
            traits["company"] = company


def _ahead(head: Head, part: str) -> Head:
    """The head of a message that goes ahead of the event's own; its id is as stable."""
    return (f"{head[0]}:{part}", *head[1:])


def _told_of_person(user_id: str | None, anonymous_id: str | None, traits: dict[str, Any]) -> Fact:
    """A person is one person on every device: the anonymous id counts where there is no other."""
    person = (user_id, None if user_id else anonymous_id, "traits")
    return hash(person), hash(encode(dict(sorted(traits.items()))))


def _told_of_account(user_id: str, group_id: str) -> Fact:
    """Each pair of user and account is remembered: a user may go to and fro between accounts."""
    return hash((user_id, group_id, "account")), 0


def _time_of(event: Event) -> str | None:
    try:
        return utc_text(event.timestamp)
    except ValueError as error:
        raise InvalidRecord(f"`timestamp` is no time: {error}") from error


# The namespace of the ids made here: uuid5(NAMESPACE_DNS, "posthog-variance-plugin").
_NAMESPACE = UUID("1293224e-5c9c-5cf0-a582-7273100f2b8e")


def _id_of(event: Event) -> str:
    """The event's `uuid`; of one that came without, an id made from its content, the same at every try."""
    return id_text(event.uuid) or _id_from_content(event)


def _id_from_content(event: Event) -> str:
    content = encode([event.event, event.distinct_id, event.timestamp, event.properties])
    return str(uuid5(_NAMESPACE, content.decode()))
