"""Compressed bytes come out as they went in, however they are packed, cut, damaged or blown up."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import pairwise

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.errors import InvalidRecord, UsageError
from variance_plugin.sources.codecs import Codec, codec_of, decoded, require

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACK: dict[Codec, Callable[[bytes], bytes]] = {
    Codec.PLAIN: bytes,
    Codec.GZIP: gzip.compress,
    Codec.BROTLI: brotli.compress,
    Codec.ZSTD: zstd.compress,
}
NAME = {
    Codec.PLAIN: "events.jsonl",
    Codec.GZIP: "events.jsonl.gz",
    Codec.BROTLI: "events.jsonl.br",
    Codec.ZSTD: "events.jsonl.zst",
}
COMPRESSED = [codec for codec in Codec if codec is not Codec.PLAIN]
# Formats whose files may be many frames, one behind the other; PostHog's gzip files are.
FRAMED = [Codec.GZIP, Codec.ZSTD]

EVENT = b'{"event":"order paid","distinct_id":"u-42"}\n'
ZSTD_SKIPPABLE_FRAME = b"\x5a\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    """The pieces of `whole` between these places."""
    ends = sorted({0, len(whole), *(place % (len(whole) + 1) for place in places)})
    return [whole[begin:end] for begin, end in pairwise(ends)]


def read_until_fault(pieces: Iterator[bytes]) -> tuple[bytes, str | None]:
    """What came out, and the reason why no more did."""
    came = bytearray()
    try:
        for piece in pieces:
            came += piece
    except InvalidRecord as fault:
        return bytes(came), str(fault)
    return bytes(came), None


@pytest.mark.parametrize(
    ("expected", "head", "name"),
    [
        pytest.param(Codec.GZIP, gzip.compress(EVENT), "events.jsonl", id="gzip-whatever-its-name"),
        pytest.param(Codec.ZSTD, zstd.compress(EVENT), "events.gz", id="zstd-whatever-its-name"),
        pytest.param(Codec.ZSTD, ZSTD_SKIPPABLE_FRAME, "", id="zstd-that-begins-with-a-frame-to-skip"),
        pytest.param(Codec.BROTLI, brotli.compress(EVENT), "events.jsonl.br", id="brotli-by-its-name"),
        pytest.param(
            Codec.BROTLI, b"[\x00\x01\x02", "EVENTS.JSONL.BR", id="brotli-that-begins-like-an-array"
        ),
        pytest.param(Codec.PLAIN, EVENT, "events.jsonl.gz", id="gz-unpacked-on-its-way"),
        pytest.param(Codec.PLAIN, EVENT, "events.jsonl.br", id="br-unpacked-on-its-way"),
        pytest.param(
            Codec.PLAIN, b"\xef\xbb\xbf{", "events.jsonl.zst", id="zst-unpacked-with-byte-order-mark"
        ),
        pytest.param(Codec.PLAIN, b"\n\n[\n", "events.json.gz", id="gz-unpacked-with-blank-lines-first"),
        pytest.param(Codec.GZIP, b"\x00\x00\x00\x00", "events.jsonl.gz", id="neither-gzip-nor-text-named-gz"),
        pytest.param(Codec.GZIP, b"\x1f", "events.jsonl.gz", id="gz-cut-within-its-first-bytes"),
        pytest.param(Codec.PLAIN, b"", "events.jsonl.zst", id="an-empty-file"),
        pytest.param(Codec.PLAIN, b"garb", "events.jsonl", id="garbage-without-a-codec"),
    ],
)
def test_the_first_bytes_tell_the_codec_and_else_the_name(expected: Codec, head: bytes, name: str) -> None:
    """Names lie after downloads; bytes do not. Only brotli has nothing in its bytes to go by."""
    assert expected is codec_of(head[:4], name)


@pytest.mark.parametrize("codec", Codec)
@given(content=st.binary(max_size=3000), places=st.lists(st.integers(0), max_size=8))
def test_content_comes_out_as_it_went_in_however_it_is_cut(
    codec: Codec, content: bytes, places: list[int]
) -> None:
    """Chunk borders are no borders of anything, be they in the middle of a header."""
    if codec is Codec.PLAIN:
        content = b"{" + content
    chunks = cut(PACK[codec](content), places)

    assert content == b"".join(decoded(chunks, name=NAME[codec]))


@pytest.mark.parametrize("codec", FRAMED)
def test_small_frames_that_each_unpack_to_much_are_one_content(codec: Codec) -> None:
    """Several in one window of the reader, each in several pieces: gzip was once read for ever there."""
    content = b'{"event": "order paid"}\n' * 50_000

    chunks = cut(PACK[codec](content) * 4, [])

    assert content * 4 == b"".join(decoded(chunks, name=NAME[codec]))


@pytest.mark.parametrize("codec", FRAMED)
@given(
    lines=st.lists(st.binary(max_size=200), min_size=1, max_size=40),
    places=st.lists(st.integers(0), max_size=8),
)
def test_any_number_of_frames_in_one_file_is_one_content(
    codec: Codec, lines: list[bytes], places: list[int]
) -> None:
    """PostHog writes a gzip member for every line; a reader of the first alone would lose the rest."""
    chunks = cut(b"".join(map(PACK[codec], lines)), places)

    assert b"".join(lines) == b"".join(decoded(chunks, name=NAME[codec]))


@pytest.mark.parametrize("codec", COMPRESSED)
@given(st.data())
def test_a_file_cut_off_anywhere_gives_its_beginning_and_then_the_fault(
    codec: Codec, data: st.DataObject
) -> None:
    """Nothing readable is lost, and nothing is missing without a word."""
    lines = [EVENT * count for count in range(1, 6 if codec in FRAMED else 2)]
    frames = [PACK[codec](line) for line in lines]
    packed = b"".join(frames)
    size = data.draw(st.integers(0, len(packed)))

    came, fault = read_until_fault(decoded([packed[:size]], name=NAME[codec]))

    borders = {len(b"".join(frames[:count])): b"".join(lines[:count]) for count in range(len(frames) + 1)}
    complete = max((border for border in borders if border <= size), default=0)
    assert b"".join(lines).startswith(came)
    assert came.startswith(borders[complete])
    assert (size not in borders) == (fault is not None)


def test_the_fault_of_a_cut_file_names_codec_and_size() -> None:
    """That is what a person needs to see that the copy is shorter than the original."""
    _, fault = read_until_fault(decoded([gzip.compress(EVENT)[:30]]))

    assert "the gzip data is cut off; the file ends at byte 30" == fault


@pytest.mark.parametrize("codec", FRAMED)
def test_damage_leaves_all_frames_before_it_readable(codec: Codec) -> None:
    """One flipped bit spoils what follows it, not what came before."""
    frames = [PACK[codec](EVENT * 50) for _ in range(3)]
    damaged = bytearray(frames[1])
    damaged[-3 if codec is Codec.GZIP else 5] ^= 0xFF

    came, fault = read_until_fault(decoded([frames[0], bytes(damaged), frames[2]], name=NAME[codec]))

    assert EVENT * 50 == came[: len(EVENT) * 50]
    assert len(came) < len(EVENT) * 150
    assert fault is not None
    assert fault.startswith(f"from here on not decodable as {codec}: damaged before byte ")


@pytest.mark.parametrize("codec", COMPRESSED)
def test_what_is_not_what_its_name_says_is_a_fault(codec: Codec) -> None:
    """A file of another kind under this name is told from an empty one."""
    assert b"" == b"".join(decoded([], name=NAME[codec]))
    with pytest.raises(InvalidRecord, match=f"not decodable as {codec}"):
        list(decoded([b"\x00garbage, and not a little of it" * 10], name=NAME[codec]))


def test_zeros_behind_the_last_gzip_member_are_padding() -> None:
    """Tapes and some copiers fill the last block with zeros; gzip itself reads over them."""
    assert EVENT * 2 == b"".join(decoded([gzip.compress(EVENT), bytes(40_000), gzip.compress(EVENT), b"\0"]))


def test_a_gzip_file_of_zeros_is_a_fault_and_not_an_empty_file() -> None:
    """A hole in a file, as a crash leaves it, must not pass for a file without events."""
    with pytest.raises(InvalidRecord, match="not decodable as gzip"):
        list(decoded([bytes(100)], name="events.jsonl.gz"))


def test_what_follows_the_last_gzip_member_and_is_none_is_a_fault() -> None:
    """Bytes that mean nothing may be events that were damaged."""
    came, fault = read_until_fault(decoded([gzip.compress(EVENT) + b"trailing"]))

    assert EVENT == came
    size = len(gzip.compress(EVENT) + b"trailing")
    assert f"from here on not decodable as gzip: damaged before byte {size} of the file" == fault


def test_a_zstd_frame_to_skip_is_skipped() -> None:
    """Parallel and seekable zstd put such frames before, between and behind the others."""
    packed = ZSTD_SKIPPABLE_FRAME + zstd.compress(EVENT) + ZSTD_SKIPPABLE_FRAME

    assert EVENT == b"".join(decoded([packed]))


@pytest.mark.parametrize("codec", COMPRESSED)
def test_no_piece_is_large_whatever_a_file_unpacks_to(codec: Codec) -> None:
    """A small file can unpack to gigabytes; memory has to hold one piece of it at a time."""
    packed = PACK[codec](bytes(100_000_000))

    sizes = [len(piece) for piece in decoded([packed], name=NAME[codec])]

    assert 100_000_000 == sum(sizes)
    assert max(sizes) < 1_000_000


def test_a_gzip_stream_still_being_written_gives_what_is_there() -> None:
    """A writer that flushes is read up to its flush, without waiting for the end of the member."""
    packer = zlib.compressobj(wbits=31)
    flushed = packer.compress(EVENT) + packer.flush(zlib.Z_SYNC_FLUSH)

    assert EVENT == next(decoded(iter([flushed])))


@pytest.mark.parametrize("codec", [Codec.BROTLI, Codec.ZSTD])
def test_a_package_that_is_not_installed_is_named_with_its_command(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is the way out, to be copied into the shell."""
    for module in ("brotli", "backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(UsageError) as raised:
        require(codec)

    assert (
        str(raised.value)
        == f"{codec} needs packages that are not installed: pip install 'posthog-variance-plugin[files]'"
    )


def numbered(count: int) -> bytes:
    """Lines that do not pack to almost nothing."""
    return b"".join(
        b'{"event":"order paid","id":"%s"}\n' % sha256(b"%d" % at).hexdigest().encode() for at in range(count)
    )


def test_bytes_behind_the_end_of_a_brotli_stream_cost_no_more_than_its_last_lines() -> None:
    """Its decoder forgets what it has not given yet, so it is given little at a time."""
    content = numbered(500)

    came, fault = read_until_fault(decoded(iter([brotli.compress(content) + b"x"]), name="events.jsonl.br"))

    assert content.startswith(came)
    assert came.count(b"\n") > 490
    assert fault is not None
    assert "not decodable as brotli" in fault
