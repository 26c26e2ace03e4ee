"""Kafka as a source, with a cluster and runners as real processes: nothing is lost, whatever ends."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import TypeAlias
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.benches.program import SECONDS, Process, Program, Starting, line_with, readiness, stop
from tests.stand_ins.kafka import PASSWORD, USER, ApacheKafka, Cluster, committed, produce, reset
from variance_plugin.clock import SystemClock
from variance_plugin.receiver import Answer, LocalVariance, Post
from variance_plugin.state import DeadLetterStore, LetterFilter, StateFile

pytestmark = pytest.mark.xdist_group("kafka")

PARTITIONS = 4

Figures: TypeAlias = dict[tuple[str, ...], float]

SOURCE = """type = "kafka"
topic = "{topic}"
group = "{topic}-group"
"""
CLUSTER = """[kafka]
brokers = ["{brokers}"]
[kafka.properties]
"session.timeout.ms" = 1500
"heartbeat.interval.ms" = 200
"fetch.wait.max.ms" = 50
"reconnect.backoff.max.ms" = 500
{properties}
"""


@pytest.fixture
def topic(kafka: Cluster, request: pytest.FixtureRequest) -> str:
    """A topic of this test alone, called like it."""
    return kafka.topic(re.sub(r"[^\w.-]", "-", request.node.name), partitions=PARTITIONS)


@pytest.fixture
def running(program: Program, kafka: Cluster, topic: str, variance: LocalVariance) -> Starting:
    """Start a runner on the topic, with a state file of its own."""

    def start(*arguments: str, name: str = "a", properties: str = "") -> AbstractContextManager[Process]:
        program.write_settings(
            variance.url,
            name=name,
            state=f"{name}.db",
            source=SOURCE.format(topic=topic),
            listen="127.0.0.1:0",
            more=CLUSTER.format(brokers=kafka.brokers, properties=properties),
            maxBatchEvents=20,
        )
        return program.start("run", f"{name}.toml", *arguments)

    return start


class Produced:
    """Events that were written to a topic, by number."""

    def __init__(self, brokers: str, topic: str) -> None:
        self._brokers = brokers
        self._topic = topic
        self.numbers: set[int] = set()

    def add(self, count: int, *, padding_bytes: int = 0) -> None:
        """Write more of them, in turn to each partition."""
        numbers = range(len(self.numbers), len(self.numbers) + count)
        self.numbers |= set(numbers)
        rows = (row(number, padding_bytes) for number in numbers)
        produce(self._brokers, self._topic, rows, partitions=PARTITIONS)


@pytest.fixture
def produced(kafka: Cluster, topic: str) -> Produced:
    """Nothing yet."""
    return Produced(kafka.brokers, topic)


def row(number: int, padding_bytes: int) -> bytes:
    """An event as PostHog writes it to its topic."""
    fields = {
        "uuid": f"00000000-0000-0000-0000-{number:012}",
        "event": "paid",
        "distinct_id": f"u{number % 7}",
    }
    return json.dumps(
        {
            **fields,
            "properties": json.dumps({"number": number, "padding": "x" * padding_bytes}),
            "timestamp": "2026-11-21 12:34:56.789",
            "team_id": 7,
            "person_properties": "{}",
        }
    ).encode()


def arrived(variance: LocalVariance) -> Counter[int]:
    """How often each event has been taken by Variance."""
    return Counter(
        int(json.loads(bytes(message))["messageId"][-12:])
        for post in variance.posts
        if post.status == 200
        for message in post.raw_messages
    )


def wait_until_all_arrived(variance: LocalVariance, produced: Produced) -> Counter[int]:
    """Each at least once; those that came more often are told."""
    for _ in range(int(SECONDS / 0.05)):
        found = arrived(variance)
        if produced.numbers <= found.keys():
            print(f"{len(found)} events, {found.total() - len(found)} repeats, 0 lost")  # noqa: T201
            return found
        threading.Event().wait(0.05)
    raise AssertionError(f"{len(produced.numbers - arrived(variance).keys())} are missing")


def metrics_when(port: str, reached: Callable[[Figures], bool]) -> Figures:
    """What the runner tells of its source, by name and labels in their order, once it has come so far."""
    figures: Figures = {}
    for _ in range(int(SECONDS / 0.1)):
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
        figures = {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if family.name.startswith(("runner_kafka_", "runner_lag_"))
        }
        if reached(figures):
            return figures
        threading.Event().wait(0.1)
    raise AssertionError(f"it never came so far: {figures}")


def test_what_is_committed_at_a_clean_stop_is_what_was_delivered(
    running: Starting, variance: LocalVariance, kafka: Cluster, topic: str, produced: Produced
) -> None:
    """So that nothing is repeated by the next start."""
    produced.add(100)
    with running() as process:
        wait_until_all_arrived(variance, produced)
        stop(process)
    assert [25] * PARTITIONS == committed(kafka.brokers, f"{topic}-group", topic, partitions=PARTITIONS)

    produced.add(20)
    with running("--once") as process:
        assert 0 == process.wait(SECONDS)

    assert Counter(dict.fromkeys(range(120), 1)) == arrived(variance)


def test_two_runners_share_a_topic_and_one_goes_on_for_the_other_that_is_killed(
    running: Starting, variance: LocalVariance, produced: Produced
) -> None:
    """In the middle of the stream, with a batch on its way: at most what was under way comes again."""
    with running(name="a") as first, running(name="b") as second:
        line_with(first, "assigned")
        line_with(second, "assigned")
        under_way = threading.Event()
        answers = iter(range(1_000_000))

        def slowly(_post: Post) -> Answer:
            if next(answers) >= 8:
                under_way.set()
            return Answer(delay_seconds=0.02)

        variance.answer_with(slowly)
        produced.add(1_000)
        assert under_way.wait(SECONDS)
        first.kill()
        first.wait(SECONDS)

        wait_until_all_arrived(variance, produced)
        stop(second)


def test_a_runner_that_joins_under_load_costs_nothing(
    running: Starting, variance: LocalVariance, kafka: Cluster, topic: str, produced: Produced
) -> None:
    """Partitions move in good order: nothing is lost, and on a real cluster nothing comes twice either."""
    variance.answer_with(lambda _post: Answer(delay_seconds=0.01))
    with running(name="a") as first:
        produced.add(500)
        variance.wait_for_posts(3, SECONDS)
        with running(name="b") as second:
            line_with(second, "2 are read here now")
            produced.add(500)
            found = wait_until_all_arrived(variance, produced)
            stop(second)
        stop(first)

    assert 1_000 == len(found)
    if kafka.is_real:  # the mock cluster refuses commits while a group rebalances
        assert 1_000 == found.total()
        assert [250] * PARTITIONS == committed(kafka.brokers, f"{topic}-group", topic, partitions=PARTITIONS)


def test_an_endpoint_that_is_down_is_waited_for_with_the_partitions_paused(
    running: Starting, variance: LocalVariance, produced: Produced
) -> None:
    """Paused, not revoked: it goes on polling, so it stays a member, and the lag can be seen."""
    answering = threading.Event()

    def hold(_post: Post) -> Answer:
        answering.wait(SECONDS)
        return Answer()

    variance.answer_with(hold)
    produced.add(560, padding_bytes=30_000)  # more than is held here, and less than the mock cluster holds
    patience_seconds = 2  # the group's; more than the session's in CLUSTER
    with running(properties=f'"max.poll.interval.ms" = {patience_seconds * 1000}') as process:
        port = line_with(process, "listening")["event"].rpartition(" ")[2]
        line_with(process, "partitions paused")
        metrics = metrics_when(
            port, lambda found: found.get(("runner_lag_seconds", "kafka"), 0) >= patience_seconds + 1
        )
        answering.set()
        found = wait_until_all_arrived(variance, produced)
        stop(process)

    assert 560 == found.total()
    expected = {"kafka_paused": 1, "kafka_partitions": 4, "kafka_rebalances_total": 1, "kafka_waiting": 0}
    expected["lag_records"] = 560
    assert expected == {name: metrics[f"runner_{name}", "kafka"] for name in expected}
    ages = [value for name, value in metrics.items() if name[0] == "runner_kafka_commit_age_seconds"]
    assert len(ages) == PARTITIONS
    assert min(ages) > 1


def test_how_far_each_partition_is_can_be_seen(
    running: Starting, variance: LocalVariance, kafka: Cluster, topic: str
) -> None:
    """What is not done with, what is committed and since when: so a stuck one differs from an idle one."""
    labels = [(f"{topic}-group", str(number), topic) for number in range(PARTITIONS)]
    answering = threading.Event()

    def hold(_post: Post) -> Answer:
        answering.wait(SECONDS)
        return Answer()

    def each(figures: Figures, name: str) -> list[float | None]:
        return [figures.get((f"runner_kafka_{name}", *of)) for of in labels]

    variance.answer_with(hold)
    produce(kafka.brokers, topic, [row(number, 0) for number in range(6)], partitions=2)
    produce(kafka.brokers, topic, [row(number, 0) for number in range(6, 10)])
    with running() as process:
        port = line_with(process, "listening")["event"].rpartition(" ")[2]
        metrics_when(port, lambda found: each(found, "lag_records") == [7, 3, 0, 0])
        answering.set()
        found = metrics_when(port, lambda found: each(found, "committed_offset") == [7, 3, 0, 0])
        stop(process)

    assert [0, 0, 0, 0] == each(found, "lag_records")
    assert [True] * PARTITIONS == [
        age is not None and 0 <= age < 5 for age in each(found, "commit_age_seconds")
    ]


def test_a_broker_that_is_restarted_is_waited_for(
    running: Starting, variance: LocalVariance, kafka: Cluster, produced: Produced
) -> None:
    """It is said once that it is gone, and once that it is there again."""
    if not isinstance(kafka, ApacheKafka):
        pytest.skip("the mock cluster ends with its process")
    with running() as process:
        produced.add(200)
        wait_until_all_arrived(variance, produced)
        kafka.kill()
        assert "waiting until it is over" in line_with(process, "Kafka (")["event"]
        kafka.start()
        produced.add(200)
        line_with(process, "it answers again")
        wait_until_all_arrived(variance, produced)
        stop(process)


def test_a_runner_may_start_before_the_brokers(
    running: Starting, variance: LocalVariance, kafka: Cluster, produced: Produced
) -> None:
    """In a cluster that comes up, somebody is first."""
    if not isinstance(kafka, ApacheKafka):
        pytest.skip("the mock cluster ends with its process")
    produced.add(20)
    kafka.kill()
    with running() as process:
        assert "waiting until it is over" in line_with(process, "Kafka (")["event"]
        kafka.start()
        wait_until_all_arrived(variance, produced)
        stop(process)


def test_a_tombstone_and_a_broken_value_are_dead_letters_of_their_own(  # noqa: PLR0913, PLR0917 -- fixtures
    running: Starting, variance: LocalVariance, kafka: Cluster, topic: str, produced: Produced, tmp_path: Path
) -> None:
    """With partition and offset; what stands around them is delivered."""
    produced.add(4)
    produce(kafka.brokers, topic, [None, b"not JSON", b""])
    with running("--once") as process:
        _, _ = process.communicate(timeout=SECONDS)
        assert 1 == process.returncode

    assert Counter(dict.fromkeys(range(4), 1)) == arrived(variance)
    with closing(StateFile.open(tmp_path / "a.db", SystemClock())) as state:
        letters = list(DeadLetterStore(state, SystemClock(), "").letters(LetterFilter(), newest_first=False))
    assert [f"{topic}[0]@{offset}" for offset in (1, 2, 3)] == [letter.source for letter in letters]
    assert "a tombstone: a record without a value" == letters[0].last.reason
    assert b"not JSON" == letters[1].record


@pytest.mark.parametrize("read_from", ["latest", "earliest", "2026-01-01T00:00:00Z"])
def test_a_new_group_begins_where_it_is_told(  # noqa: PLR0913, PLR0917 -- likewise
    running: Starting, kafka: Cluster, variance: LocalVariance, topic: str, produced: Produced, read_from: str
) -> None:
    """And has been there from that moment on: what comes before a first record is done with is read."""
    if read_from[0] == "2" and not kafka.is_real:
        pytest.skip("the mock cluster finds no record by its time")
    produced.add(8)
    with running("--set", f"source.read_from={read_from}", "--once") as process:
        assert 0 == process.wait(SECONDS)
    is_old = read_from in ("earliest", "2026-01-01T00:00:00Z")
    assert [2] * PARTITIONS == committed(kafka.brokers, f"{topic}-group", topic, partitions=PARTITIONS)
    produced.add(4)
    with running("--set", "source.read_from=latest", "--once") as process:
        assert 0 == process.wait(SECONDS)

    assert set(range(0 if is_old else 8, 12)) == arrived(variance).keys()


def test_records_that_kafka_deleted_before_they_were_read_are_missed_loudly(
    running: Starting, kafka: Cluster, variance: LocalVariance, topic: str, produced: Produced
) -> None:
    """Its retention is the operator's affair; a gap in silence would be this program's."""
    if not isinstance(kafka, ApacheKafka):
        pytest.skip("the mock cluster deletes nothing")
    produced.add(8)
    with running("--once") as process:
        assert 0 == process.wait(SECONDS)
    produced.add(8)
    kafka.delete_before(topic, 3)
    with running("--once") as process:
        said = line_with(process, "was due")
        process.communicate(timeout=SECONDS)

    assert "error" == said["level"]
    assert "offset 2 was due, and Kafka has it no more" in said["event"]
    assert set(range(8)) | set(range(12, 16)) == arrived(variance).keys()


def test_a_group_that_was_reset_on_purpose_sends_that_range_again(
    running: Starting, kafka: Cluster, variance: LocalVariance, topic: str, produced: Produced
) -> None:
    """With the ids that its messages had, and nothing of the partitions that were not reset."""
    if not kafka.is_real:
        pytest.skip("a group of the mock cluster cannot be reset from outside")
    produced.add(8)
    with running("--once") as process:
        assert 0 == process.wait(SECONDS)
    reset(kafka.brokers, f"{topic}-group", topic, partition=3, offset=1)
    with running("--once") as process:
        assert 0 == process.wait(SECONDS)

    assert Counter({**dict.fromkeys(range(8), 1), 7: 2}) == arrived(variance)


def test_a_partition_that_is_added_is_read_from_its_beginning(
    running: Starting, kafka: Cluster, variance: LocalVariance, topic: str, produced: Produced
) -> None:
    """With `latest` too: its first records came after the start, though before anybody here knew of it."""
    if not isinstance(kafka, ApacheKafka):
        pytest.skip("a topic of the mock cluster does not grow")
    looks_again = '"topic.metadata.refresh.interval.ms" = 1500'
    with running("--set", "source.read_from=latest", properties=looks_again) as process:
        for _ in range(PARTITIONS):
            line_with(process, "the group has committed nothing here: reading begins at offset 0")
        kafka.add_partition(topic)
        produce(kafka.brokers, topic, map(row, range(10), [0] * 10), partitions=PARTITIONS + 1)
        produced.numbers |= {*range(10)}
        wait_until_all_arrived(variance, produced)
        stop(process)


def test_a_topic_that_is_deleted_is_told_until_there_is_one_again(
    running: Starting, kafka: Cluster, variance: LocalVariance, topic: str, produced: Produced
) -> None:
    """It is an error, and `/readyz` sends somebody; the new topic is read from its beginning."""
    if not isinstance(kafka, ApacheKafka):
        pytest.skip("the mock cluster deletes nothing")
    looks_again = '"topic.metadata.refresh.interval.ms" = 500'
    with running("--set", "source.read_from=latest", properties=looks_again) as process:
        port = line_with(process, "listening")["event"].rpartition(" ")[2]
        for _ in range(PARTITIONS):
            line_with(process, "the group has committed nothing here: reading begins at offset 0")
        kafka.delete(topic)
        said = line_with(process, "Kafka (")
        assert (503, said["event"].rpartition("; it goes on")[0]) == readiness(port)
        kafka.topic(topic, partitions=PARTITIONS)
        produced.add(8)
        line_with(process, "it answers again")
        wait_until_all_arrived(variance, produced)
        stop(process)

    assert "error" == said["level"]
    assert "there is no such topic: check its name" in said["event"]


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        pytest.param("there is no such topic: check its name", {"source.topic": "elsewhere"}, id="topic"),
        pytest.param(
            "the brokers refuse the credentials: check sasl_mechanism, sasl_username and sasl_password",
            {
                "kafka.tls": "yes",
                "kafka.sasl_mechanism": "PLAIN",
                "kafka.sasl_username": USER,
                "kafka.sasl_password": "wrong-demo",
            },
            id="password",
        ),
        pytest.param(
            "TLS with the brokers does not come about: check tls, tls_ca",
            {"kafka.tls": "yes"},
            id="authority",
        ),
        pytest.param("No such configuration property", {"kafka.properties": "no.such=1"}, id="property"),
    ],
)
def test_what_kafka_refuses_ends_the_start_in_words(
    running: Starting, kafka: Cluster, expected: str, settings: dict[str, str]
) -> None:
    """It is a mistake of the settings, and shows as one."""
    if not isinstance(kafka, ApacheKafka):
        pytest.skip("the mock cluster refuses nobody")
    if "kafka.tls" in settings:
        settings |= {"kafka.brokers": kafka.sasl_brokers}
    if "kafka.sasl_password" in settings:
        settings |= {"kafka.tls_ca": str(kafka.certificate)}
    with running(
        *(part for key, value in settings.items() for part in ("--set", f"{key}={value}"))
    ) as process:
        _, told = process.communicate(timeout=SECONDS)

    assert 2 == process.returncode
    assert expected in told
    assert "wrong-demo" not in told


def test_a_user_with_a_password_is_let_in_over_tls(
    running: Starting, kafka: Cluster, variance: LocalVariance, produced: Produced
) -> None:
    """And the password shows nowhere, at the most talkative level either."""
    if not isinstance(kafka, ApacheKafka):
        pytest.skip("the mock cluster knows no users")
    produced.add(4)
    settings = [
        "kafka.tls=yes",
        f"kafka.tls_ca={kafka.certificate}",
        "kafka.sasl_mechanism=PLAIN",
        f"kafka.sasl_username={USER}",
        f"kafka.sasl_password={PASSWORD}",
    ]
    settings += [f"kafka.brokers={kafka.sasl_brokers}", "logs.level=debug", "kafka.properties=debug=security"]
    with running("--once", *(part for one in settings for part in ("--set", one))) as process:
        _, told = process.communicate(timeout=SECONDS)

    assert 0 == process.returncode
    assert set(range(4)) == arrived(variance).keys()
    assert PASSWORD not in told
