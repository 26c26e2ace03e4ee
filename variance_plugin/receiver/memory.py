"""The store in memory. It keeps the newest messages only; people and accounts, and what was applied, all."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import nlargest
from operator import attrgetter
from typing import Final

from .records import Company, Person, Visitor
from .store import Entry, Known, Tally, about

_KEPT_BYTES: Final = 64 * 1024 * 1024


class MemoryStore:
    """See `Store`. Nothing is written, so that nothing can fail: `commit` and `rollback` do nothing.

    Args:
        kept_bytes: How much of the messages' text is kept; older ones are forgotten but for their ids.
    """

    def __init__(self, kept_bytes: int = _KEPT_BYTES) -> None:
        self.tally = Tally()
        self._kept_bytes = kept_bytes
        self._keys = 0
        self._persons: dict[str, Person] = {}
        self._visitors: dict[str, Visitor] = {}
        self._companies: dict[str, Company] = {}
        self._members: dict[str, dict[int, Person]] = {}
        self._folded: dict[str, str] = {}
        self._by_key: dict[int, Person | Visitor] = {}
        self._handed_over: dict[int, int] = {}
        self._seen: set[str] = set()
        self._entries: deque[Entry] = deque()
        self._entries_bytes = 0
        self._last_number = 0

    def new_key(self) -> int:
        """See `Store`."""
        self._keys += 1
        return self._keys

    def person(self, user_id: str) -> Person | None:
        """See `Store`."""
        return self._persons.get(user_id)

    def visitor(self, anonymous_id: str) -> Visitor | None:
        """See `Store`."""
        return self._visitors.get(anonymous_id)

    def company(self, account_id: str) -> Company | None:
        """See `Store`."""
        return self._companies.get(account_id)

    def save(self, known: Known) -> None:
        """See `Store`."""
        # By `type`: with `isinstance`, a class of msgspec takes longer than all the rest.
        if type(known) is Company:
            self._companies[known.account_id] = known
        elif type(known) is Person:
            if known.key not in self._by_key:
                self._by_key[known.key] = self._persons[known.user_id] = known
        elif type(known) is Visitor and known.key not in self._by_key:
            self._by_key[known.key] = self._visitors[known.anonymous_id] = known

    def rename(self, person: Person, user_id: str) -> None:
        """See `Store`."""
        del self._persons[person.user_id]
        person.user_id = user_id
        self._persons[user_id] = person

    def remove(self, person: Person) -> None:
        """See `Store`."""
        del self._persons[person.user_id], self._by_key[person.key]

    def hand_over(self, key: int, person: Person) -> None:
        """See `Store`."""
        self._handed_over[key] = person.key

    def fold(self, previous_id: str, into: str) -> None:
        """See `Store`."""
        self._folded[previous_id] = into

    def folded_into(self, user_id: str) -> str | None:
        """See `Store`."""
        return self._folded.get(user_id)

    def join(self, account_id: str, person: Person) -> None:
        """See `Store`."""
        self._members.setdefault(account_id, {})[person.key] = person

    def leave(self, account_id: str, person: Person) -> None:
        """See `Store`."""
        self._members[account_id].pop(person.key, None)

    def log(self, entry: Entry) -> None:
        """See `Store`."""
        if entry.message_id is not None:
            self._seen.add(entry.message_id)
        self._last_number = entry.number
        self._entries.append(entry)
        self._entries_bytes += len(memoryview(entry.raw))
        while self._entries_bytes > self._kept_bytes:
            self._entries_bytes -= len(memoryview(self._entries.popleft().raw))

    def has_message(self, message_id: str) -> bool:
        """See `Store`."""
        return message_id in self._seen

    def commit(self) -> None:
        """See `Store`."""

    def rollback(self) -> None:
        """See `Store`."""

    def close(self) -> None:
        """See `Store`."""

    @property
    def last_number(self) -> int:
        """See `Store`."""
        return self._last_number

    def persons(self) -> Iterator[Person]:
        """See `Store`."""
        # A change of id puts a person at the end, and makes them no younger.
        return iter(sorted(self._persons.values(), key=attrgetter("key")))

    def companies(self) -> Iterator[Company]:
        """See `Store`."""
        return iter(self._companies.values())

    def members(self, account_id: str, limit: int) -> tuple[Sequence[Person], int]:
        """See `Store`."""
        members = [one for one in self._members.get(account_id, {}).values() if one.identified]
        return nlargest(limit, members, key=_seen), len(members)

    def count_contacts(self) -> int:
        """See `Store`."""
        return sum(person.identified for person in self._persons.values())

    def count_companies(self) -> int:
        """See `Store`."""
        return len(self._companies)

    def count_visitors(self) -> int:
        """See `Store`."""
        return sum(visitor.linked_to is None for visitor in self._visitors.values())

    def find_contacts(self, words: Sequence[str], limit: int) -> tuple[Sequence[Person], int]:
        """See `Store`."""
        found = [one for one in self._persons.values() if one.identified and _has(words, one)]
        return nlargest(limit, found, key=_seen), len(found)

    def find_companies(self, words: Sequence[str], limit: int) -> tuple[Sequence[Company], int]:
        """See `Store`."""
        found = [one for one in self._companies.values() if _has(words, one)]
        return sorted(found, key=lambda one: one.name.casefold())[:limit], len(found)

    def entries(
        self, *, limit: int, owners: Collection[int] | None = None, before: int | None = None, after: int = 0
    ) -> Sequence[Entry]:
        """See `Store`."""
        found: list[Entry] = []
        theirs = None if owners is None else frozenset(owners)
        for entry in reversed(self._entries):
            if entry.number <= after or len(found) == limit:
                break
            if (before is None or entry.number < before) and (theirs is None or entry.owner in theirs):
                found.append(entry)
        return found

    def group_entries(self, account_id: str, limit: int) -> Sequence[Entry]:
        """See `Store`."""
        return [entry for entry in reversed(self._entries) if entry.account_id == account_id][:limit]

    def entry(self, number: int) -> Entry | None:
        """See `Store`."""
        # Numbers have no gaps.
        place = number - (self._last_number - len(self._entries)) - 1
        return self._entries[place] if 0 <= place < len(self._entries) else None

    def owners(self, keys: Iterable[int]) -> dict[int, Person | Visitor]:
        """See `Store`."""
        return {key: known for key in keys if (known := self._by_key.get(self._holder(key))) is not None}

    def _holder(self, key: int) -> int:
        while key in self._handed_over:
            key = self._handed_over[key]
        return key


def _has(words: Sequence[str], known: Person | Company) -> bool:
    text = about(known) if words else ""
    return all(word in text for word in words)


def _seen(known: Person) -> float:
    return known.last_seen or 0.0
