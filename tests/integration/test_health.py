"""The port on which a run can be looked at."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from variance_plugin.errors import UsageError
from variance_plugin.runtime.watching.health import HealthServer
from variance_plugin.runtime.watching.metric_list import LAG_SECONDS
from variance_plugin.runtime.watching.metrics import Metrics

SECONDS = 10.0


@dataclass
class Patient:
    """A host that is as well as it is told to be."""

    ailment: str | None = None
    hindrance: str | None = None

    def alive(self) -> str | None:
        """See `Health`."""
        if self.ailment == "raises":
            raise RuntimeError("phc_secret")
        return self.ailment

    def ready(self) -> str | None:
        """See `Health`."""
        return self.hindrance


@pytest.fixture
def metrics() -> Metrics:
    """Empty, but for one value."""
    metrics = Metrics()
    metrics.read(LAG_SECONDS, lambda: 12.5, source="file")
    return metrics


@pytest.fixture
def patient() -> Patient:
    """One that is well."""
    return Patient()


@pytest.fixture
def server(metrics: Metrics, patient: Patient) -> Iterator[HealthServer]:
    """On a free port."""
    with HealthServer(("127.0.0.1", 0), metrics, patient) as server:
        yield server


def asked(
    server: HealthServer, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def told(server: HealthServer, path: str) -> tuple[int, Any]:
    """Status and body of an answer in JSON."""
    status, headers, body = asked(server, path)
    assert "application/json" == headers["Content-Type"]
    return status, json.loads(body)


def test_metrics_can_be_scraped(server: HealthServer) -> None:
    """As Prometheus does it."""
    status, headers, body = asked(server, "/metrics?name=x", Accept="text/plain;version=0.0.4")

    page = text_string_to_metric_families(body.decode())
    families = {family.name: family for family in page}
    assert (200, str(len(body))) == (status, headers["Content-Length"])
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert [12.5] == [sample.value for sample in families["runner_lag_seconds"].samples]


def test_a_run_that_is_well_is_alive_and_ready(server: HealthServer) -> None:
    """200 and `ok`, twice."""
    assert (200, {"status": "ok"}) == told(server, "/healthz") == told(server, "/readyz")


def test_a_run_tells_why_it_is_not_well(server: HealthServer, patient: Patient) -> None:
    """503 with the reason; each question by itself."""
    patient.ailment = "the thread lane-1 has ended"
    assert (503, {"status": "failed", "reason": "the thread lane-1 has ended"}) == told(server, "/healthz")
    assert 200 == told(server, "/readyz")[0]

    patient.ailment, patient.hindrance = None, "not set up yet"
    assert 200 == told(server, "/healthz")[0]
    assert (503, {"status": "failed", "reason": "not set up yet"}) == told(server, "/readyz")


def test_a_question_that_fails_is_a_failure(
    server: HealthServer, patient: Patient, caplog: pytest.LogCaptureFixture
) -> None:
    """500, without the text of the error; and the next one is answered."""
    patient.ailment = "raises"

    assert (500, b"") == asked(server, "/healthz")[::2]
    assert ["/healthz failed: RuntimeError"] == caplog.messages
    assert 200 == asked(server, "/readyz")[0]


@pytest.mark.parametrize("path", ["/", "/metric", "/metrics/", "/healthz/x", "/%6detrics"])
def test_there_is_nothing_else(server: HealthServer, path: str) -> None:
    """404, which says what there is."""
    assert (404, b"There are /metrics, /healthz and /readyz.\n") == asked(server, path)[::2]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_nothing_can_be_changed(server: HealthServer, method: str) -> None:
    """405 with the methods that there are, also when something is sent along."""
    status, headers, _ = asked(server, "/metrics", method, b"x" * 10_000)

    assert (405, "GET, HEAD") == (status, headers["Allow"])


def test_head_tells_as_much_as_get_but_the_body(server: HealthServer) -> None:
    """Some orchestrators ask so."""
    status, headers, body = asked(server, "/healthz", "HEAD")

    assert (200, b"") == (status, body)
    assert len(asked(server, "/healthz")[2]) == int(headers["Content-Length"])


def test_a_port_that_is_taken_names_the_setting(metrics: Metrics, patient: Patient) -> None:
    """And what to do."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError) as raised:
            HealthServer(("127.0.0.1", port), metrics, patient)

    assert (
        f"metrics.listen: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "another runner may have it; choose another address, or none: --set metrics.listen=off"
    ) == str(raised.value)


@pytest.mark.parametrize("host", ["no.such.name.invalid", "a" * 64 + ".example", "192.0.2.1"])
def test_an_address_that_cannot_be_listened_on_names_the_setting(
    host: str, metrics: Metrics, patient: Patient
) -> None:
    """A name that does not resolve, that is no name, an address of another machine."""
    with pytest.raises(UsageError, match=r"metrics\.listen: cannot listen on"):
        HealthServer((host, 0), metrics, patient)


def test_it_ends_at_once_whoever_is_still_connected(metrics: Metrics, patient: Patient) -> None:
    """A stranger who says nothing does not hold the end of the program; the port is free again."""
    with HealthServer(("127.0.0.1", 0), metrics, patient) as server:
        silent = socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)
        assert 200 == asked(server, "/healthz")[0]
        ending = threading.Timer(SECONDS, silent.close)
        ending.start()
    ending.cancel()

    with closing(silent), HealthServer(("127.0.0.1", server.port), metrics, patient) as again:
        assert 200 == asked(again, "/healthz")[0]


def test_too_many_at_once_are_sent_away(server: HealthServer) -> None:
    """Sixteen connections that say nothing hold sixteen threads and no more."""
    silent = [socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) for _ in range(40)]

    assert [b""] * 24 == [connection.recv(1) for connection in silent[16:]]
    for connection in silent:
        connection.close()
