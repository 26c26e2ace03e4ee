"""Files of events in every layout and packing, and what a source reads of them."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from variance_plugin.sources import Broken, Record
from variance_plugin.sources.file import FileSource
from variance_plugin.testing import InMemoryPositions

Pack = Callable[[Sequence[bytes]], bytes]


def as_lines(bodies: Sequence[bytes]) -> bytes:
    """One per line."""
    return b"".join(body + b"\n" for body in bodies)


def as_lines_without_the_last_end(bodies: Sequence[bytes]) -> bytes:
    """As some writers leave them."""
    return b"\n".join(bodies)


def among_blank_lines(bodies: Sequence[bytes]) -> bytes:
    """Ahead of them, between them and behind them."""
    return b"\xef\xbb\xbf\n" + b"".join(body + b"\r\n \n\n" for body in bodies)


def as_gzip_members(bodies: Sequence[bytes]) -> bytes:
    """As PostHog's exports are."""
    return b"".join(gzip.compress(body + b"\n", 1) for body in bodies)


def as_one_gzip_member(bodies: Sequence[bytes]) -> bytes:
    """As `gzip` makes them."""
    return gzip.compress(as_lines(bodies), 1)


def as_an_array(bodies: Sequence[bytes]) -> bytes:
    """One JSON text."""
    return b"[" + b",\n ".join(bodies) + b"]"


def as_objects_over_several_lines(bodies: Sequence[bytes]) -> bytes:
    """Behind one another."""
    return b"".join(body.replace(b",", b",\n") + b"\n" for body in bodies)


# A name, and how bodies lie under this name; those of the second kind can grow at their end.
WHOLE: dict[str, Pack] = {"array.json": as_an_array, "one.jsonl.gz": as_one_gzip_member}
GROWING: dict[str, Pack] = {
    "lines.jsonl": as_lines,
    "blank.jsonl": among_blank_lines,
    "members.jsonl.gz": as_gzip_members,
    "objects.json": as_objects_over_several_lines,
}
KINDS = WHOLE | GROWING | {"open.jsonl": as_lines_without_the_last_end}


def made(numbers: Sequence[int]) -> list[bytes]:
    """Bodies that differ, and are objects of two keys."""
    return [json.dumps({"event": "order paid", "total": number}).encode() for number in numbers]


def totals(found: Sequence[Record | Broken]) -> list[int]:
    """By which the bodies are told apart, whatever white space is in them."""
    return [json.loads(record.body)["total"] for record in found if isinstance(record, Record)]


def read(paths: Sequence[Path], positions: InMemoryPositions, *, acknowledge: bool = True) -> list[str]:
    """What is there now, each by its body or, when it is broken, its reason."""
    source = FileSource(paths, positions=positions)
    found = list(source.records())
    if found and acknowledge:
        source.acknowledge(found[-1].position)
    source.close()
    return [record.body.decode() if isinstance(record, Record) else record.reason for record in found]
