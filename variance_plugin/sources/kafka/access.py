"""How to reach a Kafka cluster, as librdkafka's properties."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...secret import Secret

# What is read ahead stays within this; librdkafka's own 64 MB are more than the rest of the program takes.
_READ_AHEAD_KB = 16 * 1024

# So soon at the latest it is noticed that a topic has more partitions, or is gone; librdkafka's own are five
# minutes. Were it made anew meanwhile, reading would go on in it where the old one was.
_REFRESH_MS = 5_000

# So soon at the latest it is noticed that a broker is there again.
_RECONNECT_MS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAccess:
    """Where the brokers are, who asks, and whom to trust.

    Attributes:
        brokers: Some of them, each as `host:port`; the others are learned from these.
        tls: Whether to speak TLS.
        tls_ca: Whose certificates are trusted, in place of the system's authorities.
        tls_certificate: The client's own, where brokers ask for one; PEM.
        tls_key: Its key; PEM.
        tls_key_password: Opens the key.
        sasl_mechanism: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or another of librdkafka's; empty: none.
        sasl_username: Who asks.
        sasl_password: Shows it.
        properties: Any other property of librdkafka by its name. What this package needs for its promise is
            set after them, and counts.
    """

    brokers: tuple[str, ...]
    tls: bool = False
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_key_password: Secret = field(default_factory=lambda: Secret(""))
    sasl_mechanism: str = ""
    sasl_username: str = ""
    sasl_password: Secret = field(default_factory=lambda: Secret(""))
    properties: Mapping[str, str | Secret] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(self.brokers)

    def for_consumer(self, group: str) -> dict[str, Any]:
        """Of a member of a group, which is told when to commit, and what."""
        return {
            "queued.max.messages.kbytes": _READ_AHEAD_KB,
            "topic.metadata.refresh.interval.ms": _REFRESH_MS,
            **self._common(),
            "group.id": group,
            "partition.assignment.strategy": "cooperative-sticky",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # Where to begin is decided here: librdkafka would pass in silence over what a broker has deleted.
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "allow.auto.create.topics": False,
        }

    def for_producer(self) -> dict[str, Any]:
        """Of a producer, which is told when all replicas have a record, and keeps their order."""
        return {**self._common(), "enable.idempotence": True, "acks": "all"}

    def _common(self) -> dict[str, Any]:
        protocol = ("SASL_" if self.sasl_mechanism else "") + ("SSL" if self.tls else "PLAINTEXT")
        given = {
            "client.id": "variance-plugin",
            "reconnect.backoff.max.ms": _RECONNECT_MS,
            **{name: _revealed(value) for name, value in self.properties.items()},
            "bootstrap.servers": ",".join(self.brokers),
            "security.protocol": protocol,
            "ssl.ca.location": self.tls_ca,
            "ssl.certificate.location": self.tls_certificate,
            "ssl.key.location": self.tls_key,
            "ssl.key.password": self.tls_key_password.reveal(),
            "sasl.mechanism": self.sasl_mechanism,
            "sasl.username": self.sasl_username,
            "sasl.password": self.sasl_password.reveal(),
        }
        return {name: str(value) for name, value in given.items() if value not in (None, "")}


def _revealed(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value
