"""LZ-string, the compression of early posthog-js (`compression=lz64`), decoded within a bound.

The stream is LZ78 over UTF-16 units, its bits packed six to a base64 letter. Repeats of repeats
grow with the square of the input, so a decoder without a bound turns 100 KB into gigabytes.
"""

from collections.abc import Iterator

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BITS_PER_LETTER = 6
# Each letter's bits arrive highest first, each code's lowest first: with the letter's bits turned
# round once, here, a code is read off by masking.
_BITS = {letter: int(f"{value:06b}"[::-1], 2) for value, letter in enumerate(_ALPHABET)}

_LITERAL_8, _LITERAL_16, _END = 0, 1, 2
_FIRST_CODE = 3
_LITERAL_BITS = {_LITERAL_8: 8, _LITERAL_16: 16}
_BYTES_PER_UNIT = 2


def decompress_base64(letters: bytes, *, max_units: int) -> str:
    """The text that LZ-string's `compressToBase64` was given.

    Args:
        letters: The base64 letters; padding at the end is ignored.
        max_units: How many UTF-16 units the text may have.

    Raises:
        ValueError: A letter outside the alphabet, a stream that ends early or holds a code not yet
            defined, or halves of surrogate pairs.
        OverflowError: The text is longer than `max_units`.
    """
    chunks, size = [], 0
    for chunk in _phrases(_Bits(letters.rstrip(b"="))):
        size += len(chunk)
        if size > max_units * _BYTES_PER_UNIT:
            raise OverflowError(f"more than {max_units} characters")
        chunks.append(chunk)
    return b"".join(chunks).decode("utf-16-le")


def _phrases(bits: "_Bits") -> Iterator[bytes]:
    """The phrases of the text in order, each in UTF-16."""
    known: list[bytes] = []
    previous = b""
    # A code is as wide as the next free one needs; both sides count the phrases they know.
    while (code := bits.read((_FIRST_CODE + len(known)).bit_length())) != _END:
        if code in _LITERAL_BITS:
            known.append(bits.read(_LITERAL_BITS[code]).to_bytes(_BYTES_PER_UNIT, "little"))
            code = _FIRST_CODE + len(known) - 1
        index = code - _FIRST_CODE
        if index < len(known):
            phrase = known[index]
        elif index == len(known) and previous:
            phrase = previous + previous[:_BYTES_PER_UNIT]
        else:
            raise ValueError("a code that is not yet defined")
        yield phrase
        if previous:
            known.append(previous + phrase[:_BYTES_PER_UNIT])
        previous = phrase


class _Bits:
    """Reads numbers off the letters, lowest bit first."""

    def __init__(self, letters: bytes) -> None:
        self._letters = iter(letters)
        self._held = 0
        self._count = 0

    def read(self, width: int) -> int:
        while self._count < width:
            letter = next(self._letters, None)
            if letter is None:
                raise ValueError("the stream ends early")
            if letter not in _BITS:
                raise ValueError(f"{chr(letter)!a} is not a letter of base64")
            self._held |= _BITS[letter] << self._count
            self._count += _BITS_PER_LETTER
        value = self._held & ((1 << width) - 1)
        self._held >>= width
        self._count -= width
        return value
