"""An HTTP server that takes capture requests as PostHog does and hands on the JSON inside."""

import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from ..capture import MAX_BODY_BYTES, BodyTooLarge, decode_body
from ..errors import InvalidRecord
from .capture_routes import ACCEPTED, JSON_TYPE, settled_answer, takes_events

_READ_TIMEOUT_SECONDS = 30.0
_MAX_CHUNK_LINE_BYTES = 1024
_CHUNK_END = b"\r\n"


class CaptureServer(ThreadingHTTPServer):
    """Serves until `shutdown`, then `stop_reading` and `server_close` end what is under way.

    Args:
        address: Host and port to listen on.
        take: Takes the JSON text of one request; called from many threads. Its `InvalidRecord`
            makes a 400, its `OSError` a 503, upon which SDKs try again.
        refused: Told why a request was not taken; called from many threads.

    Raises:
        OSError: The address cannot be listened on.
    """

    # The closing server waits for its threads, so that no request is answered by a dead program.
    daemon_threads = False
    # With the default of 5, a burst of clients waits a second for its connections.
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        *,
        take: Callable[[bytes], None],
        refused: Callable[[str], object],
    ) -> None:
        self.take = take
        self.refused = refused
        self._open: set[socket.socket] = set()
        self._stopping = False
        self._lock = threading.Lock()
        super().__init__(address, _Exchange)

    @property
    def url(self) -> str:
        """Where it listens, as an SDK wants it."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def server_bind(self) -> None:
        """Bind without looking up the name of this machine, which would wait for DNS."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - http.server's words
        """Report a connection that broke; nothing is printed."""
        self.refused("a connection broke before its answer was sent")

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection until it is `closed`."""
        with self._lock:
            self._open.add(connection)
            if self._stopping:
                _stop_reading(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._lock:
            self._open.discard(connection)

    def stop_reading(self) -> None:
        """End every read under way, so that no idle connection holds up the end; answers still go out."""
        with self._lock:
            self._stopping = True
            for connection in self._open:
                _stop_reading(connection)


class _Exchange(BaseHTTPRequestHandler):
    """One request and its answer."""

    server: CaptureServer
    protocol_version = "HTTP/1.1"
    server_version = "posthog-variance-plugin"
    sys_version = ""
    timeout = _READ_TIMEOUT_SECONDS

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        super().finish()

    def do_OPTIONS(self) -> None:
        self._answer(200, b"")

    def do_GET(self) -> None:
        self._exchange()

    def do_POST(self) -> None:
        self._exchange()

    def log_message(self, *_: object) -> None:
        """Print nothing; `refused` is told what matters."""

    def _exchange(self) -> None:
        address = urlsplit(self.path)
        try:
            body = self._read_body()
            if not takes_events(address.path):
                self._answer_settled(address.path)
                return
            query = dict(parse_qsl(address.query, keep_blank_values=True))
            self.server.take(
                decode_body(body, content_type=self.headers.get("Content-Type", ""), query=query)
            )
        except BodyTooLarge as reason:
            self._refuse(413, str(reason))
        except InvalidRecord as reason:
            self._refuse(400, str(reason))
        except _BodyCutShort:
            self.close_connection = True
            self.server.refused("a request ended before its body did")
        except OSError as cause:
            self._refuse(503, f"cannot write: {cause.strerror or cause}")
        else:
            self._answer(*((204, b"") if query.get("beacon") == "1" else (200, ACCEPTED)))

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise InvalidRecord("the request has no usable Content-Length")
        return self._read(_within_limit(int(length)))

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while True:
            size = self.rfile.readline(_MAX_CHUNK_LINE_BYTES).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", size):
                raise InvalidRecord("the request's chunks are damaged")
            length = int(size, 16)
            if length == 0:
                return bytes(body)
            _within_limit(len(body) + length)
            body += self._read(length)
            self._read(len(_CHUNK_END))

    def _read(self, length: int) -> bytes:
        try:
            part = self.rfile.read(length)
        except OSError as cause:
            raise _BodyCutShort from cause
        if len(part) < length:
            raise _BodyCutShort
        return part

    def _answer_settled(self, path: str) -> None:
        answer = settled_answer(path)
        if answer is None:
            self._answer(404, b"PostHog's SDKs do not call this address", "text/plain")
        else:
            self._answer(200, answer.body, answer.content_type)

    def _refuse(self, status: int, reason: str) -> None:
        self.server.refused(reason)
        self._answer(status, reason.encode(errors="replace"), "text/plain; charset=utf-8")

    def _answer(self, status: int, body: bytes, content_type: str = JSON_TYPE) -> None:
        self.send_response(status)
        for name, value in self._cors_headers():
            self.send_header(name, value)
        if body:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        # One request a connection: closing never has to wait for a client that is only resting.
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _cors_headers(self) -> Iterator[tuple[str, str]]:
        """Any page may post here, cookies and all, as at PostHog."""
        origin = self.headers.get("Origin", "")
        asked = self.headers.get("Access-Control-Request-Headers", "")
        # A value with line breaks in it must not become a header of the answer.
        if not origin or not (origin + asked).isprintable():
            return
        yield "Access-Control-Allow-Origin", origin
        yield "Access-Control-Allow-Credentials", "true"
        yield "Vary", "Origin"
        if self.command == "OPTIONS":
            yield "Access-Control-Allow-Methods", "GET, POST, OPTIONS"
            if asked:
                yield "Access-Control-Allow-Headers", asked


class _BodyCutShort(Exception):
    """The client went away, or fell silent, in the middle of a body."""


def _stop_reading(connection: socket.socket) -> None:
    with suppress(OSError):  # the client was faster
        connection.shutdown(socket.SHUT_RD)


def _within_limit(length: int) -> int:
    if length > MAX_BODY_BYTES:
        raise BodyTooLarge(f"the body has more than {MAX_BODY_BYTES} bytes")
    return length
