"""What is known of someone or of a company, and from which message: the entries of the book."""

from enum import StrEnum
from typing import Final

import msgspec

from .message import MessageType, Traits, text
from .payload import decode
from .summary import FoundBy

# The newest are kept of what could grow without end; each is far more than a person looks through.
_CHANGES: Final = 100
_NAMES: Final = 200
_OWNED: Final = 2_000


class Origin(msgspec.Struct, frozen=True, gc=False):
    """The message that something comes from."""

    type: MessageType
    time: float
    """Seconds since 1970: its timestamp, else when it arrived."""
    message_id: str | None
    connection: str
    number: int
    """The message's number in the store."""


class Trait(msgspec.Struct, frozen=True, gc=False):
    """The value that stands, and the message that brought it."""

    json: str
    """The value's JSON text, as it was sent."""
    origin: Origin

    @property
    def value(self) -> object:
        """The value."""
        return decode(self.json.encode("utf-8", "surrogatepass"))


class Membership(msgspec.Struct, frozen=True, gc=False):
    """How a contact came to an account."""

    found_by: FoundBy
    origin: Origin


class ChangeKind(StrEnum):
    """What can happen to a contact beside events and traits."""

    IDENTIFIED = "identified"
    TOOK_OVER = "took over a visitor"
    MERGED = "merged"
    RENAMED = "renamed"
    JOINED = "joined"
    LEFT = "left"


class Change(msgspec.Struct, frozen=True, gc=False):
    """One such thing."""

    kind: ChangeKind
    origin: Origin
    other: str = ""
    """The id of the visitor, of the other contact, the former id, or the id of the account."""
    events: int = 0
    """How many events came along."""


class Someone(msgspec.Struct, kw_only=True):
    """What persons and visitors have in common."""

    key: int
    """The number under which their messages are kept."""
    events: int = 0
    first_seen: float | None = None
    last_seen: float | None = None

    def see(self, time: float) -> None:
        """They were there at that time."""
        if self.last_seen is None or time > self.last_seen:
            self.last_seen = time
        if self.first_seen is None or time < self.first_seen:
            self.first_seen = time


class Person(Someone, kw_only=True):
    """Someone with a user id; a contact once they were identified."""

    user_id: str
    identified: bool = False
    traits: dict[str, Trait] = {}
    accounts: dict[str, Membership] = {}
    owned: list[int] = []
    """The keys of visitors taken over and of persons merged into this one: their messages are its own."""
    names: list[str] = []
    """Other ids of this person."""
    changes: list[Change] = []

    @property
    def email(self) -> str | None:
        """The address, where the trait is one."""
        return told(self.traits, "email")

    @property
    def name(self) -> str | None:
        """The full name; Segment makes it of first and last name where there is none."""
        parts = [told(self.traits, name) for name in ("firstName", "lastName")]
        return told(self.traits, "name") or " ".join(part for part in parts if part) or None

    @property
    def keys(self) -> list[int]:
        """Every key under which there can be messages of this person."""
        return [self.key, *self.owned]

    def learn(self, traits: Traits, origin: Origin) -> None:
        """Take the traits of an identify: what came last stands, also null; what is absent stays."""
        if not self.identified:
            self.identified = True
            self.note(Change(ChangeKind.IDENTIFIED, origin))
        learn(self.traits, traits, origin)

    def note(self, change: Change) -> None:
        """Put a change into the history."""
        self.changes.append(change)
        del self.changes[:-_CHANGES]

    def own(self, name: str, *keys: int) -> None:
        """Messages under these keys are this person's, and so is the name."""
        self.owned.extend(keys)
        if name != self.user_id and name not in self.names:
            self.names.append(name)
        del self.owned[:-_OWNED], self.names[:-_NAMES]

    def absorb(self, other: "Person", origin: Origin) -> None:
        """Become what both were, but for the accounts; where both know something, this one is right."""
        self.identified |= other.identified
        self.traits = {**other.traits, **self.traits}
        self.events += other.events
        for time in (other.first_seen, other.last_seen):
            if time is not None:
                self.see(time)
        for name in other.names:
            self.own(name)
        self.own(other.user_id, *other.keys)
        self.changes = [*other.changes, *self.changes]
        self.note(Change(ChangeKind.MERGED, origin, other=other.user_id, events=other.events))


class Visitor(Someone, kw_only=True):
    """An anonymous id; its messages are a person's once an identify or an alias has linked it."""

    anonymous_id: str
    linked_to: str | None = None
    """The user id as it was then; the person may have another by now."""


class Company(msgspec.Struct, kw_only=True):
    """An account."""

    account_id: str
    found_by: FoundBy
    traits: dict[str, Trait] = {}

    @property
    def name(self) -> str:
        """The name; without one its type and id (`company acme`), or its id alone."""
        group_type = told(self.traits, "posthog_group_type")
        makeshift = f"{group_type} {self.account_id}" if group_type else self.account_id
        return told(self.traits, "name") or makeshift


def told(traits: dict[str, Trait], name: str) -> str | None:
    """What a trait says, if that is a text or a number."""
    known = traits.get(name)
    return None if known is None else text(known.value)


def learn(known: dict[str, Trait], traits: Traits, origin: Origin) -> None:
    """Overlay traits. One that says what is known already leaves its origin: since when it is so."""
    for name, raw in traits.items():
        value = str(raw, "utf-8")
        former = known.get(name)
        if former is None or former.json != value:
            known[name] = Trait(value, origin)
