"""The messages expected of each recording: `python -m tests.recordings.scripts.expected` writes them anew.

Beside `<name>.jsonl` stands `<name>.expected.jsonl`: a line for each event, in the order of the recording,
with the JSON array of its messages under default settings, as `variance-plugin preview --json` prints them;
an event that is left out has `[]`. `<name>.v1.expected.jsonl` is the same for payload version 1. The version
of this package reads `<VERSION>` there.

What changed is to be read before it is kept: these files record what is sent, they do not judge it. With
`--check` nothing is written, and the exit status says whether anything would change.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from variance_plugin.__about__ import __version__
from variance_plugin.events import Event
from variance_plugin.exact_json import encode
from variance_plugin.formats import events
from variance_plugin.mapping import Mapper, MappingSettings, Memory

RECORDINGS = Path(__file__).resolve().parent.parent
# Version 1 is shown for the shape that connector 1.0.0 was given, the events of PostHog's plugins.
WITH_VERSION_1 = {"plugin-event"}


def main() -> int:
    """Write every file of expected messages, or compare it; gives back the exit status."""
    stale = []
    for recording in recordings():
        for file, version in expected_files(recording):
            content = "".join(f"{line}\n" for line in expected(recording, version)).encode()
            if "--check" not in sys.argv[1:]:
                file.write_bytes(content)
            elif not file.exists() or file.read_bytes() != content:
                stale.append(file.name)
    print(f"not what the recordings give: {', '.join(stale)}" if stale else f"{len(recordings())} recordings")
    return 1 if stale else 0


def recordings() -> list[Path]:
    """All recordings, and what was derived from them."""
    files = [*RECORDINGS.glob("*.jsonl"), *RECORDINGS.glob("derived/*.jsonl")]
    return sorted(file for file in files if not file.name.endswith(".expected.jsonl"))


def expected_files(recording: Path) -> Iterator[tuple[Path, int]]:
    """Where a recording's expected messages stand, for each payload version that is shown."""
    yield recording.with_suffix(".expected.jsonl"), 2
    if recording.stem in WITH_VERSION_1:
        yield recording.with_suffix(".v1.expected.jsonl"), 1


def expected(recording: Path, version: int) -> Iterator[str]:
    """A line for each event of a recording."""
    mapper, memory = Mapper(MappingSettings(payload_version=version)), Memory()
    library = f'{{"name":"posthog-variance-plugin","version":"{__version__}"}}'
    stand_in = library.replace(__version__, "<VERSION>")
    for record in recording.read_bytes().splitlines():
        for event in events(record):
            if not isinstance(event, Event):
                raise event
            mapped = mapper.map(event, memory)
            memory.learn(mapped.facts)
            messages = b",".join(map(encode, mapped.messages)).decode()
            yield f"[{messages if version == 1 else messages.replace(library, stand_in)}]"


if __name__ == "__main__":
    sys.exit(main())
