"""The retry schedule: from the number of the attempt to the wait before the next. Arithmetic only.

The only place that knows the `backoff` package.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice

import backoff

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 300.0
LONGEST_RETRY_AFTER_SECONDS = 3600.0


def waits(first_seconds: float = FIRST_SECONDS, longest_seconds: float = LONGEST_SECONDS) -> Iterator[float]:
    """The waits after the first failed attempt, the second, and so on, without end.

    Full jitter (a random share of the whole): `random(0, min(longest, first · 2^n))` seconds, so that
    many senders who failed together do not come back together.
    """
    ceilings = backoff.expo(base=2, factor=first_seconds, max_value=longest_seconds)
    for ceiling in islice(ceilings, 1, None):  # backoff's generators begin with an empty turn
        yield backoff.full_jitter(ceiling)


def retry_after_seconds(value: str | None, now: datetime) -> float:
    """What a `Retry-After` header asks for: seconds, or the time until its HTTP date (RFC 9110, 10.2.3).

    At most an hour; 0 for nonsense and for the past.
    """
    if not value:
        return 0.0
    text = value.strip()
    if text.isascii() and text.isdecimal():
        seconds = float(text[:_DIGITS]) if len(text) <= _DIGITS else LONGEST_RETRY_AFTER_SECONDS
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return 0.0
        # RFC 9110 dates are GMT; the parser gives "-0000" no zone.
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


# More digits than these are more than an hour, however they are read.
_DIGITS = 9
