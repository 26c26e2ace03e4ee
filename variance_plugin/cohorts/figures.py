"""What can be seen of the syncs while a runner runs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from .membership import Memory

_AT = "at"


class Change(StrEnum):
    """What is told of a member."""

    CAME = "came"
    LEFT = "left"


class Figures:
    """How the cohorts fare, each by the name or number that chose it. To be read from any thread.

    When each was last synced stands in the state file: that it is long ago has to be seen after a start, too.

    Args:
        chosen: All of them.
        memory: Where that is kept.
        project: Whose they are.
    """

    def __init__(self, chosen: Sequence[str], *, memory: Memory, project: str) -> None:
        self._memory = memory
        self._key = f"synced cohorts {project}"
        kept = memory.load(self._key)
        self.synced = {name: float(kept[name][_AT]) if name in kept else 0.0 for name in chosen}
        """When each was last synced whole (Unix time); 0 for never."""
        self.members: Counter[tuple[str, Change]] = Counter()
        """Of whom that was told in this run."""

    def tell(self, names: Iterable[str], change: Change, members: int) -> None:
        """Of so many it was told, and has arrived."""
        for name in names:
            self.members[name, change] += members

    def sync(self, names: Iterable[str], now: datetime) -> None:
        """All that is so now has been told."""
        for name in names:
            self.synced[name] = now.timestamp()
            self._memory.save(self._key, name, {_AT: self.synced[name]})
