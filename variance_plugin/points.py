"""The places on an event's way where a test ends the process, named where they lie.

What is kept must survive an end at any moment; these are the moments at which most could go wrong. In
production `reached` looks at one variable and returns. Only code can set that variable, and none of this
program does: no setting, no environment.
"""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """A place, in the order in which an event comes by."""

    BEFORE_SPOOL_WRITE = "before spool write"
    """Records were taken in, and are in memory alone."""
    BEFORE_COMMIT = "before commit"
    """Changes of the state file are made, and not on disk."""
    AFTER_COMMIT = "after commit"
    """They are on disk, and nobody has been told."""
    AFTER_SPOOL_WRITE = "after spool write"
    """Records are on disk, and whoever sent them has not been told."""
    BEFORE_SEND = "before send"
    """A request is complete, and no byte of it has left."""
    AFTER_SEND = "after send"
    """It has been answered, and the answer has not been looked at."""
    AFTER_ANSWER = "after answer"
    """What the answer means is known, and nothing has been done about it."""
    BEFORE_ACKNOWLEDGE = "before acknowledge"
    """Events have reached their end, and their source has not been told."""
    AFTER_ACKNOWLEDGE = "after acknowledge"
    """It has been told."""
    BEFORE_OFFSET_COMMIT = "before offset commit"
    """It is known how far a topic is done with, and the consumer group has not been told."""
    AFTER_OFFSET_COMMIT = "after offset commit"
    """The group has been told."""


_watcher: Callable[[Point], None] | None = None


def reached(point: Point) -> None:
    """Say that a point is reached; called once a batch, never once an event."""
    if _watcher is not None:
        _watcher(point)


def watch(watcher: Callable[[Point], None] | None) -> None:
    """Have a function called at every point, in the thread that reached it; for tests. None ends it."""
    global _watcher  # noqa: PLW0603 -- the points lie in every layer, and none should have to pass it on
    _watcher = watcher
