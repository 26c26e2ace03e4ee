"""A time on the command line: a date, a date with a time, or how long ago. Pure."""

import re
from datetime import UTC, datetime, timedelta

from ..errors import UsageError

_AGO = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime, *, option: str) -> datetime:
    """The time that a text stands for; without a zone it is UTC.

    Args:
        text: `2026-11-25`, `2026-11-25T10:00+01:00`, `90m`, `24h`, `7d`.
        now: What "ago" counts from.
        option: Named when it is none of these.

    Raises:
        UsageError: when it is none of these.
    """
    try:
        ago = _AGO.fullmatch(text.strip())
        if ago is not None:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        given = datetime.fromisoformat(text.strip())
        return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{option}: {text!r} is no time; write 2026-11-25 or 2026-11-25T10:00 (UTC), "
            "or how long ago it was: 90m, 24h, 7d"
        ) from error
