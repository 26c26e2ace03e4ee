"""The traits of a person (docs/mapping.md, "Traits")."""

from collections.abc import Iterable
from itertools import filterfalse
from typing import Any

from .given import Given, person_of
from .known import Known
from .own import CAMPAIGN_PROPERTIES, OwnProperties

_MEMORY = 10_000


class People:
    """Reads a person's traits off an event."""

    def __init__(self, own: OwnProperties) -> None:
        self._own = own
        # Ingestion copies these and many `$…` from any event's properties into `$set` and `$set_once`
        # (PostHog/posthog, nodejs/src/common/utils/db/utils.ts, `personInitialAndUTMProperties`).
        # posthog-js adds the words searched for.
        self.not_set_by_user = {*CAMPAIGN_PROPERTIES, "ph_keyword"}
        """Names that the user's code does not set, with others of that kind as they come."""

    def traits(self, given: Given) -> dict[str, Any]:
        """The person as exported, overlaid by `$set_once` where it has no such key, and by `$set`."""
        traits = dict(person_of(given))
        once, update = _updates(given.known)
        for key, value in once.items():
            traits.setdefault(key, value)
        traits.update(update)
        return self._own.of(traits)

    def updates(self, given: Given) -> dict[str, Any]:
        """The traits that the user's code set with this event; empty when PostHog alone set some."""
        once, update = _updates(given.known)
        if not once and not update:
            return {}
        posthogs = self.not_set_by_user
        if posthogs.issuperset(once) and posthogs.issuperset(update):
            return {}
        traits = {}
        person = person_of(given)
        for key in self._set_by_user(once):
            # A `$set_once` that came too late changed nothing: the person's value is the true one.
            traits[key] = person.get(key, once[key])
        for key in self._set_by_user(update):
            traits[key] = update[key]
        return traits

    def _set_by_user(self, update: Iterable[str]) -> Iterable[str]:
        posthogs = self.not_set_by_user
        for key in filterfalse(posthogs.__contains__, update):
            if key[:1] != "$" and key[:4] != "utm_":
                yield key
            elif len(posthogs) < _MEMORY:
                posthogs.add(key)


def _updates(known: Known) -> tuple[dict[str, Any], dict[str, Any]]:
    once, update = known.set_once, known.set_
    return (once if type(once) is dict else {}, update if type(update) is dict else {})
