"""Opens what reads from Kafka and what writes to it, by the `[kafka]` table of `runner.toml`."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from .clock import Clock
from .events import Event
from .extras import Extra, needed
from .hooks import Rejection
from .runtime.dead_letters import DeadLetters
from .runtime.settings import KafkaSettings, SaslMechanism
from .runtime.watching import metric_list as known
from .runtime.watching.metric_list import Metric
from .runtime.watching.metrics import Metrics
from .runtime.watching.troubles import Trouble
from .sources import Source
from .sources.http.keeping import Keep
from .sources.kafka.access import ClusterAccess
from .sources.kafka.subscription import Subscription, Writing

if TYPE_CHECKING:
    from .sources.kafka.given import Partition
    from .sources.kafka.producing import TopicWriter

_logger = logging.getLogger(__name__)

_VERIFIES = "enable.ssl.certificate.verification"


def access_to(settings: KafkaSettings) -> ClusterAccess:
    """How the cluster of the settings is reached."""
    return ClusterAccess(
        brokers=settings.brokers,
        tls=settings.tls,
        tls_ca=settings.tls_ca,
        tls_certificate=settings.tls_certificate,
        tls_key=settings.tls_key,
        tls_key_password=settings.tls_key_password,
        sasl_mechanism="" if settings.sasl_mechanism is SaslMechanism.NONE else settings.sasl_mechanism,
        sasl_username=settings.sasl_username,
        sasl_password=settings.sasl_password,
        properties=settings.properties,
    )


def warn_of_risks(settings: KafkaSettings) -> None:
    """Say what is risky about how a cluster is reached, where it is used."""
    if settings.brokers and settings.sasl_mechanism.needs_password and not settings.tls:
        _logger.warning("kafka.tls is off: the password for Kafka goes over the network readably")
    if settings.brokers and settings.properties.get(_VERIFIES) == "false":
        _logger.warning("kafka.properties: %s is false: anybody can pose as a broker", _VERIFIES)


def open_topic(  # noqa: PLR0913 -- what a source is given
    subscription: Subscription,
    *,
    metrics: Metrics,
    faults: list[Trouble],
    clock: Clock,
    name: str,
    writing: Writing | None = None,
) -> Source:
    """Read a topic as a member of a group.

    Args:
        subscription: Which one.
        metrics: Where it registers what it has to show.
        faults: Where it adds what only a person may be able to put right.
        clock: Ends it.
        name: The type of the source, for the metrics.
        writing: What writes to the topic meanwhile.

    Raises:
        UsageError: When librdkafka is not installed, or does not take the properties.
    """
    with needed(Extra.KAFKA, f"source.type {name}"):
        from .sources.kafka.source import KafkaSource  # noqa: PLC0415 -- an extra
    source = KafkaSource(subscription, clock, writing)
    read = partial(metrics.read, source=name)
    read(known.LAG_RECORDS, lambda: source.lag)
    read(known.KAFKA_PARTITIONS, lambda: len(source.partitions))
    read(known.KAFKA_PAUSED, lambda: source.is_paused)
    read(known.KAFKA_WAITING, lambda: source.trouble is not None)
    read(known.KAFKA_REBALANCES, lambda: source.rebalances)
    faults.append(lambda: source.fault)

    def read_each(metric: Metric, of: Callable[["Partition"], float | None]) -> None:
        metrics.read_table(
            metric,
            lambda: {
                (subscription.group, subscription.topic, str(one.number)): value
                for one in source.partitions
                if (value := of(one)) is not None
            },
        )

    read_each(known.KAFKA_LAG, lambda one: one.lag)
    read_each(known.KAFKA_COMMITTED, lambda one: one.committed)
    read_each(known.KAFKA_COMMIT_AGE, lambda one: clock.monotonic() - one.committed_at)
    return source


def open_writer(settings: KafkaSettings, topic: str, *, by: str) -> "TopicWriter":
    """What writes to a topic; whoever opens it closes it.

    Args:
        settings: Of the cluster.
        topic: Which one.
        by: The setting that wants it.

    Raises:
        UsageError: When librdkafka is not installed, or does not take the properties.
    """
    with needed(Extra.KAFKA, by):
        from .sources.kafka.producing import TopicWriter  # noqa: PLC0415 -- an extra
    return TopicWriter(access_to(settings), topic)


def keep_in(writer: "TopicWriter", refused: DeadLetters) -> Keep:
    """A topic in which records are kept, keyed by person.

    Args:
        writer: Of the topic.
        refused: Where records go that the brokers do not take.
    """
    from .sources.kafka.keyed import KeyedTopic  # noqa: PLC0415 -- an extra

    def refuse(record: bytes, reason: str) -> None:
        event = Event(event="", properties={}, record=record)
        refused.add(Rejection(event=event, reason=reason))

    return KeyedTopic(writer, refuse)


def open_letters(
    settings: KafkaSettings, kept: Callable[[str], DeadLetters], *, clock: Clock, ending: ExitStack
) -> Callable[[str], DeadLetters]:
    """Where dead letters are kept, by the plugin that rejects: in the topic for them, if there is one.

    Args:
        settings: Of the cluster.
        kept: Where they are kept without a topic, and those that the brokers do not take.
        clock: Spaces what is said of those.
        ending: Closes it.

    Raises:
        UsageError: When librdkafka is not installed, or does not take the properties.
    """
    if not settings.dead_letter_topic:
        return kept
    writer = open_writer(settings, settings.dead_letter_topic, by="kafka.dead_letter_topic")
    from .sources.kafka.letters import TopicLetters  # noqa: PLC0415 -- an extra

    ending.callback(writer.close)
    return lambda plugin: TopicLetters(writer, plugin, kept(plugin), clock)
