"""As whom a person of PostHog is known: which of its ids is the `userId`. Pure.

PostHog keeps the ids of a person side by side: those of devices, which its SDKs make up, and those that an
application gave by `identify` or on a server. Only the latter make a contact (docs/mapping.md, "Who"), and
the listing of a cohort does not say which is which. So this goes by what can be known:

| what is known | `userId` |
|---|---|
| it was told of before by one of these ids | that one |
| one of the ids has a form that no SDK makes up | that one |
| none has, and PostHog never identified the person | none: anonymous |
| none has, but PostHog identified the person, who has one id | that one |
| anything else | the one of its last `$identify` event; see `Listing` |
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ..mapping.identity import is_nobody

# Five groups of hexadecimal digits: UUIDs, as all SDKs make them up today, and what posthog-js made before
# (`17b2a4c3d1e0f9-0c1d2e3f4a5b6c-35607401-1fa400-17b2a4c3d1f9a8`). The ids of users may look so, too.
_MADE_UP = re.compile(r"[0-9a-f]+(-[0-9a-f]+){4}", re.IGNORECASE)
# So many PostHog lists at the most (PostHog/posthog, `CohortViewSet.persons`).
_MOST_IDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in a cohort.

    Attributes:
        id: Of the person, in PostHog.
        distinct_ids: Some of the ids of its events.
        is_identified: Whether PostHog has ever identified it.
    """

    id: str
    distinct_ids: Sequence[str]
    is_identified: bool


class Unknown(Enum):
    """Why there is no `userId`."""

    ANONYMOUS = auto()
    """It is a visitor, and no contact."""
    UNDECIDED = auto()
    """Its events would tell."""


def user_id_of(person: Person, told: str | None = None) -> str | Unknown:
    """See the table.

    Args:
        person: Who.
        told: By which id it was told of before.
    """
    ids = [id_ for id_ in person.distinct_ids if id_ and not is_nobody(id_)]
    if told is not None and told in ids:
        return told
    given = [id_ for id_ in ids if not _MADE_UP.fullmatch(id_)]
    is_whole = len(person.distinct_ids) < _MOST_IDS
    if len(given) == 1:
        return given[0]
    if not given and is_whole:
        if not person.is_identified:
            return Unknown.ANONYMOUS
        if len(ids) == 1:
            return ids[0]
    return Unknown.UNDECIDED


def best_guess(person: Person) -> str | Unknown:
    """Of one that is undecided, and whose events do not tell either.

    Several ids that an application gave are one person to PostHog and, since their alias messages went the
    same way, to Variance: the first one does.
    """
    given = [id_ for id_ in person.distinct_ids if id_ and not is_nobody(id_) and not _MADE_UP.fullmatch(id_)]
    return given[0] if given else Unknown.UNDECIDED
