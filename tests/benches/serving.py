"""A runner with the HTTP source in a process of its own, started as often as it is killed."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from variance_plugin.receiver import LocalVariance

from .program import SECONDS, plain_environment

TOKEN = "phc_demoAcmeBoards00000000000000000000000000"

_KILLED = """
import sys
from variance_plugin.testing import kill_at
if sys.argv[1]:
    kill_at(sys.argv[1], int(sys.argv[2]))
del sys.argv[1:3]
from variance_plugin.cli import main
main()
"""


class Runner:
    """`variance-plugin serve` on one address and one state file, into a local Variance.

    Args:
        folder: For the state and the log.
        variance: Where the messages go.
        options: Further ones of `serve`.
    """

    def __init__(self, folder: Path, variance: LocalVariance, *options: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "serve.log"
        self._folder = folder
        self._options = [
            *("serve", "--listen", f"127.0.0.1:{self.port}", "--token", TOKEN),
            *("--webhook-url", variance.url, "--auth-header", "Bearer demo-token"),
            *("--set", "allowedHosts=127.0.0.1", "--set", "exportEventsBufferSeconds=0.05"),
            *("--set", "metrics.listen=off"),
            *options,
        ]

    @contextmanager
    def start(self, *, kill_at: str = "", times: int = 1) -> Iterator[subprocess.Popen[bytes]]:
        """Run it until the end of the block, once it listens.

        Args:
            kill_at: It ends itself as `kill -9` does when it comes by that point …
            times: … for that time.
        """
        with (
            self.log.open("ab") as log,
            subprocess.Popen(
                [sys.executable, "-c", _KILLED, kill_at, str(times), *self._options],
                cwd=self._folder,
                env=plain_environment(),
                stdout=log,
                stderr=log,
            ) as process,
        ):
            try:
                wait_until(lambda: self._listens() or process.poll() is not None)
                yield process
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                    process.wait(SECONDS)
            finally:
                process.kill()

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS).close()
        except ConnectionRefusedError:
            return False
        return True


def wait_until(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Return once it holds; fail if that takes too long."""
    waited = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        waited.wait(0.02)
    raise AssertionError("it never came to that")
