"""Events by TLS: what is shown, what is renewed, and what is said of files that will not do."""

import asyncio
import logging
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.benches.certificates import Pair, make_pair, needs_openssl, openssl
from variance_plugin.errors import UsageError
from variance_plugin.secret import Secret
from variance_plugin.sources.http.app import App
from variance_plugin.sources.http.certificate import Certificate
from variance_plugin.sources.http.connections import LimitedServer
from variance_plugin.sources.http.exchange import Limits
from variance_plugin.sources.http.intake import HttpAccess, HttpIntake
from variance_plugin.testing import FakeClock, InMemorySpool

pytestmark = needs_openssl

SECONDS = 20
TOKEN = "demo-token"
EVENT = b'{"event":"order paid","distinct_id":"u-42"}'


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, Pair]:
    """Two for this machine."""
    folder = tmp_path_factory.mktemp("certificates")
    return make_pair(folder, "first"), make_pair(folder, "second")


@pytest.fixture
def pair(pairs: tuple[Pair, Pair], tmp_path: Path) -> Pair:
    """The first one, in files of its own, to be replaced."""
    return put(pairs[0], Pair(tmp_path / "fullchain.pem", tmp_path / "privkey.pem"))


def put(pair: Pair, place: Pair) -> Pair:
    """As certbot does it: a new file takes the place of the old one."""
    for new, old in ((pair.certificate, place.certificate), (pair.key, place.key)):
        fresh = old.with_suffix(".new")
        shutil.copyfile(new, fresh)
        fresh.replace(old)
    return place


def read(pair: Pair) -> Certificate:
    """As the settings name it."""
    return Certificate(pair.certificate, pair.key, setting="source.tls")


@contextmanager
def serving(certificate: Certificate) -> Iterator[HttpIntake]:
    """An intake that takes webhooks over TLS."""
    access = HttpAccess(address=("127.0.0.1", 0), webhook_token=Secret(TOKEN), certificate=certificate)
    intake = HttpIntake(InMemorySpool(), access, clock=FakeClock())
    intake.start(lambda: None)
    try:
        yield intake
    finally:
        intake.stop()


def port_of(intake: HttpIntake) -> int:
    """Where it listens."""
    return int(intake.url.rpartition(":")[2])


def shown(intake: HttpIntake) -> str:
    """The certificate that a new connection sees, in PEM."""
    return ssl.get_server_certificate(("127.0.0.1", port_of(intake)), timeout=SECONDS)


def test_events_come_over_tls(pair: Pair) -> None:
    """To whoever trusts the certificate, by the address that is told."""
    with serving(read(pair)) as intake:
        answer = requests.post(
            f"{intake.url}/webhook",
            data=EVENT,
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
            verify=str(pair.certificate),
            timeout=SECONDS,
        )

        assert intake.url.startswith("https://127.0.0.1:")
    assert (200, {"status": "ok"}) == (answer.status_code, answer.json())


def test_who_speaks_plain_http_gets_no_answer(pair: Pair) -> None:
    """And nothing of what they sent is taken for a request."""
    with (
        serving(read(pair)) as intake,
        socket.create_connection(("127.0.0.1", port_of(intake)), timeout=SECONDS) as client,
    ):
        client.sendall(b"POST /webhook HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n")
        heard = client.makefile("rb").read()

    assert not heard.startswith(b"HTTP/")


def test_a_renewed_certificate_is_shown(pair: Pair, pairs: tuple[Pair, Pair]) -> None:
    """By new connections, without a restart."""
    certificate = read(pair)
    with serving(certificate) as intake:
        before = shown(intake)
        put(pairs[1], pair)
        certificate.renew()
        after = shown(intake)

    first, second = (one.certificate.read_text(encoding="ascii") for one in pairs)
    assert (first, second) == (before, after)


def test_the_server_looks_for_a_renewed_certificate_every_minute(pair: Pair) -> None:
    """Of its ticks, ten a second; not with the first one, when it has only just been read."""
    looks = []

    class Watched(Certificate):
        def renew(self) -> None:
            looks.append(ticks[-1])

    server = LimitedServer(
        App(lambda _path: None, clock=FakeClock(), limits=Limits()),
        limits=Limits(),
        stops=lambda: False,
        certificate=Watched(pair.certificate, pair.key, setting="source.tls"),
    )
    server.config.load()
    ticks = []

    async def go_on() -> None:
        for tick in range(1300):
            ticks.append(tick)
            await server.on_tick(tick)

    asyncio.run(go_on())

    assert [600, 1200] == looks


def test_a_new_certificate_that_will_not_do_leaves_the_old_one(
    pair: Pair, pairs: tuple[Pair, Pair], caplog: pytest.LogCaptureFixture
) -> None:
    """As between the replacing of the one file and of the other; what is wrong is told once."""
    certificate = read(pair)
    with caplog.at_level(logging.INFO, "variance_plugin"):
        shutil.copyfile(pairs[1].certificate, pair.certificate)
        certificate.renew()
        certificate.renew()
        # The server looks at the files too, in its own thread: it is here while they stand still.
        with serving(certificate) as intake:
            before = shown(intake)
        put(pairs[1], pair)
        certificate.renew()
        with serving(certificate) as intake:
            after = shown(intake)

    first, second = (one.certificate.read_text(encoding="ascii") for one in pairs)
    assert (first, second) == (before, after)
    why_not = f"source.tls_key: the key in {pair.key} is that of another certificate than {pair.certificate}"
    assert [
        f"the new certificate cannot be used, the old one stays: {why_not}",
        f"{pair.certificate} has changed: new connections see the new certificate",
    ] == [record.getMessage() for record in caplog.records if "certificate" in record.getMessage()]


def why(certificate: Path, key: Path | None) -> str:
    """What is said of these files."""
    with pytest.raises(UsageError) as caught:
        Certificate(certificate, key, setting="source.tls")
    return str(caught.value)


def test_files_that_will_not_do_are_told_apart(pairs: tuple[Pair, Pair], tmp_path: Path) -> None:
    """Each by its setting, with the file."""
    first, second = pairs[0], pairs[1].key
    chain = first.certificate
    nowhere, text, locked = tmp_path / "nowhere.pem", tmp_path / "text.pem", tmp_path / "locked.key"
    text.write_text("none of that", encoding="ascii")
    openssl("rsa", "-in", str(first.key), "-aes256", "-passout", "pass:demo", "-out", str(locked))

    found = [
        why(nowhere, None),
        why(chain, nowhere),
        why(text, first.key),
        why(chain, None),
        why(chain, second),
        why(chain, locked),
    ]

    assert [
        f"source.tls_certificate: cannot read {nowhere}: No such file or directory",
        f"source.tls_key: cannot read {nowhere}: No such file or directory",
        f"source.tls_certificate: {text} holds no certificate in PEM, or {first.key} no key",
        f"source.tls_certificate: {chain} holds no certificate in PEM, or no key",
        f"source.tls_key: the key in {second} is that of another certificate than {chain}",
        f"source.tls_key: {locked} has a password; take a key without one",
    ] == found


def test_a_key_may_stand_behind_its_certificate(pair: Pair, tmp_path: Path) -> None:
    """In one file, as some tools write it."""
    both = tmp_path / "both.pem"
    both.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())

    with serving(Certificate(both, None, setting="source.tls")) as intake:
        assert pair.certificate.read_text(encoding="ascii") == shown(intake)
