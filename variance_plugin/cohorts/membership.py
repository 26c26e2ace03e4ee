"""What has been told of the members of a cohort, in the state file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..clock import Clock
from ..errors import StateError

_TRY_AGAIN_SECONDS = 5.0


class Memory(Protocol):
    """`state.Positions`, as far as it is needed: JSON by name and key."""

    def load(self, source: str) -> Mapping[str, Mapping[str, Any]]:
        """All of that name."""
        ...

    def save(self, source: str, stream: str, position: Mapping[str, Any]) -> None:
        """Replace one, soon."""
        ...

    def flush(self) -> None:
        """Return when all of it is on disk. Raises `StateError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was last told of a person.

    Attributes:
        user_id: By which id.
        trait: Under which name.
        is_member: Whether the trait is true.
        drops: Traits that became false with it, since they may have been true under earlier names.
        number: So many times something was told of it; each time is another message.
        is_sure: Whether it has arrived; else it may have.
    """

    user_id: str
    trait: str
    is_member: bool
    drops: tuple[str, ...] = ()
    number: int
    is_sure: bool


class Membership:
    """The persons of one cohort of whom something was told.

    Args:
        memory: Keeps it.
        name: Of the cohort among all that is kept there.
        clock: Waits for a disk that is full.
    """

    def __init__(self, memory: Memory, name: str, *, clock: Clock) -> None:
        self._memory = memory
        self._name = name
        self._clock = clock
        self.told = {
            person: Told(**{**kept, "drops": tuple(kept["drops"])})
            for person, kept in memory.load(name).items()
        }
        """By the person's id."""

    def tell(self, about: Iterable[tuple[str, Told]]) -> None:
        """It is on its way from now on, and may have arrived whatever happens."""
        self._keep((person, replace(told, is_sure=False)) for person, told in about)

    def arrived(self, about: Iterable[tuple[str, Told]]) -> None:
        """It has."""
        self._keep((person, replace(told, is_sure=True)) for person, told in about)

    def _keep(self, about: Iterable[tuple[str, Told]]) -> None:
        for person, told in about:
            self.told[person] = told
            self._memory.save(self._name, person, _plain(told))
        while True:
            try:
                self._memory.flush()
            except StateError:
                self._clock.wait(_TRY_AGAIN_SECONDS)
            else:
                return


def _plain(told: Told) -> dict[str, Any]:
    return {name: getattr(told, name) for name in Told.__slots__}
