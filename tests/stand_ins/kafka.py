"""A Kafka cluster for the tests, on this machine alone.

It is Apache Kafka itself where that was fetched (`python -m tests.stand_ins.kafka`, which needs Java 17 and
Maven), and librdkafka's own mock cluster elsewhere. The tests are the same; what only a real broker can do is
skipped there.
"""

import ctypes
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition, cimpl
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

VERSION = "4.0.0"
ARTIFACT = f"org.apache.kafka:kafka_2.13:{VERSION}"
SECONDS = 30.0  # nothing here takes that long; what does has failed
USER, PASSWORD = "variance", "demo-kafka-password"

_MOST_ON_THEIR_WAY = 10_000
_BY_KEY = -1  # what librdkafka calls RD_KAFKA_PARTITION_UA
_TOOLS = ("java", "openssl")
_JARS = Path(sys.prefix) / f"kafka-{VERSION}"
_FETCH = f"{Path(sys.executable).name} -m tests.stand_ins.kafka"
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId><artifactId>broker</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>
  </dependencies>
</project>
"""
_SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{sasl}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={folder}/server.pem
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config={login} required user_{user}="{password}";
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
"""
_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
# Enough for what the tests do, and quick to start.
_JAVA = ["java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{_JARS}/*"]


class Cluster(Protocol):
    """What the tests ask of either."""

    kind: str
    """In words."""
    is_real: bool
    brokers: str
    """Where it is, as `host:port`."""

    def topic(self, name: str, *, partitions: int = 1) -> str:
        """Make a topic; returns its name."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class ApacheKafka:
    """One broker in KRaft mode, in a folder of its own. It can be stopped and started again."""

    kind = f"Apache Kafka {VERSION}"
    is_real = True

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="kafka-"))
        plain, sasl, controller = _free_ports(3)
        self.brokers = f"127.0.0.1:{plain}"
        self.sasl_brokers = f"127.0.0.1:{sasl}"
        self.certificate = self._certified()
        self._settings = self._folder / "server.properties"
        self._settings.write_text(
            _SETTINGS.format(
                plain=plain,
                sasl=sasl,
                controller=controller,
                folder=self._folder,
                login=_LOGIN,
                user=USER,
                password=PASSWORD,
            )
        )
        subprocess.run(
            [
                *_JAVA,
                "kafka.tools.StorageTool",
                "format",
                "-t",
                "abcdefghijklmnopqrstuv",
                "-c",
                self._settings,
            ],
            check=True,
            capture_output=True,
            timeout=SECONDS,
        )
        self.start()

    def _certified(self) -> Path:
        """A certificate that vouches for itself; with its key it is in the file that the broker reads."""
        key, certificate = self._folder / "server.key", self._folder / "certificate.pem"
        about = ["-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
        new_key = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(key)]
        subprocess.run(
            ["openssl", "req", "-x509", *new_key, *about, "-out", str(certificate)],
            check=True,
            capture_output=True,
            timeout=SECONDS,
        )
        (self._folder / "server.pem").write_text(key.read_text() + certificate.read_text())
        return certificate

    def start(self) -> None:
        """Start the broker, and wait until it answers."""
        self._log = (self._folder / "server.log").open("ab")
        self._process = subprocess.Popen(
            [*_JAVA, "kafka.Kafka", self._settings], stdout=self._log, stderr=self._log
        )
        self.admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0})
        self.admin.list_topics(timeout=SECONDS)

    def kill(self) -> None:
        """End the broker without notice."""
        self._process.kill()
        self._process.wait(SECONDS)
        self._log.close()

    def topic(self, name: str, *, partitions: int = 1) -> str:
        """See `Cluster`."""
        self.admin.create_topics([NewTopic(name, partitions, 1)])[name].result(SECONDS)
        return name

    def add_partition(self, topic: str) -> None:
        """As an operator does who wants more processes to share it."""
        count = _partitions(self.admin, topic) + 1
        self.admin.create_partitions([NewPartitions(topic, count)])[topic].result(SECONDS)

    def delete(self, topic: str) -> None:
        """With all that it holds."""
        self.admin.delete_topics([topic])[topic].result(SECONDS)

    def delete_before(self, topic: str, offset: int) -> None:
        """As its retention does, in the first partition and all others."""
        places = [TopicPartition(topic, number, offset) for number in range(_partitions(self.admin, topic))]
        for done in self.admin.delete_records(places).values():
            done.result(SECONDS)

    def close(self) -> None:
        """See `Cluster`."""
        self.kill()
        shutil.rmtree(self._folder)


class MockCluster:
    """librdkafka's own: brokers within this process, which keep everything in memory."""

    kind = f"librdkafka's mock cluster; a real broker is fetched by: {_FETCH}"
    is_real = False

    def __init__(self) -> None:
        self._library = _librdkafka()
        settings = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(settings, b"log_level", b"0", None, 0)
        self._host = self._library.rd_kafka_new(_A_PRODUCER, settings, None, 0)
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._host, 1)
        # Its default is three seconds, for every group.
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.brokers = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def topic(self, name: str, *, partitions: int = 1) -> str:
        """See `Cluster`."""
        assert 0 == self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        return name

    def close(self) -> None:
        """See `Cluster`."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._host)


_A_PRODUCER = 0  # what librdkafka calls RD_KAFKA_PRODUCER


def _librdkafka() -> ctypes.CDLL:
    """The library behind the client, which has no name in Python for what a mock cluster can be told."""
    library = ctypes.CDLL(cimpl.__file__)
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, list[Any]] = {  # what it returns, and what it takes
        "conf_new": [pointer],
        "conf_set": [number, pointer, text, text, text, ctypes.c_size_t],
        "new": [pointer, number, pointer, text, ctypes.c_size_t],
        "destroy": [None, pointer],
        "mock_cluster_new": [pointer, pointer, number],
        "mock_cluster_bootstraps": [text, pointer],
        "mock_cluster_destroy": [None, pointer],
        "mock_group_initial_rebalance_delay_ms": [None, pointer, ctypes.c_int32],
        "mock_topic_create": [number, pointer, text, number, number],
    }
    for name, (result, *arguments) in signatures.items():
        function = getattr(library, f"rd_kafka_{name}")
        function.restype, function.argtypes = result, arguments
    return library


def is_fetched() -> bool:
    """Whether a real broker can be started."""
    return _JARS.is_dir() and all(map(shutil.which, _TOOLS))


def start() -> ApacheKafka | MockCluster:
    """Start what there is."""
    return ApacheKafka() if is_fetched() else MockCluster()


def produce(
    brokers: str,
    topic: str,
    values: Iterable[bytes | None],
    *,
    partitions: int = 1,
    key_of: Callable[[bytes | None], bytes | None] | None = None,
) -> None:
    """Write them, in turn to each partition or to those of their keys; all are there when it returns."""
    failed: list[object] = []
    producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True, "log_level": 0})
    for number, value in enumerate(values):
        while len(producer) >= _MOST_ON_THEIR_WAY:
            producer.poll(0.1)
        producer.produce(
            topic,
            value,
            key_of(value) if key_of else None,
            partition=_BY_KEY if key_of else number % partitions,
            on_delivery=lambda error, _message: failed.append(error) if error else None,
        )
    assert 0 == producer.flush(SECONDS)
    assert [] == failed


def committed(brokers: str, group: str, topic: str, *, partitions: int = 1) -> list[int]:
    """The offsets of a group, one a partition; below 0 where there is none."""
    admin = AdminClient({"bootstrap.servers": brokers, "log_level": 0})
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, n) for n in range(partitions)])
    found = admin.list_consumer_group_offsets([wanted])[group].result(SECONDS)
    return [place.offset for place in found.topic_partitions]


def reset(brokers: str, group: str, topic: str, *, partition: int, offset: int) -> None:
    """As Kafka's own tool does for an operator; the group must have no members."""
    admin = AdminClient({"bootstrap.servers": brokers, "log_level": 0})
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition, offset)])
    found = admin.alter_consumer_group_offsets([wanted])[group].result(SECONDS)
    assert [None] == [place.error for place in found.topic_partitions]


def _partitions(admin: AdminClient, topic: str) -> int:
    return len(admin.list_topics(topic, timeout=SECONDS).topics[topic].partitions)


def _free_ports(count: int) -> Sequence[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def fetch() -> None:
    """Bring the broker's jars into the environment, by Maven; what is there already stays."""
    if _JARS.is_dir():
        return
    with tempfile.TemporaryDirectory(dir=sys.prefix) as folder:
        pom = Path(folder) / "pom.xml"
        pom.write_text(_POM.format(*ARTIFACT.split(":")))
        jars = Path(folder) / "jars"
        subprocess.run(
            ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]  # noqa: RUF005
            + ["-DincludeScope=runtime", f"-DoutputDirectory={jars}"],
            check=True,
        )
        jars.rename(_JARS)  # whole, or not at all


if __name__ == "__main__":
    if missing := [tool for tool in ("java", "mvn") if shutil.which(tool) is None]:
        sys.exit(f"no {' and no '.join(missing)}: the Kafka tests run on librdkafka's mock cluster")
    fetch()
    print(f"Apache Kafka {VERSION} is in {_JARS}: the Kafka tests run on it")  # noqa: T201 -- a script prints
