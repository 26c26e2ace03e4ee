"""Where the time goes: the steps of the whole way in one thread, each measured by leaving out what follows.

It is CPU time: while a request is under way the other threads of the whole way go on. What that takes
beyond the sum of the steps is the price of its threads and of the thread that watches.
"""

import sys
import time
from itertools import islice
from pathlib import Path

import msgspec

from variance_plugin.clock import SystemClock
from variance_plugin.delivery import DeliverySettings, RequestsTransport
from variance_plugin.delivery.request import build
from variance_plugin.formats import UnreadEvent, is_named, plain_name
from variance_plugin.mapping import Mapper, Memory
from variance_plugin.messages import encoded
from variance_plugin.runtime import LaneSettings
from variance_plugin.runtime.lane import Lane, Mark
from variance_plugin.secret import Secret
from variance_plugin.settings import read_mapping
from variance_plugin.sources import Broken
from variance_plugin.sources.file import FileSource

# As many as 1 MiB of events, the host's default batch.
_BATCH = 300
_START = Mark(1, None)
_PASSES = 5

STEPS = (
    "read the lines of the file",
    "read the name, and leave out what is not exported",
    "read it, and make its messages",
    "encode those that are not yet",
    "offer them to a lane and take its batches",
    "put requests together and post them",
)
_READ, _NAME, _MAP, _ENCODE, _OFFER, _POST = range(len(STEPS))


class Stages(msgspec.Struct):
    """CPU time of each of `STEPS` for one event read, exported or not."""

    microseconds: list[float]


def measure(path: Path, url: str, *, events: int) -> Stages:
    """Measure with the first lines of a file.

    Of each step the shortest of several passes: what else the machine does only adds to it.
    """
    totals = [float("inf")] * len(STEPS)
    for _ in range(_PASSES):
        for last in range(len(STEPS)):
            totals[last] = min(totals[last], _through(path, _Lane(url, last), events=events))
    return Stages([total - before for before, total in zip([0.0, *totals], totals, strict=False)])


def _through(path: Path, lane: "_Lane", *, events: int) -> float:
    """Go through the lines as far as the lane's last step; CPU microseconds for one."""
    last = lane.last
    started = time.process_time()
    for record in islice(FileSource([path]).records(), events):
        if last == _READ or isinstance(record, Broken):
            continue
        name = plain_name(record.body)
        if name is None or (lane.mapper.skips(name) and is_named(record.body, name)) or last == _NAME:
            continue
        lane.take(UnreadEvent(event=name, record=record.body), len(record.body))
    lane.buffer.close()
    lane.send()
    seconds = time.process_time() - started
    lane.transport.close()
    return seconds / events * 1e6


class _Lane:
    """A lane and its plugin, in the thread that reads."""

    def __init__(self, url: str, last: int) -> None:
        self.last = last
        self.mapper = Mapper(read_mapping({}))
        self.buffer = Lane(LaneSettings(buffer_events=_BATCH, buffer_bytes=10**9), SystemClock())
        self._settings = DeliverySettings(
            webhook_url=url, auth_header=Secret("demo"), allowed_hosts=("127.0.0.1",)
        )
        self.transport = RequestsTransport(self._settings)
        self._memory = Memory()

    def take(self, event: UnreadEvent, size_bytes: int) -> None:
        """What the plugin and its host do with an event, as far as the last step."""
        mapped = self.mapper.map(event, self._memory)
        self._memory.learn(mapped.facts)
        if self.last == _MAP:
            return
        bodies = [encoded(message).body for message in mapped.messages]
        if self.last == _ENCODE:
            return
        self.buffer.put(bodies, size_bytes, _START)
        if len(self.buffer) == _BATCH:
            self.send()

    def send(self) -> None:
        """Take the batch and, if that is the last step, post it."""
        if len(self.buffer):
            bodies = [body for bodies in self.buffer.take() for body in bodies]
            if self.last == _POST:
                self.transport.post(build(bodies, self._settings, sent_at="2026-11-21T12:00:00.000Z"))
            self.buffer.done()


def main() -> None:
    """Arguments: the file, the address."""
    path, url, events = sys.argv[1:]
    print(msgspec.json.encode(measure(Path(path), url, events=int(events))).decode())


if __name__ == "__main__":
    main()
