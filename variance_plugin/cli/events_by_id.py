"""Which PostHog event a message came from: a look-up by its id, for the page of the local Variance."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from ..sources import Record
from ..sources.file import FileSource


class _Identified(msgspec.Struct):
    uuid: str


class _Body(msgspec.Struct):
    batch: list[msgspec.Raw]


class EventsById:
    """The events of some files, by their uuid, each as it stands there. All are held in memory."""

    def __init__(self, paths: Iterable[Path]) -> None:
        records = FileSource(list(paths)).records()
        self._events = dict(
            entry for record in records if isinstance(record, Record) for entry in _events(record.body)
        )

    def event_of(self, message_id: str) -> bytes | None:
        """The event's JSON. A message that was derived from it has its uuid, a colon and a word as its id."""
        return self._events.get(message_id.partition(":")[0])


def _events(body: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        events = msgspec.json.decode(body, type=_Body).batch
    except msgspec.DecodeError:  # a single event, not a batch of them
        events = [msgspec.Raw(body)]
    for event in events:
        try:
            yield msgspec.json.decode(event, type=_Identified).uuid, bytes(event)
        except msgspec.DecodeError:
            continue
