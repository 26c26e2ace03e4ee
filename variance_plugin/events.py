"""`Event`: one PostHog event, whichever way it came."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

if TYPE_CHECKING:
    Properties: TypeAlias = dict[str, Any]
else:
    # While it is read: JSON text in Kafka's rows, null in batch exports. `formats` leaves an object.
    Properties = dict[str, Any] | str | None


class Event(
    msgspec.Struct,
    kw_only=True,
    rename={
        "user_id": "$user_id",
        "set_": "$set",
        "set_once": "$set_once",
        "record": "(record)",
        "position": "(position)",
    },
):
    """A PostHog event with the field names of PostHog's plugin events.

    `formats.events` makes it from every shape that PostHog hands out; after that the person updates
    are always in `properties["$set"]` and `properties["$set_once"]`, and the person's own properties,
    where they came along, in `person_properties`. A plugin may change any field in `process_event`.

    Values are plain Python: objects are dicts, integers are exact, a decimal that a float cannot hold
    is a `decimal.Decimal`. `uuid`, `distinct_id` and `timestamp` are nearly always text, but stand as
    they were received.
    """

    event: str
    """The event's name, such as `$pageview` or `order paid`."""
    properties: Properties
    distinct_id: Any = msgspec.UNSET
    uuid: Any = None
    timestamp: Any = None
    """As received; `utc_text` reads every spelling of it."""
    person_properties: Any = None
    ip: Any = None
    sent_at: Any = None
    offset: Any = None
    """Age of the event at `sent_at`, in milliseconds; older posthog-js sends it in place of a time."""
    user_id: Any = None
    elements_chain: Any = None
    set_: Any = None
    set_once: Any = None
    person: Any = None
    team_id: Any = None

    record: bytes = b""
    """The JSON text the event was read from, for the dead letters."""
    position: Any = None
    """Where its source had it, for messages to people and for acknowledgement."""


def utc_text(value: object) -> str | None:
    """A time in the one spelling that is sent: ISO-8601, UTC, `Z`, milliseconds (or microseconds).

    Takes ISO-8601 with any zone (`+00:00` of batch exports, `Z` of SDKs), ClickHouse's
    `YYYY-MM-DD HH:MM:SS[.fff]` which is UTC, seconds or milliseconds since 1970 (also as digits in a
    text), and `datetime`. Digits beyond microseconds are cut off. Returns None for None.

    Raises:
        ValueError: when the value is none of these.
    """
    if type(value) is str:
        # Nearly every time is spelled in one of two ways; whether it is a time has to be seen still.
        if value[4:20:3] == "--T::.":
            zone = value[23:]
            if zone == "000+00:00":
                _from_iso(value)
                return value[:23] + "Z"
            if zone == "Z":
                _from_iso(value)
                return value
        moment = _read(value)
    elif value is None:
        return None
    elif isinstance(value, datetime):
        moment = value
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        moment = _since_1970(value)
    else:
        raise ValueError(f"a {type(value).__name__} is not a time")
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time lies outside the years 1 to 9999") from error
    spec = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=spec) + "Z"


_from_iso = datetime.fromisoformat
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 10^11 seconds is the year 5138, 10^11 milliseconds is March 1973: between them lies no doubt.
_MILLISECONDS_FROM = 100_000_000_000
_DIGITS_OF_SECONDS, _DIGITS_OF_MILLISECONDS = 10, 13


def _read(text: str) -> datetime:
    # Python reads `1712113000000` as 30 November 1712, midnight.
    if len(text) in (_DIGITS_OF_SECONDS, _DIGITS_OF_MILLISECONDS) and text.isdecimal():
        return _since_1970(int(text))
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text.upper())  # RFC 3339 allows `t` and `z`


def _since_1970(count: float | Decimal) -> datetime:
    try:
        seconds = float(count)
        if abs(seconds) >= _MILLISECONDS_FROM:
            seconds /= 1000
        return _EPOCH + timedelta(seconds=round(seconds, 6))
    except ArithmeticError as error:
        raise ValueError("the time lies outside the years 1 to 9999") from error
