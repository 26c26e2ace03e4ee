"""A webhook that takes everything, cheaply enough not to be what the benchmark waits for.

A process of its own, in one thread: it reads the length of a request, lets the kernel copy the body into
one buffer for all, and answers 200. `receiving` starts it; what it counted comes from `Receiver.stop`.
"""

import contextlib
import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, cast

import msgspec

_ROOT = Path(__file__).parent.parent
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"
_BUFFER_BYTES = 1024 * 1024
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Received(msgspec.Struct):
    """What a receiver counted."""

    requests: int = 0
    body_bytes: int = 0
    connections: int = 0
    cpu_seconds: float = 0.0


class Receiver:
    """A receiver that runs."""

    def __init__(self, process: Popen[bytes]) -> None:
        self._process = process
        port = int(cast("IO[bytes]", process.stdout).readline())
        self.url = f"http://127.0.0.1:{port}/webhook"

    def stop(self) -> Received:
        """End it; what it counted."""
        output, _ = self._process.communicate()
        return msgspec.json.decode(output, type=Received)


@contextlib.contextmanager
def receiving(keep: Path | None = None) -> Iterator[Receiver]:
    """A receiver in a process of its own.

    Args:
        keep: A file for the bodies, one a line. Without it they are counted and forgotten.
    """
    command = [sys.executable, "-m", "benchmarks.receiver", *([str(keep)] if keep else [])]
    with Popen(command, stdin=PIPE, stdout=PIPE, cwd=_ROOT) as process:
        try:
            yield Receiver(process)
        finally:
            if process.poll() is None:
                process.communicate()


class _Connection:
    """Where a connection stands: in the head of a request, or with so many bytes of its body to come."""

    def __init__(self, peer: socket.socket, received: Received, keep: IO[bytes] | None) -> None:
        self._peer = peer
        self._received = received
        self._keep = keep
        self._head = b""
        self._left_bytes = 0
        # Bodies come in parts, and those of several connections at the same time.
        self._body = bytearray()

    def read(self, buffer: memoryview) -> bool:
        """Take what has come; False when the other end is done."""
        count = self._peer.recv_into(buffer)
        came = buffer[:count]
        while came:
            if self._left_bytes == 0:
                came = self._begin(came)
            body, came = came[: self._left_bytes], came[self._left_bytes :]
            if not body:
                break  # the rest of the head, or the body, is still to come
            self._left_bytes -= len(body)
            if self._keep:
                self._body += body
            if self._left_bytes == 0:
                self._end()
        return count > 0

    def close(self) -> None:
        self._peer.close()

    def _begin(self, came: memoryview) -> memoryview:
        """Read the head of a request; what has come of its body."""
        self._head += came
        head, end, body = self._head.partition(_HEAD_END)
        if not end:
            return came[:0]
        length = _LENGTH.search(head + b"\r\n")
        if length is None:
            raise ValueError(f"a request without a length: {head!r}")
        self._head = b""
        self._left_bytes = int(length[1])
        self._received.body_bytes += self._left_bytes
        return came[len(came) - len(body) :]

    def _end(self) -> None:
        self._received.requests += 1
        if self._keep:
            self._keep.write(self._body + b"\n")
            self._body.clear()
        self._peer.sendall(_ANSWER)


def serve(keep: IO[bytes] | None) -> Received:
    """Say the port on standard output, then take requests until standard input ends."""
    received = Received()
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    cpu_started = time.process_time()
    with (
        socket.create_server(("127.0.0.1", 0), backlog=128) as server,
        selectors.DefaultSelector() as selector,
    ):
        print(server.getsockname()[1], flush=True)
        selector.register(server, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is sys.stdin:
                    received.cpu_seconds = time.process_time() - cpu_started
                    return received
                if key.fileobj is server:
                    peer, _ = server.accept()
                    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(peer, selectors.EVENT_READ, _Connection(peer, received, keep))
                    received.connections += 1
                elif not key.data.read(buffer):
                    selector.unregister(key.fileobj)
                    key.data.close()


def main() -> None:
    """Serve; then say what was counted, as JSON."""
    with contextlib.ExitStack() as stack:
        keep = stack.enter_context(Path(sys.argv[1]).open("wb")) if len(sys.argv) > 1 else None
        received = serve(keep)
    print(msgspec.json.encode(received).decode())


if __name__ == "__main__":
    main()
