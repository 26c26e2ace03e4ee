"""How numbers, times and strangers' texts are spelled for a person. Pure."""

from collections.abc import Mapping
from urllib.parse import urlsplit

_SECONDS_PER_MINUTE = 60
_SECONDS_PER_HOUR = 3600
_FEW_SECONDS = 10
# Joins emoji; the one invisible character that names and comments are full of.
_JOINER = "\N{ZERO WIDTH JOINER}"


def printable(text: str) -> str:
    """A text from an event or an answer, with nothing in it that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == _JOINER else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def shortened(text: str, width: int) -> str:
    """At most `width` characters; what was cut off is an ellipsis."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def sums(counts: Mapping[str, int]) -> str:
    """`1,800 track, 300 page`."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def duration(seconds: float) -> str:
    """`40 ms`, `4.2 s`, `42 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _FEW_SECONDS:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _SECONDS_PER_MINUTE:
        return f"{whole} s"
    if whole < _SECONDS_PER_HOUR:
        return f"{whole // _SECONDS_PER_MINUTE} min {whole % _SECONDS_PER_MINUTE} s"
    return f"{whole // _SECONDS_PER_HOUR} h {whole % _SECONDS_PER_HOUR // _SECONDS_PER_MINUTE} min"


def address(url: str) -> str:
    """A webhook address without its query, which may be a secret."""
    parts = urlsplit(url)
    query = "?***" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"
