"""What every source promises the pipeline, held against each of them.

A new source joins with a function that makes streams holding given bodies, and sources of them, in `SOURCES`.
"""

import gzip
import io
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import brotli  # type: ignore[import-untyped]
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.stand_ins.kafka import Cluster, produce
from tests.stand_ins.posthog import KEY, PROJECT, PostHog, at, jsonl_gz
from variance_plugin.clock import SystemClock
from variance_plugin.masking import Mask
from variance_plugin.posthog_api import ApiClient
from variance_plugin.secret import Secret
from variance_plugin.sources import Broken, Record, Source
from variance_plugin.sources.backfill import BackfillSource, Wanted, Window
from variance_plugin.sources.bucket import Access, Bucket, open_store
from variance_plugin.sources.file import FileSource
from variance_plugin.sources.http.intake import HttpAccess, HttpIntake
from variance_plugin.sources.intake import StreamIntake
from variance_plugin.sources.kafka.access import ClusterAccess
from variance_plugin.sources.kafka.source import KafkaSource
from variance_plugin.sources.kafka.subscription import Subscription
from variance_plugin.sources.positions import StoredPositions
from variance_plugin.sources.spool import SpoolSource, Wake
from variance_plugin.state import Positions, Spool, StateFile
from variance_plugin.testing import FakeClock, InMemoryPositions, InMemorySpool

if TYPE_CHECKING:
    from tests.conftest import S3Bucket

BODIES = [b'{"event":"order paid","total":%d}' % number for number in range(500)]

PeerT = TypeVar("PeerT")

Make = Callable[[], Source]
"""Makes a source of the same streams and store each time, as one start of the program after another."""


class Held:
    """What lasts from one start to the next.

    Attributes:
        folder: With room for files.
        s3: An empty bucket; the first that asks has its server started.
        kafka: A cluster; likewise.
    """

    def __init__(self, folder: Path, s3: "Callable[[], S3Bucket]", kafka: Callable[[], Cluster]) -> None:
        self.folder = folder
        self.s3 = s3
        self.kafka = kafka
        self._open = ExitStack()
        self._peers = ExitStack()

    def state_file(self) -> StateFile:
        """The state file, open for this start; the one before has ended."""
        self.close()
        return self._open.enter_context(closing(StateFile.open(self.folder.parent / "state.db", FakeClock())))

    def keep(self, peer: AbstractContextManager[PeerT]) -> PeerT:
        """Something on the other side of a wire, which outlives all starts."""
        return self._peers.enter_context(peer)

    def close(self) -> None:
        """End the last start."""
        self._open.close()

    def end(self) -> None:
        """All is over."""
        self.close()
        self._peers.close()


def lines_in_a_file(held: Held) -> Make:
    """One event per line, as exports write it, and nowhere to keep positions."""
    path = held.folder / "events.jsonl"
    path.write_bytes(b"".join(body + b"\n" for body in BODIES))
    return lambda: FileSource([path])


def lines_in_a_file_with_positions(held: Held) -> Make:
    """The same, with a place for them."""
    path = held.folder / "events.jsonl"
    path.write_bytes(b"".join(body + b"\n" for body in BODIES))
    positions = InMemoryPositions()
    return lambda: FileSource([path], positions=positions)


def an_array_in_a_file(held: Held) -> Make:
    """One array of all events."""
    path = held.folder / "events.json"
    path.write_bytes(b"[" + b",".join(BODIES) + b"]")
    positions = InMemoryPositions()
    return lambda: FileSource([path], positions=positions)


def gzip_files_in_a_folder(held: Held) -> Make:
    """Some files, as an export that is cut by size writes them."""
    for start in range(0, len(BODIES), 100):
        members = (gzip.compress(body + b"\n", 1) for body in BODIES[start : start + 100])
        (held.folder / f"events-{start}.jsonl.gz").write_bytes(b"".join(members))
    positions = InMemoryPositions()
    return lambda: FileSource([held.folder], positions=positions)


def standard_input(_held: Held) -> Make:
    """A pipe, whose length nobody knows."""
    return lambda: FileSource(["-"], stdin=io.BytesIO(b"".join(body + b"\n" for body in BODIES)))


def standard_input_by_way_of_a_spool(_held: Held) -> Make:
    """A pipe that is read once, whoever reads it."""
    spool = InMemorySpool()
    pipe = io.BytesIO(b"".join(body + b"\n" for body in BODIES))
    return lambda: SpoolSource(spool, StreamIntake(pipe, spool))


def files_and_positions_in_a_state_file(held: Held) -> Make:
    """As a runner has them: each start opens the state file anew."""
    gzip_files_in_a_folder(held)

    def make() -> Source:
        positions = StoredPositions(Positions(held.state_file()), "exports")
        return FileSource([held.folder], positions=positions)

    return make


def standard_input_by_way_of_a_spool_in_a_state_file(held: Held) -> Make:
    """The same for a pipe."""
    pipe = io.BytesIO(b"".join(body + b"\n" for body in BODIES))

    def make() -> Source:
        spool = Spool(held.state_file(), "stdin", 1_000_000)
        return SpoolSource(spool, StreamIntake(pipe, spool))

    return make


def window(hour: int) -> str:
    """The beginning of the names in PostHog's export of an hour."""
    return f"2026-11-21T{hour:02}:00:00+00:00-2026-11-21T{hour + 1:02}:00:00+00:00"


def exports() -> dict[str, bytes]:
    """What PostHog exports in five hours, in as many ways; rows hold what lines hold."""
    plain, zipped, brotlied, *split = (BODIES[start : start + 100] for start in range(0, 500, 100))
    lines = [b"".join(body + b"\n" for body in bodies) for bodies in (plain, brotlied, *split)]
    return {
        f"posthog/2026/{window(1)}.jsonl": lines[0],
        f"posthog/2026/{window(2)}.jsonl.gz": b"".join(gzip.compress(body + b"\n", 1) for body in zipped),
        f"posthog/2026/{window(3)}.jsonl.br": brotli.compress(lines[1], quality=1),
        f"posthog/2026/{window(4)}-0.jsonl": lines[2],
        f"posthog/2026/{window(4)}-1.jsonl": lines[3],
        f"posthog/2026/{window(4)}_manifest.json": json.dumps(
            {"files": [f"posthog/2026/{window(4)}-{part}.jsonl" for part in (0, 1)]}
        ).encode(),
    }


def exports_in_a_bucket(held: Held) -> Make:
    """As PostHog puts them there, read by S3's protocol."""
    for key, body in exports().items():
        held.s3().put(key, body)
    positions = InMemoryPositions()
    store = open_store(f"{held.s3().url}/posthog", Access(endpoint=held.s3().endpoint))
    return lambda: Bucket(store, positions=positions, clock=FakeClock()).open()


def exports_in_a_folder_and_positions_in_a_state_file(held: Held) -> Make:
    """As they were copied from a bucket, by a runner that starts again and again."""
    for key, body in exports().items():
        path = held.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def make() -> Source:
        positions = StoredPositions(Positions(held.state_file()), "bucket")
        return Bucket(open_store(str(held.folder), Access()), positions=positions, clock=FakeClock()).open()

    return make


def a_backfill(held: Held) -> Make:
    """Exports of PostHog, on a socket, in several files."""
    posthog = held.keep(PostHog())
    posthog.conduct.files = [jsonl_gz(BODIES[start : start + 100]) for start in range(0, 500, 100)]
    positions = InMemoryPositions()
    wanted = Wanted(project=str(PROJECT), span=Window(at("2025-01-06"), at("2025-01-07")))

    def make() -> Source:
        clock = FakeClock()
        client = ApiClient(posthog.url, key=Secret(KEY), clock=clock, mask=Mask([]))
        return BackfillSource(wanted, client=client, clock=clock, positions=positions)

    return make


def rows_in_a_bucket(held: Held) -> Make:
    """Parquet, with some row groups in each of two objects."""
    columns = ("event", "total")
    for hour, bodies in enumerate((BODIES[:250], BODIES[250:])):
        rows = [json.loads(body) for body in bodies]
        table = pa.table({column: [row[column] for row in rows] for column in columns})
        file = io.BytesIO()
        parquet.write_table(table, file, row_group_size=60, compression="zstd")
        held.s3().put(f"{window(hour)}.parquet.zst", file.getvalue())
    positions = InMemoryPositions()
    store = open_store(held.s3().url, Access(endpoint=held.s3().endpoint))
    return lambda: Bucket(store, positions=positions, clock=FakeClock()).open()


_topics = count(1)


# The mock cluster lets a group that had a member before wait for a second less than a session may last.
QUICK = {"fetch.wait.max.ms": "20", "session.timeout.ms": "1100", "heartbeat.interval.ms": "200"}


def a_topic_of_a_group(held: Held) -> Make:
    """One partition; the offsets of the group are the positions."""
    kafka = held.kafka()
    topic = kafka.topic(f"contract-{next(_topics)}")
    produce(kafka.brokers, topic, BODIES)
    subscription = Subscription(
        access=ClusterAccess(brokers=(kafka.brokers,), properties=QUICK),
        topic=topic,
        group=f"{topic}-group",
        once=True,
    )
    return lambda: KafkaSource(subscription, SystemClock())


class Posting:
    """An `Intake` with its sender, which posts one body after another, and at the next start the rest."""

    def __init__(self, spool: InMemorySpool, bodies: deque[bytes]) -> None:
        self._bodies = bodies
        access = HttpAccess(address=("127.0.0.1", 0), webhook_token=Secret("demo-token"))
        self._intake = HttpIntake(spool, access, clock=FakeClock())
        self._sender = threading.Thread(target=self._send)

    @property
    def has_ended(self) -> bool:
        """See `Intake`."""
        return self._intake.has_ended

    @property
    def failure(self) -> Exception | None:
        """See `Intake`."""
        return self._intake.failure

    def start(self, appended: Wake) -> None:
        """See `Intake`."""
        self._intake.start(appended)
        self._sender.start()

    def has_room(self) -> None:
        """See `Intake`."""
        self._intake.has_room()

    def give_way(self) -> None:
        """See `Intake`."""
        self._intake.give_way()

    def stop(self) -> None:
        """See `Intake`."""
        self._intake.stop()
        if self._sender.is_alive():
            self._sender.join()

    def _send(self) -> None:
        host, _, port = self._intake.url.removeprefix("http://").rpartition(":")
        headers = {"Authorization": "Bearer demo-token", "Content-Type": "application/json"}
        with suppress(OSError, HTTPException), closing(HTTPConnection(host, int(port))) as connection:
            while self._bodies:
                connection.request("POST", "/webhook", self._bodies[0], headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    self._bodies.popleft()
        if not self._bodies:
            self._intake.stop()


def webhooks(_held: Held) -> Make:
    """Posted one by one; what a sender got no answer for it posts again."""
    spool, bodies = InMemorySpool(), deque(BODIES)
    return lambda: SpoolSource(spool, Posting(spool, bodies), name="http")


RESUMABLE = [
    lines_in_a_file_with_positions,
    an_array_in_a_file,
    gzip_files_in_a_folder,
    files_and_positions_in_a_state_file,
    standard_input_by_way_of_a_spool,
    standard_input_by_way_of_a_spool_in_a_state_file,
    exports_in_a_bucket,
    exports_in_a_folder_and_positions_in_a_state_file,
    rows_in_a_bucket,
    a_backfill,
    # The cluster's tests share one process, so there is one of it.
    pytest.param(a_topic_of_a_group, marks=pytest.mark.xdist_group("kafka")),
    webhooks,
]
SOURCES = [lines_in_a_file, standard_input, *RESUMABLE]


@pytest.fixture
def held(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Held]:
    """A place for `BODIES`."""
    held = Held(
        tmp_path / "exports",
        s3=partial(request.getfixturevalue, "s3"),
        kafka=partial(request.getfixturevalue, "kafka"),
    )
    held.folder.mkdir()
    yield held
    held.end()


@pytest.fixture(params=SOURCES, ids=lambda make: make.__name__)
def source(request: pytest.FixtureRequest, held: Held) -> Iterator[Source]:
    """A source that holds `BODIES`."""
    source = request.param(held)()
    yield source
    source.close()


@pytest.fixture(params=RESUMABLE, ids=lambda make: make.__name__)
def make(request: pytest.FixtureRequest, held: Held) -> Make:
    """What makes sources that go on where the one before was."""
    make: Make = request.param(held)
    return make


def body_of(found: Record | Broken) -> bytes:
    """The body of what has to be a record."""
    assert isinstance(found, Record)
    return found.body


def test_every_body_comes_once_and_in_order(source: Source) -> None:
    """Bytes for bytes: what is not JSON, or no event, is for others to say."""
    assert BODIES == [body_of(found) for found in source.records()]


def test_no_two_records_share_a_position(source: Source) -> None:
    """Neither for the program nor for the person who reads it in a message."""
    positions = [found.position for found in source.records()]

    assert len(BODIES) == len(set(positions))
    assert len(BODIES) == len(set(map(str, positions)))


def test_asking_for_the_records_again_goes_on_where_the_reading_stands(source: Source) -> None:
    """A source is one reading, whoever asks."""
    first = body_of(next(source.records()))
    others = [body_of(found) for found in source.records()]

    assert BODIES == [first, *others]


def test_any_position_that_was_given_can_be_acknowledged_while_reading_goes_on(source: Source) -> None:
    """Acknowledging neither disturbs the reading nor waits for its end."""
    came = []
    for found in source.records():
        came.append(body_of(found))
        source.acknowledge(found.position)

    assert BODIES == came


def test_progress_only_grows_and_ends_at_the_total(source: Source) -> None:
    """A progress bar needs no more, and one that runs backwards is none."""
    progress = [source.read_bytes]
    progress.extend(source.read_bytes for _ in source.records())
    progress.append(source.read_bytes)

    assert 0 == progress[0]
    assert sorted(progress) == progress
    assert progress[-1] > 0
    if source.total_bytes is not None:
        assert source.total_bytes == progress[-1]


def test_closing_in_the_middle_ends_the_records(source: Source) -> None:
    """What was not given by then is neither given nor called broken: it waits for the next reading."""
    records = source.records()
    next(records)

    source.close()

    assert [] == list(records)
    assert [] == list(source.records())


def test_closing_again_is_no_mistake(source: Source) -> None:
    """Whoever ends things need not know who else did."""
    list(source.records())

    source.close()
    source.close()


@pytest.mark.parametrize("acknowledged", [1, 99, 100, 101, 347, 499, 500])
def test_a_source_made_anew_gives_exactly_what_was_not_acknowledged(make: Make, acknowledged: int) -> None:
    """However much more was read; this is what is left after a crash, and after an orderly stop."""
    first = make()
    found = list(islice(first.records(), min(acknowledged + 50, len(BODIES))))
    first.acknowledge(found[acknowledged - 1].position)
    first.close()

    second = make()

    assert BODIES[acknowledged:] == [body_of(record) for record in second.records()]
    second.close()


def test_a_source_made_anew_gives_everything_again_when_nothing_was_acknowledged(make: Make) -> None:
    """Having been read is not having been delivered."""
    first = make()
    list(islice(first.records(), 200))
    first.close()

    second = make()

    assert BODIES == [body_of(record) for record in second.records()]
    second.close()


def test_positions_go_on_over_sources_made_anew(make: Make) -> None:
    """What a message names can be found whichever run it is from."""
    first = make()
    found = list(islice(first.records(), 250))
    first.acknowledge(found[149].position)
    first.close()

    second = make()
    again = list(second.records())
    second.close()

    assert [str(record.position) for record in found[150:]] == [
        str(record.position) for record in again[:100]
    ]
    assert 500 == len({str(record.position) for record in [*found[:150], *again]})


def test_an_acknowledgement_out_of_turn_changes_nothing(make: Make) -> None:
    """How far a source is done with goes forward only."""
    first = make()
    found = list(islice(first.records(), 300))
    first.acknowledge(found[199].position)
    first.acknowledge(found[99].position)
    first.close()

    second = make()

    assert BODIES[200:] == [body_of(record) for record in second.records()]
    second.close()


def test_acknowledgements_may_come_behind_the_end_of_the_reading(make: Make) -> None:
    """The last answers arrive when everything has long been read."""
    first = make()
    found = list(first.records())
    first.acknowledge(found[-1].position)
    first.close()

    second = make()

    assert [] == list(second.records())
    second.close()
