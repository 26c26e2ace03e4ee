"""What writes to a Kafka topic, in a process of its own: `python -m proofs.producer BROKERS TOPIC`.

Each line of its input becomes a record. At an empty one it waits until the brokers have all of them, and says
how many it has written by then.
"""

import sys
from collections.abc import Iterable, Iterator

import msgspec

from tests.stand_ins.kafka import produce


class _Keyed(msgspec.Struct):
    distinct_id: str


def write(brokers: str, topic: str, lines: Iterable[bytes]) -> Iterator[int]:
    """Write lines; at each empty one, how many the brokers have."""
    written = 0
    portion: list[bytes] = []
    for line in lines:
        if record := line.rstrip(b"\n"):
            portion.append(record)
        else:
            produce(brokers, topic, portion, key_of=person_of)
            written += len(portion)
            portion = []
            yield written


def person_of(record: bytes | None) -> bytes | None:
    """The key of a record, so that a person's events lie in one partition; None for what is no event."""
    try:
        return msgspec.json.decode(record or b"", type=_Keyed).distinct_id.encode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


if __name__ == "__main__":
    _brokers, _topic = sys.argv[1:]
    for _written in write(_brokers, _topic, sys.stdin.buffer):
        print(_written, flush=True)
