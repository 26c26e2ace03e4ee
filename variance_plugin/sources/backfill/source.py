"""A backfill as a source."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from ...clock import Clock
from ...errors import InvalidRecord, UsageError
from ...posthog_api import ApiClient, Patience
from .. import Broken, Position, Positions, Record
from ..in_turn import InTurn
from .export_reading import ExportReading
from .exports import Exports, NoExports
from .figures import Figures
from .queries import Queries
from .query_reading import QueryReading
from .wanted import Wanted
from .windows import Window, plan

_logger = logging.getLogger(__name__)

# PostHog keeps the files of a run for days; a destination that is down may take longer.
_READINGS = 3


class BackfillSource:
    """Gives the events of some time that PostHog has kept; see `Source` for what its methods promise.

    It ends with the last window. Windows that are done with are not asked for again, whatever else is wanted
    of a later backfill.

    Within a window PostHog keeps no order. What was given of one and not kept by PostHog until the next
    start (its files live for days) is given once more.

    Args:
        wanted: Which events.
        client: Asks PostHog; it is the source's own from now on.
        clock: Ends all waiting.
        positions: Where it is kept how far each window is done with.
    """

    def __init__(self, wanted: Wanted, *, client: ApiClient, clock: Clock, positions: Positions) -> None:
        self._positions = positions
        self._client = client
        self.patience = patience = Patience(clock, _logger)
        """To be read by who shows how often PostHog is waited for."""
        self._saved = _saved(positions)
        self._windows = plan(wanted.span, wanted.longest, self._saved)
        done = [window for window in self._windows if self._saved.get(window, {}).get("done")]
        self.figures = Figures(self._windows, done=done, clock=clock)
        """To be read by who shows how far it is."""
        self._exports: Exports | None = Exports(
            client, patience=patience, clock=clock, wanted=wanted, figures=self.figures
        )
        self._queries = Queries(client, patience=patience, wanted=wanted)
        self._reading: ExportReading | QueryReading | None = None
        self._left = [window for window in self._windows if window not in done]
        self._in_turn = InTurn(self._starts(), self._open, is_tracked=True)

    @property
    def total_bytes(self) -> int | None:
        """None: PostHog does not say how much there is."""
        return None

    @property
    def read_bytes(self) -> int:
        """How much has come, as PostHog has compressed it."""
        return self.figures.read_bytes

    def records(self) -> Iterator[Record | Broken]:
        """See `Source`.

        Raises:
            UsageError: PostHog refuses, or cannot export a window.
            Stopped: When the clock is stopped while there is nothing to read.
        """
        return self._in_turn.records()

    def acknowledge(self, position: Position) -> None:
        """See `Source`."""
        self._in_turn.acknowledge(position)

    def close(self) -> None:
        """See `Source`."""
        self._in_turn.close()
        self._client.close()

    def _starts(self) -> Iterator[Window]:
        done = len(self._windows) - len(self._left)
        if done:
            _logger.info("windows that are done already: %d of %d", done, len(self._windows))
        for window in self._left:
            for _ in range(_READINGS):
                yield window
                if self._reading is None or not self._reading.is_lost:
                    break
            else:
                raise UsageError(f"PostHog throws the files of {window} away before they can be read")

    def _open(self, window: Window, place: int) -> ExportReading | QueryReading:
        number = self._windows.index(window) + 1
        _logger.info("window %s (%d of %d): asking PostHog for it", window, number, len(self._windows))
        self.figures.begin(window)
        saved = self._saved.pop(window, {})  # a window that is read again begins anew
        self._reading = self._opened(window, place, saved)
        return self._reading

    def _begin_ahead(self, number: int) -> None:
        """PostHog makes the files of the next window while those of this one are read."""
        if self._exports is None or number == len(self._windows):
            return
        window = self._windows[number]
        if window not in self._saved and (run := self._exports.begin_ahead(window)) is not None:
            self._saved[window] = {"run": run}
            self._positions.save(window.key, self._saved[window])

    def _opened(self, window: Window, place: int, saved: Mapping[str, Any]) -> ExportReading | QueryReading:
        if self._exports is not None and "after" not in saved:
            try:
                run, files = self._exports.obtain(
                    window,
                    saved.get("run"),
                    begun=lambda run: self._positions.save(window.key, {"run": run}),
                )
            except NoExports:
                self._exports = None
                _logger.info("this PostHog makes no file downloads; its query API is asked instead")
            else:
                self._begin_ahead(self._windows.index(window) + 1)
                return ExportReading(
                    window,
                    place,
                    exports=self._exports,
                    run=run,
                    files=files,
                    saved=saved,
                    positions=self._positions,
                    figures=self.figures,
                )
        return QueryReading(
            window,
            place,
            queries=self._queries,
            saved=saved,
            positions=self._positions,
            figures=self.figures,
        )


def _saved(positions: Positions) -> dict[Window, Mapping[str, Any]]:
    found: dict[Window, Mapping[str, Any]] = {}
    for key, position in positions.load().items():
        try:
            found[Window.read(key)] = position
        except InvalidRecord as error:
            _logger.warning("%s: what was kept of it does not count", error)
    return found
