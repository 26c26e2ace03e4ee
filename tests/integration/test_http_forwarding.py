"""What SDKs send goes on to PostHog, on real sockets: as it came, sooner or later; nobody waits for it."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from tests.benches.serving import wait_until
from tests.stand_ins.capture import Capture, Got, Says
from variance_plugin.clock import Clock, SystemClock
from variance_plugin.sources.http.forwarding import Fate, Forwarding
from variance_plugin.sources.http.intake import HttpAccess, HttpIntake
from variance_plugin.sources.http.upstream import Upstream
from variance_plugin.testing import FakeClock, InMemorySpool

SECONDS = 20.0
KEY = "phc_demo"
EVENT = {
    "event": "card moved",
    "uuid": "0193a1f0-7c11-7000-8abc-0d5e6f7a8b9c",
    "distinct_id": "u-1",
    "timestamp": "2025-12-31T23:00:00Z",
    "properties": {"n": 1},
}
BATCH = {"api_key": KEY, "batch": [EVENT], "sent_at": "2026-01-01T00:00:00Z"}
V1 = {"Authorization": f"Bearer {KEY}", "PostHog-Request-Timestamp": "2026-01-01T00:00:00+00:00"}


class Both:
    """An intake, what it keeps, and the PostHog behind it."""

    def __init__(
        self,
        posthog_url: str,
        *,
        clock: Clock,
        copies: InMemorySpool | None = None,
        events_bytes: int = 1_000_000,
    ) -> None:
        self.events = InMemorySpool(events_bytes)
        self.copies = copies or InMemorySpool()
        self.forwarding = Forwarding(self.copies, Upstream(posthog_url), clock)
        access = HttpAccess(address=("127.0.0.1", 0), tokens=[KEY])
        self.intake = HttpIntake(self.events, access, clock=clock, forwarding=self.forwarding)

    def post(self, path: str, body: Any = BATCH, **request: Any) -> requests.Response:
        """A POST that fails rather than hangs."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return requests.post(self.intake.url + path, data=sent, timeout=SECONDS, **request)


@contextmanager
def both(posthog_url: str, **options: Any) -> Iterator[Both]:
    """One that listens and forwards, stopped at the end."""
    found = Both(posthog_url, **{"clock": SystemClock(), **options})
    found.intake.start(lambda: None)
    try:
        yield found
    finally:
        found.intake.stop()


@pytest.fixture
def posthog() -> Iterator[Capture]:
    """A PostHog that takes everything unless told otherwise."""
    with Capture() as capture:
        yield capture


def test_a_request_goes_on_as_it_came(posthog: Capture) -> None:
    """Body, encoding and address are the same; the client's address is told, and its cookies are not."""
    body = gzip.compress(json.dumps(BATCH).encode())
    headers = {
        "Content-Type": "text/plain",
        "User-Agent": "posthog-demo/1.0",
        "Cookie": "session=demo",
        "Origin": "https://app.acme.example",
        "Authorization": "Bearer demo",
    }
    with both(posthog.url) as runner:
        answer = runner.post("/e/?compression=gzip-js&ver=1.0", body, headers=headers)
        [got] = posthog.wait_for(1)

        assert 200 == answer.status_code
        assert ("POST", "/e/?compression=gzip-js&ver=1.0", body) == (got.method, got.target, got.body)
        told = {
            name: got.headers.get(name)
            for name in ("content-type", "user-agent", "x-forwarded-for", "cookie")
        }
        assert told == {
            "content-type": "text/plain",
            "user-agent": "posthog-demo/1.0",
            "x-forwarded-for": "127.0.0.1",
            "cookie": None,
        }
        assert posthog.url.removeprefix("http://") == got.headers["host"]
        wait_until(lambda: runner.copies.entries == [])
        assert {Fate.DELIVERED: 1} == runner.forwarding.counts


def test_a_posthog_that_is_down_holds_nobody_and_gets_all_once_it_is_back(posthog: Capture) -> None:
    """Events are kept and answered as ever, and the copies wait."""
    down = True
    posthog.answer = lambda _got: Says(status=503) if down else Says()
    with both(posthog.url) as runner:
        statuses = [runner.post("/batch/", {**BATCH, "n": n}).status_code for n in range(20)]
        posthog.wait_for(1)
        assert [200] * 20 == statuses
        assert 20 == len(runner.events.entries)
        assert runner.copies.entries

        down = False
        wait_until(lambda: runner.copies.entries == [])
    arrived = {json.loads(got.body)["n"] for got in posthog.got}
    assert set(range(20)) == arrived
    assert 20 == runner.forwarding.counts[Fate.DELIVERED]


def test_a_variance_that_takes_nothing_holds_no_copy(posthog: Capture) -> None:
    """The client is told to come again, which is the truth; PostHog has it already."""
    with both(posthog.url, events_bytes=10) as runner:
        answer = runner.post("/batch/")
        posthog.wait_for(1)

    assert (503, "30") == (answer.status_code, answer.headers["Retry-After"])


def test_copies_that_a_stop_left_over_are_sent_by_the_next_run(posthog: Capture) -> None:
    """They are in the spool until PostHog has answered."""
    copies = InMemorySpool()
    with both("http://127.0.0.1:9", copies=copies) as runner:
        assert 200 == runner.post("/batch/").status_code
        wait_until(lambda: runner.forwarding.counts[Fate.PUT_OFF] > 0)
    assert 1 == len(copies.entries)

    with both(posthog.url, copies=copies):
        [got] = posthog.wait_for(1)
        wait_until(lambda: copies.entries == [])
    assert BATCH == json.loads(got.body)


@pytest.mark.parametrize("status", [400, 401, 413])
def test_a_copy_that_posthog_refuses_is_counted_and_the_next_goes_on(posthog: Capture, status: int) -> None:
    """It would refuse it again."""
    posthog.answer = lambda got: Says(status=status if b'"bad"' in got.body else 200)
    with both(posthog.url) as runner:
        runner.post("/batch/", {**BATCH, "bad": True})
        posthog.wait_for(1)
        runner.post("/batch/")
        wait_until(lambda: runner.copies.entries == [])

    assert {Fate.REFUSED: 1, Fate.DELIVERED: 1} == runner.forwarding.counts
    assert 2 == len(posthog.got)


def test_a_copy_without_room_costs_nobody_anything(posthog: Capture) -> None:
    """It is counted."""
    with both(posthog.url, copies=InMemorySpool(10)) as runner:
        assert 200 == runner.post("/batch/").status_code

    assert {Fate.NOT_KEPT: 1} == runner.forwarding.counts
    assert 1 == len(runner.events.entries)


@pytest.mark.parametrize(
    "body", [b"nonsense!", {**BATCH, "api_key": "phc_other"}], ids=["no events", "no project of ours"]
)
def test_what_is_not_taken_here_does_not_go_on(posthog: Capture, body: Any) -> None:
    """PostHog would refuse it as well; or it is nobody's business there."""
    with both(posthog.url) as runner:
        assert runner.post("/batch/", body).status_code in (400, 401)
        assert 200 == runner.post("/batch/").status_code
        posthog.wait_for(1)

    assert [BATCH] == [json.loads(got.body) for got in posthog.got]


def test_a_late_copy_says_when_its_events_happened(posthog: Capture) -> None:
    """By `sent_at` PostHog would date them an hour too late."""
    clock = FakeClock()
    old = {**EVENT, "uuid": None}
    body = gzip.compress(json.dumps({**BATCH, "batch": [old, {"event": "no id"}]}).encode())
    down = True
    posthog.answer = lambda _got: Says(status=503) if down else Says()
    with both(posthog.url, clock=clock) as runner:
        runner.post("/e/?compression=gzip-js", body, headers={"User-Agent": "posthog-demo/1.0"})
        wait_until(lambda: runner.forwarding.counts[Fate.PUT_OFF] == 1)
        down = False
        clock.advance(3600)
        first, late = posthog.wait_for(2)

    assert body == first.body
    assert ("/batch/", "application/json", "posthog-demo/1.0") == (
        late.target,
        late.headers["content-type"],
        late.headers["user-agent"],
    )
    found = json.loads(late.body)
    assert {"api_key", "batch"} == found.keys()
    [event] = found["batch"]
    assert (KEY, "2025-12-31T23:00:00.000Z") == (found["api_key"], event["timestamp"])
    assert json.loads(runner.events.entries[0][1])["uuid"] == event["uuid"]


def test_a_late_copy_of_v1_says_in_its_header_that_it_is_sent_now(posthog: Capture) -> None:
    """As an SDK does that tries again."""
    clock = FakeClock()
    down = True
    posthog.answer = lambda _got: Says(status=503) if down else Says(body=b'{"results":{}}')
    with both(posthog.url, clock=clock) as runner:
        runner.post("/i/v1/analytics/events", {"batch": [EVENT]}, headers=V1)
        wait_until(lambda: runner.forwarding.counts[Fate.PUT_OFF] == 1)
        down = False
        clock.advance(3600)
        first, late = posthog.wait_for(2)

    assert first.body == late.body
    assert "2026-01-01T00:00:00+00:00" == first.headers["posthog-request-timestamp"]
    assert "2026-01-01T01:00:00+00:00" == late.headers["posthog-request-timestamp"]
    assert V1["Authorization"] == late.headers["authorization"]


def test_an_event_that_v1_asks_for_again_is_sent_again(posthog: Capture) -> None:
    """The whole request: PostHog knows what it has by its id."""
    answers = iter([b'{"results":{"x":{"result":"retry"}}}', b'{"results":{"x":{"result":"ok"}}}'])
    posthog.answer = lambda _got: Says(body=next(answers))
    with both(posthog.url) as runner:
        runner.post("/i/v1/analytics/events", {"batch": [EVENT]}, headers=V1)
        first, second = posthog.wait_for(2)
        wait_until(lambda: runner.copies.entries == [])

    assert first.body == second.body


def test_flags_and_configuration_are_posthogs_own(posthog: Capture) -> None:
    """Asked as the SDK asks, and answered as PostHog does, with what browsers need to read it."""
    flags = b'{"flags":{"new-board":{"enabled":true}}}'

    def answer(got: Got) -> Says:
        if got.target.startswith("/flags/"):
            return Says(body=flags, headers={"Content-Type": "application/json", "Set-Cookie": "a=b"})
        return Says(status=304, body=b"", headers={"ETag": '"1"'})

    posthog.answer = answer
    with both(posthog.url) as runner:
        asked = runner.post(
            "/flags/?v=2", b'{"token":"phc_demo"}', headers={"Origin": "https://app.acme.example"}
        )
        script = requests.get(
            f"{runner.intake.url}/static/array.js", headers={"If-None-Match": '"1"'}, timeout=SECONDS
        )

    assert (200, flags) == (asked.status_code, asked.content)
    assert "https://app.acme.example" == asked.headers["Access-Control-Allow-Origin"]
    assert "Set-Cookie" not in asked.headers
    assert (304, '"1"') == (script.status_code, script.headers["ETag"])
    assert ["/flags/?v=2", "/static/array.js"] == [got.target for got in posthog.got]
    assert '"1"' == posthog.got[1].headers["if-none-match"]


def test_without_an_answer_of_posthog_there_are_no_flags_and_all_else_is_502() -> None:
    """An SDK goes on as it does where there are none."""
    with both("http://127.0.0.1:9") as runner:
        flags = runner.post("/flags/?v=2", b"{}")
        script = requests.get(f"{runner.intake.url}/static/array.js", timeout=SECONDS)

    assert (200, {}) == (flags.status_code, flags.json()["flags"])
    assert 502 == script.status_code
    assert "connection refused" in script.text


@pytest.mark.parametrize("path", ["/admin", "/", "/webhook", "/api-docs"])
def test_only_what_sdks_call_is_passed_on(posthog: Capture, path: str) -> None:
    """It is no open proxy."""
    with both(posthog.url) as runner:
        assert 404 == runner.post(path, b"{}").status_code

    assert [] == posthog.got
