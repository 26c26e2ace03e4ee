"""What is written to Kafka: dead letters, and what a receiver takes in; each is there before it counts."""

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from urllib.request import Request, urlopen

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from tests.benches.program import SECONDS, Process, Program, Starting, line_with, stop
from tests.stand_ins.kafka import ApacheKafka, Cluster, produce
from variance_plugin.errors import UsageError
from variance_plugin.events import Event
from variance_plugin.hooks import Rejection
from variance_plugin.receiver import Answer, LocalVariance, Post
from variance_plugin.sources.kafka.access import ClusterAccess
from variance_plugin.sources.kafka.keyed import KeyedTopic
from variance_plugin.sources.kafka.letters import TopicLetters
from variance_plugin.sources.kafka.producing import Outgoing, TopicWriter
from variance_plugin.testing import FakeClock

pytestmark = pytest.mark.xdist_group("kafka")

PARTITIONS = 4


def read(cluster: Cluster, topic: str, count: int) -> list[Message]:
    """The first so many records of all its partitions."""
    consumer = Consumer({"bootstrap.servers": cluster.brokers, "group.id": "looks", "log_level": 0})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    found: list[Message] = []
    while len(found) < count:
        messages = consumer.consume(count - len(found), timeout=SECONDS)
        assert messages, f"{count - len(found)} records are missing"
        found += [message for message in messages if message.error() is None]
    consumer.close()
    return found


@pytest.fixture
def writer(kafka: Cluster, request: pytest.FixtureRequest) -> Iterator[TopicWriter]:
    """Of a topic that is called like the test."""
    topic = kafka.topic(request.node.name, partitions=PARTITIONS)
    writer = TopicWriter(ClusterAccess(brokers=(kafka.brokers,)), topic, time_limit_seconds=2)
    yield writer
    writer.close()


def test_what_was_written_is_there_and_a_key_keeps_its_partition_and_order(
    kafka: Cluster, writer: TopicWriter
) -> None:
    """From many threads at the same time."""

    def write(key: int) -> None:
        for number in range(0, 20, 2):
            values = [b"%d" % number, b"%d" % (number + 1)]
            assert [] == writer.write([Outgoing(value=value, key=b"%d" % key) for value in values])

    with ThreadPoolExecutor(5) as threads:
        list(threads.map(write, range(5)))

    found = read(kafka, "test_what_was_written_is_there_and_a_key_keeps_its_partition_and_order", 100)
    places = {(message.key(), message.partition()) for message in found}
    assert 5 == len(places)
    for key in range(5):
        values = [message.value() for message in found if message.key() == b"%d" % key]
        assert [b"%d" % number for number in range(20)] == values


def test_what_brokers_refuse_as_too_large_is_told_and_hurts_no_other(
    kafka: Cluster, writer: TopicWriter
) -> None:
    """Before and after it all is well."""
    if not kafka.is_real:
        pytest.skip("the mock cluster takes any size")
    large = os.urandom(3_000_000)

    assert [1] == writer.write([Outgoing(value=value) for value in (b"before", large, b"after")])
    assert [] == writer.write([Outgoing(value=b"later")])

    found = read(kafka, "test_what_brokers_refuse_as_too_large_is_told_and_hurts_no_other", 3)
    assert Counter([b"before", b"after", b"later"]) == Counter(message.value() for message in found)


def test_a_property_that_there_is_not_is_the_users_mistake() -> None:
    """It says which."""
    access = ClusterAccess(brokers=("127.0.0.1:1",), properties={"no.such": "1"})

    with pytest.raises(UsageError, match=r'"no\.such"'):
        TopicWriter(access, "events")


class Kept:
    """Dead letters in memory."""

    def __init__(self) -> None:
        self.rejections: list[Rejection] = []

    def add(self, rejection: Rejection) -> None:
        """Keep one."""
        self.rejections.append(rejection)


def test_a_dead_letter_is_the_record_with_its_reason(kafka: Cluster, writer: TopicWriter) -> None:
    """In the headers, so that the value can be read again as it is."""
    kept = Kept()
    record = b'{"event":"paid","distinct_id":"u"}'
    event = Event(event="paid", distinct_id="u", properties={}, record=record, position="events[3]@17")
    letters = TopicLetters(writer, "variance", kept, FakeClock())

    letters.add(Rejection(event=event, reason="refused: ✗", status=422, attempts=2))

    (found,) = read(kafka, "test_a_dead_letter_is_the_record_with_its_reason", 1)
    assert (record, b"u") == (found.value(), found.key())
    assert {
        "reason": "refused: ✗".encode(),
        "plugin": b"variance",
        "event": b"paid",
        "source": b"events[3]@17",
        "status": b"422",
        "attempts": b"2",
    } == dict(found.headers() or ())
    assert [] == kept.rejections


def test_a_dead_letter_that_is_too_large_for_the_topic_is_kept_elsewhere(
    kafka: Cluster, writer: TopicWriter
) -> None:
    """It must neither be lost nor hold all others."""
    if not kafka.is_real:
        pytest.skip("the mock cluster takes any size")
    kept = Kept()
    event = Event(event="paid", properties={}, record=os.urandom(3_000_000))
    rejection = Rejection(event=event, reason="refused")

    TopicLetters(writer, "", kept, FakeClock()).add(rejection)

    assert [rejection] == kept.rejections


def test_records_are_keyed_by_person_and_those_of_several_are_taken_apart(
    kafka: Cluster, writer: TopicWriter
) -> None:
    """What cannot be read is kept as it is: whoever reads it says what is wrong."""
    topic = KeyedTopic(writer, lambda _record, _reason: None)
    one = b'[{"event":"a","distinct_id":"kim"}]'
    several = b'[{"event":"a","distinct_id":"kim"},{"event":"b","distinct_id":"lee"}]'

    topic.append([one, several, b"not JSON"])

    found = read(kafka, "test_records_are_keyed_by_person_and_those_of_several_are_taken_apart", 4)
    keyed = sorted((message.key() or b"", message.value()) for message in found)
    assert (b"", b"not JSON") == keyed[0]
    assert [b"kim", b"kim", b"lee"] == [key for key, _ in keyed[1:]]
    assert one in [value for _, value in keyed]
    assert "b" == json.loads(keyed[3][1] or b"")["event"]


SOURCE = """type = "{type}"
topic = "{topic}"
group = "{topic}-group"
{more}
"""
CLUSTER = """[kafka]
brokers = ["{brokers}"]
dead_letter_topic = "{topic}-dead"
[kafka.properties]
"session.timeout.ms" = 1500
"fetch.wait.max.ms" = 20
"reconnect.backoff.max.ms" = 500
"""


@pytest.fixture
def topic(kafka: Cluster, request: pytest.FixtureRequest) -> str:
    """A topic of this test alone, and one for its dead letters."""
    kafka.topic(f"{request.node.name}-dead", partitions=PARTITIONS)
    return kafka.topic(request.node.name, partitions=PARTITIONS)


@pytest.fixture
def running(program: Program, kafka: Cluster, topic: str, variance: LocalVariance) -> Starting:
    """Start a runner, with a state file of its own."""

    def start(
        *arguments: str, name: str = "a", type_: str = "kafka", more: str = ""
    ) -> AbstractContextManager[Process]:
        program.write_settings(
            variance.url,
            name=name,
            state=f"{name}.db",
            source=SOURCE.format(type=type_, topic=topic, more=more),
            more=CLUSTER.format(brokers=kafka.brokers, topic=topic),
            maxBatchEvents=20,
        )
        return program.start("run", f"{name}.toml", *arguments)

    return start


def test_what_variance_refuses_and_what_is_no_event_go_to_the_topic_of_dead_letters(
    running: Starting, variance: LocalVariance, kafka: Cluster, topic: str
) -> None:
    """Each with its reason; the state file has none then."""
    good = b'{"event":"paid","distinct_id":"u","properties":{},"uuid":"1"}'
    refused = good.replace(b'"1"', b'"2"')

    def answer(post: Post) -> Answer:
        return Answer(
            status=422 if any(b'"messageId":"2"' in bytes(one) for one in post.raw_messages) else 200
        )

    variance.answer_with(answer)
    produce(kafka.brokers, topic, [good, refused, b"not JSON"])
    with running("--once") as process:
        process.communicate(timeout=SECONDS)
        assert 1 == process.returncode

    letters = {letter.value(): dict(letter.headers() or ()) for letter in read(kafka, f"{topic}-dead", 2)}
    assert {refused, b"not JSON"} == letters.keys()
    assert (b"422", b"variance") == (letters[refused]["status"], letters[refused]["plugin"])
    assert {f"{topic}[0]@1".encode(), f"{topic}[0]@2".encode()} == {
        headers["source"] for headers in letters.values()
    }


def post(url: str, numbers: Sequence[int], person: str) -> None:
    """As an SDK does, again until it is answered with 200."""
    batch = [
        {
            "event": "paid",
            "distinct_id": person,
            "uuid": f"00000000-0000-0000-0000-{number:012}",
            "timestamp": "2026-11-21T12:34:56Z",
            "properties": {"number": number},
        }
        for number in numbers
    ]
    body = json.dumps({"api_key": "phc_demo", "batch": batch}).encode()
    request = Request(f"{url}/batch/", body)  # noqa: S310 -- this machine's
    with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 -- likewise
        assert 200 == answer.status


def test_many_receivers_and_runners_share_one_stream_in_order(
    running: Starting, variance: LocalVariance
) -> None:
    """What two processes take in, both deliver; one is killed, and each person's events keep their order."""
    http = 'listen = "127.0.0.1:0"\ntokens = ["phc_demo"]'
    came: list[tuple[str, int]] = []
    lock = threading.Lock()

    def keep(post: Post) -> Answer:
        with lock:
            for raw in post.raw_messages:
                message = json.loads(bytes(raw))
                came.append((message["userId"], int(message["messageId"][-12:])))
        return Answer()

    variance.answer_with(keep)
    with (
        running(name="a", type_="http", more=http) as first,
        running(name="b", type_="http", more=http) as second,
    ):
        heard = [line_with(process, "listening for events") for process in (first, second)]
        urls = [line["event"].rpartition(" ")[2] for line in heard]
        for number in range(0, 200, 10):
            for person in range(4):
                start = person * 1000 + number
                post(urls[number // 10 % 2], range(start, start + 10), f"u{person}")
            if number == 100:
                first.kill()
                first.wait(SECONDS)
                urls = [urls[1]] * 2
        expected = {person * 1000 + number for person in range(4) for number in range(200)}
        while len({number for _, number in came}) < len(expected):
            variance.wait_for_posts(len(variance.posts) + 1, SECONDS)
        stop(second)

    assert expected == {number for _, number in came}
    for person in range(4):
        first_time = list(dict.fromkeys(number for user, number in came if user == f"u{person}"))
        assert sorted(first_time) == first_time


def test_a_receiver_answers_503_while_the_brokers_are_down(
    running: Starting, kafka: Cluster, variance: LocalVariance
) -> None:
    """Never 200 for what is nowhere; and then all goes on."""
    if not isinstance(kafka, ApacheKafka):
        pytest.skip("the mock cluster ends with its process")
    http = 'listen = "127.0.0.1:0"\ntokens = ["phc_demo"]'
    with running(type_="http", more=http) as process:
        url = line_with(process, "listening for events")["event"].rpartition(" ")[2]
        post(url, [1], "u")
        kafka.kill()
        with pytest.raises(OSError, match="503"):
            post(url, [2], "u")
        kafka.start()
        post(url, [2], "u")
        variance.wait_for_messages(2, SECONDS)
        stop(process)
