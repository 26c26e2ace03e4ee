"""Cohorts and who is in them, as PostHog lists them.

    GET  /api/projects/PROJECT/cohorts/             {"results": [cohort, …], "next": address or null}
    GET  /api/projects/PROJECT/cohorts/ID/          cohort, also one that was deleted
    GET  /api/projects/PROJECT/cohorts/ID/persons/  {"results": [person, …], "next": …}

As in posthog.com's API reference ("Cohorts") and PostHog's `CohortViewSet`.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ApiRefusal, UsageError
from ..manifest import nearest
from ..posthog_api import ApiClient, Patience
from .naming import trait_name
from .who import Person, Unknown, best_guess, user_id_of

_logger = logging.getLogger(__name__)

COHORT_SCOPES = ("cohort:read",)
PERSON_SCOPES = ("cohort:read", "person:read")
QUERY_SCOPES = ("query:read",)
_PAGE = {"limit": "500"}
_NOT_THERE = 404
_REFUSED = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """One cohort, as it is now.

    Attributes:
        id: In PostHog.
        name: In PostHog.
        is_deleted: Whether somebody has deleted it there.
        calculation: Whatever tells one calculation of it from another.
        failures: So many times in a row PostHog could not calculate it.
    """

    id: int
    name: str
    is_deleted: bool
    calculation: tuple[Any, ...]
    failures: int

    @property
    def trait(self) -> str:
        """The name of the trait that stands for it."""
        return trait_name(self.name, self.id)

    def __str__(self) -> str:
        return f"cohort {self.id} ({self.name!r})"


class Listing:
    """What one project says of its cohorts.

    Args:
        client: Asks PostHog; it is the listing's own from now on.
        patience: Waits where waiting helps.
        project: The project's number.
    """

    def __init__(self, client: ApiClient, *, patience: Patience, project: str) -> None:
        self._client = client
        self._patience = patience
        self._project = project
        self.project = f"{client.host}/{project}"
        """Tells the project from all others."""
        self._base = f"/api/projects/{project}/cohorts/"
        self._may_query = True

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def find(self, chosen: Sequence[str], known: Mapping[str, int]) -> dict[str, Cohort]:
        """The cohorts that are chosen, by how they are.

        Args:
            chosen: Numbers and names.
            known: The number of each that was found by its name before: it may have another one now.

        Raises:
            UsageError: One of them is not there, or its name is several ones'.
            Stopped: The program ends first.
        """
        names = [one for one in chosen if not _is_number(one)]
        listed = self._listed() if names else {}
        ids = {
            one: int(one) if _is_number(one) else self._id_of(one, listed, known.get(one)) for one in chosen
        }
        found = {id_: self.look_at(id_) for id_ in dict.fromkeys(ids.values())}
        return {one: found[id_] for one, id_ in ids.items()}

    def look_at(self, id_: int) -> Cohort:
        """One as it is now.

        Raises:
            UsageError: There is none of that number.
            Stopped: The program ends first.
        """
        try:
            found = self._patience.get(
                lambda: self._client.ask("GET", f"{self._base}{id_}/", scopes=COHORT_SCOPES)
            )
        except ApiRefusal as error:
            if error.status != _NOT_THERE:
                raise
            raise UsageError(
                f"project {self._project} at {self._client.host} has no cohort {id_}; nothing was taken back "
                "for it: check cohorts.sync, posthog.project_id and posthog.host"
            ) from error
        return self._cohort(found)

    def persons(
        self, cohort: Cohort, told: Mapping[str, str]
    ) -> Iterator[Sequence[tuple[Person, str | Unknown]]]:
        """Who is in it, page by page, each with its `userId`.

        Args:
            cohort: Which one.
            told: By which id each person was told of before.

        Raises:
            UsageError: PostHog refuses.
            Stopped: The program ends first.
        """
        pages = self._client.pages(
            f"{self._base}{cohort.id}/persons/", params=_PAGE, scopes=PERSON_SCOPES, patience=self._patience
        )
        for page in pages:
            persons = [person for raw in page if (person := _person(raw)) is not None]
            found = {person.id: user_id_of(person, told.get(person.id)) for person in persons}
            undecided = [person for person in persons if found[person.id] is Unknown.UNDECIDED]
            if undecided:
                last = self._last_identified(undecided)
                found |= {person.id: last.get(person.id) or best_guess(person) for person in undecided}
            yield [(person, found[person.id]) for person in persons]

    def _listed(self) -> dict[str, list[int]]:
        """The numbers of the cohorts that there are, by name."""
        found: dict[str, list[int]] = {}
        for page in self._client.pages(self._base, scopes=COHORT_SCOPES, patience=self._patience):
            for raw in page:
                cohort = self._cohort(raw)
                found.setdefault(cohort.name, []).append(cohort.id)
        return found

    def _id_of(self, name: str, listed: Mapping[str, Sequence[int]], known: int | None) -> int:
        ids = listed.get(name, ())
        if len(ids) > 1:
            numbers = ", ".join(map(str, sorted(ids)))
            raise UsageError(f"cohorts {numbers} are all called {name!r}: choose one by its number")
        if not ids and known is None:
            meant = nearest(name, dict.fromkeys(listed))
            raise UsageError(f"project {self._project} has no cohort called {name!r}{meant}")
        return ids[0] if known is None else known

    def _last_identified(self, persons: Sequence[Person]) -> dict[str, str]:
        """The id of the last `$identify` event, of each person that has one."""
        if not self._may_query:
            return {}
        ids = ", ".join(f"'{person.id}'" for person in persons)
        body = {
            "query": {
                "kind": "HogQLQuery",
                "query": (
                    "SELECT toString(person_id), argMax(distinct_id, timestamp) FROM events "  # noqa: S608 -- UUIDs
                    f"WHERE event = '$identify' AND person_id IN ({ids}) GROUP BY person_id LIMIT 1000"
                ),
            },
            "refresh": "force_blocking",
        }
        path = f"/api/projects/{self._project}/query/"
        try:
            answer = self._patience.get(
                lambda: self._client.ask("POST", path, body=body, scopes=QUERY_SCOPES)
            )
        except ApiRefusal as error:
            if error.status not in (_REFUSED, _NOT_THERE):
                raise
            self._may_query = False
            _logger.warning(
                "persons whose events alone tell by which id they are known are left out: %s", error
            )
            return {}
        rows = answer.get("results") if isinstance(answer, dict) else None
        return {str(person): str(id_) for person, id_ in rows or ()}

    def _cohort(self, raw: Any) -> Cohort:
        if not isinstance(raw, dict) or not isinstance(raw.get("id"), int):
            raise ApiRefusal(f"{self._client.host} answered with something that is no cohort", status=None)
        return Cohort(
            id=raw["id"],
            name=str(raw.get("name") or ""),
            is_deleted=bool(raw.get("deleted")),
            calculation=(raw.get("version"), raw.get("last_calculation"), raw.get("count")),
            failures=int(raw.get("errors_calculating") or 0),
        )


def _person(raw: Any) -> Person | None:
    if not isinstance(raw, dict):
        return None
    id_ = raw.get("uuid") or raw.get("id")
    ids = raw.get("distinct_ids")
    if not isinstance(id_, str) or not isinstance(ids, list):
        return None
    return Person(id=id_, distinct_ids=list(map(str, ids)), is_identified=bool(raw.get("is_identified")))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
