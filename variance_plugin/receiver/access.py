"""Who may post: the Authorization header, verbatim, and the signature of a Segment-type connection."""

import hmac
from dataclasses import dataclass, field

from .post import Headers
from .refusal import Refusal, Refused


def signature(secret: str, body: bytes) -> str:
    """The lower-case hex HMAC-SHA1 of the body: what `X-Signature` has to say.

    The body is taken as it came over the wire, that is before gzip is undone: those are the bytes
    whose author the signature vouches for, and a receiver can check them before it unpacks anything.
    """
    return hmac.digest(secret.encode(), body, "sha1").hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a post has to show; None asks for nothing. Both are compared in constant time."""

    authorization: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)

    def check_authorization(self, headers: Headers) -> None:
        """Compare `Authorization`, before the body is read. Raises `Refused`."""
        if self.authorization is not None and not _same(self.authorization, headers.get("Authorization")):
            raise Refused(Refusal.AUTHORIZATION)

    def check_signature(self, headers: Headers, body: bytes) -> None:
        """Compare `X-Signature` with that of the body as sent. Raises `Refused`."""
        if self.secret is not None and not _same(signature(self.secret, body), headers.get("X-Signature")):
            raise Refused(Refusal.SIGNATURE)


def _same(expected: str, given: str | None) -> bool:
    # http.server reads header bytes as Latin-1; undone, they are the bytes that came.
    return given is not None and hmac.compare_digest(expected.encode(), given.encode("latin-1"))
