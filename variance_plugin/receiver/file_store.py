"""The store in a file: SQLite. What was committed survives a kill; memory holds a bounded part of it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from .database import Database
from .json_form import from_json, to_json
from .message import MessageType
from .records import Company, Person, Visitor
from .store import Entry, Known, Tally, about

# When more than so many people and accounts are at hand, all are let go of; the next look reads them again.
_AT_HAND: Final = 20_000
_INSERT_MESSAGE: Final = "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

_HAS_WORD: Final = " AND instr(about, ?)"

T = TypeVar("T", Person, Visitor, Company)


class FileStore:
    """See `Store`. One process at a time has the file.

    Args:
        path: The file.

    Raises:
        UsageError: it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._persons: dict[str, Person] = {}
        self._visitors: dict[str, Visitor] = {}
        self._companies: dict[str, Company] = {}
        self._unsaved: dict[int, Known] = {}
        self._entries: list[Entry] = []
        self._seen: set[str] = set()
        self._keys = max(self._largest("key", table) for table in ("person", "visitor", "handed_over"))
        self._last_number = self._largest("number", "message")
        tally = self._database.read("SELECT record FROM tally")
        self.tally = from_json(tally[0][0], Tally) if tally else Tally()
        self.tally.count_on()

    def _largest(self, column: str, table: str) -> int:
        query = f"SELECT coalesce(max({column}), 0) FROM {table}"  # noqa: S608 -- names of our own
        [(largest,)] = self._database.read(query)
        return int(largest)

    def new_key(self) -> int:
        """See `Store`."""
        self._keys += 1
        return self._keys

    def person(self, user_id: str) -> Person | None:
        """See `Store`."""
        return self._find(user_id, self._persons, "SELECT record FROM person WHERE id = ?", Person)

    def visitor(self, anonymous_id: str) -> Visitor | None:
        """See `Store`."""
        return self._find(anonymous_id, self._visitors, "SELECT record FROM visitor WHERE id = ?", Visitor)

    def company(self, account_id: str) -> Company | None:
        """See `Store`."""
        return self._find(account_id, self._companies, "SELECT record FROM company WHERE id = ?", Company)

    def save(self, known: Known) -> None:
        """See `Store`."""
        self._unsaved[id(known)] = known
        match known:
            case Person():
                self._persons[known.user_id] = known
            case Visitor():
                self._visitors[known.anonymous_id] = known
            case Company():
                self._companies[known.account_id] = known

    def rename(self, person: Person, user_id: str) -> None:
        """See `Store`."""
        self._persons.pop(person.user_id, None)
        person.user_id = user_id
        # At once, so that nobody is found under the former id from here on.
        self._database.write("UPDATE person SET id = ? WHERE key = ?", _bytes(user_id), person.key)
        self.save(person)

    def remove(self, person: Person) -> None:
        """See `Store`."""
        self._persons.pop(person.user_id, None)
        self._unsaved.pop(id(person), None)
        self._database.write("DELETE FROM person WHERE key = ?", person.key)

    def hand_over(self, key: int, person: Person) -> None:
        """See `Store`."""
        self._database.write("INSERT OR REPLACE INTO handed_over VALUES (?, ?)", key, person.key)

    def fold(self, previous_id: str, into: str) -> None:
        """See `Store`."""
        self._database.write("INSERT OR REPLACE INTO folded VALUES (?, ?)", _bytes(previous_id), _bytes(into))

    def folded_into(self, user_id: str) -> str | None:
        """See `Store`."""
        found = self._database.read("SELECT into_id FROM folded WHERE id = ?", _bytes(user_id))
        return _text(found[0][0]) if found else None

    def join(self, account_id: str, person: Person) -> None:
        """See `Store`."""
        self._database.write("INSERT OR IGNORE INTO member VALUES (?, ?)", _bytes(account_id), person.key)

    def leave(self, account_id: str, person: Person) -> None:
        """See `Store`."""
        member = (_bytes(account_id), person.key)
        self._database.write("DELETE FROM member WHERE account_id = ? AND person = ?", *member)

    def log(self, entry: Entry) -> None:
        """See `Store`."""
        self._last_number = entry.number
        self._entries.append(entry)
        if entry.message_id is not None:
            self._seen.add(entry.message_id)

    def has_message(self, message_id: str) -> bool:
        """See `Store`."""
        if message_id in self._seen:
            return True
        return bool(self._database.read("SELECT 1 FROM message WHERE message_id = ?", _bytes(message_id)))

    def commit(self) -> None:
        """See `Store`."""
        for known in self._unsaved.values():
            self._write_known(known)
        self._unsaved.clear()
        self._database.write_all(_INSERT_MESSAGE, map(_row, self._entries))
        self._database.write("INSERT OR REPLACE INTO tally VALUES (1, ?)", to_json(self.tally))
        self._database.commit()
        self._entries.clear()
        self._seen.clear()
        if len(self._persons) + len(self._visitors) + len(self._companies) > _AT_HAND:
            for at_hand in (self._persons, self._visitors, self._companies):
                at_hand.clear()

    def rollback(self) -> None:
        """See `Store`."""
        self._database.rollback()
        self._begin_anew()

    def close(self) -> None:
        """See `Store`."""
        self._database.close()

    @property
    def last_number(self) -> int:
        """See `Store`."""
        return self._last_number

    def persons(self) -> Iterator[Person]:
        """See `Store`."""
        return self._each("SELECT record FROM person ORDER BY key", Person)

    def companies(self) -> Iterator[Company]:
        """See `Store`."""
        return self._each("SELECT record FROM company ORDER BY number", Company)

    def members(self, account_id: str, limit: int) -> tuple[Sequence[Person], int]:
        """See `Store`."""
        return self._some(
            "person JOIN member ON member.person = person.key WHERE account_id = ? AND contact",
            [_bytes(account_id)],
            "coalesce(last_seen, 0) DESC, key",
            limit,
            Person,
        )

    def count_contacts(self) -> int:
        """See `Store`."""
        return self._database.count("person WHERE contact")

    def count_companies(self) -> int:
        """See `Store`."""
        return self._database.count("company")

    def count_visitors(self) -> int:
        """See `Store`."""
        return self._database.count("visitor WHERE NOT linked")

    def find_contacts(self, words: Sequence[str], limit: int) -> tuple[Sequence[Person], int]:
        """See `Store`."""
        found = f"person WHERE contact{_HAS_WORD * len(words)}"
        return self._some(found, words, "coalesce(last_seen, 0) DESC, key", limit, Person)

    def find_companies(self, words: Sequence[str], limit: int) -> tuple[Sequence[Company], int]:
        """See `Store`."""
        return self._some(
            f"company WHERE true{_HAS_WORD * len(words)}", words, "about, number", limit, Company
        )

    def entries(
        self, *, limit: int, owners: Collection[int] | None = None, before: int | None = None, after: int = 0
    ) -> Sequence[Entry]:
        """See `Store`."""
        conditions, values = "number > ?", [after]
        if before is not None:
            conditions, values = f"{conditions} AND number < ?", [*values, before]
        if owners is not None:
            conditions = f"{conditions} AND owner IN ({', '.join('?' * len(owners))})"
            values += owners
        return self._newest(conditions, values, limit)

    def group_entries(self, account_id: str, limit: int) -> Sequence[Entry]:
        """See `Store`."""
        return self._newest("account_id = ?", [_bytes(account_id)], limit)

    def entry(self, number: int) -> Entry | None:
        """See `Store`."""
        return next(iter(self._newest("number = ?", [number], 1)), None)

    def owners(self, keys: Iterable[int]) -> dict[int, Person | Visitor]:
        """See `Store`."""
        return {key: known for key in keys if (known := self._owner(key)) is not None}

    def _owner(self, key: int) -> Person | Visitor | None:
        while later := self._database.read("SELECT person FROM handed_over WHERE key = ?", key):
            [(key,)] = later
        if found := self._database.read("SELECT record FROM person WHERE key = ?", key):
            return from_json(found[0][0], Person)
        if found := self._database.read("SELECT record FROM visitor WHERE key = ?", key):
            return from_json(found[0][0], Visitor)
        return None

    def _find(self, name: str, at_hand: dict[str, T], query: str, form: type[T]) -> T | None:
        known = at_hand.get(name)
        if known is None and (found := self._database.read(query, _bytes(name))):
            known = at_hand[name] = from_json(found[0][0], form)
        return known

    def _some(
        self, found: str, values: Sequence[Any], order: str, limit: int, form: type[T]
    ) -> tuple[list[T], int]:
        # Both texts are written in this module; what comes from outside is in the values.
        query = f"SELECT record FROM {found} ORDER BY {order} LIMIT ?"  # noqa: S608 -- see above
        rows = self._database.read(query, *values, limit)
        return [from_json(record, form) for (record,) in rows], self._database.count(found, *values)

    def _each(self, query: str, form: type[T]) -> Iterator[T]:
        for (record,) in self._database.execute(query):
            yield from_json(record, form)

    def _newest(self, conditions: str, values: Sequence[Any], limit: int) -> list[Entry]:
        query = f"SELECT * FROM message WHERE {conditions} ORDER BY number DESC LIMIT ?"  # noqa: S608 -- as above
        return [_entry(*row) for row in self._database.read(query, *values, limit)]

    def _write_known(self, known: Known) -> None:
        match known:
            case Person():
                self._database.write(
                    "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?, ?, ?)",
                    known.key,
                    _bytes(known.user_id),
                    known.identified,
                    known.last_seen,
                    _plain(about(known)),
                    to_json(known),
                )
            case Visitor():
                linked = known.linked_to is not None
                row = (known.key, _bytes(known.anonymous_id), linked, to_json(known))
                self._database.write("INSERT OR REPLACE INTO visitor VALUES (?, ?, ?, ?)", *row)
            case Company():
                self._database.write(
                    "INSERT INTO company (id, about, record) VALUES (?, ?, ?)"
                    " ON CONFLICT (id) DO UPDATE SET about = excluded.about, record = excluded.record",
                    _bytes(known.account_id),
                    _plain(about(known)),
                    to_json(known),
                )


# Ids are kept as bytes: SQLite takes no text with half a UTF-16 pair.
def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogatepass")


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _row(entry: Entry) -> tuple[object, ...]:
    message_id = None if entry.message_id is None else _bytes(entry.message_id)
    account_id = None if entry.account_id is None else _bytes(entry.account_id)
    head = (entry.number, entry.received, entry.connection, str(entry.type), message_id)
    return (*head, entry.owner, account_id, bytes(entry.raw))


def _entry(  # noqa: PLR0913, PLR0917 -- the columns
    number: int,
    received: float,
    connection: str,
    message_type: str,
    message_id: bytes | None,
    owner: int,
    account_id: bytes | None,
    raw: bytes,
) -> Entry:
    return Entry(
        number,
        received,
        connection,
        MessageType(message_type),
        None if message_id is None else _text(message_id),
        owner,
        None if account_id is None else _text(account_id),
        msgspec.Raw(raw),
    )
