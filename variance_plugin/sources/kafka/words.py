"""What Kafka says is wrong, in words for the person who has to do something about it."""

from confluent_kafka import KafkaError

# A person has to do something; waiting alone does not help. By code: what is wrong, and what to do.
_FAULTS: dict[int, tuple[str, str]] = {
    KafkaError._AUTHENTICATION: (  # noqa: SLF001 -- librdkafka's own names
        "the brokers refuse the credentials",
        "check sasl_mechanism, sasl_username and sasl_password",
    ),
    KafkaError.SASL_AUTHENTICATION_FAILED: (
        "the brokers refuse the credentials",
        "check sasl_mechanism, sasl_username and sasl_password",
    ),
    KafkaError._SSL: (  # noqa: SLF001
        "TLS with the brokers does not come about",
        "check tls, tls_ca and, if they ask for one, tls_certificate and tls_key",
    ),
    KafkaError.TOPIC_AUTHORIZATION_FAILED: (
        "this user may not use the topic",
        "allow it to Describe and Read it (and to Write to one that it shall write to)",
    ),
    KafkaError.GROUP_AUTHORIZATION_FAILED: (
        "this user may not use the consumer group",
        "allow it to Read the group, or name another group",
    ),
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: (
        "this user may not use the cluster that way",
        "allow it IdempotentWrite on the cluster, which producing needs",
    ),
    KafkaError.UNKNOWN_TOPIC_OR_PART: (
        "there is no such topic",
        "check its name, also for KAFKA_PREFIX, and which cluster the brokers belong to",
    ),
    KafkaError._UNKNOWN_TOPIC: (  # noqa: SLF001
        "there is no such topic",
        "check its name, also for KAFKA_PREFIX, and which cluster the brokers belong to",
    ),
    KafkaError.TOPIC_EXCEPTION: ("no topic can have this name", "check its name"),
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: (
        "other members of the consumer group do not rebalance cooperatively",
        "give the runners a group of their own",
    ),
    KafkaError.INVALID_GROUP_ID: ("no consumer group can have this name", "check the name of the group"),
}

# Waiting alone helps.
_AWAY = {
    KafkaError._ALL_BROKERS_DOWN: "no broker can be reached",  # noqa: SLF001
}


def is_fault(error: KafkaError) -> bool:
    """Whether a person has to do something about it."""
    return error.code() in _FAULTS


def told(error: KafkaError, about: str) -> str:
    """In words: what it is about, what is wrong, what to do, and what Kafka says."""
    words = ": ".join(_FAULTS.get(error.code(), ())) or _AWAY.get(error.code())
    said = f"{error.name()}: {error.str()}"
    return f"{about}: {words} ({said})" if words else f"{about}: {said}"
