"""Every request from its first byte to its answer, whatever door it is for; an ASGI application."""

import logging
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, TypeAlias

from ...capture import BodyTooLarge, NoProjectKey
from ...clock import Clock
from ...errors import InvalidRecord, SpoolFull, StateError
from ...turns import Turns
from .exchange import Answer, Door, Doors, Limits, Refused, Request
from .reading import Budget, Gone, Receive, Share, busy, check_length, discard_body, read_body

_logger = logging.getLogger(__name__)

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Told: TypeAlias = Callable[["Exchange"], object]

# As nginx writes it down where nobody waits for an answer any more; it is never sent.
_GONE = 499
_PREFLIGHT = "OPTIONS"
# A full spool is not emptied in a moment, and a full disk not before somebody comes.
_FULL_SECONDS = 30
_FORWARDED = "x-forwarded-for"
_LONGEST_ADDRESS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that has been answered, for metrics and for people.

    Attributes:
        door: The name of its door; empty where there is none.
        status: What it was answered.
        reason: Why it was refused; None where it was taken.
        seconds: From its head to its answer.
        events: How many events were taken.
    """

    door: str
    status: int
    reason: str | None
    seconds: float
    events: int


class App:
    """Answers requests.

    Args:
        doors: Where they lead.
        clock: Says when they came.
        limits: What they may cost.
        trusted_proxies: So many proxies stand in front, and each adds to `X-Forwarded-For` whom it heard.
        told: Is told of every one; called in the thread of the server.
    """

    def __init__(
        self,
        doors: Doors,
        *,
        clock: Clock,
        limits: Limits,
        trusted_proxies: int = 0,
        told: Told = lambda _exchange: None,
    ) -> None:
        self._doors = doors
        self._clock = clock
        self._limits = limits
        self._budget = Budget(limits.max_bytes_in_flight)
        self._trusted_proxies = trusted_proxies
        self._told = told
        self._turns = Turns(clock)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """See the specification of ASGI."""
        began = self._clock.monotonic()
        head = self._head(scope)
        door = self._doors(head.path)
        body = _Body(receive, self._limits.body_seconds)
        reason = None
        try:
            answer = await self._answer(head, door, body)
        except Gone:
            answer, reason = Answer(status=_GONE), "a request ended before its body did"
        except Refused as refused:
            answer, reason = refused.answer, refused.reason
        self._told(
            Exchange(
                door="" if door is None else door.name,
                status=answer.status,
                reason=reason,
                seconds=self._clock.monotonic() - began,
                events=answer.events,
            )
        )
        if answer.status != _GONE:
            await _send(send, head, answer, body)

    async def _answer(self, head: Request, door: Door | None, body: "_Body") -> Answer:
        if door is None:
            raise Refused(HTTPStatus.NOT_FOUND, "there is nothing at this address")
        if head.method == _PREFLIGHT:
            return Answer()
        if head.method not in door.methods:
            allowed = ", ".join((*door.methods, _PREFLIGHT))
            raise Refused(
                HTTPStatus.METHOD_NOT_ALLOWED,
                f"{allowed} may be used here",
                headers=(("allow", allowed),),
            )
        check_length(head)
        door.admit(head)
        with self._budget.share() as share:
            request = replace(head, body=await body.read(share))
            try:
                return await door.take(request)
            except BodyTooLarge as error:
                raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from error
            except NoProjectKey as error:
                raise Refused(HTTPStatus.UNAUTHORIZED, str(error)) from error
            except InvalidRecord as error:
                raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error
            except SpoolFull as error:
                raise busy("no more events are taken until some are delivered", _FULL_SECONDS) from error
            except StateError as error:  # which the runner tells people about
                raise busy("events cannot be kept now", _FULL_SECONDS) from error
            except Refused:
                raise
            except Exception as error:
                # The text of an unforeseen error may quote an event, as may its traceback.
                kind = type(error).__name__
                self._turns.tell(kind, _logger.error, "a request failed: %s", kind)
                raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "this failed; try again") from error

    def _head(self, scope: MutableMapping[str, Any]) -> Request:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        client = scope["client"]
        return Request(
            method=scope["method"],
            path=scope["path"],
            raw_path=scope["raw_path"].decode("latin-1"),
            raw_query=scope["query_string"].decode("latin-1"),
            headers=headers,
            client=self._client(client[0] if client else "", headers.get(_FORWARDED, "")),
            received_at=self._clock.now(),
        )

    def _client(self, peer: str, forwarded: str) -> str:
        """The peer, or whom the outermost trusted proxy heard. Anybody can make up what stands before."""
        if not self._trusted_proxies or not forwarded:
            return peer
        told = [one.strip() for one in forwarded.split(",")]
        found = told[-min(self._trusted_proxies, len(told))]
        return found if found.isprintable() and len(found) <= _LONGEST_ADDRESS else peer


class _Body:
    """What is still to come of a request."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self.is_read = False
        self._seconds = seconds
        self._receive = receive

    async def read(self, share: Share) -> bytes:
        body = await read_body(self._receive, share, self._seconds)
        self.is_read = True
        return body

    async def discard(self, status: int) -> None:
        await discard_body(self._receive, status)


async def _send(send: Send, head: Request, answer: Answer, body: _Body) -> None:
    headers = [*_cors(head), *answer.headers, ("content-length", str(len(answer.body)))]
    if answer.body:
        headers.append(("content-type", answer.content_type))
    if not body.is_read:
        headers.append(("connection", "close"))
    encoded = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": answer.body, "more_body": not body.is_read})
    if not body.is_read:
        await body.discard(answer.status)
        await send({"type": "http.response.body", "body": b""})


def _cors(head: Request) -> Iterator[tuple[str, str]]:
    """Any page may post here, cookies and all, as at PostHog."""
    origin = head.header("origin")
    asked = head.header("access-control-request-headers")
    # A value with line breaks in it must not become a header of the answer.
    if not origin or not (origin + asked).isprintable():
        return
    yield "access-control-allow-origin", origin
    yield "access-control-allow-credentials", "true"
    yield "vary", "origin"
    if head.method == _PREFLIGHT:
        yield "access-control-allow-methods", "GET, POST, OPTIONS"
        if asked:
            yield "access-control-allow-headers", asked
    else:
        yield "access-control-expose-headers", "retry-after"
