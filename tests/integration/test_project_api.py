"""PostHog's API for plugins, on the wire."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from variance_plugin.errors import ApiRefusal, RetryError, UsageError
from variance_plugin.masking import Mask
from variance_plugin.posthog_api import api_host
from variance_plugin.runtime.meta.project_api import ProjectApi
from variance_plugin.secret import Secret
from variance_plugin.testing import FakeClock

KEY = Secret("phx_demo_personal_key")


class Asked(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Peer(ThreadingHTTPServer):
    """Answers every request alike, and keeps it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.asked: list[Asked] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b"{}"

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Exchange(BaseHTTPRequestHandler):
    server: Peer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.asked.append(Asked(self.command, self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 -- http.server's names

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A stand-in for PostHog."""
    with Peer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def api(peer: Peer) -> Iterator[ProjectApi]:
    """Of that PostHog."""
    api = api_at(peer.url)
    yield api
    api.close()


def api_at(url: str, *, key: Secret = KEY) -> ProjectApi:
    """With a personal key and a project."""
    return ProjectApi(url, key=key, project_key=Secret("phc_demo"), clock=FakeClock(), mask=Mask([KEY]))


@pytest.mark.parametrize(
    ("capture_host", "expected"),
    [
        ("https://us.i.posthog.com", "https://us.posthog.com"),
        ("https://eu.i.posthog.com/", "https://eu.posthog.com"),
        ("https://EU.I.PostHog.com", "https://eu.posthog.com"),
        ("https://eu.posthog.com", "https://eu.posthog.com"),
        ("https://posthog.acme.example:8000/", "https://posthog.acme.example:8000"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://us.i.posthog.com.evil.example", "https://us.i.posthog.com.evil.example"),
    ],
)
def test_the_api_is_found_beside_the_capture_endpoint(capture_host: str, expected: str) -> None:
    """PostHog's cloud has two hosts, any other PostHog one."""
    assert expected == api_host(capture_host)


def test_each_method_asks_with_the_key_and_gives_the_json(peer: Peer, api: ProjectApi) -> None:
    """Exact numbers both ways."""
    peer.body = b'{"id": 1180591620717411303424}'
    path = "/api/projects/7/cohorts/"

    assert [{"id": 2**70}] * 5 == [
        api.get(path, params={"limit": 3}),
        api.post(path, {"n": 2**70}),
        api.put(path, {}),
        api.patch(path, [1]),
        api.delete(path),
    ]
    assert [
        ("GET", f"{path}?limit=3", b""),
        ("POST", path, b'{"n":1180591620717411303424}'),
        ("PUT", path, b"{}"),
        ("PATCH", path, b"[1]"),
        ("DELETE", path, b""),
    ] == [(asked.method, asked.path, asked.body) for asked in peer.asked]
    assert {f"Bearer {KEY.reveal()}"} == {asked.headers["Authorization"] for asked in peer.asked}


def test_an_answer_without_a_body_is_none(peer: Peer, api: ProjectApi) -> None:
    """PostHog answers a removal with 204."""
    peer.status, peer.body = 204, b""

    assert api.delete("/api/projects/7/cohorts/3/") is None


def test_the_current_project_is_the_configured_one(peer: Peer, api: ProjectApi) -> None:
    """Without the project's key PostHog would take the one that the key's owner looked at last."""
    api.get("/api/projects/@current/cohorts/?limit=3")

    assert ["/api/projects/@current/cohorts/?limit=3&token=phc_demo"] == [asked.path for asked in peer.asked]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_to_be_tried_again(peer: Peer, api: ProjectApi, status: int) -> None:
    """After as long as PostHog asks for."""
    peer.status, peer.headers = status, {"Retry-After": "7"}
    with pytest.raises(RetryError, match=f"cannot answer GET /api/x now: HTTP {status}") as caught:
        api.get("/api/x?secret=1")

    assert 7 == caught.value.retry_after_seconds


@pytest.mark.parametrize(
    ("status", "todo"),
    [
        (
            401,
            "check posthog.personal_api_key, and posthog.host: the EU does not know keys of the US",
        ),
        (403, "check posthog.personal_api_key, its scopes and the projects that it opens"),
    ],
)
def test_a_refused_key_is_named_with_posthogs_own_words(
    peer: Peer, api: ProjectApi, status: int, todo: str
) -> None:
    """They say which scope is missing."""
    detail = f"API key missing required scope 'person:read' ({KEY.reveal()})"
    peer.status = status
    peer.body = json.dumps({"type": "authentication_error", "detail": detail}).encode()
    with pytest.raises(ApiRefusal) as caught:
        api.get("/api/projects/7/persons/")

    assert (
        f"PostHog's API refused GET /api/projects/7/persons/: HTTP {status}: "
        f"API key missing required scope 'person:read' (***); {todo}"
    ) == str(caught.value)
    assert status == caught.value.status


def test_a_plugin_sees_what_is_not_there(peer: Peer, api: ProjectApi) -> None:
    """It may go on without it; an error page is not quoted."""
    peer.status, peer.body = 404, b"<html>not found</html>"
    with pytest.raises(ApiRefusal, match=r"HTTP 404; the plugin has to ask otherwise$") as caught:
        api.get("/api/projects/7/cohorts/3/")

    assert 404 == caught.value.status


def test_the_key_never_follows_to_another_place(peer: Peer, api: ProjectApi) -> None:
    """A redirect is refused, and a path cannot name another host."""
    peer.status, peer.headers = 302, {"Location": f"{peer.url}/elsewhere"}
    with pytest.raises(ApiRefusal, match=r"HTTP 302; check posthog.host"):
        api.get("/api/x")
    for path in ("https://evil.example/", "@evil.example/", ".evil.example/", ""):
        with pytest.raises(UsageError, match="begins with a slash"):
            api.get(path)
    peer.status, peer.headers = 200, {}
    api.get("//evil.example/x")

    assert ["/api/x", "/evil.example/x"] == [asked.path for asked in peer.asked]


def test_where_a_redirect_leads_is_not_told(peer: Peer, api: ProjectApi) -> None:
    """A signed address opens a file to whoever reads it."""
    peer.status, peer.headers = 302, {"Location": f"{peer.url}/file?X-Amz-Signature=demo"}
    with pytest.raises(ApiRefusal) as caught:
        api.get("/api/x")

    assert "Signature" not in str(caught.value)


def test_a_page_is_no_answer(peer: Peer, api: ProjectApi) -> None:
    """PostHog's web app answers 200 to every address that it does not know."""
    peer.body = b"<!doctype html>"
    with pytest.raises(ApiRefusal, match=r"no JSON; is posthog.host PostHog's address\?"):
        api.get("/x")


def test_a_body_that_is_no_json_is_the_plugins_mistake(peer: Peer, api: ProjectApi) -> None:
    """And never sent."""
    with pytest.raises(TypeError, match="the body for PostHog's API has no JSON form"):
        api.post("/api/x", {"a": object()})

    assert [] == peer.asked


def test_a_key_in_the_home_folder_does_not_take_the_place_of_the_configured_one(
    peer: Peer, api: ProjectApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`requests` would ask `~/.netrc`."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    api.get("/api/x")

    assert [f"Bearer {KEY.reveal()}"] == [asked.headers["Authorization"] for asked in peer.asked]


def test_nobody_there_is_to_be_tried_again() -> None:
    """A restart of PostHog, or of the network."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    with pytest.raises(RetryError, match="cannot answer GET /api/x now: network error: connection refused"):
        api_at(f"http://127.0.0.1:{port}").get("/api/x")


def test_an_address_that_cannot_be_used_is_the_users_to_mend() -> None:
    """Waiting does not help."""
    with pytest.raises(ApiRefusal, match=r"the address cannot be used; check posthog.host$"):
        api_at("http://exa mple:99999").get("/api/x")


def test_no_secret_is_in_an_error_or_a_log_line(
    peer: Peer, api: ProjectApi, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever PostHog says."""
    caplog.set_level(logging.DEBUG)
    peer.body = json.dumps({"detail": f"you sent Bearer {KEY.reveal()}"}).encode()
    for status in (400, 401, 429, 500):
        peer.status = status
        with pytest.raises((RetryError, UsageError)) as caught:
            api.get("/api/x")
        assert KEY.reveal() not in f"{caught.value}{caught.value!r}{caught.value.__cause__}"

    assert KEY.reveal() not in caplog.text


def test_several_threads_may_ask_at_once(peer: Peer, api: ProjectApi) -> None:
    """Hooks run in several."""
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.extend(api.get(f"/api/{n}") for n in range(20)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [{}] * 120 == answers
    assert 120 == len(peer.asked)
