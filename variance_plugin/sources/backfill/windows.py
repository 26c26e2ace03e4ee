"""The windows of a backfill: the parts of its time that are asked for one after the other. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from ...errors import InvalidRecord

LONGEST = timedelta(weeks=1)
"""PostHog makes no file of more than that."""
# A Monday: windows of a week begin on one, whenever a backfill begins.
_GRID_BEGINS = datetime(1970, 1, 5, tzinfo=UTC)


class Window(NamedTuple):
    """A part of the time, without its end."""

    start: datetime
    end: datetime

    @property
    def key(self) -> str:
        """Under which it is kept how far it is done with."""
        return f"{utc(self.start)}/{utc(self.end)}"

    @classmethod
    def read(cls, key: str) -> Self:
        """What `key` gave.

        Raises:
            InvalidRecord: It is something else.
        """
        try:
            start, end = map(datetime.fromisoformat, key.split("/"))
        except ValueError as error:
            raise InvalidRecord(f"{key[:60]!r} is no window") from error
        if start.tzinfo is None or end.tzinfo is None or start >= end:
            raise InvalidRecord(f"{key[:60]!r} is no window")
        return cls(start, end)

    def __str__(self) -> str:
        """For people: `2026-01-05 to 2026-01-12`, with a time of the day where there is one."""
        return f"{_short(self.start)} to {_short(self.end)}"


def utc(moment: datetime) -> str:
    """As PostHog takes it: `2026-01-05T00:00:00Z`, with microseconds where there are some."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plan(wanted: Window, longest: timedelta, kept: Iterable[Window]) -> list[Window]:
    """All windows of a backfill, in order.

    They are cut at the same moments whenever it is asked, and a window that an earlier run has asked for
    stays as it was, so that a run that goes on asks for the same ones. One that reaches beyond what is wanted
    now counts for what lies within.

    Args:
        wanted: What they cover, without a gap.
        longest: No new one is longer.
        kept: Those of earlier runs.
    """
    found: list[Window] = []
    at = wanted.start
    for window in sorted(kept):
        if window.start >= at and window.end <= wanted.end:
            found += [*_cut(Window(at, window.start), longest), window]
            at = window.end
    return [*found, *_cut(Window(at, wanted.end), longest)]


def _cut(window: Window, longest: timedelta) -> Iterator[Window]:
    start = window.start
    while start < window.end:
        next_line = _GRID_BEGINS + ((start - _GRID_BEGINS) // longest + 1) * longest
        end = min(next_line, window.end)
        yield Window(start, end)
        start = end


def _short(moment: datetime) -> str:
    text = utc(moment)
    return text.removesuffix("T00:00:00Z")
