"""A `LetterFilter` as a condition of SQL."""

from typing import Any

from .json_text import microseconds, text_bytes
from .letter import LetterFilter


def where(which: LetterFilter) -> tuple[str, tuple[Any, ...]]:
    """The condition, with a question mark for each value, and the values."""
    conditions: list[tuple[str, Any]] = []
    if which.ids is not None:
        # As JSON, since the number of question marks has a limit and that of ids has none.
        conditions.append(("id IN (SELECT value FROM json_each(?))", str(sorted(which.ids))))
    if which.plugin is not None:
        conditions.append(("plugin = ?", text_bytes(which.plugin)))
    if which.reason is not None:
        conditions.append(("instr(reason, ?)", text_bytes(which.reason)))
    if which.status is not None:
        conditions.append(("status = ?", which.status))
    if which.event is not None:
        conditions.append(("event = ?", text_bytes(which.event)))
    if which.distinct_id is not None:
        conditions.append(("distinct_id = ?", text_bytes(which.distinct_id)))
    if which.since is not None:
        conditions.append(("last_at >= ?", microseconds(which.since)))
    if which.until is not None:
        conditions.append(("last_at < ?", microseconds(which.until)))
    if which.in_replay is not None:
        # In the words of the index of those in replay, which few are.
        fixed = "replay_at IS NOT NULL" if which.in_replay else "replay_at IS NULL"
    else:
        fixed = "1"
    text = " AND ".join([fixed, *(condition for condition, _ in conditions)])
    return text, tuple(value for _, value in conditions)
