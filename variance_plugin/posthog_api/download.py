"""The bytes of a file that PostHog keeps behind a signed address, over connections that may break."""

import re
from collections.abc import Callable, Generator

import requests
import urllib3

from ..clock import Clock
from ..delivery.failures import failure_of
from ..delivery.outcome import Answer, Failure, Outcome, classify
from ..errors import ApiRefusal, RetryError
from ..retry import retry_after_seconds
from .connection import open_without_key
from .patience import Patience

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 60.0
# As files on the disk are read, see `sources.reading`.
_CHUNK_BYTES = 256 * 1024
# An address ends with its time, and the next one is good; that a third one fails too has another cause.
_ADDRESSES = 3
_BYTES_FROM = re.compile(r"bytes (\d+)-")


class Download:
    """One file, once, from its first byte to its last.

    When the connection ends early, or its reader pauses for so long that the other side lets go, the rest
    is asked for by `Range`; nothing that was read is read again, and memory holds one chunk.

    Args:
        find: Gives an address of the file, a fresh one each time.
        patience: Waits where waiting helps.
        clock: Reads dates in `Retry-After`.
        count: Told how many bytes came.
    """

    def __init__(
        self, find: Callable[[], str], *, patience: Patience, clock: Clock, count: Callable[[int], None]
    ) -> None:
        self._find = find
        self._patience = patience
        self._clock = clock
        self._count = count
        self._at = 0
        self._end: int | None = None
        """Where the file ends, as far as that has been said."""
        self._response: requests.Response | None = None

    def chunks(self) -> Generator[bytes]:
        """The bytes as they are stored.

        Raises:
            Stopped: The program ends first.
            UsageError: There is no file, or no way to it.
        """
        with open_without_key() as session:
            try:
                while chunk := self._patience.get(lambda: self._next(session)):
                    self._at += len(chunk)
                    self._count(len(chunk))
                    yield chunk
            finally:
                if self._response is not None:
                    self._response.close()

    def _next(self, session: requests.Session) -> bytes:
        try:
            if self._response is None:
                self._response = self._open(session)
                self._pass_over(self._response)
            chunk: bytes = self._response.raw.read(_CHUNK_BYTES, decode_content=False)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise self._broken(failure_of(error)) from error
        if not chunk and self._end is not None and self._at < self._end:
            raise self._broken(Answer(failure=Failure.BROKEN_ANSWER, detail="it ended too early"))
        return chunk

    def _broken(self, answer: Answer) -> RetryError | ApiRefusal:
        """What to raise for it; the rest will be asked for anew."""
        if self._response is not None:
            self._response.close()
            self._response = None
        problem = f"the download of a file that PostHog has made broke off: {answer.describe()}"
        if classify(answer) is Outcome.RETRY:
            return RetryError(problem)
        return ApiRefusal(problem, status=None)

    def _open(self, session: requests.Session) -> requests.Response:
        tries = 0
        while True:
            response = session.get(
                self._find(),
                headers={"Range": f"bytes={self._at}-"} if self._at else {},
                timeout=(_CONNECT_SECONDS, _SILENCE_SECONDS),
                allow_redirects=False,
                stream=True,
            )
            answer = Answer(status=response.status_code, retry_after=response.headers.get("Retry-After"))
            if classify(answer) is Outcome.DELIVERED:
                return response
            response.close()
            tries += 1
            if classify(answer) is Outcome.RETRY:
                raise RetryError(
                    f"a file that PostHog has made cannot be downloaded now: {answer.describe()}",
                    retry_after_seconds=retry_after_seconds(answer.retry_after, self._clock.now()),
                )
            if tries == _ADDRESSES:
                raise ApiRefusal(
                    f"a file that PostHog has made cannot be downloaded: {answer.describe()}",
                    status=answer.status,
                )

    def _pass_over(self, response: requests.Response) -> None:
        """Come to where the last connection ended, if the other side knows no `Range`."""
        came = _BYTES_FROM.match(response.headers.get("Content-Range", ""))
        begin = int(came[1]) if came else 0
        length = response.headers.get("Content-Length", "")
        self._end = begin + int(length) if length.isdecimal() else None
        missing_bytes = self._at - begin
        while missing_bytes > 0:
            passed = response.raw.read(min(missing_bytes, _CHUNK_BYTES), decode_content=False)
            if not passed:
                raise OSError("shorter than before")
            missing_bytes -= len(passed)
