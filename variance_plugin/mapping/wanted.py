"""What the mapping wants of the events of a name: what a `Layout` is made for."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from .mapped import Mapped
from .memory import Memory
from .names import Kind
from .own import OwnProperties
from .who import Who

if TYPE_CHECKING:
    from .given import Given


class Updates(Enum):
    """What is read of `$set` and `$set_once`."""

    NOTHING = auto()
    USERS = auto()
    """What the user's code set; of most events that is nothing."""
    ALL = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is read of the events of a name, and becomes of them."""

    event: str
    """The name."""
    kind: Kind
    own: OwnProperties
    """What chooses the properties that are sent, for the kinds that have some."""
    way: Callable[["Given", Memory], Mapped]
    """What makes the messages of one that is not plain; raises `InvalidRecord` as `Mapper.map` does."""
    who: Callable[["Given"], Who]
    """What makes out whose event it is; raises `InvalidRecord` when it names nobody."""
    updates: Updates
    posthogs_traits: set[str]
    """Names of traits that the user's code does not set, as far as they are known; they become more."""
    sends_ip: bool
    sends_anonymous: bool
