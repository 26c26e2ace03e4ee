"""How an operator, Prometheus and an orchestrator look at a run: `/metrics`, `/healthz`, `/readyz`.

`/healthz` says whether the process is to be let alone (200) or to be started anew (503); `/readyz` whether
it does its work. A destination that is down makes neither fail: waiting for it is the work, and a restart
would not help. What only a person can change (a wrong secret, a full disk) makes `/readyz` fail.
"""

import json
import logging
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias
from urllib.parse import urlsplit

from ...errors import UsageError
from .metrics import Metrics

_logger = logging.getLogger(__name__)

# Who asks sends a few hundred bytes at once; a slower one would hold a thread.
_TIMEOUT_SECONDS = 5.0
_POLL_SECONDS = 0.1
_MOST_AT_ONCE = 16
_MOST_DISCARDED_BYTES = 65_536


class Health(Protocol):
    """What the host tells of itself. Called from any thread; quick, and without waiting for anything."""

    def alive(self) -> str | None:
        """Why the process should be started anew, such as a thread that has ended; None when all is well."""
        ...

    def ready(self) -> str | None:
        """Why it does not do its work and a person has to look; None when it does, or waits as it should.

        Not set up yet, being stopped, a state file that cannot be written, a destination at fault.
        """
        ...


class HealthServer:
    """Answers on a port of its own, from a thread of its own. Use it in a `with` statement.

    Args:
        address: Host and port; port 0 takes a free one.
        metrics: What `/metrics` tells.
        health: What the other two tell.
        setting: Named when the address cannot be listened on.

    Raises:
        UsageError: When it cannot.
    """

    def __init__(
        self, address: tuple[str, int], metrics: Metrics, health: Health, *, setting: str = "metrics.listen"
    ) -> None:
        routes = _routes(metrics, health)
        try:
            self._server = _Server(address, routes)
        except (OSError, UnicodeError, OverflowError) as error:
            why = error.strerror if isinstance(error, OSError) else "no address"
            where = f"{address[0]}:{address[1]}"
            raise UsageError(
                f"{setting}: cannot listen on {where}: {why}; another runner may have it; "
                "choose another address, or none: --set metrics.listen=off"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=[_POLL_SECONDS], name="health", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])


_Answer: TypeAlias = tuple[int, bytes, str]
_Route: TypeAlias = Callable[[str], _Answer]


def _routes(metrics: Metrics, health: Health) -> dict[str, _Route]:
    def tell(found: str | None) -> _Answer:
        status = HTTPStatus.OK if found is None else HTTPStatus.SERVICE_UNAVAILABLE
        body = {"status": "ok"} if found is None else {"status": "failed", "reason": found}
        return status, json.dumps(body).encode() + b"\n", "application/json"

    def render(accept: str) -> _Answer:
        text, content_type = metrics.render(accept)
        return HTTPStatus.OK, text, content_type

    return {
        "/metrics": render,
        "/healthz": lambda _accept: tell(health.alive()),
        "/readyz": lambda _accept: tell(health.ready()),
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    block_on_close = False  # a stranger's slow request does not hold the end of the program

    def __init__(self, address: tuple[str, int], routes: Mapping[str, _Route]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.routes = routes
        self._free = threading.BoundedSemaphore(_MOST_AT_ONCE)
        super().__init__(address, _Request)

    def server_bind(self) -> None:
        # The standard library's asks the name service for this machine's name here, which may take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "health", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 -- it is overridden
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):  # who asks may go away at any time
            _logger.error("an answer failed: %s", type(error).__name__)


class _Request(BaseHTTPRequestHandler):
    server: _Server
    timeout = _TIMEOUT_SECONDS
    server_version = "health"
    sys_version = ""

    def __getattr__(self, name: str) -> Any:
        """The method of the parent's that answers a request by its method, whatever that is."""
        if name in ("do_GET", "do_HEAD"):
            return self._tell
        if name.startswith("do_"):
            return self._refuse
        raise AttributeError(name)

    def _tell(self) -> None:
        route = self.server.routes.get(urlsplit(self.path).path)
        if route is None:
            self._answer(HTTPStatus.NOT_FOUND, b"There are /metrics, /healthz and /readyz.\n", "text/plain")
            return
        try:
            status, body, content_type = route(self.headers.get("Accept", ""))
        except Exception as error:  # noqa: BLE001 -- what cannot say that it is well is not
            _logger.error("%s failed: %s", self.path, type(error).__name__)  # noqa: TRY400 -- likewise
            status, body, content_type = HTTPStatus.INTERNAL_SERVER_ERROR, b"", "text/plain"
        self._answer(status, body, content_type)

    def _refuse(self) -> None:
        length = self.headers.get("Content-Length", "")
        if length.isdecimal():
            # What is left unread makes the system reset the connection, and the answer is lost.
            self.rfile.read(min(int(length), _MOST_DISCARDED_BYTES))
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, b"Only GET and HEAD.\n", "text/plain")

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- the standard library's
        """Who looks at a run is no part of it."""
