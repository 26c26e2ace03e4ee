"""How far a file is done with, in a form that outlives the process and the file's growing.

A file is known by its absolute path. Whether it is still the file that was read, only longer, is told by
samples: its first bytes, and the last ones that were read. A file that was replaced by another one with the
same bytes at both of these places, or moved to another path, cannot be told from what it is not.
"""

from collections.abc import Mapping
from hashlib import blake2b
from io import RawIOBase
from pathlib import Path
from typing import Any, Self

import msgspec

from ..errors import InvalidRecord
from .codecs import MAGIC_BYTES, Codec, codec_of
from .layouts import Layout, Resumption
from .lines import Place

# One event has some thousand bytes, and its id and time are among the first of them.
SAMPLE_BYTES = 4096
_DIGEST_BYTES = 16

SHORTER = "it is shorter than it was; read from its beginning"
OTHER = "it is not the file that was read before; read from its beginning"


class Sample(msgspec.Struct, frozen=True):
    """Some bytes of a file as it is stored, by their digest: events are personal data.

    Attributes:
        end_bytes: Where they end.
        size_bytes: How many they are.
        digest: Of them.
    """

    end_bytes: int
    size_bytes: int
    digest: str

    @classmethod
    def of(cls, sampled: bytes, *, end_bytes: int) -> Self:
        """Of these bytes, which end there."""
        return cls(end_bytes, len(sampled), blake2b(sampled, digest_size=_DIGEST_BYTES).hexdigest())

    def is_of(self, file: RawIOBase) -> bool:
        """Whether this file holds these bytes at that place."""
        file.seek(self.end_bytes - self.size_bytes)
        return self == Sample.of(file.read(self.size_bytes) or b"", end_bytes=self.end_bytes)


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """How far one file is done with.

    Attributes:
        layout: How its records lie.
        number: See `Position`.
        end_bytes: See `Position`.
        done_bytes: As large was the file, as it is stored, when all of it was done with; None until then.
        samples: By which it is known again.
    """

    layout: Layout
    number: int
    end_bytes: int
    done_bytes: int | None
    samples: tuple[Sample, ...]

    @classmethod
    def read(cls, saved: Mapping[str, Any]) -> Self:
        """What `to_json` gave.

        Raises:
            InvalidRecord: It is something else.
        """
        try:
            return msgspec.convert(saved, cls)
        except msgspec.ValidationError as error:
            raise InvalidRecord("how far it was read was not saved by this program") from error

    def to_json(self) -> dict[str, Any]:
        """What to save."""
        saved: dict[str, Any] = msgspec.to_builtins(self)
        return saved

    @property
    def place(self) -> Place:
        """Where to go on, behind it."""
        return Place(self.end_bytes, self.number)

    @property
    def has_begun(self) -> bool:
        """Whether anything is behind it; else the file may have become of any layout."""
        return self.end_bytes > 0 and (self.layout is not Layout.LINES or self.number > 0)


class Standing(msgspec.Struct, frozen=True):
    """How a file compares with its bookmark.

    Attributes:
        is_done: There is nothing new in it.
        resumption: Where to go on with it; None is its beginning.
        seek_bytes: So much of it need not even be read.
        fault: Why the bookmark does not hold any more, or None.
    """

    is_done: bool = False
    resumption: Resumption | None = None
    seek_bytes: int = 0
    fault: str | None = None


AT_BEGINNING = Standing()


def compare(path: Path, size_bytes: int, bookmark: Bookmark) -> Standing:
    """Look at a file again; one that cannot be looked at now is taken for the same."""
    try:
        with path.open("rb", buffering=0) as file:
            is_plain = codec_of(file.read(MAGIC_BYTES), path.name) is Codec.PLAIN
            least_bytes = [bookmark.done_bytes or 0, bookmark.end_bytes if is_plain else 0]
            if size_bytes < max(*least_bytes, *(sample.end_bytes for sample in bookmark.samples)):
                return Standing(fault=SHORTER)
            if not all(sample.is_of(file) for sample in bookmark.samples):
                return Standing(fault=OTHER)
    except OSError:
        is_plain = False
    if size_bytes == bookmark.done_bytes:
        return Standing(is_done=True)
    if not bookmark.has_begun:
        return AT_BEGINNING
    # One byte ahead: it tells whether the last line had its end.
    seek_bytes = bookmark.end_bytes - 1 if is_plain and bookmark.layout is Layout.LINES else 0
    resumption = Resumption(bookmark.layout, bookmark.place, missing_bytes=seek_bytes)
    return Standing(resumption=resumption, seek_bytes=seek_bytes)
