"""The HTTP source on real sockets: who is let in, what is kept, and that it is kept before it is answered."""

import base64
import gzip
import json
import re
import resource
import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import brotli  # type: ignore[import-untyped]  # comes without types
import posthog
import pytest
import requests

from variance_plugin.errors import SpoolFull, StateError, UsageError
from variance_plugin.events import Event
from variance_plugin.formats import events
from variance_plugin.secret import Secret
from variance_plugin.sources.http.exchange import Limits
from variance_plugin.sources.http.intake import HttpAccess, HttpIntake
from variance_plugin.testing import FakeClock, InMemorySpool

if TYPE_CHECKING:
    from variance_plugin.sources.http.app import Exchange

SECONDS = 20.0
KEY = "phc_demo"
TOKEN = "demo-webhook-token"
UUID = "0193a1f0-7c11-7000-8abc-0d5e6f7a8b9c"
EVENT = {"event": "card moved", "uuid": UUID, "distinct_id": "u-1", "properties": {"to": "進行中"}}
BATCH = {"api_key": KEY, "batch": [EVENT]}
WEBHOOK = {"event": EVENT, "person": {"id": "p-1", "properties": {"email": "kim@acme.example"}}}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
V1 = {"Authorization": f"Bearer {KEY}", "PostHog-Request-Timestamp": "2026-01-01T00:00:00Z"}
ACCESS = HttpAccess(address=("127.0.0.1", 0), tokens=[KEY], webhook_token=Secret(TOKEN))


class Keep(InMemorySpool):
    """A spool that can be told to fail, or to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.fails_with: Exception | None = None
        self.writing = threading.Event()
        self.may_write = threading.Event()
        self.may_write.set()

    def append(self, records: Sequence[bytes], *, beyond_limit: bool = False) -> None:
        """See `Spool`."""
        self.writing.set()
        assert self.may_write.wait(SECONDS)
        if self.fails_with is not None:
            raise self.fails_with
        super().append(records, beyond_limit=beyond_limit)


class Served:
    """An intake that listens, and what it did."""

    def __init__(self, access: HttpAccess = ACCESS) -> None:
        self.keep = Keep()
        self.clock = FakeClock()
        self.exchanges: list[Exchange] = []
        self.appended = threading.Event()
        self.intake = HttpIntake(self.keep, access, clock=self.clock, told=self.exchanges.append)
        self.intake.start(self.appended.set)

    @property
    def address(self) -> tuple[str, int]:
        """For a socket."""
        parts = urlsplit(self.intake.url)
        return str(parts.hostname), int(parts.port or 0)

    @property
    def kept(self) -> list[Any]:
        """The records, in order."""
        return [json.loads(record) for _, record in self.keep.read(0, 1_000_000_000)]

    def post(self, path: str, body: Any = BATCH, **request: Any) -> requests.Response:
        """A POST that fails rather than hangs."""
        sent = body if isinstance(body, bytes | str) else json.dumps(body)
        request.setdefault("headers", {"Content-Type": "application/json"})
        return requests.post(self.intake.url + path, data=sent, timeout=SECONDS, **request)

    def heard(self, text: bytes) -> bytes:
        """The beginning of what is answered to these bytes."""
        with socket.create_connection(self.address, timeout=SECONDS) as client:
            client.sendall(text)
            return client.recv(1000)

    def say(self, text: bytes) -> bytes:
        """What is answered to these bytes, until the other side closes."""
        with socket.create_connection(self.address, timeout=SECONDS) as client:
            client.sendall(text)
            return client.makefile("rb").read()


@contextmanager
def serving(access: HttpAccess = ACCESS) -> Iterator[Served]:
    """An intake, stopped at the end."""
    served = Served(access)
    try:
        yield served
    finally:
        served.keep.may_write.set()
        served.intake.stop()


@pytest.fixture
def served() -> Iterator[Served]:
    """One that takes webhooks, and the events of one project."""
    with serving() as found:
        yield found


@pytest.fixture
def short() -> Iterator[Served]:
    """The same with little patience and room."""
    limits = Limits(max_connections=2, max_bytes_in_flight=10_000, head_seconds=0.2, body_seconds=0.2)
    with serving(replace(ACCESS, limits=limits)) as found:
        yield found


# --- The webhook destination ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/webhook", BEARER),
        ("/webhook/", {"Authorization": TOKEN}),
        ("/webhook", {"X-Webhook-Token": TOKEN}),
        (f"/webhook/{TOKEN}", {}),
    ],
    ids=["bearer", "bare", "header of its own", "path"],
)
def test_a_webhook_with_its_token_is_kept_as_it_came(
    served: Served, path: str, headers: dict[str, str]
) -> None:
    """Person, groups and all; the event has been ingested, and nothing is added to it."""
    answer = served.post(path, WEBHOOK, headers=headers | {"Content-Type": "application/json"})

    assert (200, {"status": "ok"}) == (answer.status_code, answer.json())
    assert [WEBHOOK] == served.kept


def test_the_body_template_of_the_documentation_brings_person_and_groups(served: Served) -> None:
    """With what PostHog puts into each of its places."""
    page = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
    [template] = [
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if "{event}" in text
    ]
    places = {
        "{event}": {
            **EVENT,
            "elements_chain": "",
            "timestamp": "2026-11-21T12:34:56.789Z",
            "url": "https://x.example",
        },
        "{person}": {
            "id": "p-1",
            "name": "Kim",
            "properties": {"email": "kim@acme.example"},
            "url": "https://x.example",
        },
        "{groups}": {"company": {"id": "acme", "type": "company", "index": 0, "properties": {"seats": 40}}},
        "{project}": {"id": 7, "name": "Acme", "url": "https://x.example"},
    }
    body = {name: places[place] for name, place in template.items()}

    assert 200 == served.post("/webhook", body, headers=BEARER).status_code

    [(_, record)] = served.keep.read(0, 1_000_000)
    [event] = events(record)
    assert isinstance(event, Event)
    assert {"email": "kim@acme.example"} == event.person_properties
    assert ({"company": "acme"}, "acme") == (event.properties["$groups"], event.properties["$group_0"])


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/webhook", {}),
        ("/webhook", {"Authorization": "Bearer other"}),
        ("/webhook", {"Authorization": f"Bearer {TOKEN}x"}),
        ("/webhook", {"Authorization": f"Bearer {KEY}"}),
        ("/webhook", {"X-Webhook-Token": ""}),
        ("/webhook/other", {}),
        (f"/webhook?token={TOKEN}", {}),
    ],
    ids=["none", "another", "longer", "project key", "empty", "another in path", "in the query"],
)
def test_a_webhook_without_the_token_is_401_before_its_body_is_read(
    served: Served, path: str, headers: dict[str, str]
) -> None:
    """The answer comes while the body does not."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: 1000\r\n\r\n"

    answer = served.heard(head.encode())

    assert answer.startswith(b"HTTP/1.1 401")
    assert TOKEN.encode() not in answer
    assert [] == served.kept


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"{}", 400, "no event name"),
        (b'{"event":{"event":"e"', 400, "not JSON"),
        (b'{"event":{"properties":{}}}', 400, "no event name"),
        (b"[" * 5000, 400, "not JSON"),
        (b"", 400, "the body is empty"),
    ],
    ids=["nothing", "cut", "no name", "deep", "empty"],
)
def test_a_webhook_that_could_not_be_read_later_is_refused_with_the_reason(
    served: Served, body: bytes, status: int, reason: str
) -> None:
    """It stands in the destination's log, beside the body template that is wrong."""
    answer = served.post("/webhook", body, headers=BEARER | {"Content-Type": "application/json"})

    assert status == answer.status_code
    assert reason in answer.text
    assert [] == served.kept


def test_a_webhook_that_is_no_json_by_its_type_is_415(served: Served) -> None:
    """A form, say."""
    answer = served.post("/webhook", b"event=e", headers=BEARER | {"Content-Type": "text/csv"})

    assert (415, []) == (answer.status_code, served.kept)


# --- SDKs, v0 ---------------------------------------------------------------------------------------

EXPECTED = {**EVENT, "ip": "127.0.0.1", "timestamp": "2026-01-01T00:00:00.000Z"}


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"body": BATCH}, id="batch"),
        pytest.param({"body": {"api_key": KEY, **EVENT}}, id="one"),
        pytest.param({"body": [{"token": KEY, **EVENT}]}, id="array"),
        pytest.param({"body": gzip.compress(json.dumps(BATCH).encode())}, id="gzip unannounced"),
        pytest.param(
            {
                "body": gzip.compress(json.dumps(BATCH).encode()),
                "headers": {"Content-Type": "text/plain"},
                "params": {"compression": "gzip-js"},
            },
            id="gzip as text",
        ),
        pytest.param(
            {"body": zlib.compress(json.dumps(BATCH).encode()), "headers": {"Content-Encoding": "deflate"}},
            id="deflate",
        ),
        pytest.param(
            {"body": brotli.compress(json.dumps(BATCH).encode()), "headers": {"Content-Encoding": "br"}},
            id="brotli",
        ),
        pytest.param({"body": BATCH, "headers": {"Content-Encoding": "br"}}, id="encoding long undone"),
        pytest.param({"body": base64.b64encode(json.dumps(BATCH).encode())}, id="base64"),
        pytest.param(
            {
                "body": b"data=" + base64.b64encode(json.dumps(BATCH).encode()),
                "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            },
            id="form",
        ),
    ],
)
def test_an_event_is_kept_the_same_however_it_was_wrapped(served: Served, sent: dict[str, Any]) -> None:
    """With its time, its address and its id, as PostHog's ingestion would have given it."""
    answer = served.post("/e/", **sent)

    assert (200, {"status": "Ok"}) == (answer.status_code, answer.json())
    assert [EXPECTED] == served.kept


def test_events_in_an_address_are_kept_and_a_beacon_waits_for_no_content(served: Served) -> None:
    """As tracking pixels and pages that are being left send them."""
    data = base64.b64encode(json.dumps(BATCH).encode()).decode()

    pixel = requests.get(f"{served.intake.url}/e/", params={"data": data}, timeout=SECONDS)
    beacon = served.post("/e/?beacon=1")

    assert (200, 204) == (pixel.status_code, beacon.status_code)
    assert [EXPECTED] * 2 == served.kept


def test_an_update_of_a_person_at_engage_is_an_identify(served: Served) -> None:
    """Elsewhere it lacks a name."""
    update = {"api_key": KEY, "$distinct_id": "u-1", "uuid": UUID, "$set": {"plan": "pro"}}

    assert 200 == served.post("/engage/", update).status_code
    assert 400 == served.post("/e/", update).status_code
    [kept] = served.kept
    assert ("$identify", "u-1", {"plan": "pro"}) == (kept["event"], kept["distinct_id"], kept["$set"])


def test_the_clock_of_the_client_is_set_right(served: Served) -> None:
    """By when it says it sent the request: in the body, or in the address as old versions did."""
    event = {**EVENT, "timestamp": "2026-06-01T00:00:00Z"}
    served.post("/batch/", {**BATCH, "batch": [event], "sent_at": "2026-06-01T00:05:00Z"})
    served.post("/e/?_=1780272300000", [{"token": KEY, **event}])

    assert ["2025-12-31T23:55:00.000Z"] * 2 == [one["timestamp"] for one in served.kept]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (None, "no project key"),
        ("", "no project key"),
        (7, "no project key"),
        ("phx_secret", "a personal API key"),
        ("phc_other", "not taken here"),
        ("phc_" + "x" * 1000, "no project key"),
    ],
    ids=["none", "empty", "no text", "personal", "another project's", "endless"],
)
def test_a_request_for_no_project_of_ours_is_401(served: Served, key: Any, reason: str) -> None:
    """As at PostHog; the key is not repeated."""
    answer = served.post("/batch/", {**BATCH, "api_key": key})

    assert (401, []) == (answer.status_code, served.kept)
    assert reason in answer.text
    assert str(key) not in answer.text or key in (None, "", 7)


def test_one_bad_event_costs_itself_alone_and_is_kept_for_the_dead_letters(served: Served) -> None:
    """An SDK drops the whole batch for a 400, so the batch is taken."""
    bad = '{"event":"e","distinct_id":"u","properties":{"a":tru}}'
    body = f'{{"api_key":"{KEY}","batch":[{json.dumps(EVENT)},{bad},{json.dumps(EVENT)}]}}'

    assert 200 == served.post("/batch/", body).status_code

    records = [record for _, record in served.keep.read(0, 1_000_000)]
    assert [EXPECTED, EXPECTED] == [json.loads(records[0]), json.loads(records[2])]
    assert bad.encode() == records[1]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"nonsense!", 400),
        (b"[" * 100_000, 400),
        (b'{"api_key":"phc_demo","batch":[]}', 400),
        (b'{"api_key":"phc_demo","batch":[{"event":"e"}]}', 400),
        (b"\x1f\x8b\x08" + b"\xff" * 20, 400),
        (gzip.compress(b"[" + b" " * (20 * 1024**2) + b"]"), 413),
        (b'{"a":"' + b"\xff" * 10 + b'"}', 400),
    ],
    ids=["nothing", "no JSON", "deep", "empty batch", "no id", "broken gzip", "gzip bomb", "no UTF-8"],
)
def test_what_holds_no_events_is_refused(served: Served, body: bytes, status: int) -> None:
    """And the next request is fine."""
    answer = served.post("/e/", body)

    assert (status, []) == (answer.status_code, served.kept)
    assert 200 == served.post("/e/").status_code


def test_hostile_values_are_kept_as_they_are(served: Served) -> None:
    """What becomes of them is for the reader of the record."""
    properties = '{"a":"\\ud83d","b":NaN,"c":1e400,"d":' + "9" * 5000 + ',"__proto__":{"e":1}}'
    event = f'{{"event":"e","distinct_id":"u","properties":{properties}}}'

    assert 200 == served.post("/e/", f'{{"api_key":"{KEY}","batch":[{event}]}}').status_code
    [(_, record)] = served.keep.read(0, 1_000_000)
    assert f'"properties":{properties}'.encode() in record


# --- SDKs, v1 ---------------------------------------------------------------------------------------


def test_v1_answers_event_by_event(served: Served) -> None:
    """What cannot be used is dropped by name, so that the SDK can tell its user."""
    other = "0193a1f0-7c11-7000-8abc-0d5e6f7a8b9d"
    event = {**EVENT, "timestamp": "2026-01-01T00:00:00Z", "options": {"process_person_profile": False}}
    body = {"created_at": "2026-01-01T00:00:00Z", "batch": [event, {"uuid": other, "event": "e"}]}

    answer = served.post("/i/v1/analytics/events", body, headers=V1)

    assert 200 == answer.status_code
    results = answer.json()["results"]
    assert {"result": "ok"} == results[UUID]
    assert "drop" == results[other]["result"]
    assert "distinct_id" in results[other]["details"]
    assert [EVENT["event"]] == [one["event"] for one in served.kept]


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
def test_the_real_sdk_is_content_with_v1(served: Served, compression: str) -> None:
    """posthog-python, unmodified, told to speak it: nothing is dropped, and every event is kept."""
    failed: list[Exception] = []
    client: Any = posthog.Posthog(
        KEY,
        host=served.intake.url,
        capture_mode="v1",
        capture_compression=compression,
        on_error=lambda error, _batch: failed.append(error),
    )
    client.capture("card moved", distinct_id="u-1", properties={"$process_person_profile": False})
    client.set(distinct_id="u-1", properties={"plan": "pro"})
    client.shutdown()

    assert [] == failed
    moved, updated = served.kept
    assert ("card moved", {"process_person_profile": False}) == (moved["event"], moved["options"])
    assert ("$set", {"plan": "pro"}) == (updated["event"], updated["properties"]["$set"])


def test_v1_answers_also_for_an_id_that_no_text_can_hold(served: Served) -> None:
    """Half a surrogate pair, as an escape; a 500 would make the SDK send it for ever."""
    body = b'{"batch":[{"event":"e","distinct_id":"u","uuid":"\\ud83d"}]}'

    answer = served.post("/i/v1/analytics/events", body, headers=V1)

    assert (200, b'{"results":{"\\ud83d":{"result":"ok"}}}') == (answer.status_code, answer.content)
    assert 1 == len(served.kept)


@pytest.mark.parametrize("authorization", ["", "Bearer phx_secret", "Bearer phc_other", KEY])
def test_v1_without_a_project_key_in_its_header_is_401_before_its_body_is_read(
    served: Served, authorization: str
) -> None:
    """The key in the body does not count there."""
    answer = served.heard(
        b"POST /i/v1/analytics/events HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nAuthorization: "
        + authorization.encode()
        + b"\r\n\r\n"
    )

    assert answer.startswith(b"HTTP/1.1 401")


def test_v1_sets_the_clock_right_by_its_header(served: Served) -> None:
    """It changes from try to try, while the body stays."""
    event = {**EVENT, "timestamp": "2026-06-01T00:00:00Z"}
    headers = V1 | {"PostHog-Request-Timestamp": "2026-06-01T00:05:00Z"}

    served.post("/i/v1/analytics/events", {"batch": [event]}, headers=headers)

    assert ["2025-12-31T23:55:00.000Z"] == [one["timestamp"] for one in served.kept]


# --- What holds for all -----------------------------------------------------------------------------


def test_an_answer_of_200_comes_after_the_write(served: Served) -> None:
    """While it is on its way to the disk the client waits, and others that come are written together."""
    served.keep.may_write.clear()
    with ThreadPoolExecutor(3) as clients:
        first = clients.submit(served.post, "/batch/")
        assert served.keep.writing.wait(SECONDS)
        others = [clients.submit(served.post, "/batch/") for _ in range(2)]

        assert not first.done()
        served.keep.may_write.set()
        assert [200] * 3 == [one.result(SECONDS).status_code for one in (first, *others)]
    assert 3 == len(served.kept)
    assert served.appended.is_set()


@pytest.mark.parametrize("error", [SpoolFull("full"), StateError("the disk is full"), RuntimeError("odd")])
def test_what_cannot_be_kept_is_never_answered_200(served: Served, error: Exception) -> None:
    """The client keeps it, and is told when to come again; once there is room it is taken."""
    served.keep.fails_with = error
    answer = served.post("/batch/")
    served.keep.fails_with = None

    if isinstance(error, StateError):
        assert (503, "30") == (answer.status_code, answer.headers["Retry-After"])
    else:
        assert 500 == answer.status_code
    assert [] == served.kept
    assert 200 == served.post("/batch/").status_code


@pytest.mark.parametrize(
    ("request_line", "allow"),
    [
        (b"DELETE /e/", b"GET, POST, OPTIONS"),
        (b"PUT /batch/", b"GET, POST, OPTIONS"),
        (b"GET /webhook", b"POST, OPTIONS"),
        (b"GET /i/v1/analytics/events", b"POST, OPTIONS"),
        (b"TRACE /flags/", b"GET, POST, OPTIONS"),
    ],
    ids=["DELETE", "PUT", "GET a webhook", "GET v1", "TRACE"],
)
def test_other_methods_are_405_with_those_that_may_be_used(
    served: Served, request_line: bytes, allow: bytes
) -> None:
    """Before anything else is looked at."""
    answer = served.say(request_line + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 405")
    assert b"allow: " + allow + b"\r\n" in answer


def test_an_unknown_content_encoding_is_415_with_those_that_are_known(served: Served) -> None:
    """So that a client can choose another."""
    answer = served.post("/e/", b"\x00\x01", headers={"Content-Encoding": "compress"})

    assert (415, "gzip, deflate, br, zstd") == (answer.status_code, answer.headers["Accept-Encoding"])


def test_a_multipart_body_is_415(served: Served) -> None:
    """No SDK posts events that way."""
    answer = served.post("/e/", b"--x--", headers={"Content-Type": "multipart/form-data; boundary=x"})

    assert 415 == answer.status_code


def test_a_body_that_says_it_is_too_long_is_413_without_being_read(served: Served) -> None:
    """Nothing of it has come yet."""
    answer = served.heard(b"POST /e/ HTTP/1.1\r\nHost: a\r\nContent-Length: 20971521\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413")


def test_an_endless_body_is_413_once_it_is_too_long(served: Served) -> None:
    """In chunks that announce nothing."""
    megabyte = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with socket.create_connection(served.address, timeout=SECONDS) as client:
        client.sendall(b"POST /e/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        answer = b""
        try:
            for _ in range(40):
                client.sendall(megabyte)
                sent += 1
        except OSError:
            pass
        try:
            answer = client.recv(1000)
        except OSError:
            answer = b""

    assert 413 == served.exchanges[0].status
    assert 20 < sent < 40
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"", b"408"),
        (b"POST /e/ HTTP/1.1\r\nHost: a\r\n", b"408"),
        (b"POST /e/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{", b"408"),
        (b"GET /" + b"x" * 70_000, b"431"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, b"431"),
    ],
    ids=["silence", "half a head", "half a body", "endless address", "endless header"],
)
def test_slow_and_endless_requests_are_given_up(short: Served, said: bytes, status: bytes) -> None:
    """Each holds a connection no longer than its limit."""
    assert status == short.say(said).split(b" ", 2)[1]


def test_a_head_that_drips_is_given_up_however_steadily_it_drips(short: Served) -> None:
    """The limit is for the head as a whole."""
    with socket.create_connection(short.address, timeout=SECONDS) as client:
        client.settimeout(0.02)
        answer = b""
        for byte in b"POST /e/ HTTP/1.1\r\n" + b"X: y\r\n" * 100:
            client.sendall(bytes([byte]))
            try:
                answer = client.recv(100)
            except TimeoutError:
                continue
            break

    assert answer.startswith(b"HTTP/1.1 408")


def test_a_connection_too_many_is_503_and_the_others_go_on(short: Served) -> None:
    """It is asked to come again."""
    with (
        socket.create_connection(short.address, timeout=SECONDS) as first,
        socket.create_connection(short.address, timeout=SECONDS),
    ):
        first.sendall(b"GET /flags/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert first.recv(12) == b"HTTP/1.1 200"
        refused = short.say(b"")

    assert refused.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 1\r\n" in refused


def test_when_memory_is_full_of_bodies_a_client_comes_again_later(short: Served) -> None:
    """A body that fits alone does not fit beside another that is still on its way."""
    body = json.dumps({**BATCH, "x": "y" * 8000})
    short.keep.may_write.clear()
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(short.post, "/e/", body)
        assert short.keep.writing.wait(SECONDS)
        second = short.post("/e/", body)
        short.keep.may_write.set()

        assert 200 == first.result(SECONDS).status_code
    assert (503, "1") == (second.status_code, second.headers["Retry-After"])
    assert 200 == short.post("/e/", body).status_code


def test_any_page_may_post_and_a_refusal_can_be_read_by_it(served: Served) -> None:
    """With the page's own origin, as PostHog has it."""
    asked = {
        "Origin": "https://app.acme.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    before = requests.options(f"{served.intake.url}/e/", headers=asked, timeout=SECONDS)
    taken = served.post("/e/", headers={"Origin": "https://app.acme.example"})
    refused = served.post("/e/", b"", headers={"Origin": "https://app.acme.example"})

    assert [200, 200, 400] == [one.status_code for one in (before, taken, refused)]
    assert "content-type" == before.headers["Access-Control-Allow-Headers"]
    for answer in (before, taken, refused):
        assert "https://app.acme.example" == answer.headers["Access-Control-Allow-Origin"]
        assert "true" == answer.headers["Access-Control-Allow-Credentials"]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "10.9.9.9, 203.0.113.9", "203.0.113.9"),
        (2, "10.9.9.9, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "203.0.113.9"),
        (1, "", "127.0.0.1"),
        (1, "x" * 100, "127.0.0.1"),
    ],
    ids=["not trusted", "one proxy", "two proxies", "fewer than said", "nothing said", "nonsense"],
)
def test_the_clients_address_is_what_trusted_proxies_say(proxies: int, forwarded: str, expected: str) -> None:
    """Anything further to the left can be made up by the client."""
    with serving(replace(ACCESS, trusted_proxies=proxies)) as served:
        served.post("/e/", headers={"X-Forwarded-For": forwarded})

        assert [expected] == [one["ip"] for one in served.kept]


def test_a_door_that_is_not_set_up_is_not_there() -> None:
    """Neither for webhooks without a token of theirs, nor for SDKs without a project."""
    with serving(replace(ACCESS, webhook_token=Secret(""))) as served:
        assert 404 == served.post("/webhook", WEBHOOK, headers={"Authorization": ""}).status_code
    with serving(replace(ACCESS, tokens=[])) as served:
        paths = ("/e/", "/batch/", "/i/v1/analytics/events", "/flags/")
        assert {404} == {served.post(path).status_code for path in paths}


def test_any_project_may_send_where_that_is_wanted() -> None:
    """The one key that stands for all, and still a key is needed."""
    with serving(replace(ACCESS, tokens=["*"])) as served:
        assert 200 == served.post("/e/", {**BATCH, "api_key": "phc_other"}).status_code
        assert 401 == served.post("/e/", {"batch": [EVENT]}).status_code


def test_stopping_answers_what_is_under_way_and_what_was_answered_is_kept() -> None:
    """A connection that only rests is closed; nobody new gets in."""
    with serving() as served:
        served.keep.may_write.clear()
        with ThreadPoolExecutor(2) as clients:
            answer = clients.submit(served.post, "/batch/")
            assert served.keep.writing.wait(SECONDS)
            with socket.create_connection(served.address, timeout=SECONDS) as resting:
                stopping = clients.submit(served.intake.stop)
                assert b"" == resting.recv(1)
            assert not served.intake.has_ended
            served.keep.may_write.set()
            stopping.result(SECONDS)

            assert 200 == answer.result(SECONDS).status_code
        assert (True, None) == (served.intake.has_ended, served.intake.failure)
        assert 1 == len(served.kept)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(served.address, timeout=SECONDS)


def test_it_ends_by_itself_when_the_clock_is_stopped(served: Served) -> None:
    """As everything does that waits."""
    served.clock.stop()

    wait_until(lambda: served.intake.has_ended)


def test_an_address_in_use_is_a_mistake_of_the_settings(served: Served) -> None:
    """Told before anything runs."""
    with pytest.raises(
        UsageError, match=r"source\.listen: cannot listen on 127\.0\.0\.1, port \d+: .*in use"
    ):
        HttpIntake(InMemorySpool(), replace(ACCESS, address=served.address), clock=FakeClock())


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once it holds; fail if that takes too long."""
    waited = threading.Event()
    for _ in range(int(SECONDS / 0.01)):
        if condition():
            return
        waited.wait(0.01)
    raise AssertionError("it never came to that")


def test_as_many_files_may_be_open_as_connections_are_allowed() -> None:
    """The usual limit of a process, 1,024, is less than the default needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
    try:
        with serving(replace(ACCESS, limits=Limits(max_connections=400))):
            assert 656 == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_client_in_the_middle_of_a_large_body_gets_to_see_the_503(short: Served) -> None:
    """It has not sent all of it when there turns out to be no room; a reset would tell it nothing."""
    answer = short.post("/e/", b"[" + b" " * 5_000_000)

    assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])
