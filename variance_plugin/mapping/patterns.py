"""Names and patterns, as the settings take them: `*` and `?` stand for any text and any character."""

import re
from collections.abc import Iterable
from fnmatch import translate

# PostHog projects have hundreds of names, but `$feature/<flag>` and a mistaken `order 17` never end.
_MEMORY = 10_000


class Patterns:
    """Whether a name is among the given names and patterns; case counts, as in PostHog."""

    def __init__(self, patterns: Iterable[str]) -> None:
        # A bracket stands for itself: `order [draft]` is a name, not a set of letters.
        alternatives = [translate(pattern.replace("[", "[[]")) for pattern in patterns]
        self._match = re.compile("|".join(alternatives)).match if alternatives else None
        self._known: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return self._match is not None

    def __contains__(self, name: str) -> bool:
        if self._match is None:
            return False
        known = self._known.get(name)
        if known is None:
            known = self._match(name) is not None
            if len(self._known) < _MEMORY:
                self._known[name] = known
        return known
