"""A capture endpoint that writes down what SDKs send it, for tests and for looking at real events.

It answers as PostHog does, so an unmodified SDK needs nothing but its host changed, and it does
nothing else: no queue, no sending on. For events that must not be lost there is the HTTP source.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Self

from ..appending import append_line
from ..capture import decode_body
from ..clock import SystemClock
from ..errors import InvalidRecord, UsageError
from .http.app import App, Exchange
from .http.exchange import Answer, Door, Limits, Request
from .http.reading import busy, without_encoding
from .http.routes import SettledDoor, accepted, is_settled, takes_events
from .http.server import HttpServer

_STRING_OR_SPACE = re.compile(rb'("(?:[^"\\]|\\.)*+")|[ \t\r\n]+', re.DOTALL)


def _unheard(_reason: str) -> None:
    """Nobody asked why."""


class Recorder:
    """Listens from the moment it is made, serves inside `with`.

    Args:
        write: Takes one request's JSON as one line, newline included. Called by one thread at a time. Its
            `OSError` makes the SDK keep its events and try again.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one, see `url`.
        refused: Told why a request was not recorded, in the thread of the server.

    Raises:
        UsageError: The address cannot be listened on, or the packages for it are missing.
    """

    def __init__(
        self,
        write: Callable[[bytes], object],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        refused: Callable[[str], object] = _unheard,
    ) -> None:
        self._recording = _RecordingDoor(write)
        self._settled = SettledDoor()
        self._refused = refused
        app = App(self._door, clock=SystemClock(), limits=Limits(), told=self._tell)
        self._server = HttpServer(app, (host, port), limits=Limits(), setting="--host, --port")

    @property
    def recorded(self) -> int:
        """How many requests."""
        return self._recording.count

    @property
    def url(self) -> str:
        """What to give an SDK as its host."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.start(lambda: None)
        return self

    def __exit__(self, *_: object) -> None:
        """Answer what has arrived whole, then close."""
        self._server.stop()
        self._recording.close()

    def _door(self, path: str) -> Door | None:
        if takes_events(path):
            return self._recording
        return self._settled if is_settled(path) else None

    def _tell(self, exchange: Exchange) -> None:
        if exchange.reason is not None and exchange.door != self._settled.name:
            self._refused(exchange.reason)


class _RecordingDoor:
    """Writes down the JSON of each request."""

    name = "recording"
    methods = ("GET", "POST")

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self.count = 0
        self._write = write
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")

    def admit(self, head: Request) -> None:
        """See `Door`."""

    async def take(self, request: Request) -> Answer:
        """See `Door`."""
        body = without_encoding(request.body, request.header("content-encoding"))
        text = decode_body(body, content_type=request.header("content-type"), query=request.query)
        line = one_line(text) + b"\n"
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, line)
        except OSError as error:
            raise busy(f"cannot write: {error.strerror or error}") from error
        self.count += 1
        return accepted(request)

    def close(self) -> None:
        """End the thread that writes."""
        self._thread.shutdown()


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
        write = partial(append_line, target) if isinstance(target, FileIO) else _flushed(target)
        with Recorder(write, host=host, port=port, refused=refused) as recorder:
            yield recorder
        return
    try:
        target.touch(mode=0o600)
        file = target.open("ab", buffering=0)
    except OSError as cause:
        raise UsageError(f"cannot write to {target}: {cause.strerror}; choose another file") from cause
    with file, Recorder(partial(append_line, file), host=host, port=port, refused=refused) as recorder:
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
