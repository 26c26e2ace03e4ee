"""`DeadLetterStore`: what can never be delivered, kept until somebody decides about it."""

from collections.abc import Iterator
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from ..clock import Clock
from ..hooks import Rejection
from .connection import Connection
from .file import StateFile
from .json_text import json_text, json_value, microseconds, moment_of, text_bytes, text_of
from .letter import DeadLetter, LetterFilter, Refusal
from .letter_query import where
from .original import original

# `Rejection.reason` promises no more; this makes sure, for plugins of others.
_REASON_CHARACTERS = 1024
# An event that is replayed every minute must not grow without end.
_HISTORY_KEPT = 100
_AT_ONCE = 500

_COLUMNS = (
    "id, plugin, event, uuid, distinct_id, source, reason, status, attempts, "
    "first_at, last_at, replay_at, history, record, message"
)


class Group(StrEnum):
    """What dead letters are counted by."""

    REASON = "reason"
    STATUS = "status"
    EVENT = "event"
    PLUGIN = "plugin"


class DeadLetterStore:
    """Dead letters in the state file. Nothing leaves it but by `drop`, and by a replay that succeeds.

    All of it raises `StateError` when the file cannot be used now; nothing has changed then.

    Args:
        state: Where they are kept. A process that does not own it can do everything here too.
        clock: Says when something was rejected.
        plugin: Whose rejections `add` keeps; everything else is about those of all plugins.
    """

    def __init__(self, state: StateFile, clock: Clock, plugin: str = "") -> None:
        self._state = state
        self._clock = clock
        self._plugin = plugin

    def add(self, rejection: Rejection) -> None:
        """Keep one; on disk when it returns.

        An event that was rejected before, with the same message and from the same place, keeps its one
        letter and gets a longer history: so a batch that is repeated after a crash is not told twice.
        """
        event, refusal = rejection.event, self._refusal(rejection)
        record = original(event)
        source = None if event.position is None else str(event.position)
        row = (
            text_bytes(self._plugin),
            text_bytes(str(event.event)),
            _text_or_none(event.uuid),
            _text_or_none(event.distinct_id),
            None if source is None else text_bytes(source),
            text_bytes(refusal.reason),
            refusal.status,
            refusal.attempts,
            microseconds(refusal.at),
            microseconds(refusal.at),
            json_text([]),
            _fingerprint(self._plugin, source, record, rejection.message),
            record,
            rejection.message,
        )

        def keep(connection: Connection) -> None:
            known = connection.execute(
                "SELECT id FROM dead_letters WHERE fingerprint = ?", (row[11],)
            ).fetchone()
            if known is not None:
                _refuse_again(connection, known[0], refusal, rejection.message)
                return
            connection.execute(
                "INSERT INTO dead_letters (plugin, event, uuid, distinct_id, source, reason, status, "
                "attempts, first_at, last_at, history, fingerprint, record, message) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

        self._state.write(keep)

    def close(self) -> None:
        """Nothing to let go of: the state file belongs to whoever opened it."""

    def letters(
        self, which: LetterFilter, *, limit: int | None = None, newest_first: bool = True
    ) -> Iterator[DeadLetter]:
        """Some or all letters, in the order in which they came; read from disk a part at a time.

        Args:
            which: Which ones.
            limit: So many at the most.
            newest_first: Or the oldest.
        """
        order, beyond = ("DESC", "<") if newest_first else ("ASC", ">")
        condition, values = where(which)
        last, left = None, limit
        while left is None or left > 0:
            after, bound = ("", ()) if last is None else (f" AND id {beyond} ?", (last,))
            count = _AT_ONCE if left is None else min(left, _AT_ONCE)
            statement = (
                f"SELECT {_COLUMNS} FROM dead_letters "  # noqa: S608 -- values are bound
                f"WHERE {condition}{after} ORDER BY id {order} LIMIT {count}"
            )
            rows = self._rows(statement, (*values, *bound))
            yield from map(_letter, rows)
            if len(rows) < count:
                return
            last, left = rows[-1][0], None if left is None else left - count

    def get(self, id: int) -> DeadLetter | None:  # noqa: A002 -- it is the letter's
        """The letter of that id, if there is one."""
        return next(self.letters(LetterFilter(ids=[id])), None)

    def count(self, which: LetterFilter) -> int:
        """How many there are."""
        condition, values = where(which)
        ((count,),) = self._rows(f"SELECT count(*) FROM dead_letters WHERE {condition}", values)  # noqa: S608
        return int(count)

    def counts(self, by: Group, which: LetterFilter) -> list[tuple[Any, int]]:
        """How many there are of each reason, status, event or plugin, the most first."""
        condition, values = where(which)
        rows = self._rows(
            f"SELECT {by}, count(*) FROM dead_letters "  # noqa: S608
            f"WHERE {condition} GROUP BY {by} ORDER BY count(*) DESC, {by}",
            values,
        )
        return [(text_of(value) if isinstance(value, bytes) else value, count) for value, count in rows]

    def export(self, which: LetterFilter) -> Iterator[bytes]:
        """Letters as lines of JSON, the oldest first; they stay."""
        return (letter.line() for letter in self.letters(which, newest_first=False))

    def drop(self, which: LetterFilter) -> int:
        """Forget letters for good; returns how many."""
        condition, values = where(which)
        return self._change(f"DELETE FROM dead_letters WHERE {condition}", values)  # noqa: S608

    def begin_replay(self, which: LetterFilter) -> int:
        """Ask for letters to be sent again; returns how many were not asked for yet.

        It is on disk, so that another process can ask, and a replay that was cut short goes on.
        """
        condition, values = where(which)
        return self._change(
            f"UPDATE dead_letters SET replay_at = ? WHERE replay_at IS NULL AND {condition}",  # noqa: S608
            (microseconds(self._clock.now()), *values),
        )

    def end_replay(self, which: LetterFilter) -> int:
        """Take that back for letters which have not been sent yet; returns how many."""
        condition, values = where(which)
        return self._change(
            f"UPDATE dead_letters SET replay_at = NULL WHERE replay_at IS NOT NULL AND {condition}",  # noqa: S608
            values,
        )

    def settle(self, id: int) -> bool:  # noqa: A002
        """Forget a letter whose replay has delivered it; returns whether it was there, and in replay.

        One that was refused again meanwhile is not in replay any more, and stays.
        """
        return bool(self._change("DELETE FROM dead_letters WHERE id = ? AND replay_at IS NOT NULL", (id,)))

    def refused_again(self, id: int, rejection: Rejection) -> bool:  # noqa: A002
        """End the replay of a letter that was rejected once more; returns whether it is still there.

        It stays one letter: its earlier refusal goes into the history.
        """
        refusal = self._refusal(rejection)
        return self._state.write(lambda connection: _refuse_again(connection, id, refusal, rejection.message))

    def _refusal(self, rejection: Rejection) -> Refusal:
        return Refusal(
            at=self._clock.now(),
            reason=rejection.reason[:_REASON_CHARACTERS],
            status=rejection.status,
            attempts=rejection.attempts,
        )

    def _rows(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        return self._state.read(lambda connection: connection.execute(statement, values).fetchall())

    def _change(self, statement: str, values: tuple[Any, ...]) -> int:
        def change(connection: Connection) -> int:
            connection.execute(statement, values)
            (count,) = connection.execute("SELECT changes()").fetchone()
            return int(count)

        return self._state.write(change)


def _refuse_again(connection: Connection, id_: int, refusal: Refusal, message: bytes | None) -> bool:
    row = connection.execute(
        "SELECT last_at, reason, status, attempts, history FROM dead_letters WHERE id = ?", (id_,)
    ).fetchone()
    if row is None:
        return False
    last_at, reason, status, attempts, history = row
    entries = [*json_value(history), [last_at, text_of(reason), status, attempts]][-_HISTORY_KEPT:]
    connection.execute(
        "UPDATE dead_letters SET last_at = ?, reason = ?, status = ?, attempts = ?, history = ?, "
        "message = ifnull(?, message), replay_at = NULL WHERE id = ?",
        (
            microseconds(refusal.at),
            text_bytes(refusal.reason),
            refusal.status,
            refusal.attempts,
            json_text(entries),
            message,
            id_,
        ),
    )
    return True


def _letter(row: tuple[Any, ...]) -> DeadLetter:
    (id_, plugin, event, uuid, distinct_id, source, reason, status, attempts, *rest) = row
    first_at, last_at, replay_at, history, record, message = rest
    return DeadLetter(
        id=id_,
        plugin=text_of(plugin),
        event=text_of(event),
        uuid=None if uuid is None else text_of(uuid),
        distinct_id=None if distinct_id is None else text_of(distinct_id),
        source=None if source is None else text_of(source),
        first_at=moment_of(first_at),
        last=Refusal(at=moment_of(last_at), reason=text_of(reason), status=status, attempts=attempts),
        history=tuple(
            Refusal(at=moment_of(at), reason=earlier, status=code, attempts=tries)
            for at, earlier, code, tries in json_value(history)
        ),
        in_replay=replay_at is not None,
        record=record,
        message=message,
    )


def _fingerprint(plugin: str, source: str | None, record: bytes, message: bytes | None) -> bytes | None:
    if source is None:  # nobody knows whether it is the same event or one like it
        return None
    digest = blake2b(digest_size=16)
    for part in (text_bytes(plugin), text_bytes(source), record, message or b""):
        digest.update(b"%d:" % len(part) + part)
    return digest.digest()


def _text_or_none(value: object) -> bytes | None:
    return text_bytes(value) if isinstance(value, str) else None if not value else text_bytes(str(value))
