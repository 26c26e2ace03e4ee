"""Who is who: users, the visitors linked to them, and what an alias folds together. Pure."""

from .message import Message
from .records import Change, ChangeKind, Origin, Person, Visitor
from .store import Store


class People:
    """All persons and visitors.

    A visitor is an anonymous id. An identify that names one links it to its user, and later events of
    that visitor are the user's; on a shared device the link moves on with the next identify, but the
    users stay apart. An alias is stronger: it makes one person of two, for good.

    What Variance documents of an alias ("Variance Destination" in Segment's documentation): if both
    users exist, the one with `previousId` is merged into the one with `userId`; if only the former
    exists, its id is changed. If neither does, the two ids mean the same user from then on, whichever
    comes first.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, message: Message) -> Person | Visitor | None:
        """Whom a message is about, made when new; None when it is nobody's."""
        if message.user_id is not None:
            return self._person(message.user_id)
        if message.anonymous_id is None:
            return None
        visitor = self._visitor(message.anonymous_id)
        return visitor if visitor.linked_to is None else self._person(visitor.linked_to)

    def identify(self, message: Message, origin: Origin) -> Person | Visitor | None:
        """Take an identify. One about a visitor alone makes no contact of them."""
        person = self.find(message)
        if type(person) is Person and message.user_id is not None:
            traits = message.context.traits
            person.learn({**traits, **message.traits} if traits else message.traits, origin)
            if message.anonymous_id is not None:
                self._link(self._visitor(message.anonymous_id), person, origin)
        return person

    def alias(self, *, previous_id: str, user_id: str, origin: Origin) -> tuple[Person | None, Person | None]:
        """Fold whoever had the previous id into the user.

        Returns:
            The user, if somebody is known by now under that id, and who was merged into them.
        """
        into, previous = self._current(user_id), self._current(previous_id)
        person, former = self._store.person(into), None
        if previous != into:
            former = self._store.person(previous)
            self._store.fold(previous, into)
            if former is not None and person is None:
                person, former = self._rename(former, into, origin), None
            elif former is not None and person is not None:
                self._merge(former, person, origin)
        visitor = self._visitor(previous_id)
        if visitor.events and person is None:
            person = self._person(into)
        if person is not None:
            self._link(visitor, person, origin)
        else:
            visitor.linked_to = into
            self._store.save(visitor)
        return person, former

    def _rename(self, person: Person, user_id: str, origin: Origin) -> Person:
        former_id = person.user_id
        self._store.rename(person, user_id)
        person.own(former_id)
        person.note(Change(ChangeKind.RENAMED, origin, other=former_id))
        return person

    def _merge(self, former: Person, person: Person, origin: Origin) -> None:
        person.absorb(former, origin)
        self._store.remove(former)
        self._store.hand_over(former.key, person)

    def _link(self, visitor: Visitor, person: Person, origin: Origin) -> None:
        if visitor.linked_to == person.user_id and not visitor.events:
            return
        if visitor.events:
            person.events += visitor.events
            name, events = visitor.anonymous_id, visitor.events
            person.note(Change(ChangeKind.TOOK_OVER, origin, other=name, events=events))
            visitor.events = 0
        if visitor.linked_to is None:
            # What came before is the first one's; the device may be somebody else's later.
            person.own(visitor.anonymous_id, visitor.key)
            self._store.hand_over(visitor.key, person)
            for time in (visitor.first_seen, visitor.last_seen):
                if time is not None:
                    person.see(time)
        visitor.linked_to = person.user_id
        self._store.save(visitor)
        self._store.save(person)

    def _current(self, user_id: str) -> str:
        while (into := self._store.folded_into(user_id)) is not None:
            user_id = into
        return user_id

    def _person(self, user_id: str) -> Person:
        person = self._store.person(user_id)
        if person is None:  # nobody has an id that means another one
            current = self._current(user_id)
            person = self._store.person(current)
            if person is None:
                person = Person(key=self._store.new_key(), user_id=current)
                self._store.save(person)
        return person

    def _visitor(self, anonymous_id: str) -> Visitor:
        visitor = self._store.visitor(anonymous_id)
        if visitor is None:
            visitor = Visitor(key=self._store.new_key(), anonymous_id=anonymous_id)
            self._store.save(visitor)
        return visitor
