"""The doors of the capture API, as PostHog's SDKs speak it: v0, and v1 which answers event by event."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from ...capture import Member, NoProjectKey, Posted, Reception, Skew, as_ingested, decode_body, members
from ...exact_json import decode, encode
from ..spool import body_entry
from .exchange import Answer, Refused, Request
from .keeping import Keeper
from .reading import without_encoding
from .routes import accepted, engages

T = TypeVar("T")

ANY_KEY = "*"
V1_SENT_AT = "posthog-request-timestamp"
_PERSONAL_KEY = "phx_"
_LONGEST_KEY = 200
_BEARER = "bearer "
# So much is taken apart in the server's own thread; more would hold up the other requests.
_AT_ONCE_BYTES = 32 * 1024
_AT_ONCE_PACKED_BYTES = 4 * 1024
_JSON_STARTS = (b"{", b"[")
# The capture API takes any other type, and looks at the content instead.
_REFUSED_TYPES = ("multipart/", "image/", "audio/", "video/")
_DIGITS_OF_MILLISECONDS = 13


class ProjectKeys:
    """Which projects may send events.

    Args:
        allowed: Their keys; `*` stands for any.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self._any = ANY_KEY in allowed
        self._allowed = frozenset(allowed)

    def check(self, key: str | None) -> None:
        """See whether it is one of them.

        Raises:
            NoProjectKey: It is not.
        """
        if not key or len(key) > _LONGEST_KEY or not key.isprintable():
            raise NoProjectKey("no project key, in `api_key` or `token`")
        if key.startswith(_PERSONAL_KEY):
            raise NoProjectKey("a personal API key, where a project key (phc_…) is wanted")
        if not self._any and key not in self._allowed:
            raise NoProjectKey("a project key that is not taken here")


class Unpacking:
    """Takes requests apart: small ones at once, others in a thread that does one after the other."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="http-unpacking")

    async def run(self, request: Request, unpack: Callable[[Request], T]) -> T:
        """What `unpack` makes of the request."""
        is_packed = not request.body.startswith(_JSON_STARTS)
        if len(request.body) <= (_AT_ONCE_PACKED_BYTES if is_packed else _AT_ONCE_BYTES):
            return unpack(request)
        return await asyncio.get_running_loop().run_in_executor(self._thread, unpack, request)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()


class Copies(Protocol):
    """Where a copy of each request goes that was taken."""

    async def keep(self, request: Request) -> None:
        """Keep one; never raises."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Capturing:
    """What the doors of the capture API work with.

    Attributes:
        keeper: Keeps events.
        keys: Of the projects that may send.
        unpacking: Takes requests apart.
        copies: Gets a copy of each request whose events are to be kept, whether or not they can be.
    """

    keeper: Keeper
    keys: ProjectKeys
    unpacking: Unpacking
    copies: Copies | None = None

    async def keep(self, request: Request, records: Sequence[bytes]) -> None:
        """Keep the events of a request, and a copy of it.

        Raises:
            StateError: The events cannot be kept; the copy is.
        """
        if self.copies is None:
            await self.keeper.keep(records)
        else:
            await asyncio.gather(self.keeper.keep(records), self.copies.keep(request))


class CaptureDoor:
    """Takes the events of SDKs, of any version and in any wrapping.

    An event among others that cannot be used is kept as well, and reaches the dead letters with its reason:
    the answer is the same for all of them, and an SDK drops what it gets a 400 for.

    Args:
        capturing: What it works with.
    """

    name = "capture"
    methods = ("GET", "POST")

    def __init__(self, capturing: Capturing) -> None:
        self._capturing = capturing

    def admit(self, head: Request) -> None:
        """See `Door`. The project's key stands in the body, so all that can be seen is the type."""
        check_type(head)

    async def take(self, request: Request) -> Answer:
        """See `Door`."""
        records = await self._capturing.unpacking.run(request, self._records)
        await self._capturing.keep(request, records)
        return accepted(request, len(records))

    def _records(self, request: Request) -> list[bytes]:
        posted = posted_in(request)
        self._capturing.keys.check(posted.project_key)
        skew = Skew.of(sent_at_of(posted, request), request.received_at)
        return records_of(posted, _reception(request), skew)


class CaptureV1Door:
    """Takes events by the newer protocol: the key in a header, one result for each event.

    An event that cannot be used is answered `drop`, with the reason, and not kept: the SDK tells its user.

    Args:
        capturing: What it works with.
    """

    name = "capture v1"
    methods = ("POST",)

    def __init__(self, capturing: Capturing) -> None:
        self._capturing = capturing

    def admit(self, head: Request) -> None:
        """See `Door`."""
        check_type(head)
        authorization = head.header("authorization")
        is_bearer = authorization[: len(_BEARER)].lower() == _BEARER
        try:
            self._capturing.keys.check(authorization[len(_BEARER) :].strip() if is_bearer else None)
        except NoProjectKey as error:
            raise Refused(HTTPStatus.UNAUTHORIZED, str(error)) from error

    async def take(self, request: Request) -> Answer:
        """See `Door`."""
        records, results = await self._capturing.unpacking.run(request, self._unpacked)
        await self._capturing.keep(request, records)
        return Answer(body=encode({"results": results}), events=len(records))

    def _unpacked(self, request: Request) -> tuple[list[bytes], dict[str, dict[str, str]]]:
        posted = posted_in(request)
        skew = Skew.of(request.header(V1_SENT_AT) or None, request.received_at)
        results = {uuid: _result(one) for one in posted.members if (uuid := _uuid(one)) is not None}
        return records_of(posted.usable, _reception(request), skew), results


def check_type(head: Request) -> None:
    """See whether a body of this type can hold events.

    Raises:
        Refused: It cannot.
    """
    if head.media_type.startswith(_REFUSED_TYPES):
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "events are taken as JSON, plain or packed, or in a form field `data`",
        )


def posted_in(request: Request) -> Posted:
    """The events in a request.

    Raises:
        InvalidRecord: There are none.
        Refused: Its content encoding is not known here.
    """
    body = without_encoding(request.body, request.header("content-encoding"))
    text = decode_body(body, content_type=request.header("content-type"), query=request.query)
    return members(text, engages=engages(request.path))


def records_of(posted: Posted, reception: Reception, skew: Skew) -> list[bytes]:
    """One record for each event, in order; those that cannot be used as they came."""
    seen: Counter[bytes] = Counter()
    records = []
    for member in posted.members:
        if member.fault:
            records.append(body_entry(member.text))
            continue
        records.append(as_ingested(member, reception, skew, number=seen[member.text]))
        seen[member.text] += 1
    return records


def _reception(request: Request) -> Reception:
    return Reception(at=request.received_at, ip=request.client or None, nonce=os.urandom(16).hex())


def sent_at_of(posted: Posted, request: Request) -> Any:
    """When the client says it sent a request, as it wrote that; None where it does not.

    Old versions of posthog-js say it in the address. Whole seconds are too coarse to be used.
    """
    if posted.sent_at is not None:
        return posted.sent_at
    for name in ("_", "sent_at"):
        text = request.query.get(name, "")
        if len(text) == _DIGITS_OF_MILLISECONDS and text.isdecimal():
            return text
    return None


def _uuid(member: Member) -> str | None:
    uuid = decode(member.fields["uuid"]) if "uuid" in member.fields else None
    return uuid if isinstance(uuid, str) else None


def _result(member: Member) -> dict[str, str]:
    return {"result": "drop", "details": member.fault} if member.fault else {"result": "ok"}
