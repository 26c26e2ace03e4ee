"""A capture endpoint that writes down what SDKs send it, for tests and for looking at real events.

It answers as PostHog does, so an unmodified SDK needs nothing but its host changed, and it does
nothing else: no queue, no sending on. For events that must not be lost there is the HTTP source.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from ..errors import InvalidRecord, UsageError
from .capture_server import CaptureServer

_STRING_OR_SPACE = re.compile(rb'("(?:[^"\\]|\\.)*+")|[ \t\r\n]+', re.DOTALL)

# How long closing may wait for the server's loop to notice.
_STOP_CHECK_SECONDS = 0.05


def _unheard(_reason: str) -> None:
    """Nobody asked why."""


class Recorder:
    """Listens from the moment it is made, serves inside `with`.

    Args:
        write: Takes one request's JSON as one line, newline included. Called by one thread at a
            time. Its `OSError` makes the SDK keep its events and try again.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one, see `url`.
        refused: Told why a request was not recorded; called from many threads.

    Raises:
        UsageError: The address cannot be listened on.
    """

    def __init__(
        self,
        write: Callable[[bytes], object],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        refused: Callable[[str], object] = _unheard,
    ) -> None:
        self.recorded = 0
        self._write = write
        self._lock = threading.Lock()
        try:
            self._server = CaptureServer((host, port), take=self._take, refused=refused)
        except (OSError, OverflowError) as cause:
            raise UsageError(f"cannot listen on {host}, port {port}: {cause}; choose another") from cause
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_STOP_CHECK_SECONDS,), name="recorder"
        )

    @property
    def url(self) -> str:
        """What to give an SDK as its host."""
        return self._server.url

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Answer what has arrived whole, then close."""
        self._server.shutdown()
        self._thread.join()
        self._server.stop_reading()
        self._server.server_close()

    def _take(self, json_text: bytes) -> None:
        line = one_line(json_text) + b"\n"
        with self._lock:
            self._write(line)
            self.recorded += 1


@contextmanager
def record(
    target: Path | BinaryIO,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    refused: Callable[[str], object] = _unheard,
) -> Iterator[Recorder]:
    """A serving `Recorder` that appends to a file, or writes to a stream and leaves it open.

    Every line is flushed. A new file is its owner's alone to read: events are personal data.

    Args:
        target: Where the lines go.
        host: See `Recorder`.
        port: See `Recorder`.
        refused: See `Recorder`.

    Raises:
        UsageError: The file cannot be written, or the address not listened on.
    """
    if not isinstance(target, Path):
        with Recorder(_flushed(target), host=host, port=port, refused=refused) as recorder:
            yield recorder
        return
    try:
        target.touch(mode=0o600)
        file = target.open("ab")
    except OSError as cause:
        raise UsageError(f"cannot write to {target}: {cause.strerror}; choose another file") from cause
    with file, Recorder(_flushed(file), host=host, port=port, refused=refused) as recorder:
        yield recorder


def one_line(json_text: bytes) -> bytes:
    """The same JSON without white space between its tokens; strings and numbers stay as they are.

    Raises:
        InvalidRecord: It is not JSON.
    """
    try:
        # Only the grammar is in question: no number is converted, so none is too long.
        json.loads(json_text, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError as cause:
        raise InvalidRecord("the JSON is nested too deeply") from cause
    except ValueError as cause:
        raise InvalidRecord(f"the body is not JSON: {cause}") from cause
    return _STRING_OR_SPACE.sub(lambda match: match[1] or b"", json_text)


def _flushed(stream: BinaryIO) -> Callable[[bytes], None]:
    def write(line: bytes) -> None:
        stream.write(line)
        stream.flush()

    return write
