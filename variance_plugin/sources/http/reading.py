"""A request's body: read within limits of time and size, its content encoding undone."""

import zlib
from asyncio import timeout
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeAlias

from ...capture import MAX_BODY_BYTES, BodyTooLarge
from ...errors import InvalidRecord, UsageError
from ..codecs import Codec, unpacked
from .exchange import Refused, Request

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]

AGAIN_SECONDS = 1
"""So long a client is asked to wait when there is no room in memory; that may be free in a moment."""
# A body that nobody wants is read all the same, so that the client gets to see the answer: for so long, and
# of one that is too large no more than this.
_DISCARD_SECONDS = 1.0
_MOST_OF_TOO_LARGE_BYTES = 1024 * 1024

_ENCODINGS = {"br": Codec.BROTLI, "zstd": Codec.ZSTD, "gzip": Codec.GZIP, "x-gzip": Codec.GZIP}
# JSON, and gzip, which is unpacked by what it is and not by what is declared.
_KNOWN_STARTS = (b"{", b"[", b"\x1f\x8b\x08")
ACCEPTED_ENCODINGS = (("accept-encoding", "gzip, deflate, br, zstd"),)


class Gone(Exception):
    """The client went away before its request was complete."""


class Budget:
    """How many bytes of requests may be in memory at once. For one thread.

    Args:
        max_bytes: So many.
    """

    def __init__(self, max_bytes: int) -> None:
        self._left_bytes = max_bytes

    @contextmanager
    def share(self) -> "Iterator[Share]":
        """A share of it, for one request; given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self._left_bytes += share.bytes

    def take(self, count: int) -> bool:
        """Take so many bytes, if they are there."""
        if count > self._left_bytes:
            return False
        self._left_bytes -= count
        return True


class Share:
    """What one request has of a `Budget`."""

    def __init__(self, budget: Budget) -> None:
        self.bytes = 0
        self._budget = budget

    def grow(self, count: int) -> None:
        """Take more.

        Raises:
            Refused: There is no more.
        """
        if not self._budget.take(count):
            raise busy("so much is being received that there is no room for more")
        self.bytes += count


def busy(reason: str, seconds: int = AGAIN_SECONDS) -> Refused:
    """A 503: the client may come again, and when."""
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, reason, headers=(("retry-after", str(seconds)),))


def check_length(head: Request) -> None:
    """Look at how long the body is said to be.

    Raises:
        Refused: Too long.
    """
    length = head.header("content-length")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise _too_large()


async def read_body(receive: Receive, share: Share, seconds: float) -> bytes:
    """The body, as it was sent.

    Raises:
        Refused: It is too large, comes too slowly, or there is no room for it.
        Gone: It ended early.
    """
    parts: list[bytes] = []
    size_bytes = 0
    try:
        async with timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                part = message.get("body", b"")
                size_bytes += len(part)
                if size_bytes > MAX_BODY_BYTES:
                    raise _too_large()
                share.grow(len(part))
                parts.append(part)
                if not message.get("more_body"):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError as error:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, f"the body was not there after {seconds:g} s") from error


async def discard_body(receive: Receive, status: int) -> None:
    """Read on for a while: what is left unread makes the system reset the connection, answer and all."""
    is_too_large = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    most_bytes = _MOST_OF_TOO_LARGE_BYTES if is_too_large else MAX_BODY_BYTES
    size_bytes = 0
    try:
        async with timeout(_DISCARD_SECONDS):
            while size_bytes < most_bytes:
                message = await receive()
                size_bytes += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return
    except TimeoutError:
        return


def without_encoding(body: bytes, encoding: str) -> bytes:
    """The body as it was before the `Content-Encoding` that it declares.

    A body that begins like JSON is left alone: proxies undo an encoding and leave the header. So is gzip,
    which is known by its first bytes, whatever is declared.

    Raises:
        BodyTooLarge: It unpacks to more than is taken.
        InvalidRecord: It is damaged.
        Refused: The encoding is not known here.
    """
    name = encoding.strip().lower()
    if name in ("", "identity") or body.startswith(_KNOWN_STARTS) or not body:
        return body
    if name == "deflate":
        return _inflated(body)
    codec = _ENCODINGS.get(name)
    if codec is None:
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "this content encoding is not taken; gzip, deflate, br and zstd are",
            headers=ACCEPTED_ENCODINGS,
        )
    if codec is Codec.GZIP:
        raise InvalidRecord("the body is not the gzip that it is declared to be")
    parts: list[bytes] = []
    left = MAX_BODY_BYTES
    try:
        for part in unpacked([body], codec):
            left -= len(part)
            if left < 0:
                raise BodyTooLarge(f"the {name} body unpacks to more than {MAX_BODY_BYTES} bytes")
            parts.append(part)
    except UsageError as error:  # its package is not installed
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error), headers=ACCEPTED_ENCODINGS) from error
    return b"".join(parts)


def _inflated(body: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise InvalidRecord(f"the deflate body is damaged: {error}") from error
    if len(text) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"the deflate body unpacks to more than {MAX_BODY_BYTES} bytes")
    if not stream.eof:
        raise InvalidRecord("the deflate body ends early")
    return text


def _too_large() -> Refused:
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {MAX_BODY_BYTES} bytes")
