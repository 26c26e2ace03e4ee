"""`preview --summary`: all events through the mapping and into a census, without a line for each."""

import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

from ..errors import InvalidRecord
from ..events import Event
from ..exact_json import decode
from ..formats import UnreadEvent, events, is_named, plain_name
from ..mapping import Mapper, MappingSettings, Memory
from ..messages import encoded
from ..plurals import many
from ..settings import read_mapping
from ..sources import Broken, Position, Record
from ..sources.file import FileSource
from .census import Census
from .census_text import Report
from .closing import ExitStatus
from .configuration import Configuration
from .reading import open_source, tell_skipped_files

# Some ten times a second: often enough to be seen moving.
_SHOW_EVERY = 5_000


def summarize(configuration: Configuration, paths: Sequence[str], *, limit: int | None) -> ExitStatus:
    """Add up what would become of all events, and show it on standard output.

    Ctrl-C ends the counting, and shows what was counted until then.

    Raises:
        UsageError: Of settings and files.
    """
    settings = configuration.checked(read_mapping)
    count = Count(settings)
    stopped = False
    with closing(open_source(paths, stopped=lambda: False)) as source:
        tell_skipped_files(source, lambda text: sys.stderr.write(f"{text}\n"))
        meter = Meter(source)
        try:
            count.take_all(source.records(), limit=limit, meter=meter)
        except KeyboardInterrupt:
            stopped = True
        finally:
            meter.close()
    Report(count.census, first_fault=count.first_fault, stopped=stopped).print()
    if stopped:
        return ExitStatus.STOPPED
    return ExitStatus.REJECTED if count.census.unusable else ExitStatus.DONE


class Meter:
    """How far it is, on standard error, if that is a terminal."""

    def __init__(self, source: FileSource) -> None:
        self._source = source
        self._bar: Any = None
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 -- who is not watched needs no bar
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

            shown = TextColumn("{task.description}"), BarColumn(bar_width=30), TimeRemainingColumn()
            self._bar = Progress(*shown, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=source.total_bytes)
            self._bar.start()

    def show(self, read: int) -> None:
        """So many events were read."""
        if self._bar is not None:
            self._bar.update(
                self._task, completed=self._source.read_bytes, description=f"{many(read, 'event')} read"
            )

    def close(self) -> None:
        """It disappears."""
        if self._bar is not None:
            self._bar.stop()


class Count:
    """Takes records and keeps sums."""

    def __init__(self, settings: MappingSettings) -> None:
        self.census = Census(settings)
        self.first_fault: str | None = None
        """Place and reason of the first event that cannot be sent."""
        self._mapper = Mapper(settings)
        self._memory = Memory()
        self._read = 0

    def take_all(self, records: Iterable[Record | Broken], *, limit: int | None, meter: Meter) -> None:
        """All records, or as many as have so many events."""
        shown = 0
        for record in records:
            self._take(record, limit)
            if limit is not None and self._read >= limit:
                return
            if self._read - shown >= _SHOW_EVERY:
                shown = self._read
                meter.show(shown)

    def _take(self, record: Record | Broken, limit: int | None) -> None:
        if isinstance(record, Broken):
            self._refuse(record.position, record.reason)
            return
        body = record.body
        # As an export does: an event that is left out by its name is not decoded.
        name = plain_name(body)
        if name is not None:
            reason = self._mapper.skips(name)
            if reason is None:
                self._map(UnreadEvent(event=name, record=body, position=record.position), body)
                return
            if is_named(body, name):
                self._read += 1
                self.census.skip(name, reason)
                return
        try:
            found = events(body)
        except InvalidRecord as error:
            self._refuse(record.position, str(error))
            return
        for event in found if limit is None else found[: limit - self._read]:
            if isinstance(event, Event):
                event.position = record.position
                self._map(event, body)
            else:
                self._refuse(record.position, str(event))

    def _map(self, event: Event, body: bytes) -> None:
        try:
            mapped = self._mapper.map(event, self._memory)
            messages = [decode(encoded(message).body) for message in mapped.messages]
            groups = _other_groups(event, body, messages)
            name = event.event if mapped.skipped is not None else ""
        except InvalidRecord as error:
            self._refuse(event.position, str(error))
            return
        self._read += 1
        self._memory.learn(mapped.facts)  # as if it were delivered
        if mapped.skipped is not None:
            self.census.skip(name, mapped.skipped)
        else:
            self.census.take(messages, groups)

    def _refuse(self, position: Position, reason: str) -> None:
        self._read += 1
        self.census.unusable += 1
        if self.first_fault is None:
            self.first_fault = f"{position}: {reason}"


def _other_groups(event: Event, body: bytes, messages: list[dict[str, Any]]) -> frozenset[str]:
    """The types of the groups that an event happened in, where none of them is taken for the account."""
    # Most events are in no group; only of the others it is worth to decode the properties.
    if not messages or "groupId" in messages[-1].get("context", ()) or b"$groups" not in body:
        return frozenset()
    groups = event.properties.get("$groups")
    return frozenset(groups) if isinstance(groups, dict) else frozenset()
