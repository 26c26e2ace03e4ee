"""A request, an answer, and the doors between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain; charset=utf-8"
# An address has a few of them; more cost time and say nothing.
_MOST_QUERY_FIELDS = 100


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client sent.

    Attributes:
        method: In capitals.
        path: Decoded.
        raw_path: As it came.
        raw_query: Behind the `?`, as it came.
        headers: By name in small letters; of several with one name, the last.
        client: The address it came from, or that a trusted proxy vouches for.
        received_at: When its head was there.
        body: Empty until it has been read.
    """

    method: str
    path: str
    raw_path: str = ""
    raw_query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    client: str = ""
    received_at: datetime
    body: bytes = field(default=b"", repr=False)

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The fields of the address.

        Raises:
            Refused: There are too many.
        """
        try:
            return dict(parse_qsl(self.raw_query, keep_blank_values=True, max_num_fields=_MOST_QUERY_FIELDS))
        except ValueError as error:
            raise Refused(
                HTTPStatus.BAD_REQUEST, f"the address has more than {_MOST_QUERY_FIELDS} fields"
            ) from error

    def header(self, name: str) -> str:
        """Its value, or nothing."""
        return self.headers.get(name, "")

    @property
    def target(self) -> str:
        """Path and query, as they came."""
        return f"{self.raw_path}?{self.raw_query}" if self.raw_query else self.raw_path

    @property
    def media_type(self) -> str:
        """The content's type without its parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a client gets.

    Attributes:
        status: Of HTTP.
        body: As sent.
        content_type: Of the body.
        headers: Further ones, by name in small letters.
        events: How many events it answers for.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: Sequence[tuple[str, str]] = ()
    events: int = 0


class Refused(Exception):
    """A request is not taken.

    Args:
        status: Of HTTP.
        reason: For the client, and for whoever runs this; never a part of the request.
        headers: Further ones.
    """

    def __init__(self, status: int, reason: str, *, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(reason)
        self.status = int(status)
        self.reason = reason
        self.headers = tuple(headers)

    @property
    def answer(self) -> Answer:
        """The reason as plain text, as PostHog gives it."""
        return Answer(
            status=self.status,
            body=self.reason.encode(errors="replace"),
            content_type=TEXT_TYPE,
            headers=self.headers,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What requests may cost.

    Attributes:
        max_connections: So many may be open at once.
        max_bytes_in_flight: So much of bodies is in memory on its way to the disk; taken apart it is three
            times as much.
        head_seconds: A head has to be there by then, counted from the connection or from its first byte.
        body_seconds: A body has to be there by then; 20 MB in 30 s are 5.6 Mbit/s.
    """

    max_connections: int = 1000
    max_bytes_in_flight: int = 64 * 1024 * 1024
    head_seconds: float = 10.0
    body_seconds: float = 30.0


class Door(Protocol):
    """Where requests of one kind are taken."""

    @property
    def name(self) -> str:
        """For metrics."""
        ...

    @property
    def methods(self) -> tuple[str, ...]:
        """Which it takes; others are a 405."""
        ...

    def admit(self, head: Request) -> None:
        """Look at the head, before the body is read.

        Raises:
            Refused: It is not to be read.
        """
        ...

    async def take(self, request: Request) -> Answer:
        """Take what was sent; return once that is safe.

        Raises:
            Refused: Nothing was taken.
            InvalidRecord: Likewise: it is not what it should be.
            StateError: Likewise: it cannot be kept now.
        """
        ...


class Doors(Protocol):
    """Which door a path leads to."""

    def __call__(self, path: str) -> Door | None:
        """None: to none."""
        ...
