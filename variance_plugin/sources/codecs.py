"""Compressed bytes to bytes, piece by piece: gzip, brotli and zstd.

Memory stays bounded whatever a file unpacks to, and what was readable before a fault comes out before
the fault is raised.
"""

import importlib
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import chain
from typing import Any, Protocol

from ..errors import InvalidRecord
from ..extras import Extra, needed

# PostHog's gzip exports are one member per line. What follows a member in the same window is copied
# when the member ends, so windows are small.
_WINDOW_BYTES = 16 * 1024
# Such a window can unpack to 17 MB of gzip, and to gigabytes of the others.
_PIECE_BYTES = 256 * 1024
# What the window unpacks to in which a brotli stream is damaged, or ends with other bytes behind it, is lost.
# Smaller ones take longer: measured with 16 KB, 256 and 64 bytes as 1 to 2.4 to 5.
_BROTLI_WINDOW_BYTES = 256

MAGIC_BYTES = 4
_GZIP_MAGIC = b"\x1f\x8b\x08"
_ZSTD_MAGIC = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")  # a frame, or a frame to skip
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class Codec(StrEnum):
    """How bytes are compressed."""

    PLAIN = "plain"
    GZIP = "gzip"
    BROTLI = "brotli"
    ZSTD = "zstd"


EXTENSIONS = {
    ".gz": Codec.GZIP,
    ".gzip": Codec.GZIP,
    ".br": Codec.BROTLI,
    ".zst": Codec.ZSTD,
    ".zstd": Codec.ZSTD,
}

_OPTIONAL_MODULES = {
    Codec.BROTLI: "brotli",
    # The same code under two names: it came into the standard library with Python 3.14.
    Codec.ZSTD: "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd",
}


def codec_of(head: bytes, name: str) -> Codec:
    """What the first bytes show or, where they show nothing, the name's extension says.

    Args:
        head: The first `MAGIC_BYTES` bytes, or all there are.
        name: The file's name.
    """
    if head.startswith(_GZIP_MAGIC):
        return Codec.GZIP
    if _ZSTD_MAGIC.match(head):
        return Codec.ZSTD
    named = next((codec for end, codec in EXTENSIONS.items() if name.lower().endswith(end)), Codec.PLAIN)
    # A download may have been unpacked on its way and kept its name. A brotli stream may well begin
    # with "[" or a byte order mark, but none begins with "{".
    text = head.startswith(b"{") if named is Codec.BROTLI else _begins_as_text(head)
    return Codec.PLAIN if text or not head else named


def require(codec: Codec) -> None:
    """Check that what unpacks it is installed.

    Raises:
        UsageError: It is not; the message names the command that installs it.
    """
    if codec in _OPTIONAL_MODULES:
        _module(codec)


def decoded(chunks: Iterable[bytes], *, name: str = "") -> Iterator[bytes]:
    """The bytes behind the compression, in pieces of any size but none.

    Args:
        chunks: The compressed bytes, cut anywhere.
        name: The file's name, which decides where the bytes do not.

    Raises:
        InvalidRecord: The rest is cut off or damaged; all that came before was good.
        UsageError: See `require`.
    """
    source = iter(chunks)
    head = b""
    while len(head) < MAGIC_BYTES and (chunk := next(source, None)) is not None:
        head += chunk
    yield from unpacked(chain((head,), source), codec_of(head[:MAGIC_BYTES], name))


def unpacked(chunks: Iterable[bytes], codec: Codec) -> Iterator[bytes]:
    """The same where it is known how they are compressed."""
    return filter(None, _DECODE[codec](chunks))


class _Frame(Protocol):
    """One gzip member or zstd frame being unpacked; a file may hold many."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


def _framed(
    chunks: Iterable[bytes],
    *,
    codec: Codec,
    begin: Callable[[], _Frame],
    unpack: Callable[[Any, memoryview], Iterator[bytes]],
    damage: type[Exception],
) -> Iterator[bytes]:
    frame: _Frame | None = None
    padding = False
    past_chunks_bytes = 0
    for chunk in chunks:
        view = memoryview(chunk)
        at = 0
        while at < len(view):
            window = view[at : at + _WINDOW_BYTES]
            at += len(window)
            if frame is None:
                if padding and not window[0]:  # zeros after the last member, as tapes leave them
                    at -= len(bytes(window).lstrip(b"\0"))
                    continue
                frame = begin()
            try:
                yield from unpack(frame, window)
            except damage as error:
                raise _damaged(codec, past_chunks_bytes + at) from error
            if frame.eof:
                at -= len(frame.unused_data)
                frame = None
                padding = True
        past_chunks_bytes += len(view)
    if frame is not None:
        raise _cut_off(codec, past_chunks_bytes)


def _gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    def unpack(frame: "zlib._Decompress", window: memoryview) -> Iterator[bytes]:
        piece = frame.decompress(window, _PIECE_BYTES)
        yield piece
        # At a member's end Python may leave `unconsumed_tail` as it was; only `eof` tells.
        while not frame.eof and (frame.unconsumed_tail or len(piece) == _PIECE_BYTES):
            piece = frame.decompress(frame.unconsumed_tail, _PIECE_BYTES)
            yield piece

    return _framed(
        chunks,
        codec=Codec.GZIP,
        begin=lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS),  # 16: with gzip's header and checksum
        unpack=unpack,
        damage=zlib.error,
    )


def _zstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    zstd = _module(Codec.ZSTD)

    def unpack(frame: Any, window: memoryview) -> Iterator[bytes]:
        yield frame.decompress(window, _PIECE_BYTES)
        while not frame.eof and not frame.needs_input:
            yield frame.decompress(b"", _PIECE_BYTES)

    return _framed(
        chunks, codec=Codec.ZSTD, begin=zstd.ZstdDecompressor, unpack=unpack, damage=zstd.ZstdError
    )


def _brotli(chunks: Iterable[bytes]) -> Iterator[bytes]:
    brotli = _module(Codec.BROTLI)
    stream = brotli.Decompressor()
    past_bytes = 0

    def unpack(view: memoryview) -> Iterator[bytes]:
        for at in range(0, len(view), _BROTLI_WINDOW_BYTES):
            window = view[at : at + _BROTLI_WINDOW_BYTES]
            try:
                piece = stream.process(window, output_buffer_limit=_PIECE_BYTES)
                while piece or not stream.can_accept_more_data():
                    yield piece
                    piece = stream.process(b"", output_buffer_limit=_PIECE_BYTES)
            except brotli.error as error:
                raise _damaged(Codec.BROTLI, past_bytes + at + len(window)) from error

    for chunk in chunks:
        yield from _gathered(unpack(memoryview(chunk)))
        past_bytes += len(chunk)
    if not stream.is_finished():
        raise _cut_off(Codec.BROTLI, past_bytes)


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same in fewer pieces, also ahead of a fault."""
    held: list[bytes] = []
    held_bytes = 0
    try:
        for piece in pieces:
            held.append(piece)
            held_bytes += len(piece)
            if held_bytes >= _PIECE_BYTES:
                yield b"".join(held)
                held.clear()
                held_bytes = 0
    except InvalidRecord:
        yield b"".join(held)
        raise
    yield b"".join(held)


_DECODE: dict[Codec, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    Codec.PLAIN: iter,
    Codec.GZIP: _gzip,
    Codec.BROTLI: _brotli,
    Codec.ZSTD: _zstd,
}


def _module(codec: Codec) -> Any:
    with needed(Extra.FILES, codec):
        return importlib.import_module(_OPTIONAL_MODULES[codec])


def _damaged(codec: Codec, before_byte: int) -> InvalidRecord:
    return InvalidRecord(
        f"from here on not decodable as {codec}: damaged before byte {before_byte:,} of the file"
    )


def _cut_off(codec: Codec, size_bytes: int) -> InvalidRecord:
    return InvalidRecord(f"the {codec} data is cut off; the file ends at byte {size_bytes:,}")


def _begins_as_text(head: bytes) -> bool:
    return head.lstrip()[:1] in (b"", b"{", b"[") or head.startswith(_BYTE_ORDER_MARKS)
