"""What is kept of a post and what is answered to it: the one place where the connections' threads meet."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import msgspec

from ..clock import Clock
from .answers import Answer, Answers, Script
from .book import Book
from .connections import Connection, ConnectionLog
from .keep import Keep
from .limits import Limits
from .message import read_message
from .payload import split, unpack
from .post import Post
from .refusal import Refused
from .store import Store
from .summary import Summary


class Intake:
    """Takes posts, one call a post, from any number of threads.

    Args:
        answers: The script.
        limits: How large a post may be once it is unpacked.
        keep: Where applied messages are written before they are answered.
        keep_posts: Whether `posts` grows; without, the memory needed is the store's alone.
        connections: By which posts can come.
        store: Where people, accounts and messages are kept; by default in memory.
        clock: For the time of arrival.
    """

    def __init__(  # noqa: PLR0913 -- each its own choice
        self,
        *,
        answers: Answers | None,
        limits: Limits,
        keep: Keep | None,
        keep_posts: bool,
        connections: Sequence[Connection],
        store: Store | None,
        clock: Clock,
    ) -> None:
        self._limits = limits
        self._keep = keep
        self._keep_posts = keep_posts
        self._clock = clock
        self._connections = {connection.name: connection for connection in connections}
        self.script = Script(answers)
        self._book = Book(store)
        self._logs = {name: ConnectionLog() for name in self._connections}
        self._posts: list[Post] = []
        self._let_in = 0
        self._turned_away = 0
        self._rejected: Counter[str] = Counter()
        # Guards all of the above; notified after every change.
        self._changed = threading.Condition()

    @property
    def posts(self) -> tuple[Post, ...]:
        """The posts that were let in, each as soon as its answer was chosen."""
        with self._changed:
            return tuple(self._posts)

    @property
    def let_in(self) -> int:
        """How many they are, kept or not."""
        with self._changed:
            return self._let_in

    @property
    def applied(self) -> int:
        """How many messages were applied."""
        with self._changed:
            return self._book.applied

    def summary(self) -> Summary:
        """What Variance would make of everything so far."""
        with self._changed:
            return self._book.summary(posts=self._let_in + self._turned_away, rejected=self._rejected)

    @property
    def posts_so_far(self) -> int:
        """All posts, rejected or not."""
        with self._changed:
            return self._let_in + self._turned_away

    def counts(self) -> dict[str, int]:
        """The figures at the top of the page."""
        with self._changed:
            store = self._book.store
            return {
                "contacts": store.count_contacts(),
                "accounts": store.count_companies(),
                "visitors": store.count_visitors(),
                "messages": self._book.applied,
                "duplicates": store.tally.duplicates,
                "posts": self._let_in + self._turned_away,
                "rejected": self._rejected.total(),
                "faults": len(self.script.faults),
            }

    @contextmanager
    def looking(self) -> Iterator[tuple[Store, dict[str, ConnectionLog]]]:
        """The store and the connections' logs, while nothing is applied."""
        with self._changed:
            yield self._book.store, self._logs

    def turn_away(self, refused: Refused, connection: Connection | None = None) -> None:
        """Count a post of which nothing is kept."""
        with self._changed:
            self._turned_away += 1
            self._reject(refused.refusal, refused.status, None if connection is None else connection.name)
            self._changed.notify_all()

    def let_in_all_the_same(self, refused: Refused, connection: Connection) -> None:
        """Count what would be turned away if the connection's credentials were enforced."""
        with self._changed:
            self._logs[connection.name].let_in[refused.refusal] += 1

    def take(self, post: Post) -> Answer:
        """Read a post that may come in, and choose its answer; what it says is applied before it is sent."""
        try:
            messages = self._messages(post)
        except Refused as refused:
            return self._record_unread(post, refused)
        post = replace(post, raw_messages=messages)
        # Not under the lock: a script that is a function may wait, and may look at this receiver.
        return self._record(post, self.script.answer(post))

    def wait_until(self, reached: Callable[[], bool], *, timeout_seconds: float) -> bool:
        """Wait until something is so; whether it is. Asked anew after every post."""
        with self._changed:
            return self._changed.wait_for(reached, timeout_seconds)

    def wake(self) -> None:
        """Let everyone who waits look anew."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Let go of the store."""
        with self._changed:
            self._book.store.close()

    def _messages(self, post: Post) -> tuple[msgspec.Raw, ...]:
        text = unpack(
            post.body,
            encoding=post.headers.get("Content-Encoding", ""),
            limit_bytes=self._limits.unpacked_bytes,
        )
        return split(text, content_type=post.headers.get("Content-Type", ""))

    def _record_unread(self, post: Post, refused: Refused) -> Answer:
        with self._changed:
            self._append(replace(post, status=refused.status))
            self._reject(refused.refusal, refused.status, post.connection)
        return refused.answer()

    def _record(self, post: Post, answer: Answer) -> Answer:
        applied = [raw for position, raw in enumerate(post.raw_messages) if answer.applies_to(position)]
        messages = [read_message(raw) for raw in applied]
        now = self._clock.now().timestamp()
        with self._changed:
            book = self._book
            try:
                if self._keep is not None:
                    self._keep.append(applied[position] for position in book.fresh(messages))
                book.add(messages, raws=applied, received=now, connection=self._connections[post.connection])
                book.store.commit()
            except Refused as refused:
                book.store.rollback()
                return self._record_unread(post, refused)
            if not applied and not answer.applies_to(0):  # also when there was nothing to apply
                self._reject(_words(answer), answer.status_sent, post.connection)
            else:
                self._logs[post.connection].take(post, now)
            self._append(replace(post, status=answer.status_sent))
        return answer

    def _reject(self, reason: str, status: int | None, connection: str | None) -> None:
        self._rejected[reason] += 1
        if connection is not None:
            self._logs[connection].reject(reason, status, self._clock.now().timestamp())

    def _append(self, post: Post) -> None:
        self._let_in += 1
        if self._keep_posts:
            self._posts.append(post)
        self._changed.notify_all()


def _words(answer: Answer) -> str:
    return f"answered {answer.status}" if answer.fault is None else f"fault: {answer.fault}"
