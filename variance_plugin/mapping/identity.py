"""Who did it: `userId` and `anonymousId` (docs/mapping.md, "Who")."""

from decimal import Decimal
from typing import Any, NamedTuple

from ..errors import InvalidRecord
from ..exact_json import encode
from .given import Given
from .known import Known

# The ids that PostHog refuses to merge persons by, since everyone has them
# (PostHog/posthog, nodejs/src/ingestion/common/persons/person-merge-service.ts); also in quotes.
_NOBODY_IN_ANY_CASE = frozenset(
    "anonymous guest distinctid distinct_id id not_authenticated email undefined true false".split()
)
_NOBODY = frozenset(["[object Object]", "NaN", "None", "none", "null", "0", ""])
_LONGEST_NOBODY = len("'not_authenticated'")


class Identity(NamedTuple):
    """At least one of the two is there."""

    user_id: str | None
    anonymous_id: str | None


def id_text(value: Any) -> str | None:
    """An id as text: PostHog stringifies numbers; nothing else that is no text is an id. Blank is none."""
    if type(value) is str:
        return value if value and not value.isspace() else None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return encode(value).decode()
    return None


def is_nobody(id_: str) -> bool:
    """Whether it is one of the ids that stand for nobody in particular, quoted or not."""
    if len(id_) > _LONGEST_NOBODY:
        return False
    bare = id_[1:-1].strip() if id_[0] in "\"'" and id_[-1] == id_[0] else id_
    return bare in _NOBODY or bare.lower() in _NOBODY_IN_ANY_CASE


def identity_of(given: Given) -> Identity:
    """Who did it.

    Raises:
        InvalidRecord: when it names nobody at all.
    """
    known = given.known
    named, device_id = known.user_id, known.device_id
    if named is not None:
        named = somebody(named)
    if device_id is not None:
        device_id = id_text(device_id)
    distinct_id = distinct_id_of(given)
    if _is_anonymous(known, named, distinct_id, device_id):
        anonymous_id = distinct_id or device_id or named
        if anonymous_id is None:
            raise InvalidRecord("it names nobody: `distinct_id` is missing or no id")
        return Identity(None, anonymous_id)
    user_id = named or distinct_id
    # Where everybody is "null", a message with this id and a user's would make one person of them all.
    anonymous_id = somebody(known.anon_distinct_id)
    nobody = user_id is None or is_nobody(user_id)
    # `$device_id` survives `posthog.reset()`: on a shared computer it is the first visitor's id, whoever
    # came after. So it says who a user was only where the event itself is that visitor's.
    if anonymous_id is None and device_id is not None and (nobody or device_id == distinct_id):
        anonymous_id = None if is_nobody(device_id) else device_id
    if nobody:
        return Identity(None, anonymous_id or user_id)
    return Identity(user_id, None if anonymous_id == user_id else anonymous_id)


def is_user(id_: str, given: Given) -> bool:
    """Whether the event says outright that this is the id of an identified user; a server's never does."""
    known = given.known
    return id_ == id_text(known.user_id) or (known.is_identified is True and id_ == distinct_id_of(given))


def is_anonymous(given: Given) -> bool:
    """Whether it is the event of a visitor who is nobody yet."""
    known = given.known
    return _is_anonymous(known, somebody(known.user_id), distinct_id_of(given), id_text(known.device_id))


def _is_anonymous(known: Known, named: str | None, distinct_id: str | None, device_id: str | None) -> bool:
    if known.is_identified is False or known.process_person_profile is False:
        return True
    return named is None and (distinct_id is None or distinct_id == device_id)


def group_identity_of(given: Given) -> Identity:
    """Who a `$groupidentify` is about.

    Server SDKs invent its `distinct_id`, or take a user's, and do not tell which. Only the SDK on a person's
    device says that there is a person.
    """
    if names_device(given):
        return identity_of(given)
    return Identity(None, distinct_id_of(given) or identity_of(given).anonymous_id)


def names_device(given: Given) -> bool:
    """Whether the SDK on a person's device sent it, or somebody said outright who the user is."""
    known = given.known
    if somebody(known.user_id) is not None:
        return True
    is_silent = known.is_identified is None and known.device_id is None
    return known.is_server is not True and not is_silent


def distinct_id_of(given: Given) -> str | None:
    """The event's `distinct_id`, from wherever its shape has it."""
    return id_text(given.distinct_id) or id_text(given.known.distinct_id)


def somebody(value: Any) -> str | None:
    """An id as text, unless it stands for nobody in particular."""
    if value is None:
        return None
    id_ = id_text(value)
    return None if id_ is None or is_nobody(id_) else id_
