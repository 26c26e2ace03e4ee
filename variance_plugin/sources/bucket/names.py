"""What the name of an object says: PostHog's own names for what it exports.

    2026-11-21T10:00:00+00:00-2026-11-21T11:00:00+00:00.jsonl.gz       one export: from, to
    None-2026-11-21T11:00:00+00:00-3.parquet.zst                       from the beginning; its fourth file
    2026-11-21T10:00:00+00:00-2026-11-21T11:00:00+00:00_manifest.json  which files make up the export

(PostHog, batch_exports, s3_batch_export.py: `get_s3_key`.) Other names are let be what they are: an object
whose name ends like one with events is read, though nobody knows of which time it is.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from itertools import zip_longest
from typing import NamedTuple

import msgspec

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[+-]\d\d:\d\d|Z)?"
_ENDING = r"(?:(?P<lines>\.jsonl|\.ndjson)|(?P<parquet>\.parquet))(?:\.(?:gz|gzip|br|zst|zstd|sz|lz4))?"
_EXPORT = re.compile(rf"(?P<start>{_TIME}|None)-(?P<end>{_TIME})(?:-(?P<part>\d{{1,9}}))?{_ENDING}", re.ASCII)
_MANIFEST = re.compile(rf"(?P<start>{_TIME}|None)-(?P<end>{_TIME})_manifest\.json", re.ASCII)
_EVENTS = re.compile(rf".*{_ENDING}", re.ASCII | re.DOTALL)
_DIGITS = re.compile("([0-9]+)")


class Kind(StrEnum):
    """What is in an object."""

    LINES = "lines"
    PARQUET = "parquet"
    MANIFEST = "manifest"


class Window(NamedTuple):
    """The time of which an export is: when PostHog took its events in, or for a backfill when they happened.

    Attributes:
        start: The first moment; of an export from the beginning, the earliest that there is.
        end: The moment behind the last one.
    """

    start: datetime
    end: datetime

    @property
    def is_from_the_beginning(self) -> bool:
        """Whether PostHog wrote `None` where the start would be."""
        return self.start == _EARLIEST


class Name(msgspec.Struct, frozen=True):
    """A name that was understood.

    Attributes:
        kind: What is in it.
        window: Of which time; None where the name does not say.
        part: Which of the files of a split export it is; None when the export is one file.
    """

    kind: Kind
    window: Window | None = None
    part: int | None = None


def read_name(name: str) -> Name | None:
    """What an object's name, without the folders it is in, says; None when it holds no events."""
    if found := _MANIFEST.fullmatch(name):
        window = _window(found)
        return window and Name(Kind.MANIFEST, window)
    found = _EXPORT.fullmatch(name)
    window = found and _window(found)
    found = (found if window else None) or _EVENTS.fullmatch(name)
    if found is None or name.startswith("."):
        return None
    kind = Kind.PARQUET if found["parquet"] else Kind.LINES
    if window is None:
        return Name(kind)
    return Name(kind, window, None if found["part"] is None else int(found["part"]))


def in_order(key: str, name: Name) -> tuple[object, ...]:
    """Sorts by window and by part; those of no known window behind all others, `part-9` before `part-10`."""
    window = name.window or Window(_LATEST, _LATEST)
    texts, numbers = _DIGITS.split(key)[::2], map(int, _DIGITS.findall(key))
    natural = [piece for pair in zip_longest(texts, numbers, fillvalue=-1) for piece in pair]
    return window, -1 if name.part is None else name.part, natural


def _window(found: re.Match[str]) -> Window | None:
    try:
        start = _EARLIEST if found["start"] == "None" else _moment(found["start"])
        return Window(start, _moment(found["end"]))
    except ValueError:  # the 31st of November
        return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
