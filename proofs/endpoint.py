"""The local Variance with a schedule of faults: it notes what it took, and what is wrong with that."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import msgspec

from variance_plugin.receiver import Answer, LocalVariance, Post

from .faults import HEALTHY, Planned, Request, Schedule, healthy
from .traffic import Fate, Head, Issued, news

AUTHORIZATION = "Bearer demo-token"
_REFUSED = Planned("400 for one message", Answer(status=400, body=b'{"error":"no such plan"}'))


class Endpoint:
    """Where the runner under test sends to.

    Args:
        issued: All that the source may be given. What must be dead because the destination refuses it is
            answered 400, and so is every request that holds one of these.
        schedule: What goes wrong beside that; see `answer_with`.
        in_turn: Whether the source gets all events in their order. If not, those of an account come in some
            other one, and a message may lack traits of which something newer was told: docs/mapping.md.
    """

    def __init__(
        self, issued: Iterable[Issued], schedule: Schedule = healthy, *, in_turn: bool = True
    ) -> None:
        self._schedule = schedule
        self.in_turn = in_turn
        self._expected: dict[str, bytes] = {}
        self._places: dict[str, tuple[str, int]] = {}
        self._poison: set[str] = set()
        self._furthest: dict[str, int] = {}
        self._changed = threading.Condition()
        self._receiver = LocalVariance(authorization=AUTHORIZATION, answers=self._answer, keep_posts=False)
        self.posts = 0
        self.taken: Counter[str] = Counter()
        """How often each message was, by its id."""
        self.told: set[tuple[str, ...]] = set()
        """What messages that were taken tell of persons; see `traffic.news`."""
        self.faults: Counter[str] = Counter()
        """Requests that met one, by its name."""
        self.wrong: list[str] = []
        """What should not have come, or not like this."""
        self.expect(issued)

    def expect(self, issued: Iterable[Issued]) -> None:
        """Learn what else may come, in the order in which the source gets it."""
        with self._changed:
            for one in issued:
                self._expected |= one.messages
                self._places[one.id] = one.user, len(self._places)
                if one.fate is Fate.DEAD:
                    self._poison.add(one.id)

    def answer_with(self, schedule: Schedule) -> None:
        """From the next request on."""
        with self._changed:
            self._schedule = schedule

    def wait_until(self, reached: Callable[[], bool], *, timeout_seconds: float) -> bool:
        """Wait until something is so; whether it is. Asked anew after every request, under the lock."""
        with self._changed:
            return self._changed.wait_for(reached, timeout_seconds)

    @property
    def url(self) -> str:
        """Of the webhook."""
        return self._receiver.url

    def __enter__(self) -> Self:
        self._receiver.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._receiver.close()

    def _answer(self, post: Post) -> Answer:
        ids = [msgspec.json.decode(raw, type=Head).message_id for raw in post.raw_messages]
        with self._changed:
            planned = self._planned(ids)
            self.posts += 1
            if planned is not HEALTHY:
                self.faults[planned.name] += 1
            if planned.answer.applies_to(0):
                for id_, raw in zip(ids, post.raw_messages, strict=True):
                    self._take(id_, bytes(raw))
            self._changed.notify_all()
        return planned.answer

    def _planned(self, ids: Sequence[str]) -> Planned:
        request = Request(ids, has_refused=not self._poison.isdisjoint(ids))
        planned = self._schedule(request)
        # Who takes a request at all looks into it first, and so finds what it refuses.
        return _REFUSED if request.has_refused and planned.answer.applies_to(0) else planned

    def _take(self, id_: str, raw: bytes) -> None:
        self.taken[id_] += 1
        expected = self._expected.get(id_)
        if expected is None:
            self.wrong.append(f"never issued: {id_}")
        elif raw != expected and not self._is_as_mapped(
            msgspec.json.decode(raw), msgspec.json.decode(expected)
        ):
            self.wrong.append(f"not what mapping gives: {id_}")
        if self.taken[id_] > 1:
            return
        if expected is not None and (told := news(expected)) is not None:
            self.told.add(told)
        if id_ in self._places:
            user, place = self._places[id_]
            if place < self._furthest.get(user, -1):
                self.wrong.append(f"came behind a later one of the same user: {id_}")
            self._furthest[user] = max(place, self._furthest.get(user, -1))

    def _is_as_mapped(self, came: dict[str, Any], expected: dict[str, Any]) -> bool:
        if came == expected or self.in_turn:
            return came == expected
        traits, all_traits = came.pop("traits", {}), expected.pop("traits", {})
        return came == expected and all(all_traits.get(name) == value for name, value in traits.items())
