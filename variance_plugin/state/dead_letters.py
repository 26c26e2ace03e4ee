"""`DeadLetterStore`: what can never be delivered, kept until somebody decides about it."""

from collections.abc import Collection, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..clock import Clock
from ..hooks import Rejection
from .connection import Connection
from .file import StateFile
from .json_text import microseconds, text_of
from .letter import DeadLetter, LetterFilter, Refusal
from .letter_query import where
from .letter_rows import COLUMNS, SIZE, inserted, letter_of, refuse_again

# `Rejection.reason` promises no more; this makes sure, for plugins of others.
_REASON_CHARACTERS = 1024
# So much is in memory at once, and one letter beyond it: an event may have 20 MB.
_AT_ONCE = 500
_AT_ONCE_BYTES = 1024 * 1024


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
        refusal = self._refusal(rejection)
        row = inserted(self._plugin, rejection, refusal)

        def keep(connection: Connection) -> None:
            known = connection.execute(
                "SELECT id FROM dead_letters WHERE fingerprint = ?", (row["fingerprint"],)
            ).fetchone()
            if known is not None:
                refuse_again(connection, known[0], refusal, rejection.message)
                return
            columns, places = ", ".join(row), ", ".join("?" * len(row))
            connection.execute(
                f"INSERT INTO dead_letters ({columns}) VALUES ({places})",  # noqa: S608 -- values are bound
                tuple(row.values()),
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
        last, left = None, limit
        while left is None or left > 0:
            count = _AT_ONCE if left is None else min(left, _AT_ONCE)
            letters, is_last = self._page(which, last, count=count, newest_first=newest_first)
            yield from letters
            if is_last:
                return
            last, left = letters[-1].id, None if left is None else left - len(letters)

    def waiting(self) -> dict[str, int]:
        """How many are to be sent again, by plugin; quick, and so can be asked for every second."""
        rows = self._rows(
            "SELECT plugin, count(*) FROM dead_letters WHERE replay_at IS NOT NULL GROUP BY plugin", ()
        )
        return {text_of(plugin): count for plugin, count in rows}

    def in_replay(self, plugin: str) -> list[DeadLetter]:
        """A plugin's letters that are to be sent again, the oldest first: the next megabyte of them."""
        which = LetterFilter(plugin=plugin, in_replay=True)
        letters, _ = self._page(which, None, count=_AT_ONCE, newest_first=False)
        return letters

    def get(self, id: int) -> DeadLetter | None:  # noqa: A002 -- it is the letter's
        """The letter of that id, if there is one."""
        return next(self.letters(LetterFilter(ids=[id])), None)

    def ids(self, which: LetterFilter) -> list[int]:
        """Of the letters, the oldest first."""
        condition, values = where(which)
        return [
            id_
            for (id_,) in self._rows(f"SELECT id FROM dead_letters WHERE {condition} ORDER BY id", values)  # noqa: S608
        ]

    def count(self, which: LetterFilter) -> int:
        """How many there are."""
        condition, values = where(which)
        ((count,),) = self._rows(f"SELECT count(*) FROM dead_letters WHERE {condition}", values)  # noqa: S608
        return int(count)

    def standing(self, ids: Collection[int], since: datetime) -> tuple[int, int, int]:
        """Of letters whose replay was asked for then: how many wait, were refused again, and were not sent.

        The others are there no more. All of one moment.
        """
        condition, values = where(LetterFilter(ids=ids))
        ((waiting, refused, all_),) = self._rows(
            "SELECT total(replay_at IS NOT NULL), total(replay_at IS NULL AND last_at >= ?), count(*) "  # noqa: S608 -- values are bound
            f"FROM dead_letters WHERE {condition}",
            (microseconds(since), *values),
        )
        return int(waiting), int(refused), all_ - int(waiting) - int(refused)

    def counts(self, by: Group, which: LetterFilter) -> list[tuple[Any, int]]:
        """How many there are of each reason, status, event or plugin, the most first."""
        condition, values = where(which)
        rows = self._rows(
            f"SELECT {by}, count(*) FROM dead_letters "  # noqa: S608
            f"WHERE {condition} GROUP BY {by} ORDER BY count(*) DESC, {by}",
            values,
        )
        return [(text_of(value) if isinstance(value, bytes) else value, count) for value, count in rows]

    def tally(self) -> dict[tuple[str, int | None], int]:
        """How many there are in all, by plugin and status; quick, also with a million of them."""
        rows = self._rows("SELECT plugin, status, count(*) FROM dead_letters GROUP BY plugin, status", ())
        return {(text_of(plugin), status): count for plugin, status, count in rows}

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

    def settle(self, ids: Collection[int]) -> int:
        """Forget letters whose replay has delivered them; returns how many.

        Only those in replay: one that was refused again meanwhile is not, and stays.
        """
        condition, values = where(LetterFilter(ids=ids, in_replay=True))
        return self._change(f"DELETE FROM dead_letters WHERE {condition}", values)  # noqa: S608

    def refused_again(self, id: int, rejection: Rejection) -> bool:  # noqa: A002
        """End the replay of a letter that was rejected once more; returns whether it is still there.

        It stays one letter: its earlier refusal goes into the history.
        """
        refusal = self._refusal(rejection)
        return self._state.write(lambda connection: refuse_again(connection, id, refusal, rejection.message))

    def _refusal(self, rejection: Rejection) -> Refusal:
        return Refusal(
            at=self._clock.now(),
            reason=rejection.reason[:_REASON_CHARACTERS],
            status=rejection.status,
            attempts=rejection.attempts,
        )

    def _page(
        self, which: LetterFilter, after: int | None, *, count: int, newest_first: bool
    ) -> tuple[list[DeadLetter], bool]:
        """Letters behind that one, at most so many; and whether there are no more."""
        order, beyond = ("DESC", "<") if newest_first else ("ASC", ">")
        condition, values = where(which)
        bound = "" if after is None else f" AND id {beyond} ?"
        statement = (
            f"SELECT {COLUMNS}, {SIZE} FROM dead_letters "  # noqa: S608 -- values are bound
            f"WHERE {condition}{bound} ORDER BY id {order} LIMIT {count + 1}"
        )

        def read(connection: Connection) -> tuple[list[DeadLetter], bool]:
            letters: list[DeadLetter] = []
            left_bytes = _AT_ONCE_BYTES
            for *row, size_bytes in connection.execute(
                statement, values if after is None else (*values, after)
            ):
                if len(letters) == count or (letters and size_bytes > left_bytes):
                    return letters, False
                letters.append(letter_of(row))
                left_bytes -= size_bytes
            return letters, True

        return self._state.read(read)

    def _rows(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        return self._state.read(lambda connection: connection.execute(statement, values).fetchall())

    def _change(self, statement: str, values: tuple[Any, ...]) -> int:
        def change(connection: Connection) -> int:
            connection.execute(statement, values)
            (count,) = connection.execute("SELECT changes()").fetchone()
            return int(count)

        return self._state.write(change)
