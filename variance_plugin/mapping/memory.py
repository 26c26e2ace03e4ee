"""What was sent lately, so that the same news of a person is not sent with every event.

Bounded, and in memory only: what it forgot is sent once more, under an id of its own, and does no harm.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

Fact: TypeAlias = tuple[int, Any]
"""Something said about a subject: a hash of who (and what about them), and what was said."""


class Memory:
    """The last facts that were told, or are on their way to be. Safe for threads.

    Two generations: when the young one is full it becomes the old one, and the old one is forgotten. So
    between half of `limit` and all of it is remembered, without a lock and without an order to keep. Two
    threads that change generations at the same time forget more than they had to, which does no harm.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._most_young = max(limit // 2, 1)
        self._young: dict[int, Any] = {}
        self._old: dict[int, Any] = {}
        self.epoch: object = object()
        """Until this is another object, what was remembered is."""

    def last(self, subject: int) -> Any:
        """The last thing said about the subject; None for nothing, or nothing that is remembered."""
        said = self._young.get(subject)
        return self._old.get(subject) if said is None else said

    def forget(self, facts: Iterable[Fact]) -> None:
        """To be called when they did not reach the destination after all: they must be said again."""
        for subject, _ in facts:
            self._young.pop(subject, None)
            self._old.pop(subject, None)
        self.epoch = object()

    def learn(self, facts: Iterable[Fact]) -> None:
        """To be called when they are on their way, by messages that nobody will drop in silence."""
        young = self._young
        young.update(facts)
        if len(young) >= self._most_young:
            self._old, self._young = young, {}
            self.epoch = object()
