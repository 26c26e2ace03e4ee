"""The events as PostHog keeps them: its file downloads, from a stand-in for its API."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.stand_ins.posthog import KEY, PROJECT, PostHog, jsonl_gz

_FILES = 5


@contextmanager
def exports(events: Path, _folder: Path) -> Iterator[Sequence[str]]:
    """JSON lines with gzip, one member a line; all of them in one window."""
    lines = events.read_bytes().splitlines()
    size = -(-len(lines) // _FILES)
    with PostHog() as posthog:
        posthog.conduct.files = [jsonl_gz(lines[at : at + size]) for at in range(0, len(lines), size)]
        posthog.conduct.next_runs = deque([[("Completed", None)]])
        yield [
            "type=backfill",
            "from=2026-01-05",
            "to=2026-01-06",
            f"posthog.host={posthog.url}",
            f"posthog.project_id={PROJECT}",
            f"posthog.personal_api_key={KEY}",
        ]
