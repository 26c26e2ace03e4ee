"""What the runner can be asked about itself by its metrics; see `runtime.watching.metrics`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from .clock import Clock
from .pipeline import Progress
from .runtime import Host
from .runtime.exporter import Exporter
from .runtime.hosted import HostedPlugin
from .runtime.replay import Replayed, Replays
from .runtime.watching import metric_list as known
from .runtime.watching.metrics import Metrics
from .sources import Source
from .state import NO_PLUGIN, DeadLetterStore, JobQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is read whenever somebody asks.

    Attributes:
        host: With the plugins.
        progress: Of the reading end.
        source: As soon as it is open.
        letters: Those of all plugins.
        replays: Of these.
        jobs: Of all plugins.
        clock: Everybody's.
    """

    host: Host
    progress: Progress
    source: Callable[[], Source | None]
    letters: DeadLetterStore
    replays: Replays
    jobs: JobQueue
    clock: Clock

    def register(self, metrics: Metrics, source_type: str) -> None:
        """Let the metrics read them from now on; `source_type` is the source's label."""
        for plugin in self.host.plugins:
            metrics.watch_plugin(
                plugin.name,
                plugin.counts,
                kinds=plugin.loaded.metrics,
                declared=plugin.meta.metrics,
                hook_seconds=plugin.hook_seconds,
            )
            metrics.read(known.PLUGIN_DISABLED, partial(_is_off, plugin), plugin=plugin.name)
        for exporter in self.host.exporters:
            name = exporter.plugin.name
            metrics.watch_exporter(name, exporter, self.clock)
            metrics.read(known.EVENTS_SEEN, partial(self.host.seen, exporter), plugin=name)
        for name in (NO_PLUGIN, *(exporter.plugin.name for exporter in self.host.exporters)):
            for what in Replayed:
                count = partial(self.replays.count, name, what)
                metrics.read(known.REPLAYED, count, plugin=name, outcome=what)
        metrics.read_table(known.DEAD_LETTERS, self._letters_kept)
        metrics.read_table(
            known.REPLAYS_WAITING,
            lambda: {(plugin,): count for plugin, count in self.letters.waiting().items()},
        )
        metrics.read_table(known.JOBS_DUE, lambda: self._jobs_kept(is_due=True))
        metrics.read_table(known.JOBS_WAITING, lambda: self._jobs_kept(is_due=False))
        metrics.read(known.RECORDS_READ, lambda: self.progress.read, source=source_type)
        metrics.read(known.RECORDS_UNREADABLE, lambda: self.progress.broken, source=source_type)
        metrics.read(known.LAG_SECONDS, lambda: self.lag_seconds(self.host.exporters), source=source_type)
        metrics.read(known.LAG_BYTES, self._lag_bytes, source=source_type)

    def lag_seconds(self, exporters: Iterable[Exporter]) -> float:
        """How long the oldest event under way to one of them has waited."""
        lanes = (lane for exporter in exporters for lane in exporter.lanes)
        begins = [since for lane in lanes if (since := lane.since) is not None]
        return max(0.0, self.clock.monotonic() - min(begins)) if begins else 0.0

    def _letters_kept(self) -> dict[tuple[str, ...], float]:
        kept = self.letters.tally()
        return {
            (plugin, "none" if status is None else str(status)): n for (plugin, status), n in kept.items()
        }

    def _jobs_kept(self, *, is_due: bool) -> dict[tuple[str, ...], float]:
        kept = dict.fromkeys((plugin.name for plugin in self.host.plugins if plugin.loaded.jobs), (0, 0))
        kept |= self.jobs.tally(self.clock.now())
        return {(plugin,): due if is_due else waiting for plugin, (due, waiting) in kept.items()}

    def _lag_bytes(self) -> float | None:
        source = self.source()
        if source is None or source.total_bytes is None:
            return None
        return max(source.total_bytes - source.read_bytes, 0)


def _is_off(plugin: HostedPlugin) -> float:
    return float(plugin.off is not None)
