"""Dead letters sent again: by the runner that has the state file, or else by one that does nothing else."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ..clock import SystemClock
from ..errors import StateTaken, UsageError
from ..exact_json import encode
from ..plurals import many
from ..runner import Runner
from ..runtime.settings import CohortSettings, MetricsSettings, RunnerSettings, read
from ..runtime.watching.logs import logging_to
from ..state import DeadLetterStore, LetterFilter, StateFile, owner_of
from .closing import ExitStatus
from .config_run import manifest_of
from .dead_letters_run import Chosen, opened, state_file
from .letter_options import Place
from .run_run import load
from .runner_watch import RunnerWatch
from .source_run import parameters
from .stopping import Signals

_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the command line asks of a replay."""

    which: Chosen
    waits: bool
    webhook_url: str | None
    auth_header: str | None
    assignments: Sequence[str]
    as_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Letters that somebody asked for, and when."""

    ids: Sequence[int]
    new: Sequence[int]
    """Those that nobody had asked for before."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of the letters that were asked for. The parts add up to all."""

    asked: int
    delivered: int
    refused: int
    not_sent: int
    waiting: int

    @classmethod
    def of(cls, store: DeadLetterStore, asked: Asked) -> "Result":
        """As it stands in the state file now."""
        waiting, refused, not_sent = store.standing(asked.ids, asked.at)
        return cls(
            asked=len(asked.ids),
            delivered=len(asked.ids) - waiting - refused - not_sent,
            refused=refused,
            not_sent=not_sent,
            waiting=waiting,
        )

    @property
    def status(self) -> ExitStatus:
        """See `ExitStatus`."""
        if self.waiting:
            return ExitStatus.STOPPED
        return ExitStatus.REJECTED if self.refused or self.not_sent else ExitStatus.DONE

    def to_json(self) -> str:
        """One object on one line."""
        values = {
            "asked": self.asked,
            "delivered": self.delivered,
            "refused": self.refused,
            "notSent": self.not_sent,
            "waiting": self.waiting,
        }
        return encode(values).decode()

    def to_text(self) -> str:
        """A line, and one for whatever is left to do."""
        lines = [f"{many(self.asked, 'dead letter')} asked for, {self.delivered:,} delivered"]
        if self.refused:
            lines[0] += f", {self.refused:,} refused again (`dead-letters list` tells why)"
        if self.not_sent:
            lines.append(f"{self.not_sent:,} not sent, and no longer asked for; the log tells why.")
        if self.waiting:
            lines.append(
                f"{self.waiting:,} still to be sent: by the runner, or by the next `run`; "
                "`dead-letters replay --all --cancel` takes that back."
            )
        return "\n".join(lines)


def replay(place: Place, order: Order) -> ExitStatus:
    """Ask for letters, have them sent, and say what became of them.

    Raises:
        UsageError: Of the options, the settings and the state file; nothing has been asked for then.
        Exception: What nobody foresaw, in the runner.
    """
    path = state_file(place)
    # Settings that cannot be used are told before anything is asked for.
    settings = None if owner_of(path) or not order.waits else _settings(place, path, order)
    asked = _ask(place, order)
    if asked.ids and order.waits:
        if settings is not None:
            try:
                return _say(_send(settings, asked, order), order)
            except StateTaken:  # by a runner that has been started meanwhile
                pass
            except UsageError:
                with opened(place) as (store, _now):
                    store.end_replay(LetterFilter(ids=asked.new))
                raise
        return _say(_follow(path, asked), order)
    with opened(place) as (store, _now):
        return _say(Result.of(store, asked), order)


def cancel(place: Place, order: Order) -> ExitStatus:
    """Take back what was asked for and has not been sent.

    Raises:
        UsageError: As above.
    """
    with opened(place) as (store, now):
        count = store.end_replay(order.which.filter(now))
    sys.stdout.write(f"{many(count, 'dead letter')} no longer asked for.\n")
    return ExitStatus.DONE


def _ask(place: Place, order: Order) -> Asked:
    with opened(place) as (store, now):
        ids = store.ids(order.which.filter(now))
        new = store.ids(LetterFilter(ids=ids, in_replay=False))
        store.begin_replay(LetterFilter(ids=new))
        return Asked(ids=ids, new=new, at=now)


def _settings(place: Place, path: Path, order: Order) -> RunnerSettings:
    found = read(
        place.config,
        environment=os.environ,
        options=parameters(order.webhook_url, order.auth_header, order.assignments),
        assignments=order.assignments,
        manifest_of=manifest_of,
        needs_source=False,
    )
    # Nothing but this: no port that a runner may want, no news of cohorts.
    return replace(
        found.settings, state=path, metrics=MetricsSettings(listen="off"), cohorts=CohortSettings()
    )


def _send(settings: RunnerSettings, asked: Asked, order: Order) -> Result:
    """As the app runner, which has nothing else to do."""
    clock = SystemClock()
    with (
        logging_to(sys.stderr, as_json=False, level="warning", secrets=[*settings.secrets]),
        Runner(settings, load=load, clock=clock, remembers_waits=False) as runner,
        Signals() as signals,
    ):

        def say_end(_runner: Runner, _status: ExitStatus) -> None:
            _say(Result.of(runner.dead_letters, asked), order)

        watch = RunnerWatch(runner, clock, signals, say_end=say_end)
        watch.see_through(lambda: runner.run(once=True))
        result = Result.of(runner.dead_letters, asked)
    watch.raise_failure()
    return result


def _follow(path: Path, asked: Asked) -> Result:
    """Look on while the runner sends them, until it has, or has ended, or somebody stops looking."""
    state = StateFile.open(path, SystemClock(), owner=False)
    store = DeadLetterStore(state, state.clock)
    try:
        with Signals() as signals:
            while True:
                has_owner = owner_of(path) is not None
                result = Result.of(store, asked)
                if not result.waiting or not has_owner or signals.wait(_LOOK_SECONDS):
                    return result
    finally:
        state.close()


def _say(result: Result, order: Order) -> ExitStatus:
    sys.stdout.write((result.to_json() if order.as_json else result.to_text()) + "\n")
    sys.stdout.flush()
    return result.status
