"""uvicorn with the limits that it does not have: connections at once, and a head's size and time.

The only module that knows uvicorn, which is an optional dependency.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .certificate import Certificate
from .exchange import Limits

if TYPE_CHECKING:
    from .app import App

MAX_HEAD_BYTES = 65_536
"""Events may stand in the address, up to here."""
KEEP_ALIVE_SECONDS = 5
GRACE_SECONDS = 5
"""So long may requests that are under way at the end take."""

_CLOSE_SECONDS = 0.2
# Ticks of a tenth of a second between two looks at the files of the certificate.
_TICKS_TO_RENEWAL = 600
_SILENT = logging.CRITICAL + 1


class LimitedServer(uvicorn.Server):
    """A server that asks whether to stop, and that limits its connections.

    Args:
        app: Answers.
        limits: What connections may cost.
        stops: Asked ten times a second.
        certificate: Shown over TLS; None: there is no TLS.
    """

    def __init__(
        self, app: "App", *, limits: Limits, stops: Callable[[], bool], certificate: Certificate | None = None
    ) -> None:
        connection_limits = limits

        class Connection(LimitedConnection):
            limits = connection_limits

        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                # It would log what the application counts, with addresses that may hold a token.
                log_level=_SILENT,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
                ssl_context_factory=None if certificate is None else lambda *_: certificate.context,
            )
        )
        self._stops = stops
        self._certificate = certificate

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if self._certificate is not None and counter > 0 and counter % _TICKS_TO_RENEWAL == 0:
            self._certificate.renew()
        return await super().on_tick(counter) or self._stops()


class LimitedConnection(HttpToolsProtocol):
    """One connection, whose end comes soon when there are too many, or when no head comes."""

    limits: ClassVar[Limits]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self._refuse(b"503 Service Unavailable", b"Retry-After: 1\r\n")
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._have_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._is_refused:
            return
        super().data_received(data)
        if self._head_timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(b"431 Request Header Fields Too Large")

    def shutdown(self) -> None:
        """Called at the end of the server: close as soon as no answer is under way."""
        super().shutdown()
        if self.transport.is_closing():
            # Over TLS a close is a conversation, for which an idle client may take half a minute.
            self.loop.call_later(_CLOSE_SECONDS, self.transport.abort)

    def on_message_begin(self) -> None:
        """The first byte of a request came."""
        if self._head_timer is None:
            self._expect_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._have_head()
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(
            self.limits.head_seconds, self._refuse, b"408 Request Timeout"
        )

    def _have_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: bytes, headers: bytes = b"") -> None:
        self._have_head()
        self._is_refused = True
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\n" + headers + b"Content-Length: 0\r\nConnection: close\r\n\r\n"
            )
            self.transport.close()
