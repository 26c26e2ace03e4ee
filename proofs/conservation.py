"""The conservation oracle: whatever is killed and whatever fails, each event ends as it must."""

import signal
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from random import Random
from subprocess import Popen
from typing import Final

from variance_plugin.cli.closing import ExitStatus
from variance_plugin.clock import SystemClock
from variance_plugin.plurals import many
from variance_plugin.points import Point
from variance_plugin.state import DeadLetterStore, LetterFilter, StateFile

from .bucket_feed import BucketFeed
from .endpoint import Endpoint
from .faults import Faults, healthy
from .feeds import Feed, FileFeed, StdinFeed
from .http_feed import HttpFeed
from .kafka_feed import KafkaFeed
from .runner import LIMIT_SECONDS, Runner, status_of
from .traffic import Fate, Issued, issue, news
from .verdict import Verdict

FEEDS: Final[dict[str, type[Feed]]] = {
    "file": FileFeed,
    "stdin": StdinFeed,
    "http": HttpFeed,
    "bucket": BucketFeed,
    "kafka": KafkaFeed,
}
"""The sources that are put to the proof, by name; each new one has its place here."""

# About every so many requests a fault begins.
_FAULT_EVERY = 4
_MOST_POSTS = 8
_MOST_DELAY_SECONDS = 0.05


def conserve(  # noqa: PLR0913 -- what there is to vary
    feed_in: Callable[[Path], Feed],
    folder: Path,
    *,
    events: int,
    seed: int,
    points: Collection[Point],
    random_kills: int,
    most_times: int = 3,
    fast: float = 20,
) -> Verdict:
    """Kill the runner at every point and at random, while the endpoint fails in every way.

    Args:
        feed_in: One of `FEEDS`, or what makes one in a folder.
        folder: For settings, state and logs.
        events: How many.
        seed: Which events, faults and kills.
        points: Where the runner is killed, one after the other, in an order that follows from the seed.
        random_kills: So many kills from outside, in between.
        most_times: A kill is at the first time that its point is reached, or a later one up to this.
        fast: How many times as fast as time the runner's clock is.
    """
    chance = Random(seed)  # noqa: S311 -- the same kills for the same seed
    plan: list[Point | None] = [*sorted(points), *[None] * random_kills]
    chance.shuffle(plan)
    with closing(feed_in(folder)) as feed:
        stream = (one for one in issue(10**9, seed) if one.id or feed.takes_any_line)
        issued = list(islice(stream, events))
        fresh = next(one for one in stream if one.fate is Fate.DELIVERED)
        verdict = Verdict(title=f"Conservation, {feed.name}, seed {seed}", events=events)
        with Endpoint(issued, Faults(seed, every=_FAULT_EVERY), in_turn=feed.in_turn) as endpoint:
            runner = Runner(folder, source=feed.settings, url=endpoint.url, fast=fast)
            killer = _Killer(runner, feed, endpoint, chance, most_times)
            portions = _portions(issued, len(plan) + 1)
            for point, portion in zip(plan, portions, strict=False):
                feed.hand_over([one.line for one in portion])
                failure = killer.run(point)
                if failure is None:
                    verdict.kills[point or "at random"] += 1
                else:
                    verdict.wrong.append(failure)
            feed.hand_over([one.line for one in portions[-1]])
            run_to_the_end(runner, feed, verdict)
            # One more, through a destination that is well again.
            endpoint.answer_with(healthy)
            endpoint.expect([fresh])
            feed.hand_over([fresh.line])
            run_to_the_end(runner, feed, verdict)
    verdict.again = feed.again
    judge(verdict, [*issued, fresh], endpoint, runner.state, once=feed.takes_once)
    return verdict


@dataclass(frozen=True, slots=True)
class _Killer:
    runner: Runner
    feed: Feed
    endpoint: Endpoint
    chance: Random
    most_times: int

    def run(self, point: Point | None) -> str | None:
        """Run until killed, at that point or at random; None, or what happened instead."""
        with self.runner.start(kill_at=point, times=self.chance.randint(1, self.most_times)) as process:
            self.feed.attach(process)
            if point is None:
                self._kill_at_random(process)
            status = status_of(process, timeout_seconds=LIMIT_SECONDS)
            self.feed.detach()
        if status == -signal.SIGKILL:
            return None
        return f"was to be killed {point or 'at random'}, and ended with status {status}"

    def _kill_at_random(self, process: Popen[bytes]) -> None:
        posts = self.endpoint.posts + self.chance.randint(0, _MOST_POSTS)
        self.endpoint.wait_until(lambda: self.endpoint.posts >= posts, timeout_seconds=LIMIT_SECONDS)
        SystemClock().wait(self.chance.random() * _MOST_DELAY_SECONDS)
        process.kill()


def run_to_the_end(runner: Runner, feed: Feed, verdict: Verdict) -> None:
    """Let a runner go on until all is done with."""
    feed.settle(runner)
    with runner.start(*feed.ending) as process:
        feed.attach(process)
        feed.end()
        status = status_of(process, timeout_seconds=LIMIT_SECONDS)
        feed.detach()
    if status not in (ExitStatus.DONE, ExitStatus.REJECTED):
        verdict.wrong.append(f"ended with status {status}, with something left")


def judge(
    verdict: Verdict, issued: Sequence[Issued], endpoint: Endpoint, state: Path, *, once: bool = True
) -> None:
    """Hold what the endpoint took and what is dead against what was issued.

    Args:
        verdict: Where it goes.
        issued: All that the source was given.
        endpoint: It has what was delivered.
        state: The runner's; it has what is dead.
        once: Whether no event may have two dead letters.
    """
    records = dead_records(state)
    verdict.skipped = sum(one.fate is Fate.SKIPPED for one in issued)
    verdict.delivered = sum(one.fate is Fate.DELIVERED and one.id in endpoint.taken for one in issued)
    verdict.repeats = sum(times - 1 for times in endpoint.taken.values())
    verdict.faults = endpoint.faults
    verdict.wrong += endpoint.wrong
    for one in issued:
        if one.fate is Fate.DELIVERED and one.id not in endpoint.taken:
            verdict.lost.append(f"neither delivered nor dead: {one.id}")
        if one.fate is Fate.DEAD:
            letters = records.pop(one.line, 0)
            verdict.dead += letters > 0
            if not letters:
                verdict.lost.append(f"refused, and not in the dead letters: {one.id or one.line[:60]!r}")
            elif letters > 1 and once:
                verdict.wrong.append(f"dead {many(letters, 'time')}: {one.id or one.line[:60]!r}")
    # Of one person it is told once, ahead of whichever event is the first to show it.
    verdict.wrong += [
        f"never told: {id_}"
        for one in issued
        if one.fate is Fate.DELIVERED and endpoint.in_turn
        for id_, body in one.messages.items()
        if id_ != one.id and news(body) not in endpoint.told
    ]
    verdict.wrong += [
        f"dead without a cause, {many(times, 'time')}: {line[:60]!r}" for line, times in records.items()
    ]


def dead_records(state: Path) -> Counter[bytes]:
    """The records of the dead letters, with how many letters each has."""
    file = StateFile.open(state, SystemClock(), owner=False)
    try:
        return Counter(letter.record for letter in DeadLetterStore(file, file.clock).letters(LetterFilter()))
    finally:
        file.close()


def _portions(issued: Sequence[Issued], count: int) -> list[Sequence[Issued]]:
    bounds = [len(issued) * place // count for place in range(count + 1)]
    return [issued[first:last] for first, last in pairwise(bounds)]
