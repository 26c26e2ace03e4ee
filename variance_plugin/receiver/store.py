"""Where the book is kept: what it asks of that place."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

import msgspec

from .message import MessageType
from .records import Company, Person, Visitor


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An applied message, as the store keeps it."""

    number: int
    """Counted from 1 in the order in which messages were applied."""
    received: float
    """Seconds since 1970."""
    connection: str
    type: MessageType
    message_id: str | None
    owner: int
    """The key of the person or visitor whom it is about; 0: of nobody."""
    account_id: str | None
    """Of a group message."""
    raw: msgspec.Raw
    """The message as it was sent."""


Counts: TypeAlias = dict[str, int]


class Tally(msgspec.Struct, kw_only=True):
    """What is only counted."""

    types: Counts = msgspec.field(default_factory=Counter)
    invalid: Counts = msgspec.field(default_factory=Counter)
    incomplete: Counts = msgspec.field(default_factory=Counter)
    events: Counts = msgspec.field(default_factory=Counter)
    duplicates: int = 0

    def count_on(self) -> None:
        """Make counters of what was read from JSON, which knows dicts only."""
        self.types, self.invalid = Counter(self.types), Counter(self.invalid)
        self.incomplete, self.events = Counter(self.incomplete), Counter(self.events)


Known: TypeAlias = Person | Visitor | Company


class Store(Protocol):
    """People, accounts and messages. Used under one lock.

    What it hands out may be changed and is then handed back to `save`; what was saved since the last
    `commit` is undone by `rollback`, after which nothing that was handed out before may be used.
    """

    tally: Tally

    def new_key(self) -> int:
        """A number that no person or visitor has."""
        ...

    def person(self, user_id: str) -> Person | None:
        """The person with that id."""
        ...

    def visitor(self, anonymous_id: str) -> Visitor | None:
        """The visitor with that id."""
        ...

    def company(self, account_id: str) -> Company | None:
        """The account with that id."""
        ...

    def save(self, known: Known) -> None:
        """Keep it as it is now."""
        ...

    def rename(self, person: Person, user_id: str) -> None:
        """Give a person another id, and save them."""
        ...

    def remove(self, person: Person) -> None:
        """Forget a person, who was merged into another one."""
        ...

    def hand_over(self, key: int, person: Person) -> None:
        """The messages under a key are that person's from now on."""
        ...

    def fold(self, previous_id: str, into: str) -> None:
        """From now on a user id means another one."""
        ...

    def folded_into(self, user_id: str) -> str | None:
        """What it means since then."""
        ...

    def join(self, account_id: str, person: Person) -> None:
        """Make a member."""
        ...

    def leave(self, account_id: str, person: Person) -> None:
        """Undo that."""
        ...

    def log(self, entry: Entry) -> None:
        """Keep an applied message."""
        ...

    def has_message(self, message_id: str) -> bool:
        """Whether a message with that id was applied."""
        ...

    def commit(self) -> None:
        """Make everything since the last commit last. Raises `Refused` when it cannot be written."""
        ...

    def rollback(self) -> None:
        """Undo everything since the last commit."""
        ...

    def close(self) -> None:
        """Let go of the place; what was not committed is lost."""
        ...

    # --- looking ---

    @property
    def last_number(self) -> int:
        """The number of the newest message."""
        ...

    def persons(self) -> Iterator[Person]:
        """All persons, oldest first."""
        ...

    def companies(self) -> Iterator[Company]:
        """All accounts, oldest first."""
        ...

    def members(self, account_id: str, limit: int) -> tuple[Sequence[Person], int]:
        """The members of an account who are contacts, the latest seen first; and how many they are."""
        ...

    def count_contacts(self) -> int:
        """How many contacts there are."""
        ...

    def count_companies(self) -> int:
        """How many accounts there are."""
        ...

    def count_visitors(self) -> int:
        """How many visitors are linked to nobody."""
        ...

    def find_contacts(self, words: Sequence[str], limit: int) -> tuple[Sequence[Person], int]:
        """Contacts that have all these words in an id, name, email or account; and how many there are.

        The latest seen first. The words are case-folded.
        """
        ...

    def find_companies(self, words: Sequence[str], limit: int) -> tuple[Sequence[Company], int]:
        """The same of accounts, by name."""
        ...

    def entries(
        self, *, limit: int, owners: Collection[int] | None = None, before: int | None = None, after: int = 0
    ) -> Sequence[Entry]:
        """The newest messages (of these owners; older and newer than these numbers), newest first."""
        ...

    def group_entries(self, account_id: str, limit: int) -> Sequence[Entry]:
        """The newest group messages of an account, newest first."""
        ...

    def entry(self, number: int) -> Entry | None:
        """The message with that number, if it is still kept."""
        ...

    def owners(self, keys: Iterable[int]) -> dict[int, Person | Visitor]:
        """Whose messages those under these keys are now."""
        ...


def about(known: Person | Company) -> str:
    """The text in which someone or an account is searched."""
    if isinstance(known, Company):
        return f"{known.name}\n{known.account_id}".casefold()
    words = (known.user_id, known.name, known.email, *known.names, *known.accounts)
    return "\n".join(word for word in words if word).casefold()
