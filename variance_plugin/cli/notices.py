"""What plugin and host log, as a person at the keyboard wants it: each thing once, and what to do."""

import logging
from typing import Protocol

from ..clock import Clock
from ..errors import StateError
from .wording import printable

# A destination that fails and recovers all the time would fill the screen with the same two lines.
_SAME_AGAIN_SECONDS = 30.0
_ADVICE = "`variance-plugin check --send` with the same settings tells what is wrong and what to do."


class Say(Protocol):
    """Where the lines go: `Display.say`."""

    def __call__(self, text: str, *, loud: bool = False) -> None:
        """Say one line."""
        ...


class Notices(logging.Handler):
    """Says warnings and errors, each once until `forget`; with `verbose`, everything.

    Two are the same when they differ only behind the first colon of what they tell: `HTTP 503: busy (17)`
    and `HTTP 503: busy (18)`.
    """

    def __init__(self, say: Say, clock: Clock, *, verbose: bool = False) -> None:
        super().__init__(logging.DEBUG if verbose else logging.WARNING)
        self._say = say
        self._clock = clock
        self._verbose = verbose
        self._said: dict[tuple[str, str], float] = {}
        self._forgotten = float("-inf")
        self._advised = False

    def logger(self) -> logging.Logger:
        """A logger that ends here; no other one hears of it."""
        logger = logging.Logger("variance_plugin", self.level)  # noqa: LOG001 -- of this run, not the process
        logger.addHandler(self)
        return logger

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`; called under its lock."""
        if not self._verbose and self._is_known(record):
            return
        is_error = record.levelno >= logging.ERROR
        self._say(_one_line(record.getMessage()), loud=is_error)
        if is_error and not self._advised and not _is_of_this_machine(record):
            self._advised = True
            self._say(_ADVICE)

    def forget(self) -> None:
        """All is well again: the next failure is news."""
        self._forgotten = self._clock.monotonic()

    def _is_known(self, record: logging.LogRecord) -> bool:
        last = record.args[-1] if isinstance(record.args, tuple) and record.args else ""
        key = (str(record.msg), str(last).partition(":")[0])
        now = self._clock.monotonic()
        said = self._said.get(key)
        if said is not None and (said >= self._forgotten or now - said < _SAME_AGAIN_SECONDS):
            return True
        self._said[key] = now
        return False


def _is_of_this_machine(record: logging.LogRecord) -> bool:
    return isinstance(record.args, tuple) and any(isinstance(arg, StateError) for arg in record.args)


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))
