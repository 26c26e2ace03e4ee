"""Where a group begins that has not been anywhere yet."""

from datetime import datetime

from confluent_kafka import Consumer, TopicPartition

from .subscription import EARLIEST, LATEST


def first_offset(place: TopicPartition, consumer: Consumer, *, read_from: str, seconds: float) -> int:
    """The offset to begin with.

    Args:
        place: A partition.
        consumer: Asks Kafka.
        read_from: See `Subscription`.
        seconds: So long each question may take.

    Raises:
        KafkaException: When Kafka does not say so in that time.
    """
    oldest, end = consumer.get_watermark_offsets(place, timeout=seconds)
    if read_from in (EARLIEST, LATEST):
        return oldest if read_from == EARLIEST else end
    milliseconds = round(datetime.fromisoformat(read_from).timestamp() * 1000)
    wanted = TopicPartition(place.topic, place.partition, milliseconds)
    (found,) = consumer.offsets_for_times([wanted], timeout=seconds)
    return found.offset if found.offset >= 0 else end
