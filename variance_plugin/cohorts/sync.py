"""One sync: who is in the cohorts now, against what was told before."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from ..clock import Clock
from ..errors import UsageError
from ..events import Event
from ..plurals import many
from ..records import event_in
from .changes import change, event
from .figures import Change, Figures
from .listing import Cohort, Listing
from .membership import Membership, Memory, Told
from .who import Person, Unknown

_logger = logging.getLogger(__name__)

# So many are under way at once, and may be told twice after a kill.
_BATCH = 100
# A cohort that changes while it is listed is listed again: pages shift then.
_PASSES = 3
_INDEX = "cohorts"
_LEFT_OUT = {
    "anonymous": ("anonymous visitor", ""),
    "undecided": ("person", " of whom nothing tells by which id they are known"),
}

Deliver = Callable[[Sequence[Event]], None]
"""Returns when each event is delivered or a dead letter; raises `Stopped` when the program ends first."""


class CohortSync:
    """Tells of every person who came into a cohort or left it, since the last time.

    Args:
        chosen: Which cohorts, by number or name.
        listing: Of the project.
        memory: Keeps what was told.
        deliver: Brings events to their end.
        clock: Says when.
    """

    def __init__(
        self,
        chosen: Sequence[str],
        *,
        listing: Listing,
        memory: Memory,
        deliver: Deliver,
        clock: Clock,
    ) -> None:
        self._chosen = chosen
        self._listing = listing
        self._memory = memory
        self._deliver = deliver
        self._clock = clock
        self.figures = Figures(chosen, memory=memory, project=listing.project)
        """To be read by who shows how the cohorts fare."""

    def run(self) -> None:
        """Sync all of them, one after the other.

        Raises:
            UsageError: PostHog refuses, or a cohort cannot be found; what was told by then is remembered.
            Stopped: The program ends first; likewise.
        """
        index = self._index
        known = {name: int(kept["id"]) for name, kept in self._memory.load(index).items() if "id" in kept}
        chosen = self._listing.find(self._chosen, known)
        names: dict[int, list[str]] = {}
        for name, cohort in chosen.items():
            names.setdefault(cohort.id, []).append(name)
        cohorts = {cohort.id: cohort for cohort in chosen.values()}
        _check_traits(cohorts.values())
        for name, cohort in chosen.items():
            if cohort.name == name:
                self._memory.save(index, name, {"id": cohort.id})
            elif name in known:
                _logger.warning(
                    "the cohort that was called %r is called %r now; go on calling it so in the settings, or "
                    "choose it by its number, %d",
                    name,
                    cohort.name,
                    cohort.id,
                )
        for id_, cohort in cohorts.items():
            self._sync(cohort, names[id_])

    def close(self) -> None:
        """Close the connections to PostHog."""
        self._listing.close()

    @property
    def _index(self) -> str:
        """Under which the numbers of cohorts that were chosen by name are kept."""
        return f"{_INDEX} {self._listing.project}"

    def _sync(self, cohort: Cohort, names: Sequence[str]) -> None:
        """Sync one, which is chosen by these names."""
        one = _One(
            cohort,
            f"{self._listing.project}/{cohort.id}",
            self._memory,
            clock=self._clock,
            deliver=self._deliver,
            tell=partial(self.figures.tell, names),
        )
        if cohort.is_deleted:
            one.leave(list(one.membership.told))
            self.figures.sync(names, self._clock.now())
            _logger.warning(
                "%s was deleted in PostHog; %s is false now for %d who were in it; choose it no more",
                cohort,
                cohort.trait,
                one.counts[Change.LEFT],
            )
            return
        if cohort.failures:
            _logger.warning(
                "PostHog could not calculate %s %s in a row; what it had last is synced",
                cohort,
                many(cohort.failures, "time"),
            )
        for _ in range(_PASSES):
            for page in self._listing.persons(cohort, one.user_ids):
                one.meet(page)
            after = self._listing.look_at(cohort.id)
            if after.calculation == cohort.calculation and not after.is_deleted:
                one.leave([person for person in one.membership.told if person not in one.met])
                self.figures.sync(names, self._clock.now())
                break
            cohort = after
            one.meet_again()
        else:
            _logger.warning("%s changes while it is listed; who has left it is told at the next sync", cohort)
        one.tell_result()


class _One:
    """The sync of one cohort."""

    def __init__(  # noqa: PLR0913 -- what one sync of one cohort needs
        self,
        cohort: Cohort,
        name: str,
        memory: Memory,
        *,
        clock: Clock,
        deliver: Deliver,
        tell: Callable[[Change, int], None],
    ) -> None:
        self._cohort = cohort
        self._name = name
        self._clock = clock
        self._deliver = deliver
        self._told_of = tell
        self.membership = Membership(memory, f"cohort {name}", clock=clock)
        self.user_ids = {person: told.user_id for person, told in self.membership.told.items()}
        self._told_ids = set(self.user_ids.values())
        self._met_ids: set[str] = set()
        """Those of them by which somebody is known who is in it."""
        self.met: set[str] = set()
        self.counts: Counter[str] = Counter()
        self._renamed = {told.trait for told in self.membership.told.values() if told.is_member} - {
            cohort.trait
        }

    def meet(self, page: Iterable[tuple[Person, str | Unknown]]) -> None:
        """These are in it."""
        changes = []
        for person, user_id in page:
            if person.id in self.met:
                continue
            self.met.add(person.id)
            self._met_ids |= self._told_ids.intersection(person.distinct_ids)
            if isinstance(user_id, Unknown):
                self.counts[user_id.name.lower()] += 1
                continue
            self.counts["members"] += 1
            before = self.membership.told.get(person.id)
            told = change(before, user_id=user_id, trait=self._cohort.trait, is_member=True)
            if told is not None:
                self.counts[Change.CAME] += 1
                changes.append((person.id, told))
        self._tell(changes, Change.CAME)

    def meet_again(self) -> None:
        """All of them are listed once more."""
        self.met.clear()
        self._met_ids.clear()
        for what in ("members", "anonymous", "undecided"):
            del self.counts[what]

    def leave(self, persons: Sequence[str]) -> None:
        """These are not in it any more, if they ever were."""
        changes, merged = [], []
        for person in persons:
            before = self.membership.told[person]
            told = change(before, user_id=before.user_id, trait=before.trait, is_member=False)
            if told is not None and before.user_id in self._met_ids:
                # Another person now, who is in it: to Variance they are one contact, too.
                merged.append((person, told))
            elif told is not None:
                self.counts[Change.LEFT] += 1
                changes.append((person, told))
        self.membership.arrived(merged)
        self._tell(changes, Change.LEFT)

    def tell_result(self) -> None:
        """In the log."""
        counts = self.counts
        if self._renamed:
            _logger.warning(
                "%s has had another name: its members have %s now, and %s is false for them",
                self._cohort,
                self._cohort.trait,
                ", ".join(sorted(self._renamed)),
            )
        _logger.info(
            "%s is the trait %s of %s: %d came, %d left%s",
            self._cohort,
            self._cohort.trait,
            many(counts["members"], "user"),
            counts[Change.CAME],
            counts[Change.LEFT],
            "".join(
                f"; left out: {many(counts[what], noun)}{why}"
                for what, (noun, why) in _LEFT_OUT.items()
                if counts[what]
            ),
            extra={"cohort": self._cohort.id, "users": counts["members"]}
            | {str(change): counts[change] for change in Change},
        )

    def _tell(self, changes: Sequence[tuple[str, Told]], change: Change) -> None:
        for batch in _batches(changes):
            now = self._clock.now()
            events = [
                event_in(event(self._name, person, told, now), f"{self._cohort}") for person, told in batch
            ]
            self.membership.tell(batch)
            self._deliver(events)
            self.membership.arrived(batch)
            self._told_of(change, len(batch))


def _batches(changes: Iterable[tuple[str, Told]]) -> Iterator[Sequence[tuple[str, Told]]]:
    left = iter(changes)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _check_traits(cohorts: Iterable[Cohort]) -> None:
    by_trait: dict[str, Cohort] = {}
    for cohort in cohorts:
        other = by_trait.setdefault(cohort.trait, cohort)
        if other is not cohort:
            raise UsageError(
                f"{other} and {cohort} would both be the trait {cohort.trait}: give one of them another name "
                "in PostHog"
            )
