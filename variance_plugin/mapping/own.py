"""The event's own properties: what the user's code put there, without what PostHog's SDKs add."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .patterns import Patterns

PLUMBING = ("token", "distinct_id")
"""What the SDKs put among an event's properties; a person may well have a trait of that name."""

CAMPAIGN_PROPERTIES = tuple(
    "utm_source utm_medium utm_campaign utm_content utm_name utm_term gclid gad_source gclsrc dclid gbraid "
    "wbraid fbclid msclkid twclid li_fat_id mc_cid igshid ttclid rdt_cid epik qclid sccid oppref bfcid "
    "irclid _kx".split()
)
"""What posthog-js reads off the landing page's address (packages/browser/src/utils/event-utils.ts).

It puts all of them on every event, null where the address had none, and ingestion copies them into
`$set_once`: having them says nothing of what the user's code did.
"""

# An SDK puts the same names in the same order on most events; `$feature/<flag>` sees to it that there is no
# end to the variety. A choice takes about 1 KB.
_MOST_CHOICES = 2_000


class Choice(NamedTuple):
    """Which of an event's names are its own."""

    own: tuple[str, ...]
    campaign: tuple[str, ...]


class OwnProperties:
    """Chooses by name: not `$…` unless included by pattern, and not PostHog's plumbing."""

    def __init__(self, include: Patterns, plumbing: Iterable[str] = PLUMBING) -> None:
        self._choices = _Choices(include, frozenset(name for name in plumbing if name not in include))

    def chosen(self, names: Iterable[str]) -> Choice:
        """The own ones among these names."""
        return self._choices[tuple(names)]

    def of(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The own ones, in their order, values as they stand; then the campaign's, as far as not null."""
        choice = self._choices[tuple(properties)]
        own = {name: properties[name] for name in choice.own}
        for name in choice.campaign:
            value = properties[name]
            if value is not None:
                own[name] = value
        return own


class _Choices(dict[tuple[str, ...], Choice]):
    """Looks at the names of an event once, and at an event with the same names no more."""

    def __init__(self, include: Patterns, plumbing: frozenset[str]) -> None:
        super().__init__()
        self._include = include
        self._plumbing = plumbing

    def __missing__(self, names: tuple[str, ...]) -> Choice:
        own = tuple(filter(self._is_own, names))
        choice = Choice(own, tuple(filter(_CAMPAIGN.__contains__, names)))
        if len(self) >= _MOST_CHOICES:
            self.clear()
        self[names] = choice
        return choice

    def _is_own(self, name: str) -> bool:
        if name[:1] == "$":
            return name in self._include
        return name not in self._plumbing and name not in _CAMPAIGN


_CAMPAIGN = frozenset(CAMPAIGN_PROPERTIES)
