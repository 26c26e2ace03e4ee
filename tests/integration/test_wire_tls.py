"""TLS on the wire: whom the plugin trusts, what it shows, and what it says when it does not trust."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from tests.benches import wire
from tests.benches.certificates import Pair, make_pair, needs_openssl, openssl
from variance_plugin import RetryError, VariancePlugin
from variance_plugin.testing import InMemoryMeta, make_event, running

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    """One for this machine, one for another host, one for a client, and one that is over."""
    folder = tmp_path_factory.mktemp("certificates")
    made = {
        "here": make_pair(folder, "here"),
        "elsewhere": make_pair(folder, "elsewhere", "DNS:other.example"),
        "client": make_pair(folder, "client", "DNS:c.example"),
        "over": Pair(folder / "over.pem", folder / "over.key"),
    }
    over, request, names = made["over"], folder / "request.pem", folder / "names"
    names.write_text("subjectAltName=IP:127.0.0.1\n", encoding="utf-8")
    new_key = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(over.key)]
    openssl("req", "-new", *new_key, "-subj", "/CN=over", "-out", str(request))
    # Unlike `req`, `x509` makes a certificate that ended yesterday.
    signing = ["-signkey", str(over.key), "-days", "-1", "-extfile", str(names)]
    openssl("x509", "-req", "-in", str(request), *signing, "-out", str(over.certificate))
    return made


@dataclass
class TlsServer:
    """Answers every POST with 200 over TLS."""

    certificate: Pair
    client_authority: Path | None = None
    maximum_version: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED
    posts: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        posts = self.posts

        class Taker(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                posts.append(self.rfile.read(int(self.headers["Content-Length"])))
                body = b'[{"status":200}]'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                if len(posts) % 2:  # the body of an answer that closes is read from a closed connection
                    self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate.certificate, self.certificate.key)
        context.maximum_version = self.maximum_version
        if self.maximum_version is ssl.TLSVersion.TLSv1_1:
            context.set_ciphers("ALL:@SECLEVEL=0")  # so that it is the client who turns away
        if self.client_authority is not None:
            context.load_verify_locations(self.client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
        self._server = _QuietServer(("127.0.0.1", 0), Taker)
        # The handshake is done by the connection's own thread, so that a failing one ends no other.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that turns away during the handshake is what some tests want."""


@pytest.fixture
def here(pairs: dict[str, Pair]) -> Iterator[TlsServer]:
    """A server whose certificate is for this machine, made by nobody that is trusted."""
    with TlsServer(pairs["here"]) as server:
        yield server


class Proxy:
    """Takes one `CONNECT`; passes the bytes on, or answers with another status."""

    def __init__(self, status: str) -> None:
        self._status = status
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._run)]
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard = b""

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _run(self) -> None:
        client, _ = self._listener.accept()
        with client:
            while b"\r\n\r\n" not in self.heard:
                self.heard += client.recv(65_536)
            client.sendall(f"HTTP/1.1 {self._status}\r\n\r\n".encode())
            if not self._status.startswith("200"):
                return
            host, _, port = self.heard.split()[1].decode().partition(":")
            with socket.create_connection((host, int(port))) as server:
                back = threading.Thread(target=_pump, args=[server, client])
                self._threads.append(back)
                back.start()
                _pump(client, server)
                back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


def export(url: str, count: int = 1, **config: Any) -> InMemoryMeta:
    """Export events; nothing of it is their fault."""
    meta = wire.export(url, count, **config)
    assert [] == meta.rejections
    return meta


def test_a_certificate_of_nobody_that_is_trusted_is_refused(here: TlsServer) -> None:
    """The endpoint is at fault; nothing was sent."""
    meta = export(here.url)

    assert {"endpoint at fault": 1} == meta.counts.under("attempts.")
    (failure,) = meta.counts.under("failure.")
    assert "TLS or certificate failure: certificate refused: self-signed certificate" == failure
    assert [] == here.posts


def test_the_own_authority_is_trusted(here: TlsServer, pairs: dict[str, Pair]) -> None:
    """`caCertificate`, also where the environment names another file."""
    export(here.url, caCertificate=str(pairs["here"].certificate))

    assert 1 == len(here.posts)


def test_the_settings_authority_wins_over_the_environment(
    here: TlsServer, pairs: dict[str, Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`REQUESTS_CA_BUNDLE` is for who sets nothing."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pairs["elsewhere"].certificate))
    export(here.url, caCertificate=str(pairs["here"].certificate))
    assert 1 == len(here.posts)

    export(here.url)
    assert 1 == len(here.posts)

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pairs["here"].certificate))
    export(here.url)
    assert 2 == len(here.posts)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("elsewhere", "the certificate is that of another host: certificate refused: IP address mismatch"),
        ("over", "the certificate is out of date: certificate refused: certificate has expired"),
    ],
    ids=["another host", "expired"],
)
def test_a_trusted_certificate_has_to_fit(pairs: dict[str, Pair], name: str, reason: str) -> None:
    """For another host, or of the past: refused, and said why."""
    with TlsServer(pairs[name]) as server:
        meta = export(server.url, caCertificate=str(pairs[name].certificate))

        (failure,) = meta.counts.under("failure.")
        assert failure.startswith(reason)
        assert {"endpoint at fault": 1} == meta.counts.under("attempts.")
        assert [] == server.posts


def test_tls_older_than_1_2_is_refused(pairs: dict[str, Pair]) -> None:
    """Also by a server that knows no newer one."""
    with (
        pytest.warns(DeprecationWarning, match="TLSv1_1"),
        TlsServer(pairs["here"], maximum_version=ssl.TLSVersion.TLSv1_1) as server,
    ):
        meta = export(server.url, caCertificate=str(pairs["here"].certificate))

    (failure,) = meta.counts.under("failure.")
    assert "PROTOCOL" in failure
    assert [] == server.posts


def test_the_client_shows_its_certificate(pairs: dict[str, Pair]) -> None:
    """`clientCertificate` and `clientKey`, where the server asks for them; without them nothing is taken."""
    client = pairs["client"]
    with TlsServer(pairs["here"], client_authority=client.certificate) as server:
        trusted: dict[str, Any] = {"caCertificate": str(pairs["here"].certificate)}
        assert "delivered" not in export(server.url, **trusted).counts.under("attempts.")
        assert [] == server.posts

        export(server.url, **trusted, clientCertificate=str(client.certificate), clientKey=str(client.key))

        assert 1 == len(server.posts)


def test_verification_can_be_switched_off_and_warns_at_every_start(
    here: TlsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """By a setting whose name says what it does."""
    export(here.url, dangerouslySkipTlsVerification="yes")

    assert 1 == len(here.posts)
    assert ["dangerouslySkipTlsVerification is on: anyone on the way can read and change what is sent"] == [
        record.getMessage() for record in caplog.records
    ]


def test_a_certificate_file_that_vanishes_is_the_endpoints_fault(
    here: TlsServer, pairs: dict[str, Pair], tmp_path: Path
) -> None:
    """It was there at the start; nothing is lost meanwhile."""
    copy = tmp_path / "authority.pem"
    copy.write_bytes(pairs["here"].certificate.read_bytes())
    meta = InMemoryMeta(wire.config_for(here.url, caCertificate=str(copy), retrySeconds="0"))

    with running(VariancePlugin(), meta) as plugin:
        copy.unlink()
        with pytest.raises(RetryError, match="a certificate file is missing"):
            plugin.export_events([make_event()], meta)
        copy.write_bytes(pairs["here"].certificate.read_bytes())
        plugin.export_events([make_event()], meta)

    assert 1 == len(here.posts)
    assert {"endpoint at fault": 1, "delivered": 1} == meta.counts.under("attempts.")


def test_a_connection_that_ends_during_the_handshake_is_passing_trouble() -> None:
    """As a balancer does while the server behind it restarts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)  # all of it: with something unread, closing would be a reset

        thread = threading.Thread(target=hang_up)
        thread.start()
        meta = export(f"https://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()

    assert {"retry": 1} == meta.counts.under("attempts.")


def test_a_proxy_passes_tls_through(here: TlsServer, pairs: dict[str, Pair]) -> None:
    """It sees the host and its own login, and neither the events nor their authorization."""
    with Proxy("200 OK") as proxy:
        export(
            here.url,
            caCertificate=str(pairs["here"].certificate),
            proxyUrl=proxy.url.replace("http://", "http://user:pass@"),
        )

    assert 1 == len(here.posts)
    assert b"CONNECT 127.0.0.1:" in proxy.heard
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in proxy.heard
    assert b"\r\nAuthorization" not in proxy.heard


@pytest.mark.parametrize(
    ("status", "outcome", "failure"),
    [
        (
            "407 Proxy Authentication Required",
            "endpoint at fault",
            "the proxy refused: the proxy answered 407",
        ),
        ("403 Forbidden", "endpoint at fault", "the proxy refused: the proxy answered 403"),
        ("502 Bad Gateway", "retry", "network error: the proxy answered 502"),
        ("504 Gateway Timeout", "retry", "network error: the proxy answered 504"),
    ],
    ids=["407", "403", "502", "504"],
)
def test_a_proxy_may_refuse_for_good_or_for_now(status: str, outcome: str, failure: str) -> None:
    """A wrong login wants a person; a gateway that does not reach the destination wants time."""
    with Proxy(status) as proxy:
        meta = export("https://destination.invalid/", proxyUrl=proxy.url)

    assert {outcome: 1} == meta.counts.under("attempts.")
    assert {failure: 1} == meta.counts.under("failure.")


def test_connections_are_kept_or_closed_as_the_server_says(here: TlsServer, pairs: dict[str, Pair]) -> None:
    """Every second answer closes; each is read to its end."""
    meta = export(here.url, 6, caCertificate=str(pairs["here"].certificate), payloadFormat="single")

    assert 6 == len(here.posts)
    assert {"delivered": 6} == meta.counts.under("attempts.")
