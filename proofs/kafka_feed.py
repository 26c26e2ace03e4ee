"""The feed of the Kafka source: a topic, a process that writes to it, and a group that reads it."""

import subprocess
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from subprocess import Popen
from typing import IO, ClassVar, cast

from tests.stand_ins.kafka import Cluster, start

from .feeds import ON_EVERY_WAY, TO_GROUP
from .runner import LIMIT_SECONDS, Runner

_PARTITIONS = 4
# A mock cluster keeps 5 MB of a partition, and throws away what is older.
_PARTITIONS_OF_MOCK = 64
_ROOT = Path(__file__).parent.parent
# The group notices soon that a runner was killed.
_SETTINGS = """
[kafka]
brokers = ["{brokers}"]
[kafka.properties]
"session.timeout.ms" = 1000
"heartbeat.interval.ms" = 200
"fetch.wait.max.ms" = 50
[source]
type = "kafka"
topic = "{topic}"
group = "{topic}"
"""

_numbers = count(1)


class KafkaFeed:
    """Writes to a topic, a person's events to one partition; what the brokers have confirmed is safe.

    Args:
        folder: See `Feed`.
        cluster: Whose topic; None: one of its own, which is a real broker where one was fetched.
        partitions: Of the topic; None: so many that either kind of cluster holds all events of a long proof.
    """

    points: ClassVar = ON_EVERY_WAY | TO_GROUP
    ending: ClassVar[Sequence[str]] = ("--once",)
    takes_any_line: ClassVar = True
    takes_once: ClassVar = True
    in_turn: ClassVar = False
    again: ClassVar = 0

    def __init__(
        self,
        folder: Path,  # noqa: ARG002 -- as every feed
        cluster: Cluster | None = None,
        partitions: int | None = None,
    ) -> None:
        self._own = start() if cluster is None else None
        used = cluster or cast("Cluster", self._own)
        self.name = f"kafka ({used.kind})"
        enough = _PARTITIONS if used.is_real else _PARTITIONS_OF_MOCK
        topic = used.topic(f"proof-{next(_numbers)}", partitions=partitions or enough)
        self.settings = _SETTINGS.format(brokers=used.brokers, topic=topic)
        self.gone = 0
        self._handed_over = 0
        self._producer = Popen(
            [sys.executable, "-m", "proofs.producer", used.brokers, topic],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def hand_over(self, lines: Sequence[bytes]) -> None:
        """See `Feed`: they are written while the runner goes on, or is killed."""
        pipe = cast("IO[bytes]", self._producer.stdin)
        pipe.write(b"".join(line + b"\n" for line in lines) + b"\n")
        pipe.flush()
        self._handed_over += len(lines)

    def attach(self, process: Popen[bytes]) -> None:
        """See `Feed`: it reads by itself."""

    def settle(self, runner: Runner) -> None:  # noqa: ARG002 -- the brokers take it over
        """See `Feed`."""
        told = cast("IO[bytes]", self._producer.stdout)
        while self.gone < self._handed_over:
            self.gone = int(told.readline())

    def end(self) -> None:
        """See `Feed`: with `--once` it does."""

    def detach(self) -> None:
        """See `Feed`."""

    def close(self) -> None:
        """See `Feed`."""
        self._producer.communicate(timeout=LIMIT_SECONDS)
        if self._own is not None:
            self._own.close()
