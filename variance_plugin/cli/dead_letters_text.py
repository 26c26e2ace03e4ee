"""Dead letters as a person reads them, and as a program does. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from ..events import utc_text
from ..exact_json import encode
from ..plurals import many
from ..state import DeadLetter, Refusal
from ..state.original import in_line
from .wording import printable, shortened

_HEADINGS = ("id", "rejected", "plugin", "event", "user", "status", "times", "reason")
# A name that fills the screen leaves no room for the reason.
_CELL_WIDTH = 28
_LEAST_REASON = 20


def table(letters: Iterable[DeadLetter], width: int | None) -> Iterator[str]:
    """A line each, below headings; as wide as a terminal, where there is one."""
    # Of many letters only the rows are in memory together.
    rows = [_HEADINGS, *map(_row, letters)]
    last = len(_HEADINGS) - 1
    widths = [max(len(row[column]) for row in rows) for column in range(last)]
    room = None if width is None else max(width - sum(widths) - 2 * last, _LEAST_REASON)
    for row in rows:
        reason = row[-1] if room is None else shortened(row[-1], room)
        padded = (f"{cell:<{wide}}" for cell, wide in zip(row, widths, strict=False))
        yield "  ".join((*padded, reason)).rstrip()


def counts(counted: Sequence[tuple[Any, int]], by: str) -> Iterator[str]:
    """`1,204  HTTP 400: no such field`, the most first."""
    rows = [(f"{count:,}", _named(value)) for value, count in counted]
    width = max((len(count) for count, _ in rows), default=0)
    yield f"{'':<{width}}  {by}"
    for count, value in rows:
        yield f"{count:>{width}}  {value}"


def whole(letter: DeadLetter) -> Iterator[str]:
    """All that is known of one letter."""
    facts = {
        "plugin": letter.plugin or "none: the record is no event",
        "event": letter.event or "unknown",
        "user": letter.distinct_id,
        "uuid": letter.uuid,
        "source": letter.source,
        "replay": "asked for, and not sent yet" if letter.in_replay else None,
    }
    yield f"Dead letter {letter.id}"
    yield from (f"  {name:<8}{printable(value)}" for name, value in facts.items() if value is not None)
    yield ""
    yield f"Rejected {many(len(letter.history) + 1, 'time')}"
    for refusal in (*letter.history, letter.last):
        requests = f" ({many(refusal.attempts, 'request')})" if refusal.attempts else ""
        yield f"  {_seconds(refusal.at)}  {printable(refusal.reason)}{requests}"
    yield ""
    yield "Event"
    yield from _shown(letter.record) if letter.record else ("  nothing of it could be read",)
    if letter.message is not None:
        yield ""
        yield "Message"
        yield from _shown(letter.message)


def line(letter: DeadLetter) -> bytes:
    """One line of JSON, without what the event and the message hold."""
    return encode(_facts(letter)) + b"\n"


def whole_line(letter: DeadLetter) -> bytes:
    """One line of JSON with all that is known."""
    return (
        encode(
            {
                **_facts(letter),
                "history": list(map(_plain, letter.history)),
                "record": in_line(letter.record),
                "message": None if letter.message is None else msgspec.Raw(letter.message),
            }
        )
        + b"\n"
    )


def count_line(value: Any, count: int, by: str) -> bytes:
    """One line of JSON: `{"status": 400, "count": 12}`."""
    return encode({by: value, "count": count}) + b"\n"


def _row(letter: DeadLetter) -> tuple[str, ...]:
    last = letter.last
    cells = (letter.plugin or "-", letter.event or "-", letter.distinct_id or "-")
    return (
        str(letter.id),
        _seconds(last.at),
        *(shortened(printable(cell), _CELL_WIDTH) for cell in cells),
        "-" if last.status is None else str(last.status),
        f"{len(letter.history) + 1}{' in replay' if letter.in_replay else ''}",
        printable(last.reason),
    )


def _facts(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "plugin": letter.plugin,
        "event": letter.event,
        "uuid": letter.uuid,
        "distinctId": letter.distinct_id,
        "source": letter.source,
        **_plain(letter.last),
        "firstRejectedAt": utc_text(letter.first_at),
        "times": len(letter.history) + 1,
        "inReplay": letter.in_replay,
    }


def _plain(refusal: Refusal) -> dict[str, Any]:
    return {
        "rejectedAt": utc_text(refusal.at),
        "reason": refusal.reason,
        "status": refusal.status,
        "attempts": refusal.attempts,
    }


def _shown(record: bytes) -> Iterator[str]:
    """As JSON over several lines, with the values as they are; what is no JSON as its text."""
    found = in_line(record)
    text = bytes(msgspec.json.format(bytes(found))).decode() if isinstance(found, msgspec.Raw) else found
    yield from (f"  {printable(one)}" for one in text.splitlines())


def _named(value: Any) -> str:
    return "-" if value is None or value == "" else printable(str(value))


def _seconds(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
