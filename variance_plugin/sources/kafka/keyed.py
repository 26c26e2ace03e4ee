"""A topic in place of a local spool: what comes in is written to it, keyed by person."""

from collections.abc import Callable, Iterator, Sequence

from ...errors import InvalidRecord
from ...events import Event
from ...formats import events
from ...records import record_of
from ..spool import body_of
from .producing import Outgoing, TopicWriter


class KeyedTopic:
    """Keeps records in a topic, so that all events of a person lie in one partition, in their order.

    A record that holds events of several persons is written as so many records.

    Args:
        writer: Of the topic. Closed by whoever made it.
        refuse: Keeps a record that the brokers do not take, with the reason.
    """

    def __init__(self, writer: TopicWriter, refuse: Callable[[bytes, str], None]) -> None:
        self._writer = writer
        self._refuse = refuse

    def append(self, records: Sequence[bytes]) -> None:
        """Write them; all replicas have them when it returns.

        Raises:
            SpoolFull: Too much is on its way already.
            StateError: They cannot be written now. Writing them again repeats some, with the same ids.
        """
        outgoing = [one for record in records for one in _keyed(record)]
        for number in self._writer.write(outgoing):
            self._refuse(outgoing[number].value, "larger than the brokers of Kafka take")


def _keyed(entry: bytes) -> Iterator[Outgoing]:
    record = body_of(entry)
    try:
        found = events(record)
    except InvalidRecord:
        yield Outgoing(value=record)  # whoever reads it says what is wrong with it
        return
    keys = {_key(one) for one in found}
    if len(keys) == 1:
        yield Outgoing(value=record, key=keys.pop())
        return
    for one in found:
        yield Outgoing(value=record_of(one) if isinstance(one, Event) else record, key=_key(one))


def _key(event: Event | InvalidRecord) -> bytes | None:
    if isinstance(event, InvalidRecord):
        return None
    person = event.distinct_id
    return (person if isinstance(person, str) else repr(person)).encode(errors="replace")
