"""The app runner from its settings to its exit status."""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..clock import SystemClock
from ..errors import UsageError
from ..pipeline import standing
from ..plugin import REJECTED
from ..runner import Runner
from ..runtime import LoadedPlugin, load_plugin
from ..runtime.settings import LogFormat, Option, PluginSettings, RunnerSettings, read
from ..runtime.watching.logs import logging_to
from .closing import ExitStatus
from .collecting import seldom_collected
from .config_run import manifest_of
from .runner_watch import RunnerWatch
from .stopping import Signals, stoppable_stdin

_logger = logging.getLogger(__name__)


def run(
    file: Path | None,
    *,
    once: bool,
    options: Sequence[Option] = (),
    assignments: Sequence[str],
    looks_for_file: bool = True,
) -> ExitStatus:
    """Run until stopped, or until the source has no more.

    Args:
        file: The settings.
        once: Which of the two.
        options: What a command has an option of its own for.
        assignments: `KEY=VALUE`, as `--set` takes them.
        looks_for_file: Whether, without a file, `runner.toml` in the current folder counts.

    Raises:
        SettingsError: With all that is wrong with the settings.
        UsageError: When something that they name cannot be used.
        Exception: What nobody foresaw, once what was read is delivered.
    """
    settings = read(
        file,
        environment=os.environ,
        options=options,
        assignments=assignments,
        manifest_of=manifest_of,
        looks_for_file=looks_for_file,
    ).settings
    wanted = settings.logs.format
    as_json = wanted is LogFormat.JSON or (wanted is LogFormat.AUTO and not sys.stderr.isatty())
    with logging_to(sys.stderr, as_json=as_json, level=settings.logs.level, secrets=[*settings.secrets]):
        try:
            return _run(settings, once=once)
        except UsageError as error:
            if not as_json:
                raise
            # Who reads the log as JSON shall not miss the one line that says why it ended.
            _logger.critical("%s", error, extra={"status": int(ExitStatus.USAGE)})
            return ExitStatus.USAGE


def _run(settings: RunnerSettings, *, once: bool) -> ExitStatus:
    clock = SystemClock()
    with (
        Runner(settings, load=load, clock=clock, stdin=stoppable_stdin(lambda: clock.stopped)) as runner,
        Signals() as signals,
        seldom_collected(),
    ):
        watch = RunnerWatch(runner, clock, signals, say_end=_say_end)
        watch.see_through(lambda: runner.run(once=once))
        status = ExitStatus.STOPPED if watch.has_failed else _status(runner, once=once)
        _say_end(runner, status)
    watch.raise_failure()
    return status


def load(plugin: PluginSettings) -> LoadedPlugin:
    """A plugin that runs, as the settings name it."""
    return load_plugin(plugin.origin, name=plugin.name)


def _status(runner: Runner, *, once: bool) -> ExitStatus:
    if runner.host.left or (once and not runner.has_ended):
        return ExitStatus.STOPPED
    rejected = runner.progress.broken or any(
        exporter.plugin.counts[REJECTED] for exporter in runner.host.exporters
    )
    return ExitStatus.REJECTED if once and rejected else ExitStatus.DONE


def _say_end(runner: Runner, status: ExitStatus) -> None:
    words, fields = standing(runner.host, runner.progress)
    _logger.info("ended: %s", words, extra={**fields, "status": int(status)})
