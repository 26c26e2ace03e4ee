"""One post as it came."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from .payload import decode

DEFAULT_NAME: Final = "webhook"
"""The connection of whoever has named none."""


class Headers(Mapping[str, str]):
    """The headers of a request. Names are looked up in any case and listed in lower case.

    A header that came twice has both values, joined by a comma (RFC 9110, 5.3): two different
    Authorizations are none that could be expected.
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        # Names only: the values hold Authorization.
        return f"Headers({', '.join(self._values)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A post that was let in: authorised, signed where that is asked for, its body not too large."""

    method: str
    path: str = field(repr=False)
    """With its query, which may hold a token."""

    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    """The bytes as sent, before gzip is undone."""

    connection_id: int
    """The same for posts over one kept-alive connection; counted from 1."""

    connection: str = DEFAULT_NAME
    """The name of Variance's connection that it came to."""

    raw_messages: tuple[msgspec.Raw, ...] = field(default=(), repr=False)
    """The JSON text of each message, to the byte; none when the body could not be read."""

    status: int | None = None
    """The status answered; None while the answer is being chosen, or when a fault kept it back."""

    @property
    def messages(self) -> list[object]:
        """The messages as Python values, decoded anew each time, so that a change changes nothing."""
        return [decode(raw) for raw in self.raw_messages]
