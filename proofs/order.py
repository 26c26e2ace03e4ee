"""Order: each event has its own list of answers, and each person's events arrive in order all the same."""

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import UUID

import msgspec

from variance_plugin.receiver import Answer, WireFault

from .conservation import judge, run_to_the_end
from .endpoint import Endpoint
from .faults import HEALTHY, TOO_LARGE, Planned, Request
from .feeds import FileFeed
from .runner import Runner
from .traffic import Fate, Issued, issued, plain_mapper
from .verdict import Verdict

# All waiting is the runner's own, and of no interest here.
_FAST = 2_000
_POISON_EVERY = 60
_ANSWERS = (
    Planned("500", Answer(status=500)),
    Planned("429", Answer(status=429, headers={"Retry-After": "30"})),
    Planned("401", Answer(status=401)),
    Planned(TOO_LARGE, Answer(status=413)),
    Planned("reset", Answer(fault=WireFault.RESET)),
    Planned("reset (taken)", Answer(fault=WireFault.RESET, applied=True)),
    Planned("answer cut short (taken)", Answer(fault=WireFault.CUT_SHORT, applied=True)),
)


@dataclass(frozen=True, slots=True)
class Lists:
    """A `Schedule`: a request meets the next answer on the list of its first event that has one left."""

    left: dict[str, deque[Planned]]

    def __call__(self, request: Request) -> Planned:
        """The next answer; one call at a time."""
        for answers in map(self.left.__getitem__, request.ids):
            while answers:
                planned = answers.popleft()
                if planned.name != TOO_LARGE or len(request.ids) > 1:  # alone it would be dead
                    return planned
        return HEALTHY


def keep_order(folder: Path, *, seed: int, users: int = 50, events_each: int = 40) -> Verdict:
    """Send every person's events through all kinds of answers.

    Args:
        folder: For settings, state and logs.
        seed: Which events and answers.
        users: How many persons.
        events_each: How many events of each, in turns with those of the others.
    """
    chance = Random(seed)  # noqa: S311 -- the same lists for the same seed
    all_issued = _issue(chance, users=users, events_each=events_each)
    lists = {one.id: deque(_list(chance)) for one in all_issued}
    verdict = Verdict(
        title=f"Order, {users} users x {events_each} events, seed {seed}", events=len(all_issued)
    )
    feed = FileFeed(folder)
    feed.hand_over([one.line for one in all_issued])
    with Endpoint(all_issued, Lists(lists)) as endpoint:
        runner = Runner(folder, source=feed.settings, url=endpoint.url, fast=_FAST)
        run_to_the_end(runner, feed, verdict)
    judge(verdict, all_issued, endpoint, runner.state)
    verdict.wrong += [
        f"delivered before its last answer: {one.id}"
        for one in all_issued
        if one.fate is Fate.DELIVERED and lists[one.id]
    ]
    return verdict


def _issue(chance: Random, *, users: int, events_each: int) -> list[Issued]:
    mapper = plain_mapper()
    turns = [user for user in range(users) for _ in range(events_each)]
    chance.shuffle(turns)
    return [
        issued(
            msgspec.json.encode(
                {
                    "event": "step taken",
                    "uuid": str(UUID(int=number)),
                    "timestamp": "2026-01-01T00:00:00.000Z",
                    "distinct_id": f"user-{user}",
                    "properties": {"number": number},
                }
            ),
            mapper=mapper,
            is_poison=chance.randrange(_POISON_EVERY) == 0,
        )
        for number, user in enumerate(turns)
    ]


def _list(chance: Random) -> list[Planned]:
    """Nothing for most events; else up to three answers, none of which is the last word."""
    if chance.random() < 0.85:
        return []
    return chance.choices(_ANSWERS, k=chance.randint(1, 3))
