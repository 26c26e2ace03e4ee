"""What comes of the messages: contacts, accounts and events. Pure; the threads are the intake's business."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from .accounts import Accounts
from .message import Invalid, Message, MessageType
from .people import People
from .summary import Contact, Summary


class Book:
    """Adds messages up. Grows with ids (people, accounts, `messageId`s), not with events.

    Every message that is added ends as applied, duplicate or invalid, and in one of them only.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._types: Counter[str] = Counter()
        self._invalid: Counter[str] = Counter()
        self._incomplete: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._duplicates = 0
        self._people = People()
        self._accounts = Accounts()

    @property
    def applied(self) -> int:
        """How many messages were applied."""
        return self._types.total()

    def fresh(self, messages: Sequence[Message | Invalid]) -> Iterator[int]:
        """The positions of those messages that `add` would apply."""
        seen: set[str] = set()
        for position, message in enumerate(messages):
            if isinstance(message, Invalid):
                continue
            if message.message_id is not None:
                if message.message_id in self._seen or message.message_id in seen:
                    continue
                seen.add(message.message_id)
            yield position

    def add(self, messages: Iterable[Message | Invalid]) -> None:
        """Apply each message that is valid and was not applied before."""
        for message in messages:
            if isinstance(message, Invalid):
                self._invalid[message.reason] += 1
            elif message.message_id is not None and message.message_id in self._seen:
                self._duplicates += 1
            else:
                self._apply(message)

    def _apply(self, message: Message) -> None:
        if message.message_id is not None:
            self._seen.add(message.message_id)
        self._types[message.type] += 1
        lacking = message.lacks()
        if lacking is not None:
            self._incomplete[lacking] += 1
        match message.type:
            case MessageType.IDENTIFY:
                contact = self._people.identify(message)
                if contact is not None:
                    self._accounts.from_identify(message.traits, contact)
            case MessageType.GROUP:
                user = self._people.see(message) if message.user_id is not None else None
                self._accounts.from_group(message, user)
            case MessageType.ALIAS:
                if message.previous_id is not None and message.user_id is not None:
                    self._people.alias(previous_id=message.previous_id, user_id=message.user_id)
            case _:
                self._people.count_event(message)
                if message.type is MessageType.TRACK and message.event is not None:
                    self._events[message.event] += 1

    def summary(self, *, posts: int = 0, rejected: Mapping[str, int] = MappingProxyType({})) -> Summary:
        """Everything so far, beside the counts of the posts that brought it."""
        contacts = [person for person in self._people if person.identified]
        return Summary(
            messages=dict(self._types),
            duplicates=self._duplicates,
            invalid=dict(self._invalid),
            incomplete=dict(self._incomplete),
            posts=posts,
            rejected=dict(rejected),
            contacts=tuple(
                Contact(
                    user_id=person.user_id,
                    email=person.email,
                    name=person.name,
                    accounts=tuple(person.accounts),
                    events=person.events,
                )
                for person in contacts
            ),
            accounts=self._accounts.summary(contacts),
            anonymous_visitors=self._people.anonymous,
            users_without_identify=len(self._people) - len(contacts),
            events=dict(self._events),
        )
