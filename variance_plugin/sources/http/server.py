"""The HTTP server: uvicorn in a thread of its own."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import UsageError
from ...extras import Extra, needed
from .certificate import Certificate
from .exchange import Limits

if TYPE_CHECKING:
    from .app import App

_logger = logging.getLogger(__name__)

# The state file, lanes, copies, logs and what else there is.
_OTHER_FILES = 256
# With a short queue, a burst of clients waits a second for its connections.
_QUEUE = 2048


class HttpServer:
    """Listens and answers from `start` to `stop`.

    Args:
        app: Answers.
        address: Host and port to listen on; port 0 takes a free one, see `url`.
        limits: What connections may cost.
        setting: Named when it cannot listen there.
        stops: Asked ten times a second whether to stop by itself.
        certificate: What it shows over TLS; None: it speaks plain HTTP.

    Attributes:
        failure: What ended it before it was stopped, or None.

    Raises:
        UsageError: It cannot listen there, or the packages for it are missing.
    """

    def __init__(  # noqa: PLR0913 -- all that a server needs to know
        self,
        app: "App",
        address: tuple[str, int],
        *,
        limits: Limits,
        setting: str,
        stops: Callable[[], bool] = lambda: False,
        certificate: Certificate | None = None,
    ) -> None:
        self.failure: Exception | None = None
        with needed(Extra.SERVE, by="listening for events"):
            from .connections import LimitedServer  # noqa: PLC0415 -- an optional dependency
        self._socket = _bound(address, setting)
        _make_room(limits.max_connections)
        self._server = LimitedServer(app, limits=limits, stops=stops, certificate=certificate)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._ended: Callable[[], object] = lambda: None
        host, port = self._socket.getsockname()[:2]
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
        """Where it listens, as an SDK wants it."""

    def start(self, ended: Callable[[], object]) -> None:
        """Listen; `ended` is called, in the server's thread, when it listens no more and all is answered."""
        self._ended = ended
        self._socket.listen(_QUEUE)
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections, answer what is under way, and return. A second call does nothing."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._server.serve(sockets=[self._socket]))
        except Exception as error:  # noqa: BLE001 -- told in the thread of the pipeline, which it ends
            self.failure = error
        finally:
            self._ended()


def _make_room(connections: int) -> None:
    """Let the process have so many files open; most systems allow 1,024 unless asked for more."""
    try:
        import resource  # noqa: PLC0415 -- Unix has it
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        _logger.warning(
            "%d connections are allowed, and the system allows %d open files: raise `ulimit -n`",
            connections,
            hard,
        )
        wanted = hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _bound(address: tuple[str, int], setting: str) -> socket.socket:
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where the protocol is named does asyncio see that it is TCP, and send small answers at once.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except (OSError, OverflowError, UnicodeError) as error:
        bound.close()
        why = error.strerror if isinstance(error, OSError) else "no address"
        raise UsageError(f"{setting}: cannot listen on {host}, port {port}: {why}; choose another") from error
    return bound
