"""The connections of a local Variance: where each takes posts, from whom, and what it makes of them."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from ..errors import UsageError
from .access import Credentials
from .matching import EVERY_WAY, Matching
from .post import DEFAULT_NAME, Headers, Post
from .refusal import Refusal, Refused

_WEBHOOK: Final = "/webhook"
_REJECTED: Final = 50
_SHOWN_BYTES: Final = 64_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One connection, as Variance's page of it has it."""

    name: str = DEFAULT_NAME
    credentials: Credentials = field(default_factory=Credentials)
    enforced: bool = True
    """Whether a post with wrong credentials is turned away; otherwise it is taken, and counted."""
    matching: Matching = EVERY_WAY
    updates_last_seen: bool = True
    """Whether what comes this way says that somebody was there."""

    @property
    def path(self) -> str:
        """The path of its address."""
        return _WEBHOOK if self.name == DEFAULT_NAME else f"{_WEBHOOK}/{quote(self.name, safe='')}"

    def check_authorization(self, headers: Headers) -> Refused | None:
        """Compare `Authorization`, before the body is read.

        Returns:
            What is wrong with it, where that is not enforced.

        Raises:
            Refused: it is, where it is enforced.
        """
        return self._let_in(lambda: self.credentials.check_authorization(headers))

    def check_signature(self, headers: Headers, body: bytes) -> Refused | None:
        """The same with `X-Signature` and the body as sent."""
        return self._let_in(lambda: self.credentials.check_signature(headers, body))

    def _let_in(self, check: Callable[[], None]) -> Refused | None:
        try:
            check()
        except Refused as refused:
            if self.enforced:
                raise
            return refused
        return None


DEFAULT: Final = Connection()


class Connections:
    """All connections of one receiver. The one that is called `webhook` takes whatever goes to no other.

    Raises:
        UsageError: two of them have the same name.
    """

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._by_path = {connection.path: connection for connection in connections}
        self.all = tuple(connections)
        if len(self._by_path) < len(connections):
            raise UsageError("two connections have the same name; give each its own")

    def at(self, path: str) -> Connection:
        """The connection that a request goes to. Raises `Refused`."""
        found = self._by_path.get(path.partition("?")[0]) or self._by_path.get(_WEBHOOK)
        if found is None:
            raise Refused(Refusal.CONNECTION, f"post to one of {', '.join(self._by_path)}")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A post of which no message counts."""

    time: float
    status: int | None
    reason: str


@dataclass(slots=True)
class ConnectionLog:
    """What came by one connection since the start."""

    posts: int = 0
    """Rejected ones too."""
    let_in: Counter[str] = field(default_factory=Counter)
    """Posts that would have been turned away if credentials were enforced, by what was wrong."""
    rejected: deque[Rejected] = field(default_factory=lambda: deque(maxlen=_REJECTED))
    """The newest ones."""
    rejections: int = 0
    latest: Post | None = None
    """The newest post that was taken, as Variance shows it."""
    latest_time: float = 0.0

    @property
    def latest_payload(self) -> str | None:
        """Its body as text, with gzip undone; None while none was taken."""
        if self.latest is None:
            return None
        if "Content-Encoding" not in self.latest.headers:
            text = self.latest.body
        else:
            text = b"[%b]" % b",".join(map(bytes, self.latest.raw_messages))
        cut = text[:_SHOWN_BYTES].decode(errors="replace")
        return cut if len(text) <= _SHOWN_BYTES else f"{cut} …"

    def take(self, post: Post, time: float) -> None:
        """A post was taken."""
        self.posts += 1
        self.latest, self.latest_time = post, time

    def reject(self, reason: str, status: int | None, time: float) -> None:
        """A post was rejected."""
        self.posts += 1
        self.rejections += 1
        self.rejected.append(Rejected(time=time, status=status, reason=reason))
