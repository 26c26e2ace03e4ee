"""How much one request may ask of the receiver."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes and times of one request; what passes a size limit is answered 413."""

    body_bytes: int = 10_000_000
    """The body as sent."""

    unpacked_bytes: int = 50_000_000
    """The body after gzip: a bomb of 50 KB unpacks to 50 MB."""

    silence_seconds: float = 60.0
    """A connection on which nothing comes for so long is closed, also in the middle of a request."""


DEFAULT_LIMITS: Final = Limits()
