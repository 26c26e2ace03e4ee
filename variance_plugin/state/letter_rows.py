"""A dead letter as a row of its table, and back."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from ..hooks import Rejection
from .connection import Connection
from .json_text import json_text, json_value, microseconds, moment_of, text_bytes, text_of
from .letter import DeadLetter, Refusal
from .original import original

# An event that is replayed every minute must not grow without end.
_HISTORY_KEPT = 100

COLUMNS = (
    "id, plugin, event, uuid, distinct_id, source, reason, status, attempts, "
    "first_at, last_at, replay_at, history, record, message"
)
"""What `letter_of` takes, in this order."""
SIZE = "length(record) + ifnull(length(message), 0)"
"""Of a row, in bytes: what is large about it."""


def inserted(plugin: str, rejection: Rejection, refusal: Refusal) -> dict[str, Any]:
    """The row of a new letter, by column."""
    event = rejection.event
    source = None if event.position is None else str(event.position)
    record = original(event)
    return {
        "plugin": text_bytes(plugin),
        "event": text_bytes(str(event.event)),
        "uuid": _text_or_none(event.uuid),
        "distinct_id": _text_or_none(event.distinct_id),
        "source": None if source is None else text_bytes(source),
        "reason": text_bytes(refusal.reason),
        "status": refusal.status,
        "attempts": refusal.attempts,
        "first_at": microseconds(refusal.at),
        "last_at": microseconds(refusal.at),
        "history": json_text([]),
        "fingerprint": _fingerprint(plugin, source, record, rejection.message),
        "record": record,
        "message": rejection.message,
    }


def letter_of(row: Sequence[Any]) -> DeadLetter:
    """The letter in a row of `COLUMNS`."""
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


def refuse_again(connection: Connection, id_: int, refusal: Refusal, message: bytes | None) -> bool:
    """Within a transaction: put a letter's last refusal into its history; returns whether it is there."""
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


def _fingerprint(plugin: str, source: str | None, record: bytes, message: bytes | None) -> bytes | None:
    if source is None:  # nobody knows whether it is the same event or one like it
        return None
    digest = blake2b(digest_size=16)
    for part in (text_bytes(plugin), text_bytes(source), record, message or b""):
        digest.update(b"%d:" % len(part) + part)
    return digest.digest()


def _text_or_none(value: object) -> bytes | None:
    return None if value is None or value is msgspec.UNSET else text_bytes(str(value))
