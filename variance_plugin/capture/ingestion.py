"""What PostHog's ingestion makes of an event before anybody gets to see it, where it has not run.

An event that comes from an SDK straight has the client's clock, no address, and from old SDKs no id. The
rules are PostHog's own, rust/common/types/src/timestamp.rs for time and rust/capture for the rest, but for
one: a clock that is nearly right is left alone. PostHog takes the time that a request spent on its way for a
clock that is behind, and dates its events so much later. A request that was slow then overtakes the next one,
and a person's older traits would stand for the newer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5

from ..events import utc_text
from ..exact_json import decode, encode
from .posted import Member

# An event that is later than this is one whose clock is wrong, and happened when it came.
_FARTHEST_AHEAD = timedelta(hours=23)
# Hardly any request is longer on its way, and hardly anybody is misled by so little.
_RIGHT_ENOUGH = timedelta(minutes=1)
_NAMESPACE = UUID("6f0e3a52-51a4-5c1c-9c35-5ad0d6b9a6a1")
_LONGEST_UUID = 45  # `urn:uuid:` and braces included
# An event has a dozen fields of its own, always the same.
_NAMES = 100
# What ingestion takes off an event that it has used up.
_USED_UP = ("offset", "sent_at", "token", "api_key", "$token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """The circumstances in which a request came.

    Attributes:
        at: When.
        ip: The client's address; None: it is not to be kept.
        nonce: Of this request alone: ids of events that could be told apart by nothing else are made of it.
    """

    at: datetime
    ip: str | None
    nonce: str


@dataclass(frozen=True, slots=True)
class Skew:
    """How far the client's clock is ahead; None where it is right, or nobody knows."""

    ahead: timedelta | None

    @classmethod
    def of(cls, sent_at: Any, received_at: datetime) -> "Skew":
        """From when it says it sent a request; unknown where it does not say, or says what is no time."""
        moment = _moment(sent_at)
        ahead = None if moment is None else moment - received_at
        return cls(None if ahead is None or abs(ahead) <= _RIGHT_ENOUGH else ahead)


def as_ingested(member: Member, reception: Reception, skew: Skew, *, number: int) -> bytes:
    """The event as one JSON text that holds what PostHog's ingestion would have added.

    Its name stands first. The values that it came with are the same bytes as before.

    Args:
        member: Without a fault.
        reception: See there.
        skew: Of the client that sent it.
        number: How many events with the very same text stand before it in the request.
    """
    fields = dict(member.fields)
    happened = _happened(fields, member, reception, skew)
    uuid = _uuid(fields, member, reception, number)
    for name in _USED_UP:
        fields.pop(name, None)
    fields["uuid"] = encode(uuid)
    fields["timestamp"] = encode(happened)
    if reception.ip is not None and member.inner.get("$ip") is None:
        fields["ip"] = encode(reception.ip)
    return b"{" + b",".join([_key(name) + value for name, value in fields.items()]) + b"}"


@lru_cache(_NAMES)
def _key(name: str) -> bytes:
    return encode(name) + b":"


def _happened(fields: dict[str, bytes], member: Member, reception: Reception, skew: Skew) -> str | None:
    moment = _moment(_value(fields, "timestamp"))
    ignores_skew = member.inner.get("$ignore_sent_at") is True or _is_without_skew(fields)
    if moment is not None and skew.ahead is not None and not ignores_skew:
        moment = _shifted(moment, -skew.ahead)
    offset = _value(fields, "offset")
    if isinstance(offset, int | float) and not isinstance(offset, bool):
        moment = _shifted(reception.at, _milliseconds(-offset))
    if moment is None or moment - reception.at > _FARTHEST_AHEAD:
        moment = reception.at
    return utc_text(moment)


def _is_without_skew(fields: dict[str, bytes]) -> bool:
    """As the capture API v1 says it."""
    options = _value(fields, "options")
    return isinstance(options, dict) and options.get("disable_skew_correction") is True


def _uuid(fields: dict[str, bytes], member: Member, reception: Reception, number: int) -> str:
    given = _value(fields, "uuid")
    if isinstance(given, str) and len(given) <= _LONGEST_UUID:
        try:
            return str(UUID(given))
        except ValueError:
            pass  # PostHog gives it one as well
    # A client that tries again sends the same text; one without a time in it says nothing about which event.
    once = "" if _moment(_value(fields, "timestamp")) is not None else reception.nonce
    text = member.text.decode(errors="replace")
    return str(uuid5(_NAMESPACE, f"{number}\n{once}\n{text}"))


def _value(fields: dict[str, bytes], name: str) -> Any:
    return decode(fields[name]) if name in fields else None


def _moment(value: Any) -> datetime | None:
    try:
        text = utc_text(value)
    except (ValueError, TypeError):
        return None
    return None if text is None else datetime.fromisoformat(text)


def _milliseconds(count: float) -> timedelta | None:
    try:
        return timedelta(milliseconds=count)
    except (OverflowError, ValueError):
        return None


def _shifted(moment: datetime, by: timedelta | None) -> datetime | None:
    try:
        return None if by is None else moment + by
    except OverflowError:
        return None
