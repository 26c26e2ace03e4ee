"""The feed of the bucket source: a folder that fills as PostHog's batch exports fill a bucket."""

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import brotli  # type: ignore[import-untyped]

from .feeds import FileFeed

_FIRST = datetime(2026, 11, 1, tzinfo=UTC)


class BucketFeed(FileFeed):
    """Exports of one hour each: with gzip, with brotli, in two files with a manifest."""

    name = "bucket"
    settings = '[source]\ntype = "bucket"\nurl = "exports"\nlook_again_seconds = 0.5\n'

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "exports"
        self._folder.mkdir()
        self.again = 0
        self.gone = 0
        self._exports = 0

    def hand_over(self, lines: Sequence[bytes]) -> None:
        """See `Feed`: what is in the folder is safe."""
        number = self._exports
        self._exports += 1
        self.gone += len(lines)
        # None is late: the proof is about order, too, and a late one is read when it is there.
        hour = _FIRST + timedelta(hours=number)
        name = f"{hour.isoformat()}-{(hour + timedelta(hours=1)).isoformat()}"
        zipped = [gzip.compress(line + b"\n", 1) for line in lines]
        match number % 3:
            case 0:
                self._put(f"{name}.jsonl.gz", b"".join(zipped))
            case 1:
                self._put(f"{name}.jsonl.br", brotli.compress(b"\n".join(lines), quality=1))
            case _:
                half = len(zipped) // 2
                files = [f"{name}-0.jsonl.gz", f"{name}-1.jsonl.gz"]
                for file, part in zip(files, (zipped[:half], zipped[half:]), strict=True):
                    self._put(file, b"".join(part))
                self._put(f"{name}_manifest.json", json.dumps({"files": files}).encode())

    def _put(self, name: str, body: bytes) -> None:
        """All of it at once, as a bucket has it."""
        made = self._folder / f".{name}"
        made.write_bytes(body)
        made.rename(self._folder / name)
