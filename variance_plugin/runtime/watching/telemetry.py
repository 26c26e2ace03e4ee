"""What an operator sees of the runner in PostHog, if they switch it on: exceptions, and sums by the hour."""

import threading

from ...__about__ import NAME, __version__
from ...clock import Clock
from ...turns import Turns
from ..meta.project import Project
from .counts import Counts

EXPORTS_EVENT = "runner exported events"

# Everything else that is counted has a name of the plugin's making, and may hold what it likes.
_COUNTED = ("events.", "messages.", "attempts.", "retries")


class Telemetry:
    """Reports through the project. Safe for threads; never waits, never fails.

    Args:
        project: Where the reports go.
        clock: Spaces the exceptions, and measures what a report of exports is about.
        exceptions: Whether exceptions of plugins are reported.
        exports: Whether exports are.
    """

    def __init__(self, project: Project, *, clock: Clock, exceptions: bool, exports: bool) -> None:
        self._project = project
        self._clock = clock
        self._exceptions = exceptions
        self._exports = exports
        self._lock = threading.Lock()
        # One of a kind is news, the thousandth is a bill.
        self._turns = Turns(clock)
        self._reported: dict[str, dict[str, int]] = {}
        self._reported_at: dict[str, float] = {}
        self._started_at = clock.monotonic()

    def exception(self, plugin: str, hook: str, error: BaseException) -> None:
        """Report what a hook raised: the first of its type in that plugin, then one a minute at most."""
        if not self._exceptions:
            return
        unsent = self._turns.take((plugin, type(error).__qualname__))
        if unsent is not None:
            self._project.capture_exception(
                error, {"plugin": plugin, "hook": hook, "unsent": unsent, "runner_version": __version__}
            )

    def exports(self, plugin: str, counts: Counts, *, lag_seconds: float | None = None) -> None:
        """Report what an exporting plugin did since the last report; called each hour, and at the end.

        Args:
            plugin: Its name.
            counts: Of the plugin, since the runner began.
            lag_seconds: How far it is behind; None when nobody knows.
        """
        if not self._exports:
            return
        now = self._clock.monotonic()
        sums = {name: amount for name, amount in counts.under("").items() if name.startswith(_COUNTED)}
        with self._lock:
            before, self._reported[plugin] = self._reported.get(plugin, {}), sums
            since, self._reported_at[plugin] = self._reported_at.get(plugin, self._started_at), now
        properties = {name: amount - before.get(name, 0) for name, amount in sums.items()}
        self._project.capture(
            EXPORTS_EVENT,
            {
                "events.delivered": 0,
                "events.rejected": 0,
                **properties,
                "plugin": plugin,
                "period_seconds": round(now - since, 3),
                "lag_seconds": lag_seconds,
                "runner_version": __version__,
            },
            by=NAME,
        )
