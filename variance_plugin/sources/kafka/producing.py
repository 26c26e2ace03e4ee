"""Writing to a topic: what was written is there, on all replicas, when the call returns."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from ...errors import SpoolFull, StateError, UsageError
from .access import ClusterAccess
from .hearing import Hearing
from .librdkafka import Quiet
from .words import told

_logger = logging.getLogger(__name__)

# So long the brokers may take, with librdkafka trying again; then whoever wrote has to come again.
TIME_LIMIT_SECONDS = 5.0
_POLL_SECONDS = 0.1
# A broker's own limit decides, and says so; this one is only librdkafka's, and its highest.
_LARGEST_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A record to be written.

    Attributes:
        value: What is written.
        key: Records of one key come to one partition, in order; None: to any.
        headers: By name.
    """

    value: bytes
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


class TopicWriter:
    """Writes to one topic. Safe for threads; many that write at the same time share requests.

    Args:
        access: How to reach the brokers.
        topic: Where to.
        time_limit_seconds: So long a write may take.

    Raises:
        UsageError: When librdkafka does not take the properties.
    """

    def __init__(
        self, access: ClusterAccess, topic: str, *, time_limit_seconds: float = TIME_LIMIT_SECONDS
    ) -> None:
        self._about = f"Kafka ({access}), topic {topic}"
        self._topic = topic
        self._hearing = Hearing(self._about)
        # What it hears ends no start: who writes is told, and comes again.
        self._hearing.at_start = False
        properties = {
            **access.for_producer(),
            "message.timeout.ms": round(time_limit_seconds * 1000),
            "message.max.bytes": _LARGEST_BYTES,
            "error_cb": self._hearing.overhear,
            "logger": Quiet(_logger),
        }
        try:
            self._producer = Producer(properties)
        except KafkaException as error:
            raise UsageError(told(error.args[0], self._about)) from error
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="kafka-producer", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> Exception | None:
        """Why nothing can be written any more by this process; None while it can."""
        return self._hearing.refusal

    def write(self, records: Sequence[Outgoing]) -> list[int]:
        """Write them; they are on all replicas when it returns, but for those that are told.

        Returns:
            The numbers of those that the brokers refuse for good, since they are too large.

        Raises:
            SpoolFull: More is on its way already than librdkafka holds.
            StateError: They cannot be written now. Some may have been: writing them again repeats those.
            UsageError: They cannot be written by this process any more.
        """
        reports = _Reports(len(records))
        failure: StateError | None = None
        for number, record in enumerate(records):
            try:
                self._producer.produce(
                    self._topic,
                    record.value,
                    record.key,
                    on_delivery=partial(reports.take, number),
                    headers=list(record.headers),
                )
            except BufferError:
                failure = SpoolFull(f"{self._about}: too much is on its way already")
            except KafkaException as error:
                failure = StateError(told(error.args[0], self._about))
            if failure is not None:
                reports.leave_out(len(records) - number)
                break
        reports.wait()
        if reports.error is not None:
            failure = failure or StateError(told(reports.error, self._about))
        if failure is not None:
            self._hearing.judge()
            raise failure
        self._hearing.all_is_well()
        return reports.too_large

    def close(self) -> None:
        """Write nothing more. Closing twice is no mistake."""
        self._closing.set()
        self._thread.join()

    def _poll(self) -> None:
        # A thread of its own, so that no writer waits for the reports of another.
        while not self._closing.is_set():
            self._producer.poll(_POLL_SECONDS)
        # Nobody writes any more, so nothing is on its way but what was given up.
        self._producer.flush(0)


class _Reports:
    """What became of the records of one write."""

    def __init__(self, count: int) -> None:
        self.too_large: list[int] = []
        self.error: KafkaError | None = None
        self._left = count
        self._changed = threading.Condition()

    def take(self, number: int, error: KafkaError | None, _message: Message) -> None:
        """Called by librdkafka, in a poll, once a record."""
        with self._changed:
            if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                self.too_large.append(number)
            elif error is not None:
                self.error = self.error or error
            self._left -= 1
            self._changed.notify_all()

    def leave_out(self, count: int) -> None:
        """So many were never handed over."""
        with self._changed:
            self._left -= count

    def wait(self) -> None:
        """Until all are reported, which librdkafka does within the time limit at the latest."""
        with self._changed:
            self._changed.wait_for(lambda: self._left <= 0)
