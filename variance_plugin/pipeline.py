"""The journey of an event, from its source to its end: the only place that knows source, host and plugin."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .errors import InvalidRecord, Stopped
from .events import Event
from .formats import UnreadEvent, events, is_named, plain_name
from .hooks import Rejection
from .plugin import ATTEMPTS, DELIVERED, EXPORTED, REJECTED, SKIPPED
from .plurals import many
from .runtime import Host, LeftOut, Mark
from .sources import Broken, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What became of every event that was read: delivered, skipped, rejected and left add up to all."""

    read: int
    delivered: int
    skipped: dict[str, int]
    """By reason."""
    rejected: int
    left: int
    """Still to be delivered when the run was stopped."""
    messages: dict[str, int]
    """Delivered, by type."""
    attempts: dict[str, int]
    """Requests, by what came of them."""
    retries: int
    """Times a batch was put off for longer than the plugin's own quick retries."""


@dataclass(slots=True)
class Progress:
    """What the reading end has seen so far; read by a progress bar from another thread."""

    read: int = 0
    broken: int = 0


def run(records: Iterable[Record | Broken], host: Host, progress: Progress) -> None:
    """Feed records to a started host until there are no more, or it is stopped. `host.finish` follows."""
    take, skips, watermark = host.take, host.skips, host.watermark
    try:
        for number, record in enumerate(records, start=2):
            if host.stopped:
                return
            if type(record) is Record and take(record.body, record):
                progress.read += 1
            else:
                _take(record, host, progress, skips)
            watermark.read = Mark(number, record)
    except Stopped:
        return


def _take(
    record: Record | Broken, host: Host, progress: Progress, skips: Callable[[str], LeftOut | None]
) -> None:
    """See a record to where its events are the host's affair."""
    if isinstance(record, Broken):
        _set_aside(host, progress, InvalidRecord(record.reason), record.body, record.position)
        return
    body = record.body
    name = plain_name(body)
    if name is not None:
        left_out = skips(name)
        if left_out is None and not host.takes_records:  # who tried to take it has to have it decoded
            _offer(UnreadEvent(event=name, record=body, position=record.position), len(body), host, progress)
            return
        if left_out is not None and is_named(body, name):
            # Most events are not exported, and end here without ever being decoded.
            progress.read += 1
            left_out.count += 1
            return
    try:
        found = events(body)
    except InvalidRecord as error:
        _set_aside(host, progress, error, body, record.position)
        return
    for event in found:
        if isinstance(event, Event):
            event.position = record.position
            _offer(event, len(body) // len(found), host, progress)
        else:
            _set_aside(host, progress, event, body, record.position)


def _offer(event: Event, size_bytes: int, host: Host, progress: Progress) -> None:
    progress.read += 1
    try:
        host.offer(event, size_bytes)
    except InvalidRecord as error:  # somebody was the first to look at it
        progress.read -= 1
        _set_aside(host, progress, error, event.record, event.position)


def _set_aside(host: Host, progress: Progress, error: InvalidRecord, record: bytes, position: object) -> None:
    progress.read += 1
    event = Event(event="", properties={}, record=record, position=position)
    host.reject(Rejection(event=event, reason=str(error)))
    progress.broken += 1  # only now that it is kept: until then it is left


def standing(host: Host, progress: Progress) -> tuple[str, dict[str, Any]]:
    """What has become of the events so far, by exporter: in words, and as fields of a log line."""
    exporters = {
        exporter.plugin.name: {
            "delivered": exporter.plugin.counts[DELIVERED],
            "skipped": sum(exporter.plugin.counts.under(SKIPPED).values()),
            "rejected": exporter.plugin.counts[REJECTED],
            "left": exporter.left,
        }
        for exporter in host.exporters
    }
    read = many(progress.read, "record") + " read"
    if progress.broken:
        read += f", {progress.broken:,} unreadable"
    words = [
        f"{name}: {sums['delivered']} delivered, {sums['skipped']} skipped, "
        f"{sums['rejected']} rejected, {sums['left']} left"
        for name, sums in exporters.items()
    ]
    fields = {"read": progress.read, "unreadable": progress.broken, "exporters": exporters}
    return "; ".join([read, *words]), fields


def summarize(host: Host, progress: Progress) -> Summary:
    """The sums of a run, after `host.finish`."""
    counts = host.counts
    skipped = counts.under(SKIPPED)
    delivered = counts[DELIVERED]
    rejected = counts[REJECTED] + progress.broken
    return Summary(
        read=progress.read,
        delivered=delivered,
        skipped=skipped,
        rejected=rejected,
        # Not `host.left`: a lane that was still busy at the deadline has events too.
        left=progress.read - delivered - sum(skipped.values()) - rejected,
        messages=counts.under(EXPORTED),
        attempts=counts.under(ATTEMPTS),
        retries=counts["retries"],
    )
