"""A stand-in for PostHog's capture service: it notes requests, and answers as it is told."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Got:
    """A request that came."""

    method: str
    target: str
    headers: Mapping[str, str]
    """By name in small letters."""
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Says:
    """An answer."""

    status: int = 200
    body: bytes = b'{"status":"Ok"}'
    headers: Mapping[str, str] = field(default_factory=dict)


class Capture:
    """Listens inside `with`.

    Attributes:
        got: What came, in order.
        answer: Says what each request is answered.
    """

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answer: Callable[[Got], Says] = lambda _got: Says()
        self._came = threading.Condition()
        owner = self

        class Exchange(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner._exchange(self)

            def do_POST(self) -> None:
                owner._exchange(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Exchange)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, count: int) -> list[Got]:
        """So many requests, once they have come; fails when they do not."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.got) >= count, SECONDS), f"{len(self.got)} came"
            return self.got[:count]

    def _exchange(self, exchange: BaseHTTPRequestHandler) -> None:
        length = int(exchange.headers.get("Content-Length", "0"))
        got = Got(
            method=exchange.command,
            target=exchange.path,
            headers={name.lower(): value for name, value in exchange.headers.items()},
            body=exchange.rfile.read(length),
        )
        says = self.answer(got)
        exchange.send_response(says.status)
        for name, value in says.headers.items():
            exchange.send_header(name, value)
        exchange.send_header("Content-Length", str(len(says.body)))
        exchange.end_headers()
        exchange.wfile.write(says.body)
        with self._came:
            self.got.append(got)
            self._came.notify_all()
