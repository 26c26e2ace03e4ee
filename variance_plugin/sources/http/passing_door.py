"""What SDKs want of PostHog beside taking events (flags, configuration, scripts, recordings) is passed on."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from .exchange import JSON_TYPE, Answer, Refused, Request
from .reading import busy
from .routes import settled_answer
from .upstream import NoReply, Upstream

CONNECTIONS = 16
_REPLY_SECONDS = 10.0
# More of them wait for a connection than an SDK has patience.
_MOST_WAITING = 64
_PREFIXES = ("/flags", "/decide", "/array/", "/static/", "/s", "/i/", "/api/")
_PASSED_BACK = ("cache-control", "content-encoding", "etag", "last-modified", "retry-after")


def is_passed_on(path: str) -> bool:
    """Whether SDKs may call it at PostHog."""
    return any(path == prefix or path.startswith(prefix.rstrip("/") + "/") for prefix in _PREFIXES)


class PassingDoor:
    """Asks PostHog, and answers as it does.

    While PostHog does not answer, SDKs learn that there are no flags, as they do without it.

    Args:
        upstream: PostHog.
    """

    name = "passed on"
    methods = ("GET", "POST")

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="http-passing")
        self._waiting = 0

    def admit(self, head: Request) -> None:
        """See `Door`. PostHog says who may ask."""

    async def take(self, request: Request) -> Answer:
        """See `Door`."""
        if self._waiting >= _MOST_WAITING:
            raise busy("too many requests wait for PostHog")
        self._waiting += 1
        try:
            reply = await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: self._upstream.send(request, seconds=_REPLY_SECONDS)
            )
        except NoReply as error:
            settled = settled_answer(request.path)
            if settled is None:
                raise Refused(HTTPStatus.BAD_GATEWAY, f"PostHog does not answer ({error})") from error
            return settled
        finally:
            self._waiting -= 1
        return Answer(
            status=reply.status,
            body=reply.body,
            content_type=reply.headers.get("content-type", JSON_TYPE),
            headers=[(name, reply.headers[name]) for name in _PASSED_BACK if name in reply.headers],
        )

    def close(self) -> None:
        """End its threads once they are done."""
        self._threads.shutdown(wait=False)
