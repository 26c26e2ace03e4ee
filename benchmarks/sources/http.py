"""The events posted as SDKs post them, a hundred a request, by clients in a process of their own.

They are what PostHog's ingestion has made of them; that changes nothing but their size.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_KEY = "phc_demoLoad"
_AT_ONCE = 100
_CLIENTS = 8
_SECONDS = 60.0


@contextmanager
def batches(events: Path, _folder: Path) -> Iterator[Sequence[str]]:
    """From the moment at which the runner listens; it stops when it has read all of them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sources.http", str(port), str(events)], cwd=_ROOT
    ) as clients:
        try:
            count = sum(1 for _ in events.open("rb"))
            yield ["type=http", f"listen=127.0.0.1:{port}", f"tokens={_KEY}", f"until={count}"]
        finally:
            clients.kill()


def main(port: int, events: Path) -> None:
    """Post them all."""
    lines = events.read_bytes().splitlines()
    bodies = [
        b'{"api_key":"' + _KEY.encode() + b'","batch":[' + b",".join(lines[at : at + _AT_ONCE]) + b"]}"
        for at in range(0, len(lines), _AT_ONCE)
    ]
    _wait_for(port)
    with ThreadPoolExecutor(_CLIENTS) as clients:
        list(clients.map(lambda number: _post(port, bodies[number::_CLIENTS]), range(_CLIENTS)))


def _post(port: int, bodies: Sequence[bytes]) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    for body in bodies:
        connection.request("POST", "/batch/", body, {"Content-Type": "application/json"})
        with connection.getresponse() as answer:
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"answered {answer.status}")


def _wait_for(port: int) -> None:
    began = time.perf_counter()
    while time.perf_counter() - began < _SECONDS:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            continue
        return


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
