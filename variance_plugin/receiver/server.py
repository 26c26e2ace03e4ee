"""Listens, gives each connection a thread, and ends all of them when told to."""

import contextlib
import selectors
import socket
import threading
from socketserver import BaseRequestHandler, BaseServer, TCPServer
from typing import Protocol

from ..errors import UsageError

# How long the end of a thread is awaited at closing. Its socket is shut down by then, so that only
# a script of answers that waits for something else can need it.
_JOIN_SECONDS = 5.0


class Serve(Protocol):
    """Serves one connection until it ends."""

    def __call__(
        self, connection: socket.socket, address: object, server: BaseServer, *, connection_id: int
    ) -> object:
        """Serve it; the caller closes the socket."""


class Listener(TCPServer):
    """A listening socket, from the constructor on; connections are served while `serve_forever` runs.

    Unlike its parent's, `serve_forever` ends at once when told to, and `stop` may be called before,
    while and after it runs, and from a signal handler.

    Raises:
        UsageError: the address cannot be listened on.
    """

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, *, serve: Serve) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._serve = serve
        self._accepted = 0
        self._threads: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._woken, self._waker = socket.socketpair()
        try:
            super().__init__((host, port), BaseRequestHandler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(
                f"cannot listen on {host}:{port}: {reason}; choose another host or port"
            ) from error
        # accept() must not wait for a connection that is gone again since select() saw it.
        self.socket.settimeout(0)

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Accept connections until `stop`. Nothing is polled; the parameter is the parent's."""
        del poll_interval
        self._idle.clear()
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self.socket, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                while all(key.fileobj is not self._woken for key, _ in selector.select()):
                    self._accept()
        finally:
            self._idle.set()

    def stop(self) -> None:
        """End `serve_forever`, now or as soon as it begins. Takes no lock: fit for a signal handler."""
        with contextlib.suppress(OSError):
            self._waker.send(b"x")

    def server_close(self) -> None:
        """End everything, in this order: accepting, the socket, the connections, their threads."""
        self.stop()
        self._idle.wait()
        super().server_close()
        with self._lock:
            threads = dict(self._threads)
        for connection in threads:
            # Wakes whoever reads from it or writes to it; closing is its own thread's business.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads.values():
            thread.join(_JOIN_SECONDS)
        self._woken.close()
        self._waker.close()

    def _accept(self) -> None:
        try:
            connection, address = self.get_request()
        except OSError:  # gone again, or no file descriptor is free: the next one may do better
            return
        self._accepted += 1
        thread = threading.Thread(
            target=self._converse,
            args=(connection, address, self._accepted),
            name=f"local-variance-{self._accepted}",
            daemon=True,
        )
        with self._lock:
            self._threads[connection] = thread
        thread.start()

    def _converse(self, connection: socket.socket, address: object, connection_id: int) -> None:
        try:
            self._serve(connection, address, self, connection_id=connection_id)
        except OSError:
            pass  # the client is gone
        finally:
            connection.close()
            with self._lock:
                del self._threads[connection]
