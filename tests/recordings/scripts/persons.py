"""The persons of a PostHog project, kept as simply as deriving recordings needs it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

# PostHog makes no merges with these, whatever their case; the second set counts as spelt here.
_NEVER_MERGED = {
    *("anonymous", "guest", "distinctid", "distinct_id", "id", "not_authenticated", "email"),
    *("undefined", "true", "false"),
}
_NEVER_MERGED_AS_SPELT = {"[object Object]", "NaN", "None", "none", "null", "0"}


@dataclass(slots=True, kw_only=True)
class Person:
    """One person: whoever the distinct ids that lead here stand for."""

    uuid: str
    created_at: datetime
    properties: dict[str, Any] = field(default_factory=dict)
    identified: bool = False


class Persons:
    """The persons by their distinct ids."""

    def __init__(self, team_id: int) -> None:
        self._team_id = team_id
        self._by_distinct_id: dict[str, Person] = {}

    def find(self, distinct_id: str) -> Person | None:
        """The person of a distinct id, if there is one."""
        return self._by_distinct_id.get(distinct_id)

    def uuid(self, distinct_id: str) -> str:
        """The id that a person gets who is first seen under this distinct id."""
        return str(uuid5(NAMESPACE_URL, f"https://app.acme.example/{self._team_id}:{distinct_id}"))

    def merge(self, *, other: str, into: str, at: datetime, forced: bool = False) -> None:
        """Make one person of two distinct ids, as an identify or an alias asks for.

        Refused for ids that stand for anybody, and when `other` is somebody known already, unless forced.
        """
        if other == into or _stands_for_anybody(other) or _stands_for_anybody(into):
            return
        theirs, ours = self.find(other), self.find(into)
        if theirs is not None and ours is not None and theirs is not ours:
            if theirs.identified and not forced:
                return
            ours.properties = {**theirs.properties, **ours.properties}
            ours.created_at = min(ours.created_at, theirs.created_at)
            for distinct_id, person in self._by_distinct_id.items():
                if person is theirs:
                    self._by_distinct_id[distinct_id] = ours
        survivor = ours or theirs or Person(uuid=self.uuid(into), created_at=at)
        survivor.identified = True
        self._by_distinct_id[into] = self._by_distinct_id[other] = survivor

    def update(self, distinct_id: str, *, by: dict[str, Any], event_uuid: str, at: datetime) -> Person:
        """The person after an event with these properties; made when there was none."""
        person = self.find(distinct_id)
        if person is None:
            person = Person(uuid=self.uuid(distinct_id), created_at=at)
            self._by_distinct_id[distinct_id] = person
        if not person.properties:
            person.properties = {"$creator_event_uuid": event_uuid}
        person.properties = {
            **person.properties,
            **{key: value for key, value in by.get("$set_once", {}).items() if key not in person.properties},
            **by.get("$set", {}),
        }
        for key in by.get("$unset", []):
            person.properties.pop(key, None)
        return person


def _stands_for_anybody(distinct_id: str) -> bool:
    bare = distinct_id.strip().strip("\"'")
    return not bare or bare.lower() in _NEVER_MERGED or bare in _NEVER_MERGED_AS_SPELT
