"""Where objects are kept: the role of a bucket, and what can go wrong with one, sorted by what to do next."""

from collections.abc import Iterator
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

import msgspec

from ...errors import VarianceError


class Object(msgspec.Struct, frozen=True, gc=False):
    """One object as it was listed.

    Attributes:
        key: Its name in the bucket, folders and all.
        size_bytes: As it is stored.
        modified: When it was written; of large ones, when that began.
        version: Another one each time it is written anew: its etag.
        etag: What a request takes to be refused once it is another version; None when there is none.
    """

    key: str
    size_bytes: int
    modified: datetime
    version: str
    etag: str | None = None

    @property
    def name(self) -> str:
        """The key without its folders."""
        return self.key.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The key without the name: with the `/` at its end, or empty."""
        return self.key[: len(self.key) - len(self.name)]


class Trouble(Enum):
    """Why a bucket did not give what it was asked for."""

    UNREACHABLE = auto()
    """It, or the way to it, does not work now; it will again, without anybody's doing."""
    REFUSED = auto()
    """A person has to look: credentials, a name, a region, a right."""
    GONE = auto()
    """There is no such object any more."""
    CHANGED = auto()
    """The object was written anew since it was listed."""
    LOCKED = auto()
    """The object is in an archive, and has to be fetched from there first."""


class StoreFault(VarianceError):
    """The bucket did not give what it was asked for; `str()` is why, in words, without secrets."""

    def __init__(self, trouble: Trouble, reason: str) -> None:
        super().__init__(reason)
        self.trouble = trouble

    @property
    def is_of_the_object(self) -> bool:
        """Whether the bucket is well, and only this object cannot be had."""
        return self.trouble in (Trouble.GONE, Trouble.CHANGED, Trouble.LOCKED)


class Store(Protocol):
    """A bucket, or the part of one below a prefix.

    Attributes:
        root: What messages put ahead of a key: `s3://bucket/`.
        prefix: What the keys of all its objects begin with: empty, or with a `/` at its end.
        lists_in_order: Whether objects are listed in the order of their keys.
    """

    root: str
    prefix: str
    lists_in_order: bool

    def objects(self, *, after: str | None = None) -> Iterator[Object]:
        """All there are, or those whose keys come behind that one.

        Raises:
            StoreFault: See there.
        """
        ...

    def read(self, found: Object, begin: int, end: int) -> bytes:
        """So much of an object, from byte `begin` to the one ahead of `end`.

        Raises:
            StoreFault: See there.
        """
        ...
