"""What is to be told of a person, and the event that tells it. Pure."""

from datetime import datetime
from uuid import UUID, uuid5

from ..events import utc_text
from ..exact_json import encode
from .membership import Told

COHORT_EVENT = "$identify"
# Any fixed one will do; the ids of what is told have it in common.
_NAMESPACE = UUID("5b0f3d5c-1c7e-5f0e-9a39-0f3f1c1d7c55")


def change(before: Told | None, *, user_id: str, trait: str, is_member: bool) -> Told | None:
    """What is to be told now; None when that has arrived already, or there is nothing to take back.

    What may have arrived is told again, as the same message; unless something else is true by now. A member
    of a cohort that has another name now loses the trait of the old one.
    """
    if before is None:
        first = Told(user_id=user_id, trait=trait, is_member=True, number=0, is_sure=False)
        return first if is_member else None
    if (before.user_id, before.trait, before.is_member) == (user_id, trait, is_member):
        return None if before.is_sure else before
    perhaps = () if before.is_sure else before.drops
    drops = (*perhaps, *((before.trait,) if before.is_member else ()))
    return Told(
        user_id=user_id,
        trait=trait,
        is_member=is_member,
        drops=tuple(name for name in dict.fromkeys(drops) if name != trait),
        number=before.number + 1,
        is_sure=False,
    )


def event(cohort: str, person: str, told: Told, now: datetime) -> bytes:
    """The record that tells it: an `$identify` event, whose `uuid` is the `messageId`.

    Args:
        cohort: Tells it from all others anywhere.
        person: In PostHog.
        told: What is to be told.
        now: When.
    """
    traits = dict.fromkeys(told.drops, False) | {told.trait: told.is_member}
    name = f"{cohort}/{person}/{told.number}/{told.user_id}/{sorted(traits.items())}"
    return encode(
        {
            "uuid": str(uuid5(_NAMESPACE, name)),
            "event": COHORT_EVENT,
            "timestamp": utc_text(now.isoformat(timespec="milliseconds")),
            "distinct_id": told.user_id,
            "properties": {"$is_identified": True, "$set": traits},
        }
    )
