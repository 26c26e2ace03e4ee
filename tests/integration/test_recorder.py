"""The recorder on a real socket: PostHog's own SDK, every wrapping over HTTP, and clients that misbehave."""

import base64
import errno
import gzip
import io
import json
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import posthog
import pytest
import requests

from variance_plugin.errors import InvalidRecord, UsageError
from variance_plugin.sources.recorder import Recorder, one_line, record

TOKEN = "phc_demo"
EVENT = {"event": "card moved", "distinct_id": "u-1", "properties": {"to": "進行中", "n": 2**70}}
BODY = json.dumps(EVENT, ensure_ascii=False).encode()
LINE = json.dumps(EVENT, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
TIMEOUT_SECONDS = 20
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BASE64 = base64.b64encode(BODY).decode()
# `BODY` as lz-string's compressToBase64 packs `[]`: enough to see that the word reaches the decoder.
LZ_EMPTY_ARRAY = "NoXSA==="


class Recording:
    """A recorder that keeps its lines and refusals for the test to look at."""

    def __init__(self) -> None:
        self.stream = io.BytesIO()
        self.refused: list[str] = []

    @property
    def bodies(self) -> list[Any]:
        """The requests' bodies, in order."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def recording() -> Recording:
    """Empty at the start of every test."""
    return Recording()


@pytest.fixture
def url(recording: Recording) -> Iterator[str]:
    """Where a recorder listens that fills the `recording`."""
    with record(recording.stream, refused=recording.refused.append) as recorder:
        yield recorder.url


def address(url: str) -> tuple[str, int]:
    """Host and port, for a socket."""
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 0)


def post(url: str, **request: Any) -> requests.Response:
    """A POST that fails rather than hangs."""
    return requests.post(url, timeout=TIMEOUT_SECONDS, **request)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_the_real_sdk_is_recorded_with_all_it_sent(recording: Recording, url: str, *, packed: bool) -> None:
    """posthog-python, unmodified, with nothing changed but its host."""
    client: Any = posthog.Posthog(TOKEN, host=url, gzip=packed, disable_geoip=False)
    client.capture(
        "card moved", distinct_id="u-1", properties={"n": 2**70, "to": "進行中"}, groups={"company": "acme"}
    )
    client.set(distinct_id="u-1", properties={"email": "kim@acme.example"})
    client.alias(previous_id="anon-1", distinct_id="u-1")
    flag = client.evaluate_flags("u-1").is_enabled("new-board")
    client.shutdown()
    events = [event for body in recording.bodies for event in body["batch"]]

    assert ["card moved", "$set", "$create_alias"] == [event["event"] for event in events][:3]
    assert (2**70, "進行中") == (events[0]["properties"]["n"], events[0]["properties"]["to"])
    assert {"email": "kim@acme.example"} == events[1]["$set"]
    assert not flag
    assert {TOKEN} == {body["api_key"] for body in recording.bodies}
    assert [] == recording.refused


@pytest.mark.parametrize(
    "path",
    ["/e", "/i/v0/e", "/track", "/engage", "/capture", "/batch", "/i/v0/ai/batch"],
    ids=lambda path: path[1:],
)
@pytest.mark.parametrize("slash", ["", "/"], ids=["bare", "with slash"])
def test_events_are_taken_at_every_address_of_the_sdks(
    recording: Recording, url: str, path: str, slash: str
) -> None:
    """Each SDK generation had its own; each is answered as PostHog answers."""
    answer = post(url + path + slash, data=BODY)

    assert (200, {"status": "Ok"}) == (answer.status_code, answer.json())
    assert recording.stream.getvalue() == LINE


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"data": BODY}, id="JSON"),
        pytest.param({"data": gzip.compress(BODY)}, id="gzip unannounced"),
        pytest.param(
            {"data": gzip.compress(BODY), "params": {"compression": "gzip-js"}}, id="gzip announced"
        ),
        pytest.param(
            {"data": gzip.compress(BODY), "headers": {"Content-Encoding": "gzip"}}, id="gzip by header"
        ),
        pytest.param({"data": BASE64, "params": {"compression": "base64"}}, id="base64"),
        pytest.param({"data": {"data": BODY.decode()}}, id="form"),
        pytest.param({"data": {"data": BASE64, "compression": "base64"}}, id="form with base64"),
        pytest.param({"data": f"data={BASE64}", "headers": FORM}, id="form with bare base64"),
        pytest.param({"data": iter([BODY[:10], BODY[10:]])}, id="in chunks"),
        pytest.param({"data": b"", "params": {"data": BASE64}}, id="in the address"),
    ],
)
def test_every_wrapping_leaves_the_same_line(recording: Recording, url: str, sent: dict[str, Any]) -> None:
    """What is recorded is the JSON, not how it travelled."""
    answer = post(f"{url}/e/", **sent)

    assert answer.status_code == 200
    assert recording.stream.getvalue() == LINE


def test_lz_string_is_taken_too(recording: Recording, url: str) -> None:
    """`compression=lz64` of the first posthog-js versions."""
    assert post(f"{url}/e/?compression=lz64", data=LZ_EMPTY_ARRAY).status_code == 200
    assert recording.stream.getvalue() == b"[]\n"


def test_events_in_the_address_of_a_get_are_taken(recording: Recording, url: str) -> None:
    """The oldest way, and the one of tracking pixels."""
    answer = requests.get(f"{url}/e/", params={"data": BASE64, "ver": "1.0"}, timeout=TIMEOUT_SECONDS)

    assert answer.status_code == 200
    assert recording.stream.getvalue() == LINE


def test_a_beacon_gets_no_content(recording: Recording, url: str) -> None:
    """A page that is being left does not wait for an answer."""
    answer = post(f"{url}/e/?beacon=1", data=BODY)

    assert (204, b"") == (answer.status_code, answer.content)
    assert recording.stream.getvalue() == LINE


def test_any_page_may_post(url: str) -> None:
    """A browser asks first; the answer names the page's own origin and lets cookies along."""
    asked = {
        "Origin": "https://app.acme.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-posthog",
    }
    before = requests.options(f"{url}/e/", headers=asked, timeout=TIMEOUT_SECONDS)
    then = post(f"{url}/e/", data=BODY, headers={"Origin": "https://app.acme.example"})

    assert before.status_code == 200
    assert before.headers["Access-Control-Allow-Headers"] == "content-type,x-posthog"
    assert "POST" in before.headers["Access-Control-Allow-Methods"]
    for answer in (before, then):
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.acme.example"
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_an_origin_with_a_line_break_makes_no_header(url: str) -> None:
    """What a client sends must not write the answer's headers; it is no header to begin with."""
    with socket.create_connection(address(url), timeout=TIMEOUT_SECONDS) as client:
        client.sendall(
            b"OPTIONS /e/ HTTP/1.1\r\nHost: a\r\nOrigin: http://a.example\r\n Set-Cookie: a=b\r\n\r\n"
        )
        answer = client.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 400")
    assert b"Set-Cookie" not in answer


@pytest.mark.parametrize("path", ["/flags/?v=2", "/flags?v=2", "/decide/?v=3", f"/array/{TOKEN}/config"])
def test_an_sdk_that_asks_for_features_learns_there_are_none(
    recording: Recording, url: str, path: str
) -> None:
    """No flags and no session recording; what it asked with is no event and not recorded."""
    answer = post(url + path, data=b"{}")

    assert (200, False) == (answer.status_code, answer.json()["sessionRecording"])
    assert {} == answer.json().get("featureFlags", {})
    assert recording.stream.getvalue() == b""


def test_a_page_loads_its_configuration_as_a_script(url: str) -> None:
    """posthog-js puts a script element into the page, and looks for its token in a global."""
    answer = requests.get(f"{url}/array/{TOKEN}/config.js", timeout=TIMEOUT_SECONDS)

    assert answer.headers["Content-Type"] == "application/javascript"
    assert f'_POSTHOG_REMOTE_CONFIG["{TOKEN}"]=' in answer.text


@pytest.mark.parametrize(
    "path", ["/", "/static/recorder.js", '/array/"];alert(1)/config.js', "/i/v1/analytics/events"]
)
def test_other_addresses_are_not_found(url: str, path: str) -> None:
    """Among them capture v1, which PostHog itself serves only where it is set up."""
    assert post(url + path, data=BODY).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        pytest.param(b"", 400, "the body is empty", id="nothing"),
        pytest.param(b"{]", 400, "the body is not JSON", id="broken JSON"),
        pytest.param(b"[" * 100_000, 400, "nested too deeply", id="too deep"),
        pytest.param(b"\x1f\x8b\x08" + b"\xff" * 20, 400, "gzip body is damaged", id="broken gzip"),
        pytest.param(gzip.compress(b" " * (20 * 1024**2 + 1)), 413, "unpacks to more", id="gzip bomb"),
    ],
)
def test_what_cannot_be_recorded_is_refused_with_its_reason(
    recording: Recording, url: str, body: bytes, status: int, reason: str
) -> None:
    """The client and whoever runs the recorder both learn why, and the next request is fine."""
    answer = post(f"{url}/e/", data=body)

    assert status == answer.status_code
    assert reason in answer.text
    assert [answer.text] == recording.refused
    assert post(f"{url}/e/", data=BODY).status_code == 200
    assert recording.stream.getvalue() == LINE


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"Content-Length: 99999999", b"413", id="more than the limit announced"),
        pytest.param(b"Content-Length: -1", b"400", id="negative length"),
        pytest.param(b"Content-Length: \xc2\xb2", b"400", id="length that is no number"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\nzz", b"400", id="chunk without length"),
    ],
)
def test_a_body_is_refused_before_it_is_read(
    recording: Recording, url: str, head: bytes, status: bytes
) -> None:
    """Its announcement is enough."""
    with socket.create_connection(address(url), timeout=TIMEOUT_SECONDS) as client:
        client.sendall(b"POST /e/ HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n")
        answer = client.makefile("rb").read()

    assert status == answer.split()[1]
    assert recording.stream.getvalue() == b""


def test_half_a_body_is_not_recorded(recording: Recording) -> None:
    """A client that goes away in the middle has sent nothing."""
    with (
        record(recording.stream, refused=recording.refused.append) as recorder,
        socket.create_connection(address(recorder.url), timeout=TIMEOUT_SECONDS) as client,
    ):
        client.sendall(b"POST /e/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + BODY[:20])
        client.shutdown(socket.SHUT_WR)
        answer = client.makefile("rb").read()

    assert answer == b""
    assert recording.stream.getvalue() == b""
    assert ["a request ended before its body did"] == recording.refused


def test_lines_of_many_clients_do_not_mix() -> None:
    """Every request is one line, whole, however many arrive at once."""
    bodies = [json.dumps({"event": "e", "n": n, "text": "x" * 5000}).encode() for n in range(60)]
    stream = io.BytesIO()
    with record(stream) as recorder, ThreadPoolExecutor(8) as clients:
        answers = list(
            clients.map(lambda body: post(f"{recorder.url}/batch/", data=body).status_code, bodies)
        )

    assert {200} == set(answers)
    assert len(bodies) == recorder.recorded
    assert set(range(60)) == {json.loads(line)["n"] for line in stream.getvalue().splitlines()}


def test_a_line_that_cannot_be_written_is_asked_for_again(recording: Recording) -> None:
    """A full disk makes a 503, upon which SDKs keep their events and try again."""

    def full(_line: bytes) -> None:
        raise OSError(28, "No space left on device")

    with Recorder(full, refused=recording.refused.append) as recorder:
        answer = post(f"{recorder.url}/e/", data=BODY)

    assert (503, "cannot write: No space left on device") == (answer.status_code, answer.text)
    assert (0, [answer.text]) == (recorder.recorded, recording.refused)


def test_closing_answers_what_has_arrived_and_waits_for_nobody_else() -> None:
    """A request being written is answered; a connection that says nothing is simply closed."""
    writing, go_on = threading.Event(), threading.Event()

    def slowly(_line: bytes) -> None:
        writing.set()
        go_on.wait(TIMEOUT_SECONDS)

    recorder = Recorder(slowly)
    with ThreadPoolExecutor(2) as clients:
        recorder.__enter__()
        with socket.create_connection(address(recorder.url), timeout=TIMEOUT_SECONDS) as silent:
            answer = clients.submit(post, f"{recorder.url}/e/", data=BODY)
            assert writing.wait(TIMEOUT_SECONDS)
            closing = clients.submit(recorder.__exit__)
            assert silent.recv(1) == b""
            go_on.set()
            closing.result(TIMEOUT_SECONDS)

            assert answer.result(TIMEOUT_SECONDS).status_code == 200


def test_a_file_is_appended_to_and_is_its_owners_alone(tmp_path: Path) -> None:
    """A second recording goes on where the first ended; events are personal data."""
    file = tmp_path / "events.jsonl"
    for _ in range(2):
        with record(file) as recorder:
            assert post(f"{recorder.url}/e/", data=BODY).status_code == 200
            assert file.read_bytes().endswith(LINE)

    assert LINE * 2 == file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The message says which file, why, and what to do."""
    with (
        pytest.raises(UsageError, match=r"cannot write to .*events\.jsonl: .*; choose another file"),
        record(tmp_path / "missing" / "events.jsonl"),
    ):
        pass


def test_a_port_in_use_is_named(url: str) -> None:
    """The message says which port, and what to do."""
    port = address(url)[1]

    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1, port {port}: .*; choose another"):
        Recorder(lambda _: None, port=port)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{ "a" : [ 1 , 2 ]\n}', b'{"a":[1,2]}'),
        (b'{"a b":" c \\" d "}', b'{"a b":" c \\" d "}'),
        (b'["\\ud83d", 1e400, 1.50, -0, NaN]', b'["\\ud83d",1e400,1.50,-0,NaN]'),
        (b"[" + b"9" * 5000 + b"]", b"[" + b"9" * 5000 + b"]"),
    ],
    ids=["white space", "white space in strings", "odd values", "a long number"],
)
def test_a_line_says_what_was_sent_to_the_digit(text: bytes, expected: bytes) -> None:
    """Only the space between the tokens goes."""
    assert expected == one_line(text)


def test_a_line_is_json() -> None:
    """Anything else would spoil the file for its readers."""
    with pytest.raises(InvalidRecord, match="the body is not JSON"):
        one_line(b'{"a":}')


class FullFile(io.FileIO):
    """A file on a disk on which ten bytes are left, until there is room."""

    has_room = False

    def write(self, data: Any) -> int:
        """See `FileIO`."""
        if self.has_room:
            return super().write(data)
        if len(data) > 20:
            return super().write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("mode", ["w", "a"])
def test_what_was_refused_on_a_full_disk_is_not_recorded_later(tmp_path: Path, mode: str) -> None:
    """The SDK sends it again; half of it in the file would spoil the next line."""
    path = tmp_path / "events.jsonl"
    with FullFile(path, mode) as file, record(file) as recorder:
        refused = post(f"{recorder.url}/capture/", data=BODY)
        file.has_room = True
        taken = post(f"{recorder.url}/capture/", data=BODY)

    assert (503, 200) == (refused.status_code, taken.status_code)
    assert LINE == path.read_bytes()
