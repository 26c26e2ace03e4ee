"""Which objects are done with: twelve bytes for each, so that years of exports make a few megabytes.

An object is known by its name, and by its version: one that was written anew under the same name has another.
Both are kept as digests. Late exports and backfills come with names from the middle of what has long been
read, so no single mark could tell what is done. The digests stand in rows, one for each day of exports, and
what is done with changes only the row of its day.
"""

from base64 import b64decode, b64encode
from enum import Enum, auto
from hashlib import blake2b

import msgspec

from ...errors import UsageError
from .. import Positions
from ..layouts import Layout
from ..lines import Place
from .names import Name

# Of a million objects, two have the same digest once in 30 million times.
_NAME_BYTES = 8
# A change goes unnoticed once in 4,000 million times.
_VERSION_BYTES = 4
_ENTRY_BYTES = _NAME_BYTES + _VERSION_BYTES
_DONE, _AT = "done/", "at"


class Standing(Enum):
    """How an object compares with what is done."""

    NEW = auto()
    CHANGED = auto()
    DONE = auto()


class At(msgspec.Struct, frozen=True, kw_only=True):
    """How far the one object is read that is neither new nor done.

    Attributes:
        name: Of the object.
        version: See `store.Object`.
        layout: How its records lie; None for Parquet.
        number: See `Position`.
        end_bytes: See `Position`.
    """

    name: str
    version: str
    layout: Layout | None
    number: int
    end_bytes: int

    @property
    def place(self) -> Place:
        """Where to go on, behind it."""
        return Place(self.end_bytes, self.number)


class Done:
    """What is done with, of everything whose names begin alike: of a bucket, or a folder.

    Args:
        root: What the names of objects begin with: `s3://bucket/`.
        positions: Where it is kept.

    Raises:
        UsageError: What is kept there was not kept by this program.
        StateError: The state file cannot be used now.
    """

    def __init__(self, root: str, positions: Positions) -> None:
        self._root = root
        self._positions = positions
        saved = positions.load()
        try:
            self._rows = {
                stream: bytearray(b64decode(row["objects"], validate=True))
                for stream, row in saved.items()
                if stream.startswith(_DONE)
            }
            self.at = msgspec.convert(saved[_AT], At) if _AT in saved else None
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"which objects of {root} were read was not saved by this program; use another state file"
            ) from error

    def standing(self, key: str, name: Name, version: str) -> Standing:
        """How this object compares."""
        digest = self._name_digest(key)
        row = self._rows.get(_stream(name, digest), bytearray())
        at = _find(row, digest)
        if at is None:
            return Standing.NEW
        is_same = row[at + _NAME_BYTES : at + _ENTRY_BYTES] == _version_digest(version)
        return Standing.DONE if is_same else Standing.CHANGED

    def add(self, key: str, name: Name, version: str) -> None:
        """This object is done with."""
        digest = self._name_digest(key)
        stream = _stream(name, digest)
        row = self._rows.setdefault(stream, bytearray())
        at = _find(row, digest)
        if at is None:
            row += digest + _version_digest(version)
        else:
            row[at + _NAME_BYTES : at + _ENTRY_BYTES] = _version_digest(version)
        self._positions.save(stream, {"objects": b64encode(row).decode()})

    def reached(self, at: At) -> None:
        """This object is done with so far."""
        self.at = at
        self._positions.save(_AT, msgspec.to_builtins(at))

    def _name_digest(self, key: str) -> bytes:
        return blake2b((self._root + key).encode(errors="surrogatepass"), digest_size=_NAME_BYTES).digest()


def _version_digest(version: str) -> bytes:
    return blake2b(version.encode(), digest_size=_VERSION_BYTES).digest()


def _stream(name: Name, digest: bytes) -> str:
    """The row: of the day at which its window ends, else one of 256."""
    return _DONE + (f"{name.window.end:%Y-%m-%d}" if name.window else digest[:1].hex())


def _find(row: bytearray, digest: bytes) -> int | None:
    at = row.find(digest)
    while at % _ENTRY_BYTES and at >= 0:  # bytes of two entries may look like one
        at = row.find(digest, at + 1)
    return at if at >= 0 else None
