"""Where the time goes: the whole way with less and less of it left out, each in a process of its own.

What a step adds is the difference to the one before. It is CPU time of all threads, for one event read.
"""

import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from variance_plugin import VariancePlugin
from variance_plugin.cli.collecting import seldom_collected
from variance_plugin.clock import SystemClock
from variance_plugin.hooks import MinimalMeta
from variance_plugin.mapping import Prepared
from variance_plugin.pipeline import Progress
from variance_plugin.pipeline import run as run_pipeline
from variance_plugin.plugin import AnyEvent
from variance_plugin.runtime import LoadedPlugin, lone_host
from variance_plugin.settings import manifest
from variance_plugin.sources.file import FileSource
from variance_plugin.testing import InMemoryDeadLetters

from .result import Result, emit

# As many as wait in four lanes that are full, or nearly so, at the default settings.
_WAITING = 4 * 300
_LEFT_OUT = "for the benchmark"


class _Read(VariancePlugin):
    """Takes the records, and looks at none."""

    def prepare_record(self, record: bytes, meta: MinimalMeta) -> Prepared | str | None:  # noqa: ARG002
        return _LEFT_OUT


class _LetGo(VariancePlugin):
    """Makes the messages, and lets them go at once."""

    def prepare_record(self, record: bytes, meta: MinimalMeta) -> Prepared | str | None:
        made = super().prepare_record(record, meta)
        self._made(made)
        return None if made is None else _LEFT_OUT

    def prepare_event(self, given: AnyEvent, meta: MinimalMeta) -> Prepared | None:
        self._made(super().prepare_event(given, meta))
        return None

    def _made(self, made: Prepared | str | None) -> None:
        pass


class _Kept(_LetGo):
    """Keeps as much as waits in the lanes, in the thread that reads."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Prepared | str | None] = []

    def _made(self, made: Prepared | str | None) -> None:
        self._waiting.append(made)
        if len(self._waiting) >= _WAITING:
            self._waiting.clear()


class _Taken(VariancePlugin):
    """Hands them to the threads of the lanes, which let them go."""

    def export_events(self, events: Sequence[Any], meta: MinimalMeta) -> None:
        pass


STEPS: dict[str, type[VariancePlugin]] = {
    "read the lines of the file": _Read,
    "leave out what is not exported, and make the messages": _LetGo,
    "keep them": _Kept,
    "hand them to the threads of the lanes": _Taken,
    "put requests together and post them": VariancePlugin,
}


def run(path: Path, url: str, step: str) -> Result:
    """Measure as far as a step, with all lines of a file."""
    clock = SystemClock()
    host = lone_host(
        LoadedPlugin.of(STEPS[step](), manifest()),
        {"webhookUrl": url, "authHeader": "demo", "allowedHosts": "127.0.0.1"},
        clock=clock,
        dead_letters=InMemoryDeadLetters(),
        logger=logging.getLogger("benchmarks"),
    )
    progress = Progress()
    host.start()
    with seldom_collected():
        started, cpu_started = time.perf_counter(), time.process_time()
        run_pipeline(FileSource([path]).records(), host, progress)
        host.finish()
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    return Result(events=progress.read, messages=0, seconds=seconds, cpu_seconds=cpu_seconds)


def main() -> None:
    """Arguments: the file, the address, the step."""
    path, url, step = sys.argv[1:]
    emit(run(Path(path), url, step))


if __name__ == "__main__":
    main()
