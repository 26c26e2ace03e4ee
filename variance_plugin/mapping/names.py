"""Which event becomes which message, by its name alone (docs/mapping.md, "Which event …")."""

from enum import StrEnum

from .patterns import Patterns
from .settings import MappingSettings


class Kind(StrEnum):
    """What becomes of an event; the message types of Segment, with alias in PostHog's two directions."""

    PAGE = "page"
    SCREEN = "screen"
    IDENTIFY = "identify"
    GROUP = "group"
    ALIAS = "alias"
    MERGE = "merge"
    TRACK = "track"


VIEWS = frozenset({Kind.PAGE, Kind.SCREEN})
"""Those whose messages hold the properties of the page."""
WITH_PROPERTIES = VIEWS | {Kind.TRACK}
"""Those whose messages hold the event's own properties."""
OF_A_PERSON = WITH_PROPERTIES | {Kind.IDENTIFY}


class SkipReason(StrEnum):
    """Why an event is left out on purpose, in words for the summary."""

    SYSTEM_EVENT = "system event not named in systemEvents"
    IGNORED = "listed in exportEventsToIgnore"
    NOT_LISTED = "not listed in eventsToExport"
    ANONYMOUS = "anonymous user"
    NO_PERSON_IN_ALIAS = "alias of an id that stands for nobody"
    NOT_BY_GROUP = "accounts come from persons, not from groups (accountMapping)"
    OTHER_GROUP_TYPE = "group type other than the account's"
    HISTORICAL = "would change a person or an account of today (historical)"
    NOT_IN_VERSION_1 = "not sent by payload version 1"


_KINDS = {
    "$pageview": Kind.PAGE,
    "$page": Kind.PAGE,
    "$screen": Kind.SCREEN,
    "$identify": Kind.IDENTIFY,
    "$set": Kind.IDENTIFY,
    "$set_once": Kind.IDENTIFY,
    "$groupidentify": Kind.GROUP,
    "$create_alias": Kind.ALIAS,
    "$merge_dangerously": Kind.MERGE,
}
_KINDS_OF_VERSION_1 = {
    "$pageview": Kind.PAGE,
    "$identify": Kind.IDENTIFY,
    "$groupidentify": Kind.GROUP,
    "$create_alias": Kind.ALIAS,
}
# Of an `$identify` it still counts which visitor it joins to a user.
_OF_THE_PRESENT = {"$set", "$set_once", "$groupidentify"}
_MEMORY = 10_000


class Names(dict[str, Kind | SkipReason]):
    """Decides by name, and remembers: a PostHog project has few names and many events."""

    def __init__(self, settings: MappingSettings) -> None:
        super().__init__()
        self._kinds = _KINDS_OF_VERSION_1 if settings.payload_version == 1 else _KINDS
        self._has_system_events = settings.payload_version != 1
        self._is_historical = settings.historical
        self._wanted = Patterns(settings.events_to_export)
        self._ignored = Patterns(settings.export_events_to_ignore)
        self._system_events = Patterns(settings.system_events)

    def __missing__(self, name: str) -> Kind | SkipReason:
        decision = self._decide(name)
        if len(self) < _MEMORY:
            self[name] = decision
        return decision

    def _decide(self, name: str) -> Kind | SkipReason:
        if name in self._ignored:
            return SkipReason.IGNORED
        if self._wanted and name not in self._wanted:
            return SkipReason.NOT_LISTED
        if self._is_historical and name in _OF_THE_PRESENT:
            return SkipReason.HISTORICAL
        if kind := self._kinds.get(name):
            return kind
        if not name.startswith("$"):
            return Kind.TRACK
        if not self._has_system_events:
            return SkipReason.NOT_IN_VERSION_1
        return Kind.TRACK if name in self._system_events else SkipReason.SYSTEM_EVENT
