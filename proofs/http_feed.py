"""The feed of the HTTP source: PostHog's webhook destination, but one that never gives up."""

import signal
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import ClassVar
from zlib import crc32

import msgspec
import requests

from variance_plugin.clock import SystemClock
from variance_plugin.errors import Stopped

from .feeds import INTO_SPOOL, ON_EVERY_WAY
from .runner import LIMIT_SECONDS, Runner, status_of

_TOKEN = "token-of-the-proofs"  # noqa: S105 -- invented
_POSTERS = 4
_AGAIN_SECONDS = 0.02
_TIMEOUT_SECONDS = 5.0


class HttpFeed:
    """Posts event by event, a person's events one after the other; what is answered 200 is acknowledged."""

    name = "http"
    points: ClassVar = ON_EVERY_WAY | INTO_SPOOL
    ending: ClassVar[Sequence[str]] = ("--once",)
    takes_any_line: ClassVar = False  # what is no event is answered 400, and its sender keeps it
    takes_once: ClassVar = False  # what was kept when the runner was killed comes again
    in_turn: ClassVar = False

    def __init__(self, folder: Path) -> None:  # noqa: ARG002 -- as every feed
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        listen = f'listen = "127.0.0.1:{port}"\nwebhook_token = "{_TOKEN}"\n'
        self.settings = f'[source]\ntype = "http"\n{listen}'
        self._posters = [_Poster(f"http://127.0.0.1:{port}/webhook") for _ in range(_POSTERS)]

    @property
    def again(self) -> int:
        """See `Feed`."""
        return sum(poster.again for poster in self._posters)

    @property
    def gone(self) -> int:
        """See `Feed`."""
        return sum(poster.acknowledged for poster in self._posters)

    def hand_over(self, lines: Sequence[bytes]) -> None:
        """See `Feed`."""
        for line in lines:
            person: str = msgspec.json.decode(line)["distinct_id"]
            self._posters[crc32(person.encode()) % _POSTERS].add(line)

    def attach(self, process: Popen[bytes]) -> None:  # noqa: ARG002 -- its address is known
        """See `Feed`."""
        for poster in self._posters:
            poster.start()

    def settle(self, runner: Runner) -> None:
        """See `Feed`."""
        with runner.start() as process:
            self.attach(process)
            for poster in self._posters:
                poster.wait_until_acknowledged()
            process.send_signal(signal.SIGTERM)
            status_of(process, timeout_seconds=LIMIT_SECONDS)
            self.detach()

    def end(self) -> None:
        """See `Feed`: with `--once` it does."""

    def detach(self) -> None:
        """See `Feed`."""
        for poster in self._posters:
            poster.stop()

    def close(self) -> None:
        """See `Feed`."""


class _Poster:
    """Posts lines in their order, from a thread while it is started; each until it is acknowledged."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lines: list[bytes] = []
        self._changed = threading.Condition()
        self._clock = SystemClock()
        self._thread: threading.Thread | None = None
        self.acknowledged = 0
        self.again = 0

    def add(self, line: bytes) -> None:
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    def start(self) -> None:
        self._clock = SystemClock()
        self._thread = threading.Thread(target=self._run, args=[self._clock])
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._clock.stop()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def wait_until_acknowledged(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.acknowledged == len(self._lines), LIMIT_SECONDS)

    def _run(self, clock: SystemClock) -> None:
        headers = {"Authorization": f"Bearer {_TOKEN}", "Content-Type": "application/json"}
        with requests.Session() as session:
            session.trust_env = False
            session.headers.update(headers)
            while (line := self._next(clock)) is not None:
                if self._is_taken(session, line):
                    with self._changed:
                        self.acknowledged += 1
                        self._changed.notify_all()
                else:
                    with suppress(Stopped):
                        clock.wait(_AGAIN_SECONDS)

    def _next(self, clock: SystemClock) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: clock.stopped or self.acknowledged < len(self._lines))
            return None if clock.stopped else self._lines[self.acknowledged]

    def _is_taken(self, session: requests.Session, line: bytes) -> bool:
        try:
            return session.post(self._url, data=line, timeout=_TIMEOUT_SECONDS).ok
        except requests.RequestException as error:
            # If anybody was there, only that one knows whether it kept the event.
            self.again += "refused" not in str(error)
            return False
