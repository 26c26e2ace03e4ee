"""The bytes of one request body, counted while they are read."""

from collections.abc import Iterator
from contextlib import suppress
from io import BufferedIOBase
from typing import Final

from .post import Headers
from .refusal import Refusal, Refused

_PIECE_BYTES: Final = 256 * 1024
# A chunk's size is a few digits, a trailer one header; http.client allows the same.
_LINE_BYTES: Final = 65_536
_TRAILERS: Final = 100


class Body:
    """The body of a request that is yet to be read.

    Args:
        stream: Where it comes from, at the first byte after the headers.
        headers: They say how long it is.

    Raises:
        Refused: the headers do not say it, or say two things.
    """

    def __init__(self, stream: BufferedIOBase, headers: Headers) -> None:
        self._stream = stream
        self._ended = False
        # None: the chunks tell as they come.
        self._declared_bytes = _declared_bytes(headers)
        if self._declared_bytes is None:
            self._pieces = self._chunked()
        else:
            self._pieces = self._sized(self._declared_bytes)

    def read(self, limit_bytes: int) -> bytes:
        """The whole body. Raises `Refused` when it is larger, or broken."""
        if self._declared_bytes is not None and self._declared_bytes > limit_bytes:
            raise Refused(Refusal.TOO_LARGE, f"the body has more than {limit_bytes} bytes")
        body = bytearray()
        for piece in self._pieces:
            body += piece
            if len(body) > limit_bytes:
                raise Refused(Refusal.TOO_LARGE, f"the body has more than {limit_bytes} bytes")
        return bytes(body)

    def skip(self, limit_bytes: int) -> bool:
        """Read what is left and keep nothing of it.

        Returns:
            Whether the end was reached within the limit, so that another request can follow.
        """
        if not self._ended and (self._declared_bytes or 0) <= limit_bytes:
            with suppress(Refused):
                for piece in self._pieces:
                    limit_bytes -= len(piece)
                    if limit_bytes < 0:
                        break
        return self._ended

    def _exactly(self, length_bytes: int) -> Iterator[bytes]:
        while length_bytes:
            piece = self._stream.read(min(length_bytes, _PIECE_BYTES))
            if not piece:
                raise Refused(Refusal.MALFORMED, "the body ends early")
            length_bytes -= len(piece)
            yield piece

    def _sized(self, length_bytes: int) -> Iterator[bytes]:
        yield from self._exactly(length_bytes)
        self._ended = True

    def _chunked(self) -> Iterator[bytes]:
        while length_bytes := _chunk_bytes(self._line()):
            yield from self._exactly(length_bytes)
            if self._line():
                raise Refused(Refusal.MALFORMED, "a chunk is longer than it says")
        for _ in range(_TRAILERS):
            if not self._line():
                self._ended = True
                return
        raise Refused(Refusal.MALFORMED, "too many trailers")

    def _line(self) -> bytes:
        line = self._stream.readline(_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise Refused(Refusal.MALFORMED, "the chunks end early")
        return line.rstrip(b"\r\n")


def _declared_bytes(headers: Headers) -> int | None:
    coding = headers.get("Transfer-Encoding")
    length = headers.get("Content-Length")
    if coding is not None:
        # Both at once is how requests are smuggled past a proxy (RFC 9112, 6.3).
        if length is not None or coding.strip().lower() != "chunked":
            raise Refused(Refusal.MALFORMED, "send either Content-Length or Transfer-Encoding: chunked")
        return None
    if length is None:
        return 0
    # int() alone would take signs, underscores and digits of other scripts.
    if not (length.isascii() and length.isdigit()) or len(length) > len("9" * 18):
        raise Refused(Refusal.MALFORMED, "Content-Length is not a size")
    return int(length)


def _chunk_bytes(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not 0 < len(digits) <= len("f" * 15) or digits.strip(b"0123456789abcdefABCDEF"):
        raise Refused(Refusal.MALFORMED, "a chunk has no size")
    return int(digits, 16)
