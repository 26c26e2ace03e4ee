"""What is told of what brokers say: once when it begins, once when it is over, and the cause first."""

import logging

import pytest
from confluent_kafka import KafkaError

from variance_plugin.errors import UsageError
from variance_plugin.sources.kafka.hearing import Hearing

AWAY = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")  # noqa: SLF001 -- librdkafka's own names
REFUSED = KafkaError(KafkaError._AUTHENTICATION, "Invalid username or password")  # noqa: SLF001


@pytest.fixture
def hearing() -> Hearing:
    """Of one that has been a member."""
    found = Hearing("Kafka")
    found.at_start = False
    return found


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Above `debug`: how grave, and how it begins."""
    return [
        (record.levelname, record.getMessage().partition(" (")[0])
        for record in caplog.records
        if record.levelno > logging.DEBUG
    ]


def test_a_refusal_is_told_though_brokers_were_away_before(
    hearing: Hearing, caplog: pytest.LogCaptureFixture
) -> None:
    """A password that was changed shows when a connection is made anew, so behind a broken one."""
    caplog.set_level(logging.DEBUG)
    for error in (AWAY, AWAY, REFUSED, AWAY, REFUSED):
        hearing.overhear(error)

    check = "check sasl_mechanism, sasl_username and sasl_password"
    assert [
        ("WARNING", "Kafka: no broker can be reached"),
        ("ERROR", f"Kafka: the brokers refuse the credentials: {check}"),
    ] == told(caplog)
    assert hearing.is_fault
    assert check in (hearing.trouble or "")
    hearing.judge()  # it has worked, so it may work again


def test_all_is_well_again_once(hearing: Hearing, caplog: pytest.LogCaptureFixture) -> None:
    """And what comes afterwards is told anew."""
    caplog.set_level(logging.INFO)
    hearing.hear(REFUSED)
    hearing.all_is_well()
    hearing.all_is_well()

    assert ("INFO", "Kafka: it answers again") == told(caplog)[-1]
    assert (None, False) == (hearing.trouble, hearing.is_fault)
    hearing.hear(AWAY)
    assert ["ERROR", "INFO", "WARNING"] == [level for level, _ in told(caplog)]


def test_a_refusal_at_the_start_is_a_mistake_of_the_settings() -> None:
    """Brokers that are away are waited for."""
    hearing = Hearing("Kafka")
    hearing.overhear(AWAY)
    hearing.judge()
    hearing.overhear(REFUSED)

    with pytest.raises(UsageError, match="the brokers refuse the credentials"):
        hearing.judge()
