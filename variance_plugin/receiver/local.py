"""The local Variance as a whole: what tests, the demo and the command line hold in their hands."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ..clock import SystemClock
from .access import Credentials
from .answers import Answer, Answers
from .connections import Connection, Connections
from .exchange import Exchange
from .file_store import FileStore
from .intake import Intake
from .keep import Keep
from .limits import DEFAULT_LIMITS, Limits
from .page import EventOf, Site, views
from .post import Post
from .server import Listener
from .summary import Summary

_EVERYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- only compared


class LocalVariance:
    """Takes payloads as a Variance webhook would.

    It listens from the constructor on. `start`, or entering it as a context manager, serves in a
    background thread; `serve_forever` serves in the calling one.

    POST takes payloads at any path. A browser on this machine finds the page at `/`; GET /summary and
    GET /health tell programs how it goes, without authorisation, the summary to this machine only.

    Args:
        host: Where to listen; this machine alone unless told otherwise.
        port: 0 picks a free one.
        authorization: What `Authorization` has to be, verbatim. None: anything.
        secret: The shared secret of `X-Signature`. None: no signature is asked for.
        answers: A list of answers to use up before answering 200, or a function from the post to its
            answer. Only posts that were let in come before it.
        connections: In place of the one connection that `authorization` and `secret` describe: several,
            each with its own address; see `url_of`.
        state: A file for people, accounts and messages, which a later receiver goes on with. None: memory.
        keep: A file that every applied message is appended to, one a line, before it is answered.
        event_of: Gives the PostHog event that the message with an id came from, for the page.
        keep_posts: False: posts are counted and forgotten, so that large runs need little memory.
        limits: Sizes and times of one request.

    Raises:
        UsageError: the address cannot be listened on, or a file not be used.
    """

    def __init__(  # noqa: PLR0913 -- each its own choice, each with a default
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        authorization: str | None = None,
        secret: str | None = None,
        answers: Answers | None = None,
        connections: Sequence[Connection] = (),
        state: Path | str | None = None,
        keep: Path | str | None = None,
        event_of: EventOf | None = None,
        keep_posts: bool = True,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._host = host
        self._clock = SystemClock()
        self._thread: threading.Thread | None = None
        credentials = Credentials(authorization=authorization, secret=secret)
        self._connections = Connections(connections or [Connection(credentials=credentials)])
        with ExitStack() as opened:
            self._keep = None if keep is None else Keep(Path(keep))
            if self._keep is not None:
                opened.callback(self._keep.close)
            self._intake = Intake(
                answers=answers,
                limits=limits,
                keep=self._keep,
                keep_posts=keep_posts,
                connections=self._connections.all,
                store=None if state is None else FileStore(Path(state)),
                clock=self._clock,
            )
            opened.callback(self._intake.close)
            site = Site(
                intake=self._intake,
                connections=self._connections,
                clock=self._clock,
                event_of=event_of,
            )
            serve = partial(
                Exchange,
                intake=self._intake,
                connections=self._connections,
                site=site,
                limits=limits,
                clock=self._clock,
            )
            self._listener = Listener(host, port, serve=serve)
            opened.pop_all()

    @property
    def origin(self) -> str:
        """Scheme, host and port: `/summary` and `/health` are below it."""
        # A receiver that listens everywhere is looked at from this machine.
        host = _EVERYWHERE.get(self._host, self._host)
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self._listener.server_address[1]}"

    @property
    def url(self) -> str:
        """The address of the webhook; of the first one, where there are several."""
        return self.origin + self._connections.all[0].path

    def url_of(self, connection: str) -> str:
        """The address of the connection with that name. Raises `KeyError`."""
        return self.origin + {one.name: one.path for one in self._connections.all}[connection]

    @property
    def posts(self) -> tuple[Post, ...]:
        """The posts that were let in so far, each as soon as its answer was chosen."""
        return self._intake.posts

    def summary(self) -> Summary:
        """What Variance would make of everything so far."""
        return self._intake.summary()

    def contact(self, user_id: str) -> views.Contact | None:
        """All about a contact, also by a former id: traits and where they came from, history, messages."""
        with self._intake.looking() as (store, _):
            return views.contact(store, user_id)

    def account(self, account_id: str) -> views.Account | None:
        """All about an account: its traits, its people and what they did."""
        with self._intake.looking() as (store, _):
            return views.account(store, account_id)

    def answer_with(self, answers: Answers | None) -> None:
        """Replace the script of answers, from the next post on."""
        self._intake.script.replace(answers)

    def disturb(self, answer: Answer, times: int | None = None) -> None:
        """Give that answer to so many posts before the script goes on; None: until `calm`."""
        self._intake.script.disturb(answer, times)

    def calm(self) -> None:
        """Forget all answers that `disturb` asked for."""
        self._intake.script.calm()

    def wait_for_posts(self, count: int, timeout_seconds: float) -> None:
        """Wait until so many posts were let in since the start.

        A post counts before its answer is sent, also when a delay or a fault keeps that back.

        Raises:
            TimeoutError: fewer came in time.
        """
        intake = self._intake
        if not intake.wait_until(lambda: intake.let_in >= count, timeout_seconds=timeout_seconds):
            raise TimeoutError(f"{intake.let_in} of {count} posts came within {timeout_seconds} s")

    def wait_for_messages(self, count: int, timeout_seconds: float) -> None:
        """Wait until so many messages were applied. Raises `TimeoutError` when fewer were in time."""
        intake = self._intake
        if not intake.wait_until(lambda: intake.applied >= count, timeout_seconds=timeout_seconds):
            raise TimeoutError(
                f"{intake.applied} of {count} messages were applied within {timeout_seconds} s"
            )

    def start(self) -> None:
        """Serve in a background thread, until `close`."""
        self._thread = threading.Thread(
            target=self._listener.serve_forever, name="local-variance", daemon=True
        )
        self._thread.start()

    def serve_forever(self) -> None:
        """Serve in this thread until `stop`, or until an exception such as KeyboardInterrupt; then close."""
        try:
            self._listener.serve_forever()
        finally:
            self.close()

    def stop(self) -> None:
        """End `serve_forever`. Fit for a signal handler, which `close` is not."""
        self._listener.stop()

    def close(self) -> None:
        """Stop listening and end every connection, also those that hang. A second call does nothing."""
        self._clock.stop()
        self._listener.stop()
        self._intake.wake()
        if self._thread is not None:
            self._thread.join()
        self._listener.server_close()
        self._intake.close()
        if self._keep is not None:
            self._keep.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
