"""Writes events into files, one a day (UTC). A plugin may be a module: its hooks are functions."""

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from variance_plugin.hooks import Event, PluginMeta, RetryError

metrics = {"rows": "sum", "largest_batch": "max"}


def setup_plugin(meta: PluginMeta) -> None:
    """Make the folder; what cannot be made yet may be there the next time."""
    try:
        Path(meta.config["folder"]).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RetryError(f"the folder cannot be made: {error.strerror}") from error


def export_events(events: Sequence[Event], meta: PluginMeta) -> None:
    """Append a batch. When this returns the events are done with: so they have to be on the disk.

    An error of the disk says `RetryError`: the runner waits, and comes back with the same events.
    """
    file = _todays(meta)
    is_new = not file.exists()
    try:
        with file.open("a", encoding="utf-8") as lines:
            lines.writelines(f"{json.dumps(_row(event), default=str)}\n" for event in events)
            lines.flush()
            os.fsync(lines.fileno())
    except OSError as error:
        raise RetryError(f"{file.name} cannot be written: {error.strerror}") from error
    meta.metrics.rows.increment(len(events))
    meta.metrics.largest_batch.max(len(events))
    hours = float(meta.config["compressAfterHours"])
    if is_new and hours:
        # A job is kept in the runner's state: it runs also when the runner was restarted meanwhile.
        meta.jobs.compress({"file": str(file)}).run_in(hours, "hours")


def compress(payload: Any, meta: PluginMeta) -> None:
    """The job. It may run twice when the runner is killed half-way, and so it must not mind."""
    file = Path(payload["file"])
    if not file.exists():
        return
    if file == _todays(meta):
        # Events are still to come into it: what is written while it is compressed would be lost.
        meta.jobs.compress(payload).run_in(1, "hour")
        return
    part = file.with_suffix(".jsonl.gz.part")
    with gzip.open(part, "wb") as compressed:
        compressed.write(file.read_bytes())
    part.replace(file.with_suffix(".jsonl.gz"))
    file.unlink()
    meta.logger.info("compressed %s", file.name)


jobs = {"compress": compress}


def _todays(meta: PluginMeta) -> Path:
    return Path(meta.config["folder"], f"events-{meta.clock.now():%Y-%m-%d}.jsonl")


def _row(event: Event) -> dict[str, Any]:
    return {
        "uuid": event.uuid,
        "event": event.event,
        "distinct_id": event.distinct_id,
        "timestamp": event.timestamp,
        "properties": event.properties,
    }
