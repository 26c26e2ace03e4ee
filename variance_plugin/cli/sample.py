"""Members of a population that may be too large to keep: all, or every 2nd, 4th, 8th … by chance. Pure.

Whether a member belongs to the sample follows from its key alone, so it is in it or out of it at every
meeting, whatever came before; and the same file gives the same sample.
"""

from collections.abc import Callable, ItemsView
from hashlib import blake2b
from typing import Generic, TypeVar

Member = TypeVar("Member")


class Sample(Generic[Member]):
    """Members by their key.

    Args:
        make: A new member.
        limit: So many are kept at the most. Counts that are multiplied by `share` are then off by about one
            part in the square root of half of it: 0.6 % for 50,000.
    """

    def __init__(self, make: Callable[[], Member], *, limit: int = 50_000) -> None:
        self._make = make
        self._limit = limit
        self._members: dict[str, Member] = {}
        self.share = 1
        """Each member stands for so many; 1: everybody is there."""

    def __len__(self) -> int:
        return len(self._members)

    def items(self) -> ItemsView[str, Member]:
        """Those that are in the sample."""
        return self._members.items()

    def get(self, key: str) -> Member | None:
        """The member, made when new; None when it is not in the sample."""
        member = self._members.get(key)
        if member is not None:
            return member
        if self.share > 1 and not self._chooses(key):
            return None
        self._members[key] = member = self._make()
        if len(self._members) > self._limit:
            self.share *= 2
            self._members = {key: member for key, member in self._members.items() if self._chooses(key)}
            return member if key in self._members else None
        return member

    def known(self, key: str) -> Member | None:
        """The member, if it is in the sample and was met before."""
        return self._members.get(key)

    def _chooses(self, key: str) -> bool:
        digest = blake2b(key.encode(errors="surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.share == 0
