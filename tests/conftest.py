"""What every test shares: Hypothesis' profiles, a bucket, a Kafka cluster, no secret left behind."""

import logging
import os
import signal
from collections.abc import Iterator
from itertools import count
from urllib.parse import quote

import pytest
import requests
from hypothesis import settings

from tests.left_behind import pytest_runtest_makereport
from tests.stand_ins import kafka as cluster

__all__ = ["pytest_runtest_makereport"]  # a hook: pytest finds it here

# No deadline on one example: machines are shared and noisy, and pytest's time limit catches a hang.
# Elsewhere each run tries new examples and remembers what failed; in CI the examples follow from the
# test alone, so that a red build is the change's doing and a second run gives the same answer.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

# Started by `nohup`, or by a script with `&`, the programs under test would leave a hang-up or an interrupt
# ignored, as they should.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class S3Bucket:
    """A bucket of a server that speaks S3's protocol on the loopback address.

    Attributes:
        name: Of the bucket.
        endpoint: The server's address.
    """

    def __init__(self, name: str, endpoint: str) -> None:
        self.name = name
        self.endpoint = endpoint
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = "AWS demo-key-id:unsigned"  # it asks only for a name
        self._ask("PUT", "")

    @property
    def url(self) -> str:
        """What a person would call it."""
        return f"s3://{self.name}"

    def put(self, key: str, body: bytes) -> None:
        """Write an object, or write it anew."""
        self._ask("PUT", key, body)

    def delete(self, key: str) -> None:
        """Take an object away."""
        self._ask("DELETE", key)

    def _ask(self, method: str, key: str, body: bytes = b"") -> None:
        address = f"{self.endpoint}/{self.name}/{quote(key)}"
        self._session.request(method, address, data=body, timeout=10).raise_for_status()


@pytest.fixture(scope="session")
def _s3_endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 -- few tests need it, and it is large

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


_numbers = count(1)


@pytest.fixture
def s3(_s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> S3Bucket:
    """An empty bucket, whose credentials are in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "demo-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "demo-secret-key")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return S3Bucket(f"exports-{next(_numbers)}", _s3_endpoint)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors, since many tests wait for a process, a disk or a broker."""
    processors = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return len(processors) + 1


def pytest_report_header() -> str:
    """Say which Kafka the tests run on."""
    return f"kafka: {(cluster.ApacheKafka if cluster.is_fetched() else cluster.MockCluster).kind}"


@pytest.fixture(scope="session")
def kafka() -> Iterator[cluster.Cluster]:
    """A Kafka cluster; its tests share one process (`xdist_group`), so there is one."""
    running = cluster.start()
    yield running
    running.close()
