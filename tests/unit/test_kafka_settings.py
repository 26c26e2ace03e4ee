"""The `[kafka]` table: what it may say, and what becomes of it in librdkafka's own words."""

from pathlib import Path
from typing import Any

import pytest

from variance_plugin.cli.config_run import to_json, to_text
from variance_plugin.clusters import access_to
from variance_plugin.errors import SettingsError
from variance_plugin.runtime.settings import InForce, read
from variance_plugin.secret import Secret
from variance_plugin.settings import manifest

ENOUGH = """
[[plugins]]
name = "variance"
[plugins.config]
webhookUrl = "https://hooks.example/1"
authHeader = "Bearer demo-header"
"""


def in_force(text: str, folder: Path) -> InForce:
    """The settings of a file with that text."""
    file = folder / "runner.toml"
    file.write_text(text + ENOUGH, encoding="utf-8")
    return read(file, environment={}, manifest_of=lambda _plugin: manifest())


def faults(text: str, folder: Path) -> dict[str, str]:
    """What is wrong with it, by setting."""
    with pytest.raises(SettingsError) as raised:
        in_force(text, folder)
    return {fault.key: fault.problem for fault in raised.value.faults}


KAFKA = '[source]\ntype = "kafka"\n[kafka]\nbrokers = ["k1.example:9093", "[::1]:9092"]\n'


def test_all_of_it_reaches_librdkafka(tmp_path: Path) -> None:
    """Paths from the file's folder; what the promise needs counts more than any property."""
    settings = in_force(
        KAFKA
        + """
        tls = true
        tls_ca = "ca.pem"
        sasl_mechanism = "SCRAM-SHA-512"
        sasl_username = "exports"
        sasl_password = "demo-password"
        [kafka.properties]
        "fetch.wait.max.ms" = 50
        "socket.keepalive.enable" = true
        "client.rack" = "a"
        """,
        tmp_path,
    ).settings

    properties = access_to(settings.kafka).for_consumer("g")

    wanted = {
        "bootstrap.servers": "k1.example:9093,[::1]:9092",
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(tmp_path / "ca.pem"),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "exports",
        "sasl.password": "demo-password",
        "fetch.wait.max.ms": "50",
        "socket.keepalive.enable": "true",
        "client.rack": "a",
        "group.id": "g",
        "enable.auto.commit": False,
        "partition.assignment.strategy": "cooperative-sticky",
    }
    assert wanted == {name: properties[name] for name in wanted}
    assert "ssl.key.location" not in properties
    producer = access_to(settings.kafka).for_producer()
    assert ("all", True) == (producer["acks"], producer["enable.idempotence"])


def test_secrets_show_nowhere(tmp_path: Path) -> None:
    """Neither those with a setting of their own nor those among the properties."""
    found = in_force(
        KAFKA
        + 'sasl_password = "demo-password"\n[kafka.properties]\n'
        + '"sasl.oauthbearer.client.secret" = "demo-secret"\n'
        + '"fetch.wait.max.ms" = 50\n',
        tmp_path,
    )

    shown = to_text(found) + to_json(found) + repr(found.settings)
    assert "demo-password" not in shown
    assert "demo-secret" not in shown
    assert "fetch.wait.max.ms=50" in shown
    assert {Secret("demo-password"), Secret("demo-secret")} <= set(found.settings.secrets)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("enable.auto.commit", "enable.auto.commit is what the promise rests on, and is set by the program"),
        ("auto.offset.reset", "auto.offset.reset is source.read_from"),
        ("sasl.password", "sasl.password is kafka.sasl_password"),
        ("acks", "acks is what the promise rests on, and is set by the program"),
        ("plugin.library.paths", "plugin.library.paths would load other people's code"),
        (
            "Fetch Wait",
            'holds a name that no property of librdkafka has; write it in quotes: "fetch.wait.max.ms" = 100',
        ),
    ],
)
def test_properties_that_would_break_the_promise_are_refused(tmp_path: Path, name: str, problem: str) -> None:
    """Each with the reason, or the setting that it has."""
    text = f'{KAFKA}[kafka.properties]\n"{name}" = "1"\n'

    assert {"kafka.properties": f"{problem} (from {tmp_path / 'runner.toml'})"} == faults(text, tmp_path)


@pytest.mark.parametrize(
    ("key", "problem", "text"),
    [
        ("kafka.brokers", "is needed by source.topic, and is not set", '[source]\ntype = "kafka"\n'),
        (
            "kafka.brokers",
            "is needed by kafka.dead_letter_topic, and is not set",
            '[source]\npaths = ["x"]\n[kafka]\ndead_letter_topic = "dead"\n',
        ),
        (
            "kafka.dead_letter_topic",
            "is the topic that is read; they would go round",
            KAFKA + 'dead_letter_topic = "clickhouse_events_json"\n',
        ),
        ("kafka.tls_ca", "is set, and kafka.tls is off", KAFKA + 'tls_ca = "ca.pem"\n'),
        (
            "kafka.sasl_username",
            "is needed for PLAIN, and is not set",
            KAFKA + 'sasl_mechanism = "PLAIN"\nsasl_password = "demo-password"\n',
        ),
    ],
    ids=["brokers", "brokers-for-letters", "round", "tls-off", "username"],
)  # fmt: skip
def test_what_does_not_go_together_is_told(tmp_path: Path, key: str, problem: str, text: str) -> None:
    """By the setting that is wrong."""
    assert {key: problem} == faults(text, tmp_path)


@pytest.mark.parametrize(
    ("key", "problem", "line"),
    [
        (
            "kafka.brokers",
            "is no list of brokers such as kafka-1.example:9092, kafka-2.example:9092",
            'brokers = ["k"]',
        ),
        (
            "kafka.dead_letter_topic",
            "is no name of a topic: letters, digits, `.`, `_` and `-`, 249 at the most",
            'brokers = ["k:1"]\ndead_letter_topic = "^dead.*"',
        ),
    ],
    ids=["broker", "topic"],
)
def test_what_cannot_be_is_told(tmp_path: Path, key: str, problem: str, line: str) -> None:
    """In words; a topic that begins with ^ would be a pattern to librdkafka."""
    found = faults(f'[source]\ntype = "kafka"\n[kafka]\n{line}\n', tmp_path)

    assert {key: f"{problem} (from {tmp_path / 'runner.toml'})"} == found


@pytest.mark.parametrize("value", ["earliest", "latest", "2026-01-31", "2026-01-31T12:00:00+01:00"])
def test_a_new_group_may_begin_at_either_end_or_at_a_time(tmp_path: Path, value: str) -> None:
    """A date is its beginning, in UTC."""
    found: Any = in_force(
        f'[source]\ntype = "kafka"\nread_from = "{value}"\n{KAFKA.partition("[kafka]")[1]}'
        '\nbrokers = ["k:1"]\n',
        tmp_path,
    ).settings.source

    times = {
        "2026-01-31": "2026-01-31T00:00:00+00:00",
        "2026-01-31T12:00:00+01:00": "2026-01-31T11:00:00+00:00",
    }
    assert times.get(value, value) == found.read_from


def test_another_place_to_begin_is_refused(tmp_path: Path) -> None:
    """Kafka's own `none` among them."""
    found = faults('[source]\ntype = "kafka"\nread_from = "none"\n[kafka]\nbrokers = ["k:1"]\n', tmp_path)

    problem = "is neither earliest nor latest nor a time such as 2026-01-31T12:00:00Z"
    assert {"source.read_from": f"{problem} (from {tmp_path / 'runner.toml'})"} == found
