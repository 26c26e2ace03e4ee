"""A member of a consumer group: reads its share of a topic, and commits what is done with."""

import logging
import threading
from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from ...clock import Clock
from ...errors import UsageError
from ...points import Point, reached
from .. import Broken, Position, Record
from .assignment import Assignment, pending
from .given import Given, Partition, Run
from .handover import Chunk, Handover
from .hearing import Hearing
from .librdkafka import Quiet
from .start import first_offset
from .subscription import EARLIEST, Subscription
from .words import told

_logger = logging.getLogger(__name__)

# So many messages are taken at once at the most; their size is bounded by what librdkafka reads ahead.
_MESSAGES = 250
# So long a poll waits for messages. Also how soon it is noticed that the pipeline has room again.
_POLL_SECONDS = 0.2
# So long the pipeline may be busy before the partitions are paused. A pause throws away what was read ahead:
# it is for a destination that waits, not for one that is merely slower than Kafka.
_PATIENCE_SECONDS = 1.0
# After a kill, what was delivered in that time comes again.
_COMMIT_SECONDS = 1.0
# So often the ends of the partitions are asked for, and while something is wrong, whether it still is.
_LOOK_SECONDS = 5.0
_ASK_SECONDS = 2.0
# What is under way when a partition has to be given up may reach its end first; other members go on reading
# meanwhile. The limit is more than the 10 s for which a lane gathers events by default.
_LET_GO_SECONDS = 15.0
# One that shall end with the topic and has no partition waits so long for one that comes free.
_IDLE_SECONDS = _LET_GO_SECONDS + 5.0
_LAST_COMMIT_SECONDS = 5.0
_UNKNOWN_TOPIC = KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC  # noqa: SLF001 -- librdkafka's own names


class Member:
    """Reads in a thread of its own, from `run` to `leave`. It never stops polling, so it keeps its share.

    While there is no room in the hand-over, its partitions are paused: Kafka keeps the rest.

    Args:
        subscription: What is read, and with whom.
        clock: Tells the time.
        given: Knows how far each partition is done with.
        handover: Where the records go.

    Attributes:
        hearing: What is wrong, if anything is.
        assignment: The partitions that are its own now.
        rebalances: How often partitions came or went.
        is_paused: Whether it lets Kafka wait.

    Raises:
        UsageError: When librdkafka does not take the properties.
    """

    def __init__(self, subscription: Subscription, *, clock: Clock, given: Given, handover: Handover) -> None:
        self.hearing = Hearing(str(subscription))
        self.assignment = Assignment(subscription.topic)
        self.rebalances = 0
        self.is_paused = False
        self._subscription = subscription
        self._topic = subscription.topic
        self._clock = clock
        self._given = given
        self._handover = handover
        self._unplaced: set[int] = set()
        self._old_partitions = 0  # how many the topic had when this began
        self._end_bytes = 0
        self._is_committing = False
        self._commit_at = self._look_at = self._idle_at = 0.0
        self._leaving = threading.Event()
        properties = subscription.access.for_consumer(subscription.group)
        properties |= {
            "error_cb": self.hearing.overhear,
            "on_commit": self._after_commit,
            "logger": Quiet(_logger),
        }
        try:
            self._consumer = Consumer(properties)
        except KafkaException as error:
            raise UsageError(told(error.args[0], str(subscription))) from error

    def run(self) -> None:
        """Read until `leave`, then commit and leave the group."""
        try:
            self._reach()
            if not self._leaving.is_set():
                self._consumer.subscribe(
                    [self._topic], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose
                )
            while not self._leaving.is_set():
                self._serve()
        except Exception as error:  # noqa: BLE001 -- told in the thread of the pipeline, which it ends
            self._handover.end(error)
        finally:
            self._leave()
            self._handover.end()

    def leave(self) -> None:
        """Read no more. From any thread; `run` ends soon."""
        self._leaving.set()
        self._given.give_up()

    def _reach(self) -> None:
        """Wait until a broker answers.

        Raises:
            UsageError: When it refuses the user, or knows no such topic.
        """
        while not self._leaving.is_set():
            try:
                self._old_partitions = self._partitions_found()
            except KafkaException as error:
                self._consumer.poll(0)  # librdkafka tells why in there
                self.hearing.judge()
                self.hearing.hear(error.args[0])
            else:
                self.hearing.all_is_well()
                return
            self.hearing.judge()
            self._leaving.wait(_POLL_SECONDS)

    def _partitions_found(self) -> int:
        """How many the topic has.

        Raises:
            KafkaException: Nobody says so, or there is no such topic for this user.
        """
        found = self._consumer.list_topics(self._topic, timeout=_ASK_SECONDS).topics[self._topic]
        if found.error is not None:
            raise KafkaException(found.error)
        return len(found.partitions)

    def _serve(self) -> None:
        """One turn: what has to be done every now and then, and what has come."""
        now = self._clock.monotonic()
        if now >= self._commit_at:
            self._commit_at = now + _COMMIT_SECONDS
            self._commit()
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            self._look()
            self._end_once()
        for number in tuple(self._unplaced):
            self._place(number)
        self._pause_unless(self._handover.has_room(0 if self.is_paused else _PATIENCE_SECONDS))
        first = self._consumer.poll(_POLL_SECONDS)
        if first is not None:
            self._take([first, *self._consumer.consume(_MESSAGES, 0)])
        self.hearing.judge()

    def _take(self, messages: Iterable[Message]) -> None:
        """Hand over what has come."""
        records: list[Record | Broken] = []
        runs: list[Run] = []
        end_bytes = self._end_bytes
        for message in messages:
            error, number, offset = message.error(), message.partition(), message.offset()
            if error is not None or number is None or offset is None:
                self._meet(error, number)
                continue
            partition = self.assignment.get(number)
            if partition is None:
                continue  # it went while this was on its way
            value = message.value()
            # An empty one moves the count as well, so that it tells all of them apart.
            end_bytes += len(value) if value else 1
            if value is None:
                position = Position(partition.stream, offset, end_bytes)
                records.append(Broken(position=position, reason="a tombstone: a record without a value"))
            else:
                records.append(Record(partition.stream, offset, end_bytes, value))
            if runs and runs[-1].partition is partition:
                runs[-1].last = offset
                runs[-1].end_bytes = end_bytes
            else:
                runs.append(Run(partition, offset, end_bytes))
            if partition.begun is None:
                partition.begun = offset
            partition.next = offset + 1
        if records:
            self._handover.put(Chunk(records, runs, end_bytes - self._end_bytes))
            self._end_bytes = end_bytes
            self.hearing.all_is_well()

    def _meet(self, error: KafkaError | None, number: int | None) -> None:
        """What a poll gave in the place of a message."""
        code = None if error is None else error.code()
        partition = None if number is None else self.assignment.get(number)
        if code == KafkaError._PARTITION_EOF:  # noqa: SLF001 -- librdkafka's own names
            if partition is not None:
                partition.at_end = True
            self._end_once()
        elif code == KafkaError._AUTO_OFFSET_RESET and partition is not None:  # noqa: SLF001
            self._unplaced.add(partition.number)
        elif error is not None:
            self._hear(error)

    def _hear(self, error: KafkaError) -> None:
        if error.code() in _UNKNOWN_TOPIC:
            self._old_partitions = 0  # when there is one again, all of it is new
        self.hearing.hear(error)

    def _end_once(self) -> None:
        """End what shall end once all is read; one to whom the group leaves nothing has nothing to read."""
        if not self._subscription.once or self.hearing.at_start:
            return
        is_idle = not self.assignment and self._clock.monotonic() >= self._idle_at
        if is_idle or (self.assignment and all(one.at_end for one in self.assignment)):
            self._handover.end()

    def _place(self, number: int) -> None:
        """Begin where nothing is committed, or where what was committed is not there any more."""
        partition = self.assignment.get(number)
        if partition is None:
            self._unplaced.discard(number)
            return
        place = TopicPartition(self._topic, number)
        try:
            due = self._due(partition)
            if due is None:
                # `latest` is as of the start, not as of when a partition is found that was added since.
                read_from = self._subscription.read_from if number < self._old_partitions else EARLIEST
                place.offset = first_offset(place, self._consumer, read_from=read_from, seconds=_ASK_SECONDS)
            else:
                place.offset, _ = self._consumer.get_watermark_offsets(place, timeout=_ASK_SECONDS)
            # Not `seek`: a partition that lacks its offset is not being read, and only one that is can seek.
            self._consumer.incremental_unassign([place])
            self._consumer.incremental_assign([place])
            if self.is_paused:
                self._consumer.pause([place])
        except KafkaException as error:
            self.hearing.hear(error.args[0])
            return
        self._unplaced.discard(number)
        if due is None:
            # Committed at once: what comes until the first record is done with must not be passed over.
            partition.done = place.offset
            _logger.info(
                "%s: the group has committed nothing here: reading begins at offset %d",
                partition.stream.name,
                place.offset,
            )
        else:
            _logger.error(
                "%s: offset %d was due, and Kafka has it no more: its retention deleted it unread, "
                "or the topic was made anew; reading goes on at %d",
                partition.stream.name,
                due,
                place.offset,
            )

    def _due(self, partition: Partition) -> int | None:
        """The offset to be read next; None when the group has not been there yet."""
        if partition.next is not None:
            return partition.next
        place = TopicPartition(self._topic, partition.number)
        (committed,) = self._consumer.committed([place], timeout=_ASK_SECONDS)
        return committed.offset if committed.offset >= 0 else None

    def _pause_unless(self, has_room: bool) -> None:  # noqa: FBT001 -- it is what it says
        if has_room == self.is_paused:
            self.is_paused = not has_room
            self._look_at = 0.0  # from now on nobody tells by the way how far there is to go
            (self._consumer.resume if has_room else self._consumer.pause)(self.assignment.places)
            said = "there is room: partitions resumed" if has_room else "no room: partitions paused"
            _logger.info("%s: %s", self._topic, said)

    def _look(self) -> None:
        """Ask what nobody told: how far there is to go, and whether all is well again."""
        try:
            # Of a topic that is gone librdkafka itself may tell only minutes later.
            self._partitions_found()
            self.hearing.all_is_well()
            unknown = [
                TopicPartition(self._topic, one.number) for one in self.assignment if one.committed is None
            ]
            if unknown:
                self.assignment.committed(self._consumer.committed(unknown, timeout=_ASK_SECONDS))
            for partition in self.assignment:
                place = TopicPartition(self._topic, partition.number)
                # What is paused is not fetched, and only what is fetched tells its end by the way.
                ends = self._consumer.get_watermark_offsets(
                    place, timeout=_ASK_SECONDS, cached=not self.is_paused
                )
                partition.end = max(partition.end, ends[1])
        except KafkaException as error:
            self._hear(error.args[0])

    def _commit(self) -> None:
        places = pending(self.assignment)
        if places and not self._is_committing:
            self._is_committing = True
            reached(Point.BEFORE_OFFSET_COMMIT)
            try:
                self._consumer.commit(offsets=places, asynchronous=True)
            except KafkaException as error:
                self._after_commit(error.args[0], places)

    def _after_commit(self, error: KafkaError | None, places: list[TopicPartition]) -> None:
        """Called by librdkafka, in a poll. What failed is committed a second later."""
        self._is_committing = False
        if error is None:
            reached(Point.AFTER_OFFSET_COMMIT)
            self.assignment.committed(places, self._clock.monotonic())
        else:
            _logger.debug("offsets could not be committed now: %s", error.str())

    def _assign(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        consumer.incremental_assign(places)
        self.assignment.add(places, self._clock.monotonic())
        if self.is_paused:
            consumer.pause(places)
        self.hearing.at_start = False
        self._look_at = 0.0
        self._rebalanced("assigned", places)

    def _revoke(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        """Let what is under way reach its end, commit, and let go."""
        if not self._leaving.is_set():  # else `_leave` has done all of it
            self._settle(self.assignment.among(places), consumer)
        self._forget(consumer, places, "revoked")

    def _settle(self, going: list[Partition], consumer: Consumer) -> None:
        self._handover.drop(going)
        if not self._given.wait_until_done(going, _LET_GO_SECONDS):
            _logger.warning("partitions go to another member, where what is under way of them comes again")
        done = pending(going)
        try:
            if done:
                consumer.commit(offsets=done, asynchronous=False)
        except KafkaException as error:
            _logger.warning("%s; what was delivered last comes again", told(error.args[0], self._topic))

    def _lose(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        """They are another's already: what is under way is finished, and not committed."""
        self._handover.drop(self.assignment.among(places))
        self._forget(consumer, places, "lost")

    def _forget(self, consumer: Consumer, places: list[TopicPartition], how: str) -> None:
        self.assignment.remove(places)
        self._unplaced -= {place.partition for place in places}
        consumer.incremental_unassign(places)
        self._rebalanced(how, places)

    def _rebalanced(self, what: str, places: list[TopicPartition]) -> None:
        self.rebalances += bool(places)
        self._idle_at = self._clock.monotonic() + _IDLE_SECONDS
        numbers = ", ".join(str(place.partition) for place in places) or "none"
        _logger.info(
            "%s: partitions %s: %s; %d are read here now", self._topic, what, numbers, len(self.assignment)
        )

    def _leave(self) -> None:
        """Commit what is done with, and tell the group, so that others take over at once."""
        try:
            self._consumer.pause(self.assignment.places)
            end = self._clock.monotonic() + _LAST_COMMIT_SECONDS
            while pending(self.assignment) and self._clock.monotonic() < end:
                self._commit()
                self._consumer.poll(_POLL_SECONDS / 10)
            if pending(self.assignment):
                _logger.warning(
                    "the last offsets could not be committed: what was delivered last comes again"
                )
            self._consumer.close()
        except KafkaException as error:
            _logger.warning("%s", told(error.args[0], str(self._subscription)))
