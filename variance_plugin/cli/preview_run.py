"""Events through the mapping and onto the screen."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..errors import InvalidRecord
from ..events import Event
from ..formats import events, ignored_name
from ..mapping import Mapper, MappingSettings, Memory
from ..messages import encoded
from ..settings import read_mapping
from ..sources import Broken, Position, Record
from .closing import ExitStatus
from .configuration import Configuration
from .reading import open_source, tell_skipped_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One event, and what would become of it: messages, or a reason why there are none."""

    position: Position
    name: str = ""
    """The event's; empty when it cannot be read."""
    distinct_id: Any = None
    timestamp: Any = None
    bodies: tuple[bytes, ...] = ()
    """The JSON of each message."""
    skipped: str | None = None
    """It is left out by rule."""
    unusable: str | None = None
    """It cannot be read, or no message can be made of it: an export puts it into the dead letters."""


def preview(
    configuration: Configuration, paths: Sequence[str], *, as_json: bool, limit: int | None
) -> ExitStatus:
    """Show them all, on standard output; as JSON, faults go to standard error.

    Raises:
        UsageError: Of settings and files.
    """
    settings = configuration.checked(read_mapping)
    mapper = Mapper(settings)
    with closing(open_source(paths, stopped=lambda: False)) as source:
        tell_skipped_files(source, lambda text: sys.stderr.write(f"{text}\n"))
        seen = islice(_all_seen(source.records(), mapper), limit)
        unusable = _print_json(seen) if as_json else _print_text(seen, settings)
    return ExitStatus.REJECTED if unusable else ExitStatus.DONE


def _all_seen(records: Iterable[Record | Broken], mapper: Mapper) -> Iterator[Seen]:
    memory = Memory()
    for record in records:
        if isinstance(record, Broken):
            yield Seen(position=record.position, unusable=record.reason)
        else:
            yield from _seen_in(record, mapper, memory)


def _seen_in(record: Record, mapper: Mapper, memory: Memory) -> Iterator[Seen]:
    position = record.position
    try:
        found = events(record.body)
    except InvalidRecord as error:
        name = ignored_name(record.body, mapper.skips)
        if name is None:
            yield Seen(position=position, unusable=str(error))
        else:  # an export does not look further than at its name either
            yield Seen(position=position, name=name, skipped=mapper.skips(name))
        return
    for event in found:
        if isinstance(event, Event):
            yield _seen(event, position, mapper, memory)
        else:
            yield Seen(position=position, unusable=str(event))


def _seen(event: Event, position: Position, mapper: Mapper, memory: Memory) -> Seen:
    bodies: tuple[bytes, ...] = ()
    skipped = unusable = None
    try:
        mapped = mapper.map(event, memory)
        bodies, skipped = tuple(encoded(message).body for message in mapped.messages), mapped.skipped
        memory.learn(mapped.facts)  # as if it were delivered
    except InvalidRecord as error:
        unusable = str(error)
    return Seen(
        position=position,
        name=event.event,
        distinct_id=event.distinct_id,
        timestamp=event.timestamp,
        bodies=bodies,
        skipped=skipped,
        unusable=unusable,
    )


def _print_json(all_seen: Iterable[Seen]) -> int:
    unusable = 0
    for seen in all_seen:
        sys.stdout.buffer.write(b"[%b]\n" % b",".join(seen.bodies))
        sys.stdout.buffer.flush()  # who reads a pipe wants to see it now
        if seen.unusable is not None:
            unusable += 1
            sys.stderr.write(f"{seen.position}: {seen.unusable}\n")
    return unusable


def _print_text(all_seen: Iterable[Seen], settings: MappingSettings) -> int:
    from .preview_text import Screen  # noqa: PLC0415 -- JSON needs no rich

    screen = Screen(settings)
    for seen in all_seen:
        screen.show(seen)
    return screen.close()
