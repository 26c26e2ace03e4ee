"""What is kept of a post and what is answered to it: the one place where the connections' threads meet."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import msgspec

from .answers import Answer, Answers, Script
from .book import Book
from .keep import Keep
from .limits import Limits
from .message import read_message
from .payload import split, unpack
from .post import Post
from .refusal import Refused
from .summary import Summary


class Intake:
    """Takes posts, one call a post, from any number of threads.

    Args:
        answers: The script.
        limits: How large a post may be once it is unpacked.
        keep: Where applied messages are written before they are answered.
        keep_posts: Whether `posts` grows; without, the memory needed is the book's alone.
    """

    def __init__(
        self, *, answers: Answers | None, limits: Limits, keep: Keep | None, keep_posts: bool
    ) -> None:
        self._limits = limits
        self._keep = keep
        self._keep_posts = keep_posts
        self._script = Script(answers)
        self._book = Book()
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

    def answer_with(self, answers: Answers | None) -> None:
        """Replace the script, from the next post on."""
        with self._changed:
            self._script = Script(answers)

    def turn_away(self, refused: Refused) -> None:
        """Count a post of which nothing is kept."""
        with self._changed:
            self._turned_away += 1
            self._rejected[refused.refusal] += 1
            self._changed.notify_all()

    def take(self, post: Post) -> Answer:
        """Read a post that may come in, and choose its answer; what it says is applied before it is sent."""
        try:
            messages = self._messages(post)
        except Refused as refused:
            return self._record_unread(post, refused)
        post = replace(post, raw_messages=messages)
        with self._changed:
            script = self._script
        # Not under the lock: a script that is a function may wait, and may look at this receiver.
        return self._record(post, script.answer(post))

    def wait_until(self, reached: Callable[[], bool], *, timeout_seconds: float) -> bool:
        """Wait until something is so; whether it is. Asked anew after every post."""
        with self._changed:
            return self._changed.wait_for(reached, timeout_seconds)

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
            self._rejected[refused.refusal] += 1
        return refused.answer()

    def _record(self, post: Post, answer: Answer) -> Answer:
        applied = [raw for position, raw in enumerate(post.raw_messages) if answer.applies_to(position)]
        messages = [read_message(raw) for raw in applied]
        with self._changed:
            if self._keep is not None:
                try:
                    self._keep.append(applied[position] for position in self._book.fresh(messages))
                except Refused as refused:
                    return self._record_unread(post, refused)
            self._book.add(messages)
            if not applied and not answer.applies_to(0):  # also when there was nothing to apply
                self._rejected[_words(answer)] += 1
            self._append(replace(post, status=answer.status_sent))
        return answer

    def _append(self, post: Post) -> None:
        self._let_in += 1
        if self._keep_posts:
            self._posts.append(post)
        self._changed.notify_all()


def _words(answer: Answer) -> str:
    return f"answered {answer.status}" if answer.fault is None else f"fault: {answer.fault}"
