"""(a) The least for a program in Python: decode each line to a dict, encode the messages, nothing else.

The messages are made beforehand, 500 lines at a time, so that they are as warm as in a program that has
just made them. Timed is `msgspec` alone in a loop, or the standard library's `json` in its place: no reading,
no mapping, no sending, no other thread.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec

from variance_plugin.formats import events
from variance_plugin.mapping import Mapper, Memory
from variance_plugin.messages import AnyMessage
from variance_plugin.settings import read_mapping

from .result import Result, emit

_LINES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Codec:
    """What decodes and encodes."""

    decode: Callable[[bytes], object]
    encode: Callable[[Any], bytes]
    form: Callable[[AnyMessage], object]
    """Makes of a message what `encode` takes."""


MSGSPEC = Codec(
    decode=msgspec.json.Decoder().decode,
    encode=msgspec.json.Encoder(decimal_format="number").encode,
    form=lambda message: message,
)
STANDARD_LIBRARY = Codec(
    decode=json.loads,
    encode=lambda message: json.dumps(message, separators=(",", ":")).encode(),
    form=lambda message: json.loads(MSGSPEC.encode(message)),
)


def run(path: Path, codec: Codec = MSGSPEC, keep: IO[bytes] | None = None) -> Result:
    """Measure with all lines of a file; write the messages to `keep`, one a line, if it is given."""
    mapping = _Mapping()
    decode, encode = codec.decode, codec.encode
    result = Result(events=0, messages=0, seconds=0.0)
    with path.open("rb") as file:
        while lines := list(islice(file, _LINES_AT_ONCE)):
            prepared = [list(map(codec.form, mapping.messages_of(line))) for line in lines]
            started, cpu_started = time.perf_counter(), time.process_time()
            for line, messages in zip(lines, prepared, strict=True):
                decode(line)
                for message in messages:
                    encode(message)
            result.seconds += time.perf_counter() - started
            result.cpu_seconds += time.process_time() - cpu_started
            result.events += len(lines)
            result.messages += sum(map(len, prepared))
            if keep:
                keep.writelines(encode(message) + b"\n" for messages in prepared for message in messages)
    return result


class _Mapping:
    """The product's own mapping with its default settings, as it goes through a file."""

    def __init__(self) -> None:
        self._mapper = Mapper(read_mapping({}))
        self._memory = Memory()

    def messages_of(self, line: bytes) -> tuple[AnyMessage, ...]:
        (event,) = events(line)
        if isinstance(event, Exception):
            raise event
        mapped = self._mapper.map(event, self._memory)
        self._memory.learn(mapped.facts)
        return mapped.messages


def main() -> None:
    """Arguments: the file; `msgspec` or `json`; another file for the messages, if they are wanted."""
    path, library, *keep = sys.argv[1:]
    codec = {"msgspec": MSGSPEC, "json": STANDARD_LIBRARY}[library]
    with ExitStack() as stack:
        emit(run(Path(path), codec, *(stack.enter_context(Path(kept).open("wb")) for kept in keep)))


if __name__ == "__main__":
    main()
