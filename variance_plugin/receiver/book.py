"""What comes of the messages: contacts, accounts and events. Pure; the threads are the intake's business."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from types import MappingProxyType
from typing import Final

import msgspec

from .accounts import Accounts
from .connections import DEFAULT, Connection
from .memory import MemoryStore
from .message import Invalid, Message, MessageType
from .people import People
from .records import Origin, Person, Visitor
from .store import Entry, Store
from .summary import Account, Contact, Summary

_EVENTS: Final = frozenset((MessageType.PAGE, MessageType.SCREEN, MessageType.TRACK))
_NO_RAW: Final = msgspec.Raw(b"null")


class Book:
    """Adds messages up. Every message ends as applied, duplicate or invalid, and in one of them only.

    Args:
        store: Where everything is kept; by default in memory.
    """

    def __init__(self, store: Store | None = None) -> None:
        self.store: Store = MemoryStore() if store is None else store
        self._people = People(self.store)
        self._accounts = Accounts(self.store)

    @property
    def applied(self) -> int:
        """How many messages were applied."""
        return sum(self.store.tally.types.values())

    def fresh(self, messages: Sequence[Message | Invalid]) -> Iterator[int]:
        """The positions of those messages that `add` would apply."""
        seen: set[str] = set()
        for position, message in enumerate(messages):
            if isinstance(message, Invalid):
                continue
            if message.message_id is not None:
                if self.store.has_message(message.message_id) or message.message_id in seen:
                    continue
                seen.add(message.message_id)
            yield position

    def add(
        self,
        messages: Iterable[Message | Invalid],
        *,
        raws: Iterable[msgspec.Raw] = repeat(_NO_RAW),
        received: float = 0.0,
        connection: Connection = DEFAULT,
    ) -> None:
        """Apply each message that is valid and was not applied before.

        Args:
            messages: In their order.
            raws: The messages as they were sent.
            received: When, in seconds since 1970.
            connection: By which way; it says how accounts are found.
        """
        store, name = self.store, connection.name
        tally = store.tally
        number = store.last_number
        for message, raw in zip(messages, raws, strict=False):
            if isinstance(message, Invalid):
                tally.invalid[message.reason] += 1
                continue
            message_id, kind = message.message_id, message.type
            if message_id is not None and store.has_message(message_id):
                tally.duplicates += 1
                continue
            number += 1
            owner = self._apply(message, number, received, connection)
            account_id = message.group_id if kind is MessageType.GROUP else None
            # As it is, the text keeps its whole post in memory, of which it may be the only news.
            store.log(Entry(number, received, name, kind, message_id, owner, account_id, raw.copy()))

    def _apply(self, message: Message, number: int, received: float, connection: Connection) -> int:
        """Apply it; the key of whom it is about."""
        tally, kind = self.store.tally, message.type
        tally.types[kind] += 1
        lacking = message.lacks()
        if lacking is not None:
            tally.incomplete[lacking] += 1
        seconds = message.seconds
        time = received if seconds is None else seconds
        if kind in _EVENTS:
            known = self._people.find(message)
            if known is not None:
                known.events += 1
            if kind is MessageType.TRACK and message.event is not None:
                tally.events[message.event] += 1
        else:
            origin = Origin(kind, time, message.message_id, connection.name, number)
            known = self._learn(message, origin, connection)
        if known is None:
            return 0
        # An alias is about ids; it says nothing of when somebody was there.
        if (
            connection.updates_last_seen
            and message.context.active is not False
            and kind is not MessageType.ALIAS
        ):
            known.see(time)
        self.store.save(known)
        return known.key

    def _learn(self, message: Message, origin: Origin, connection: Connection) -> Person | Visitor | None:
        """Take what is no event; whom it is about."""
        if message.type is MessageType.IDENTIFY:
            known = self._people.identify(message, origin)
            if type(known) is Person and message.user_id is not None:
                self._accounts.identify(known, message, connection.matching, origin)
            return known
        if message.type is MessageType.GROUP:
            # One without a user describes the account; the visitor beside it may be a server's invention.
            known = self._people.find(message) if message.user_id is not None else None
            if connection.matching.by_group:
                self._accounts.group(message, known if type(known) is Person else None, origin)
            return known
        if message.previous_id is None or message.user_id is None:
            return None
        person, former = self._people.alias(
            previous_id=message.previous_id, user_id=message.user_id, origin=origin
        )
        if person is not None and former is not None:
            self._accounts.merge(former, person)
        return person

    def summary(self, *, posts: int = 0, rejected: Mapping[str, int] = MappingProxyType({})) -> Summary:
        """Everything so far, beside the counts of the posts that brought it."""
        tally = self.store.tally
        contacts, accounts = [], {company.account_id: company for company in self.store.companies()}
        members = defaultdict(list)
        users = 0
        for person in self.store.persons():
            if not person.identified:
                users += 1
                continue
            for account_id in person.accounts:
                members[account_id].append(person.user_id)
            contacts.append(
                Contact(
                    user_id=person.user_id,
                    email=person.email,
                    name=person.name,
                    accounts=tuple(person.accounts),
                    events=person.events,
                )
            )
        return Summary(
            messages=dict(tally.types),
            duplicates=tally.duplicates,
            invalid=dict(tally.invalid),
            incomplete=dict(tally.incomplete),
            posts=posts,
            rejected=dict(rejected),
            contacts=tuple(contacts),
            accounts=tuple(
                Account(
                    account_id=account_id,
                    name=account.name,
                    found_by=account.found_by,
                    contacts=tuple(members[account_id]),
                )
                for account_id, account in accounts.items()
            ),
            anonymous_visitors=self.store.count_visitors(),
            users_without_identify=users,
            events=dict(tally.events),
        )
