"""Who is who: users, the visitors linked to them, and what an alias folds together. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .message import Message, text


@dataclass(slots=True)
class Person:
    """Someone with a user id; a contact once they were identified."""

    user_id: str
    identified: bool = False
    email: str | None = None
    name: str | None = None
    # A dict for its order: accounts are shown as they came.
    accounts: dict[str, None] = field(default_factory=dict)
    events: int = 0

    def learn(self, traits: Mapping[str, Any]) -> None:
        """Take the traits of an identify: the latest value stands, an absent one changes nothing."""
        self.identified = True
        self.email = text(traits.get("email")) or self.email
        self.name = _name(traits) or self.name

    def absorb(self, other: "Person") -> None:
        """Become what both were together; where both know something, this one is right."""
        self.identified |= other.identified
        self.email = self.email or other.email
        self.name = self.name or other.name
        self.accounts |= other.accounts
        self.events += other.events


def _name(traits: Mapping[str, Any]) -> str | None:
    parts = (text(traits.get("firstName")), text(traits.get("lastName")))
    return text(traits.get("name")) or " ".join(part for part in parts if part) or None


class People:
    """All persons and visitors.

    A visitor is an anonymous id. An identify that names one links it to its user, and later events of
    that visitor are the user's; on a shared device the link moves on with the next identify, but the
    users stay apart. An alias is stronger: it makes one person of two, for good.
    """

    def __init__(self) -> None:
        self._persons: dict[str, Person] = {}
        self._folded_into: dict[str, str] = {}
        self._linked_to: dict[str, str] = {}
        # Events of each visitor who is not linked yet.
        self._visitors: dict[str, int] = {}

    def __iter__(self) -> Iterator[Person]:
        return iter(self._persons.values())

    def __len__(self) -> int:
        return len(self._persons)

    @property
    def anonymous(self) -> int:
        """How many visitors are linked to nobody."""
        return len(self._visitors)

    def see(self, message: Message) -> Person | None:
        """The person whom a message is about, made when new; None when it is a visitor's, or nobody's."""
        if message.user_id is not None:
            return self._person(message.user_id)
        visitor = message.anonymous_id
        if visitor is None:
            return None
        if visitor in self._linked_to:
            return self._person(self._linked_to[visitor])
        self._visitors.setdefault(visitor, 0)
        return None

    def count_event(self, message: Message) -> None:
        """Count a page, screen or track for whom it is about."""
        person = self.see(message)
        if person is not None:
            person.events += 1
        elif message.anonymous_id is not None:
            self._visitors[message.anonymous_id] += 1

    def identify(self, message: Message) -> Person | None:
        """Take an identify; None when it is about a visitor, who becomes no contact by that."""
        person = self.see(message)
        if person is None or message.user_id is None:
            return None
        person.learn(message.traits)
        if message.anonymous_id is not None:
            self._link(message.anonymous_id, person)
        return person

    def alias(self, *, previous_id: str, user_id: str) -> None:
        """Fold whoever had the previous id into the user."""
        person = self._person(user_id)
        previous = self._current(previous_id)
        if previous != person.user_id:
            self._folded_into[previous] = person.user_id
            if previous in self._persons:
                person.absorb(self._persons.pop(previous))
        self._link(previous_id, person)

    def _link(self, visitor: str, person: Person) -> None:
        self._linked_to[visitor] = person.user_id
        person.events += self._visitors.pop(visitor, 0)

    def _current(self, user_id: str) -> str:
        while user_id in self._folded_into:
            user_id = self._folded_into[user_id]
        return user_id

    def _person(self, user_id: str) -> Person:
        current = self._current(user_id)
        person = self._persons.get(current)
        if person is None:
            person = self._persons[current] = Person(current)
        return person
