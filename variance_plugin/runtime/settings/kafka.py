"""The `[kafka]` table: how a cluster is reached, and which of librdkafka's properties may be set besides."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, GetPydanticSchema, PlainSerializer, WithJsonSchema
from pydantic_core import core_schema

from ...errors import Fault
from ...secret import Secret
from .kinds import OptionalPath, SecretText
from .strictness import STRICT

# Kafka's own rule for the name of a topic.
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_PROPERTY = re.compile(r"[a-z0-9][a-z0-9._-]*")
_HOLDS_SECRET = re.compile(r"password|secret|token|\.pem$|oauthbearer\.config|jaas")

_PROMISE = "is what the promise rests on, and is set by the program"
_REFUSED = {
    "bootstrap.servers": "is kafka.brokers",
    "metadata.broker.list": "is kafka.brokers",
    "security.protocol": "follows from kafka.tls and kafka.sasl_mechanism",
    "sasl.mechanism": "is kafka.sasl_mechanism",
    "sasl.mechanisms": "is kafka.sasl_mechanism",
    "sasl.username": "is kafka.sasl_username",
    "sasl.password": "is kafka.sasl_password",
    "ssl.ca.location": "is kafka.tls_ca",
    "ssl.certificate.location": "is kafka.tls_certificate",
    "ssl.key.location": "is kafka.tls_key",
    "ssl.key.password": "is kafka.tls_key_password",
    "group.id": "is source.group",
    "auto.offset.reset": "is source.read_from",
    "enable.auto.commit": _PROMISE,
    "enable.auto.offset.store": _PROMISE,
    "auto.commit.enable": _PROMISE,
    "auto.commit.interval.ms": _PROMISE,
    "enable.partition.eof": _PROMISE,
    "partition.assignment.strategy": _PROMISE,
    "group.protocol": _PROMISE,
    "enable.idempotence": _PROMISE,
    "acks": _PROMISE,
    "request.required.acks": _PROMISE,
    "transactional.id": _PROMISE,
    "message.timeout.ms": _PROMISE,
    "delivery.timeout.ms": _PROMISE,
    "allow.auto.create.topics": "would make a topic of a slip of the pen",
    "plugin.library.paths": "would load other people's code",
}


class SaslMechanism(StrEnum):
    """How a user shows who it is."""

    NONE = "none"
    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    OAUTHBEARER = "OAUTHBEARER"
    GSSAPI = "GSSAPI"

    @property
    def needs_password(self) -> bool:
        """Whether it is shown by a password."""
        return self in (self.PLAIN, self.SCRAM_SHA_256, self.SCRAM_SHA_512)


def _topic(text: str) -> str:
    if text and (not _TOPIC.fullmatch(text) or text in (".", "..")):
        raise ValueError("is no name of a topic: letters, digits, `.`, `_` and `-`, 249 at the most")
    return text


def _brokers(brokers: tuple[str, ...]) -> tuple[str, ...]:
    for broker in brokers:
        if not _BROKER.fullmatch(broker):
            raise ValueError("is no list of brokers such as kafka-1.example:9092, kafka-2.example:9092")
    return brokers


def _properties(value: Any) -> Mapping[str, str | Secret]:
    """Checked, what may be secret as such. The environment gives them as `name=value, name=value`."""
    if isinstance(value, str):
        pairs = [pair.strip().partition("=") for pair in value.split(",") if pair.strip()]
        if not all(equals for _, equals, _ in pairs):
            raise ValueError("is no table, and no list of name=value")
        value = {name.strip(): text.strip() for name, _, text in pairs}
    if not isinstance(value, Mapping):
        # Not a TypeError, of which pydantic would tell in its own words.
        raise ValueError("is no table; its settings belong below [kafka.properties]")  # noqa: TRY004
    return {name: _property(name, given) for name, given in value.items()}


def _property(name: str, value: Any) -> str | Secret:
    if not _PROPERTY.fullmatch(name):
        raise ValueError(
            'holds a name that no property of librdkafka has; write it in quotes: "fetch.wait.max.ms" = 100'
        )
    if name in _REFUSED:
        raise ValueError(f"{name} {_REFUSED[name]}")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str | int | float):
        raise ValueError(f"{name} is neither a text nor a number")  # noqa: TRY004 -- likewise
    return Secret(str(value)) if _HOLDS_SECRET.search(name) else str(value)


TopicName: TypeAlias = Annotated[str, AfterValidator(_topic)]
Properties: TypeAlias = Annotated[
    Mapping[str, str | Secret],
    GetPydanticSchema(lambda _source, _next: core_schema.no_info_plain_validator_function(_properties)),
    PlainSerializer(lambda _properties: {}),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """A Kafka cluster, for the source of that type and for what is written to topics."""

    __pydantic_config__ = STRICT

    brokers: Annotated[tuple[str, ...], AfterValidator(_brokers)] = ()
    """Some of its brokers, each as `host:port`; the others are learned from them."""
    tls: bool = False
    """Whether to speak TLS."""
    tls_ca: OptionalPath = None
    """Whose certificates are trusted (PEM). Empty: the system's authorities."""
    tls_certificate: OptionalPath = None
    """The program's own certificate (PEM), where the brokers ask for one."""
    tls_key: OptionalPath = None
    """Its key (PEM)."""
    tls_key_password: SecretText = field(default_factory=lambda: Secret(""))
    """Opens the key."""
    sasl_mechanism: SaslMechanism = SaslMechanism.NONE
    """How the program shows who it is."""
    sasl_username: str = ""
    """Who it is."""
    sasl_password: SecretText = field(default_factory=lambda: Secret(""))
    """Shows it."""
    dead_letter_topic: TopicName = ""
    """Where dead letters go, in place of the state file. Empty: into the state file."""
    properties: Properties = field(default_factory=dict)
    """Other properties of librdkafka, by their names."""

    @property
    def secrets(self) -> Iterator[Secret]:
        """All that there are."""
        yield from (self.tls_key_password, self.sasl_password)
        yield from (value for value in self.properties.values() if isinstance(value, Secret))

    def at_odds(self, *, by: str, topic: str) -> Iterator[Fault]:
        """What is wrong with values that are fine each by itself.

        Args:
            by: Which setting needs a cluster; empty: none.
            topic: What is read; empty: none.
        """
        if by and not self.brokers:
            yield Fault(key="kafka.brokers", problem=f"is needed by {by}, and is not set")
        if topic and self.dead_letter_topic == topic:
            yield Fault(
                key="kafka.dead_letter_topic", problem="is the topic that is read; they would go round"
            )
        if not self.tls:
            for name in ("tls_ca", "tls_certificate", "tls_key"):
                if getattr(self, name) is not None:
                    yield Fault(key=f"kafka.{name}", problem="is set, and kafka.tls is off")
        if self.sasl_mechanism.needs_password:
            for name in ("sasl_username", "sasl_password"):
                if not getattr(self, name):
                    yield Fault(
                        key=f"kafka.{name}", problem=f"is needed for {self.sasl_mechanism}, and is not set"
                    )
