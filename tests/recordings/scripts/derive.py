"""Derive PostHog's other shapes from the recordings: `python -m tests.recordings.scripts.derive`.

Nothing here talks to a PostHog; the rules are in `ingestion` and `shapes`. The same recordings give the
same files, byte for byte: with `--check` nothing is written, and the exit status says whether they are.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .ingestion import Project, StoredEvent
from .shapes import SHAPES, compact

RECORDINGS = Path(__file__).resolve().parent.parent

# In the order in which the requests are taken to have arrived, with the address each came from.
ARRIVALS = {
    "posthog-js": "203.0.113.9",
    "posthog-python": "198.51.100.20",
    "posthog-node": "198.51.100.21",
    "posthog-python-5.4": "198.51.100.22",
}
# All events count for the persons; of those that are alike this many are written.
MAX_ALIKE = 2


def main() -> int:
    """Write every derived file, or compare it; gives back the exit status."""
    events = list(choice())
    stale = []
    for name in SHAPES:
        file = RECORDINGS / "derived" / f"{name}.jsonl"
        content = derived(name, events)
        if "--check" not in sys.argv[1:]:
            file.write_bytes(content)
        elif file.read_bytes() != content:
            stale.append(file.name)
    print(f"not what the recordings give: {', '.join(stale)}" if stale else f"{len(events)} events")
    return 1 if stale else 0


def derived(name: str, events: list[StoredEvent]) -> bytes:
    """The content of one derived file."""
    # Rows of a batch export come in no order; their ids give one that stays the same.
    ordered = sorted(events, key=lambda stored: stored.uuid) if name == "batch-export" else events
    return "".join(compact(SHAPES[name](stored)) + "\n" for stored in ordered).encode()


def choice() -> Iterator[StoredEvent]:
    """The events to be written, in order of arrival."""
    project = Project()
    alike: Counter[tuple[object, ...]] = Counter()
    for recording, ip in ARRIVALS.items():
        for line in (RECORDINGS / f"{recording}.jsonl").read_text(encoding="utf-8").splitlines():
            for stored in project.ingest(recording, line, ip=ip):
                identified = stored.properties.get("$is_identified")
                kind = (recording, stored.event, stored.person_mode, identified)
                alike[kind] += 1
                if alike[kind] <= MAX_ALIKE:
                    yield stored


if __name__ == "__main__":
    sys.exit(main())
