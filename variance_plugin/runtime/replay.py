"""Dead letters that somebody asked for, sent once more: beside the lanes, by the same mapping and delivery.

That they are asked for stands in the state file, and so does what became of each. So whoever may write
there can ask (a command, say), and a replay that was cut short goes on in the next run.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from logging import Logger
from typing import Any, TypeAlias, TypeVar

from ..clock import Clock
from ..errors import InvalidRecord, StateError, Stopped
from ..events import Event
from ..formats import events, unread
from ..hooks import Rejection
from ..plurals import many
from ..state import DeadLetter, DeadLetterStore, LetterFilter
from ..turns import Turns
from .exporter import Exporter, PutOff
from .lane import join
from .watching.counts import Counts

T = TypeVar("T")

_TRY_AGAIN_SECONDS = 5.0

Process: TypeAlias = Callable[[Event], Event | None]
"""The chain: the event as the plugins leave it, or None. Safe for threads."""


class Replayed(StrEnum):
    """What became of a letter in its replay."""

    DELIVERED = "delivered"
    """The plugin took it: it is no letter any more."""
    REFUSED = "refused"
    """Once more; it stays, with a longer history."""
    NOT_SENT = "not sent"
    """The replay ended before its turn; it stays as it was."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a replayed event comes from; for people the same as when it was read."""

    letter: int
    source: str | None

    def __str__(self) -> str:
        return self.source or f"dead letter {self.letter}"


class Replays:
    """All replays of a host: at most one thread a plugin, and none while nothing is asked for.

    A letter goes to the plugin that rejected it, past the chain: its event is kept as the chain left it. A
    record that never became an event goes all the way, through the chain and to every exporter.

    Args:
        letters: Where they are.
        records: In the place of a plugin's name, for records that never became events.
        clock: The host's.
        logger: Told what became of a replay.
    """

    def __init__(self, letters: DeadLetterStore, *, records: str, clock: Clock, logger: Logger) -> None:
        self._letters = letters
        self._records = records
        self._clock = clock
        self._logger = logger
        self._turns = Turns(clock)
        self._ways: dict[str, _Way] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._counts: dict[str, Counts] = {}
        self._looking = threading.Lock()
        self.failure: Exception | None = None
        """A fault of this very module; the host ends then."""

    def begin(self, exporters: Sequence[Exporter], process: Process) -> None:
        """What is asked for is sent from now on, as soon as `look` sees it."""
        self._ways = {
            exporter.plugin.name: _Way([exporter], partial(_to_one, exporter)) for exporter in exporters
        }
        self._ways[self._records] = _Way(exporters, partial(_to_all, exporters, process))
        self._counts = {name: Counts() for name in self._ways}

    def count(self, plugin: str, what: Replayed) -> int:
        """How many letters of that plugin have come to that end, in this run."""
        return self._counts[plugin][what] if plugin in self._counts else 0

    def look(self) -> bool:
        """Begin to send what has been asked for since the last time; returns whether there is anything.

        To be called every second or so.
        """
        with self._looking:
            if self._clock.stopped or not self._ways:
                return False
            try:
                asked = self._letters.waiting()
                for plugin in asked:
                    if plugin not in self._ways:
                        self._take_back(plugin, "no plugin of that name exports here")
            except StateError as error:
                self._turns.tell("look", self._logger.error, "dead letters cannot be looked up: %s", error)
                return False
            for plugin in asked:
                if plugin in self._ways:
                    self._begin_to_send(plugin)
            return bool(asked)

    def finish(self, end: float | None) -> bool:
        """Send what is asked for, until then at the most; returns whether the threads have ended."""
        while self.look():
            if not join(self._threads.values(), end, self._clock):
                return False
        return join(self._threads.values(), end, self._clock)

    def _begin_to_send(self, plugin: str) -> None:
        thread = self._threads.get(plugin)
        if thread is None or not thread.is_alive():
            thread = threading.Thread(target=self._run, args=[plugin], name="replay", daemon=True)
            self._threads[plugin] = thread
            thread.start()

    def _run(self, plugin: str) -> None:
        before = {what: self.count(plugin, what) for what in Replayed}
        try:
            while not self._clock.stopped:
                # Before the look: meanwhile somebody may take back what was asked for.
                for exporter in self._ways[plugin].exporters:
                    exporter.wait_for_destination()
                asked = self._at_last(lambda: self._letters.in_replay(plugin))
                if not asked:
                    break
                self._send(plugin, asked)
            self._say_end(plugin, before)
        except Stopped:
            return  # what is asked for stays so
        except Exception as error:  # noqa: BLE001 -- somebody waits for it, and nobody would know
            self.failure = error
            self._clock.stop()

    def _send(self, plugin: str, asked: Sequence[DeadLetter]) -> None:
        refused: set[int] = set()

        def refuse(id_: int, rejection: Rejection) -> None:
            self._at_last(lambda: self._letters.refused_again(id_, rejection))
            refused.add(id_)

        sent = self._ways[plugin].resend(asked, refuse)
        # Exactly these: somebody may have asked again for one that was refused just now.
        delivered = sent.ended - refused
        if delivered:
            self._at_last(lambda: self._letters.settle(delivered))
        self._counts[plugin].increment(Replayed.DELIVERED, len(delivered))
        self._counts[plugin].increment(Replayed.REFUSED, len(refused))
        if (fault := sent.fault) is not None:
            self._at_last(lambda: self._take_back(plugin, fault))

    def _take_back(self, plugin: str, why: str) -> None:
        """Ask no more: were it to wait for whoever has to look, it would go on when nobody thinks of it.

        Raises:
            StateError: When that cannot be written now.
        """
        count = self._letters.end_replay(LetterFilter(plugin=plugin))
        if plugin in self._counts:
            self._counts[plugin].increment(Replayed.NOT_SENT, count)
        self._logger.error(
            "%s of %s not sent again, and kept as before: %s; ask for it again once that is put right",
            many(count, "dead letter"),
            _whose(plugin),
            why,
        )

    def _say_end(self, plugin: str, before: Mapping[Replayed, int]) -> None:
        sums = {what: self.count(plugin, what) - before[what] for what in Replayed}
        self._logger.info(
            "the replay of %s has ended: %d delivered, %d refused again, %d not sent",
            _whose(plugin),
            *(sums[what] for what in Replayed),
            extra={str(what).replace(" ", "_"): count for what, count in sums.items()},
        )

    def _at_last(self, do: Callable[[], T]) -> T:
        """What it returns, however long the disk is full. Raises `Stopped` when the host ends first."""
        while True:
            try:
                return do()
            except StateError as error:
                self._logger.error("a replay waits: %s", error)  # noqa: TRY400 -- no fault in the program
                self._clock.wait(_TRY_AGAIN_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """What became of some letters that were sent."""

    ended: set[int]
    """Delivered or refused; the others are still to be sent."""
    fault: str | None = None
    """Why the replay should end, since a person has to look."""


_Refuse: TypeAlias = Callable[[int, Rejection], None]
_Resend: TypeAlias = Callable[[Sequence[DeadLetter], _Refuse], _Sent]


@dataclass(frozen=True, slots=True)
class _Way:
    """How some letters go."""

    exporters: Sequence[Exporter]
    """To whom."""
    resend: _Resend


def _to_one(exporter: Exporter, letters: Sequence[DeadLetter], refuse: _Refuse) -> _Sent:
    """To the plugin that rejected them, past the chain."""
    again = [event for letter in letters for event in _events_in(letter, _as_it_is, refuse)]

    def set_aside(rejection: Rejection) -> None:
        place = rejection.event.position
        if isinstance(place, Place):
            refuse(place.letter, rejection)
        else:  # of another event than it was given, so nobody knows of which letter
            exporter.plugin.meta.set_aside(rejection)

    meta = replace(exporter.plugin.meta, set_aside=set_aside, is_replay=True)
    put_off = _attempt(exporter, again, meta)
    all_ = {letter.id for letter in letters}
    if put_off is None:
        return _Sent(ended=all_)
    return _Sent(ended=all_ - _letters_of(put_off.events, all_), fault=_fault(put_off))


def _to_all(
    exporters: Sequence[Exporter], process: Process, letters: Sequence[DeadLetter], refuse: _Refuse
) -> _Sent:
    """All the way, as when it is read for the first time; what a plugin rejects is a letter of its own."""
    ended: set[int] = set()
    for letter in letters:
        again = _events_in(letter, process, refuse)
        for exporter in exporters:
            # Each its own: what it changes no other sees.
            wanted = [unread(event) for event in again if exporter.wants(event)]
            put_off = _attempt(exporter, wanted, exporter.plugin.meta)
            if put_off is not None:
                return _Sent(ended=ended, fault=_fault(put_off))
        ended.add(letter.id)
    return _Sent(ended=ended)


def _attempt(exporter: Exporter, again: Sequence[Event], meta: Any) -> PutOff | None:
    if not again:
        return None
    put_off = exporter.attempt(again, meta)
    if put_off is not None and not put_off.at_fault:
        exporter.wait_after(put_off)
    return put_off


def _events_in(letter: DeadLetter, process: Process, refuse: _Refuse) -> Sequence[Event]:
    """What comes of a letter; none when it is refused, since it is still no event, or when it is dropped."""
    try:
        found = [_placed(one, letter) for one in events(letter.record)]
        return [event for one in found if (event := process(one)) is not None]
    except InvalidRecord as error:
        nothing = Event(event="", properties={}, record=letter.record)
        refuse(letter.id, Rejection(event=nothing, reason=str(error)))
        return ()


def _placed(found: Event | InvalidRecord, letter: DeadLetter) -> Event:
    if isinstance(found, InvalidRecord):
        raise found
    found.position = Place(letter.id, letter.source)
    return found


def _as_it_is(event: Event) -> Event:
    return event


def _letters_of(left: Iterable[Any], all_: set[int]) -> set[int]:
    """Of which letters these events are; of all, if the plugin made other events of them."""
    found: set[int] = set()
    for event in left:
        place = getattr(event, "position", None)
        if not isinstance(place, Place):
            return all_
        found.add(place.letter)
    return found


def _whose(plugin: str) -> str:
    return plugin or "records that were no events"


def _fault(put_off: PutOff) -> str | None:
    return put_off.reason if put_off.at_fault else None
