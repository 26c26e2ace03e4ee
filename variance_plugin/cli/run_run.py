"""The app runner from its settings to its exit status."""

import logging
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..clock import SystemClock
from ..plugin import DELIVERED, REJECTED
from ..runner import Runner
from ..runtime import LoadedPlugin, load_plugin
from ..runtime.settings import LogFormat, PluginSettings, read
from ..runtime.watching.logs import logging_to
from .closing import ExitStatus
from .collecting import seldom_collected
from .config_run import manifest_of
from .stopping import Signals, stoppable_stdin

_logger = logging.getLogger(__name__)

_LISTEN_SECONDS = 0.25


def run(
    file: Path | None,
    *,
    once: bool,
    assignments: Sequence[str],
    environment: Mapping[str, str] = os.environ,
    looks_for_file: bool = True,
) -> ExitStatus:
    """Run until stopped, or until the source has no more.

    Args:
        file: The settings.
        once: Which of the two.
        assignments: `KEY=VALUE`, as `--set` takes them.
        environment: Variables by name.
        looks_for_file: Whether, without a file, `runner.toml` in the current folder counts.

    Raises:
        SettingsError: With all that is wrong with the settings.
        UsageError: When something that they name cannot be used.
        Exception: What nobody foresaw, once what was read is delivered.
    """
    settings = read(
        file,
        environment=environment,
        assignments=assignments,
        manifest_of=manifest_of,
        looks_for_file=looks_for_file,
    ).settings
    wanted = settings.logs.format
    as_json = wanted is LogFormat.JSON or (wanted is LogFormat.AUTO and not sys.stderr.isatty())
    clock = SystemClock()
    with (
        logging_to(sys.stderr, as_json=as_json, level=settings.logs.level, secrets=[*settings.secrets]),
        Runner(settings, load=_load, clock=clock, stdin=stoppable_stdin(lambda: clock.stopped)) as runner,
        Signals() as signals,
        seldom_collected(),
    ):
        watch = _Watch(runner, clock, signals)
        with watch:
            try:
                runner.run(once=once)
            except BaseException:
                watch.stop("the source could not go on")
                runner.finish(settings.flush_seconds)
                raise
            runner.finish(settings.flush_seconds if clock.stopped else None)
        failure = watch.failure or runner.failure
        status = _status(runner, once=once) if failure is None else ExitStatus.STOPPED
        if failure is not None:
            _logger.critical("not stopped, but ended by %s", _kind(failure))
        _say_end(runner, status)
    if isinstance(failure, Exception):
        raise failure
    if failure is not None:  # raised as it is, it might end the program as if that were meant
        raise RuntimeError(type(failure).__name__) from failure
    return status


def _load(plugin: PluginSettings) -> LoadedPlugin:
    return load_plugin(plugin.origin, name=plugin.name)


class _Watch:
    """Hears the signals in a thread of its own, and sees to it that a stop ends."""

    def __init__(self, runner: Runner, clock: SystemClock, signals: Signals) -> None:
        self._runner = runner
        self._clock = clock
        self._signals = signals
        self._deadline: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="signals", daemon=True)
        self.failure: Exception | None = None
        """A fault of this very class; it ends the run."""

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._signals.wake()
        self._thread.join()

    def stop(self, why: str) -> None:
        """Read no more, and deliver what was read."""
        flush_seconds = self._runner.settings.flush_seconds
        _logger.info("stopping (%s): sending what was read, for %g s at the most", why, flush_seconds)
        self._deadline = self._clock.monotonic() + flush_seconds
        self._runner.host.stop()

    def _run(self) -> None:
        try:
            self._listen()
        except Exception as error:  # noqa: BLE001 -- without this thread nobody would hear signals
            self.failure = error
            self.stop(_kind(error))

    def _listen(self) -> None:
        while not self._over.is_set():
            heard = self._signals.wait(_LISTEN_SECONDS)
            if self._over.is_set():
                return
            if self._deadline is None and self._clock.stopped:
                self.stop(_kind(self._runner.failure))
            is_late = self._deadline is not None and self._clock.monotonic() >= self._deadline
            if is_late or (heard is not None and self._deadline is not None):
                self._end_at_once()
            elif heard is not None:
                self.stop(heard.name)

    def _end_at_once(self) -> None:
        # The other threads wait for a destination or for input, and Python would wait for them.
        _say_end(self._runner, ExitStatus.STOPPED)
        logging.shutdown()
        os._exit(ExitStatus.STOPPED)


def _kind(failure: BaseException | None) -> str:
    """A fault of the program in words, without its text, which may quote an event."""
    return f"a fault of the program: {type(failure).__name__}"


def _status(runner: Runner, *, once: bool) -> ExitStatus:
    if runner.host.left:
        return ExitStatus.STOPPED
    rejected = runner.progress.broken or any(
        exporter.plugin.counts[REJECTED] for exporter in runner.host.exporters
    )
    return ExitStatus.REJECTED if once and rejected else ExitStatus.DONE


def _say_end(runner: Runner, status: ExitStatus) -> None:
    exporters = {
        exporter.plugin.name: {
            "delivered": exporter.plugin.counts[DELIVERED],
            "rejected": exporter.plugin.counts[REJECTED],
            "left": exporter.left,
        }
        for exporter in runner.host.exporters
    }
    _logger.info(
        "ended: %d records read; %s",
        runner.progress.read,
        "; ".join(
            f"{name}: {sums['delivered']} delivered, {sums['rejected']} rejected, {sums['left']} left"
            for name, sums in exporters.items()
        ),
        extra={"read": runner.progress.read, "exporters": exporters, "status": int(status)},
    )
