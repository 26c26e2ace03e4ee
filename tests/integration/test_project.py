"""What plugins and the runner capture, through the real `posthog` package, into a capture endpoint."""

import io
import json
import logging
import runpy
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from variance_plugin import formats
from variance_plugin.__about__ import NAME
from variance_plugin.errors import InvalidRecord, SettingsError, UsageError
from variance_plugin.masking import Mask
from variance_plugin.runtime.meta import project as project_module
from variance_plugin.runtime.meta.feedback import MARK, is_own, may_be_own
from variance_plugin.runtime.meta.project import Project, ProjectAccess
from variance_plugin.runtime.watching.counts import Counts
from variance_plugin.runtime.watching.telemetry import EXPORTS_EVENT, Telemetry
from variance_plugin.secret import Secret
from variance_plugin.sources.recorder import record
from variance_plugin.testing import FakeClock

PROJECT_KEY = Secret("phc_demo")
PERSONAL_KEY = Secret("phx_demo_personal_key")
WEBHOOK_SECRET = Secret("Bearer tk_demo_webhook_token")
SECRETS = (PERSONAL_KEY.reveal(), "tk_demo_webhook_token")
DEADLINE_SECONDS = 20.0
LOGGER = logging.getLogger("project")

PLUGIN = """
def reach(token):
    password = "hard-coded-password"
    raise ConnectionError(f"cannot reach ada@acme.example with {token}")


def process_event(event, meta):
    try:
        reach(event["token"])
    except ConnectionError as error:
        raise LookupError(event["token"]) from error
"""


@dataclass
class Config:
    """As a plugin may capture it, without a second thought."""

    token: str


class Endpoint:
    """A capture endpoint, and what came to it."""

    def __init__(self, url: str, stream: io.BytesIO) -> None:
        self.url = url
        self._stream = stream

    @property
    def text(self) -> str:
        """All of it, as it came."""
        return self._stream.getvalue().decode()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events, in order."""
        return [event for line in self.text.splitlines() for event in json.loads(line)["batch"]]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Listens, and takes what comes."""
    stream = io.BytesIO()
    with record(stream) as recorder:
        yield Endpoint(recorder.url, stream)


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Of an endpoint that lets clients connect, and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def opened(url: str, *, clock: FakeClock | None = None) -> Project:
    """The project at that endpoint, with two secrets configured."""
    access = ProjectAccess(host=url, project_key=PROJECT_KEY, personal_api_key=PERSONAL_KEY)
    return Project(access, secrets=[WEBHOOK_SECRET], clock=clock or FakeClock(), logger=LOGGER)


def raised(call: Callable[[], object]) -> Exception:
    """What it raises."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 -- whatever it is
        return error
    pytest.fail("nothing was raised")


def test_a_plugin_captures_as_itself(endpoint: Endpoint) -> None:
    """The event has the plugin's name for a distinct id, as with PostHog, and makes no person of it."""
    project = opened(endpoint.url)
    project.of("internal-users").capture("list renewed", {"domains": 3})

    assert project.close(DEADLINE_SECONDS)
    (event,) = endpoint.events
    assert ("list renewed", "internal-users") == (event["event"], event["distinct_id"])
    assert event["timestamp"].startswith("2026-01-01T00:00:00")
    assert {"domains": 3, MARK: "internal-users", "$process_person_profile": False}.items() <= event[
        "properties"
    ].items()


@pytest.mark.parametrize("timestamp", ["some day", "", None, [], 10**30])
def test_a_time_that_is_none_is_now(endpoint: Endpoint, timestamp: Any) -> None:
    """The event is worth more than its time."""
    project = opened(endpoint.url)
    project.of("scorer").capture("scored", {"timestamp": timestamp})
    project.close(DEADLINE_SECONDS)

    (event,) = endpoint.events
    assert event["timestamp"].startswith("2026-01-01T00:00:00")


def test_a_plugin_captures_for_a_person_at_a_time_of_its_choice(endpoint: Endpoint) -> None:
    """`distinct_id` and `timestamp` among the properties are the event's own, as with PostHog."""
    project = opened(endpoint.url)
    given = {"distinct_id": "ada", "timestamp": "2025-05-05T05:05:05Z", MARK: "no", "n": 2**70}
    project.of("scorer").capture("scored", given)
    project.close(DEADLINE_SECONDS)

    (event,) = endpoint.events
    assert "ada" == event["distinct_id"]
    assert event["timestamp"].startswith("2025-05-05T05:05:05")
    assert (2**70, "scorer") == (event["properties"]["n"], event["properties"][MARK])
    assert "$process_person_profile" not in event["properties"]


def test_an_exception_is_reported_with_its_type_plugin_and_place(endpoint: Endpoint, tmp_path: Path) -> None:
    """And with nothing of what it says: no message, source line, variable or folder."""
    main = tmp_path / "home-of-ada" / "main.py"
    main.parent.mkdir()
    main.write_text(PLUGIN)
    hook = runpy.run_path(str(main), run_name="internal_users")["process_event"]
    error = raised(lambda: hook({"token": SECRETS[1]}, None))
    project = opened(endpoint.url)
    Telemetry(project, clock=FakeClock(), exceptions=True, exports=False).exception(
        "internal-users", "process_event", error
    )
    project.close(DEADLINE_SECONDS)

    (event,) = endpoint.events
    properties = event["properties"]
    assert ("$exception", NAME, NAME) == (event["event"], event["distinct_id"], properties[MARK])
    assert ("internal-users", "process_event") == (properties["plugin"], properties["hook"])
    stacks = {entry["type"]: entry["stacktrace"]["frames"] for entry in properties["$exception_list"]}
    assert {"LookupError", "ConnectionError"} == set(stacks)
    last = stacks["ConnectionError"][-1]
    assert ("main.py", "reach", 4) == (last["filename"], last["function"], last["lineno"])
    for hidden in (*SECRETS, "hard-coded-password", "ada@acme.example", "home-of-ada"):
        assert hidden not in endpoint.text


def test_no_secret_leaves_with_what_a_plugin_captures(endpoint: Endpoint) -> None:
    """Wherever it puts it, as text or as a value that the package takes apart."""
    project = opened(endpoint.url)
    project.of("careless").capture(
        f"used {SECRETS[1]}",
        {
            "distinct_id": SECRETS[0],
            "header": WEBHOOK_SECRET.reveal(),
            "secret": WEBHOOK_SECRET,
            "config": Config(SECRETS[1]),
            "deep": [{SECRETS[0]: (SECRETS[1],)}],
        },
    )
    project.close(DEADLINE_SECONDS)

    assert ["used ***"] == [event["event"] for event in endpoint.events]
    assert [] == [secret for secret in SECRETS if secret in endpoint.text]


def test_exceptions_of_a_kind_are_spaced_and_counted(endpoint: Endpoint) -> None:
    """One a minute for each type in each plugin; the next one says how many were not sent."""
    clock = FakeClock()
    project = opened(endpoint.url, clock=clock)
    telemetry = Telemetry(project, clock=clock, exceptions=True, exports=False)
    for _ in range(5):
        telemetry.exception("a", "on_event", ValueError("x"))
    telemetry.exception("b", "on_event", ValueError("x"))
    telemetry.exception("a", "on_event", KeyError("x"))
    clock.advance(60)
    telemetry.exception("a", "on_event", ValueError("x"))
    project.close(DEADLINE_SECONDS)

    told = [
        (event["properties"]["plugin"], entry["type"], event["properties"]["unsent"])
        for event in endpoint.events
        for entry in event["properties"]["$exception_list"]
    ]
    assert [
        ("a", "ValueError", 0),
        ("b", "ValueError", 0),
        ("a", "KeyError", 0),
        ("a", "ValueError", 4),
    ] == told


def test_an_hours_exports_are_the_sums_since_the_last_report(endpoint: Endpoint) -> None:
    """By type and reason, with the lag; and nothing that a plugin counts under a name of its own."""
    clock, counts = FakeClock(), Counts()
    project = opened(endpoint.url, clock=clock)
    telemetry = Telemetry(project, clock=clock, exceptions=False, exports=True)
    counts.increment("events.delivered", 10)
    counts.increment("messages.track", 12)
    counts.increment("mails to ada@acme.example", 1)
    clock.advance(3600)
    telemetry.exports("variance", counts, lag_seconds=1.5)
    counts.increment("events.delivered", 5)
    counts.increment("events.skipped.an anonymous person", 2)
    clock.advance(1800)
    telemetry.exports("variance", counts)
    project.close(DEADLINE_SECONDS)

    first, second = (event["properties"] for event in endpoint.events)
    assert [EXPORTS_EVENT] * 2 == [event["event"] for event in endpoint.events]
    assert {
        "plugin": "variance",
        "events.delivered": 10,
        "events.rejected": 0,
        "messages.track": 12,
        "lag_seconds": 1.5,
        "period_seconds": 3600,
        MARK: NAME,
    }.items() <= first.items()
    assert {
        "events.delivered": 5,
        "events.skipped.an anonymous person": 2,
        "messages.track": 0,
        "lag_seconds": None,
        "period_seconds": 1800,
    }.items() <= second.items()
    assert "acme.example" not in endpoint.text


def test_what_is_not_switched_on_is_not_reported(endpoint: Endpoint) -> None:
    """A project key alone is for the plugins."""
    project = opened(endpoint.url)
    telemetry = Telemetry(project, clock=FakeClock(), exceptions=False, exports=False)
    telemetry.exception("a", "on_event", ValueError("x"))
    telemetry.exports("variance", Counts())
    project.close(DEADLINE_SECONDS)

    assert "" == endpoint.text


def test_what_was_captured_is_known_when_it_comes_back(endpoint: Endpoint) -> None:
    """As an event of PostHog's exports, whose properties are an object, and of Kafka, where they are text."""
    project = opened(endpoint.url)
    project.of("loop").capture("seen", {"n": 1})
    project.capture_exception(ValueError("x"), {})
    project.close(DEADLINE_SECONDS)

    for event in endpoint.events:
        kafka = {**event, "properties": json.dumps(event["properties"])}
        for shape in (event, kafka):
            row = json.dumps(shape).encode()
            (read,) = formats.events(row)
            assert not isinstance(read, InvalidRecord)
            assert may_be_own(row)
            assert is_own(read.properties)
    assert 2 == len(endpoint.events)


def test_an_event_that_only_speaks_of_the_mark_is_not_own() -> None:
    """The look at the record is only the first; somebody's text may hold the word."""
    row = json.dumps({"event": "searched", "distinct_id": "ada", "properties": {"query": MARK}}).encode()
    (read,) = formats.events(row)

    assert not isinstance(read, InvalidRecord)
    assert (True, False) == (may_be_own(row), is_own(read.properties))
    assert not may_be_own(b'{"event":"searched","properties":{}}')


def test_a_silent_endpoint_holds_nothing_up(
    silent_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Capturing goes on, what finds no room is counted and told once a minute, closing keeps its deadline."""
    monkeypatch.setattr(project_module, "_QUEUED_EVENTS", 5)
    clock = FakeClock()
    project = opened(silent_url, clock=clock)
    door = project.of("busy")
    lost = []
    for seconds in (59, 1, 0):
        for number in range(1000):
            door.capture("worked", {"n": number})
        clock.advance(seconds)
        lost.append(project.lost)

    # The package holds one batch of a hundred in hand, and the queue five.
    assert 3000 - 105 <= project.lost < 3000
    assert not project.close(0.1)
    full, again, late = (text for name, _, text in caplog.record_tuples if name == LOGGER.name)
    assert full.startswith(f"events for PostHog at {silent_url} are lost")
    assert again == f"{full} (and {lost[1] - 1:,} more since the last such line)"
    assert late.startswith(f"PostHog at {silent_url} did not take all that was captured within 0.1 s")


def test_an_event_whose_secrets_cannot_be_looked_for_stays_here(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted and told, without a word of what is in it."""

    def fail(_mask: Mask, _value: Any) -> Any:
        raise ValueError(WEBHOOK_SECRET.reveal())

    monkeypatch.setattr(Mask, "value", fail)
    project = opened(endpoint.url)
    project.of("odd").capture("worked", {"n": WEBHOOK_SECRET.reveal()})

    assert project.close(DEADLINE_SECONDS)
    assert [] == endpoint.events
    assert 1 == project.lost
    assert ["an event for PostHog is lost: secrets in it cannot be looked for (ValueError)"] == [
        line for name, _, line in caplog.record_tuples if name == LOGGER.name
    ]


def test_a_killed_endpoint_holds_nothing_up() -> None:
    """Nobody listens any more: capturing and reporting go on, and the end comes on time."""
    with record(io.BytesIO()) as recorder:
        url = recorder.url
    project = opened(url)
    project.of("busy").capture("worked")
    Telemetry(project, clock=FakeClock(), exceptions=True, exports=True).exception(
        "a", "on_event", ValueError()
    )

    assert not project.close(0.1)
    project.of("busy").capture("worked after the end")


def test_without_a_project_key_nothing_is_loaded_or_sent() -> None:
    """Capturing does nothing, and the `posthog` package is not even imported."""
    script = """
import logging, sys
from variance_plugin.clock import SystemClock
from variance_plugin.runtime.meta.project import Project, ProjectAccess
project = Project(ProjectAccess(), clock=SystemClock(), logger=logging.getLogger())
project.of("quiet").capture("worked")
project.capture_exception(ValueError(), {})
assert project.close(1.0)
assert "posthog" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=DEADLINE_SECONDS)


def test_the_end_of_the_process_does_not_wait_for_a_silent_endpoint(silent_url: str) -> None:
    """Neither the package's thread nor what it leaves for the interpreter's end."""
    script = f"""
import logging
from variance_plugin.clock import SystemClock
from variance_plugin.runtime.meta.project import Project, ProjectAccess
from variance_plugin.secret import Secret
access = ProjectAccess(host={silent_url!r}, project_key=Secret("phc_demo"))
project = Project(access, clock=SystemClock(), logger=logging.getLogger())
project.of("busy").capture("worked")
assert not project.close(0.1)
"""
    # Less than the ten seconds after which the package gives a request up.
    subprocess.run([sys.executable, "-c", script], check=True, timeout=9)


def test_keys_and_hosts_that_cannot_be_right_are_told_together() -> None:
    """PostHog answers 200 to a wrong key and drops the events: nobody would ever know."""
    with pytest.raises(SettingsError) as caught:
        ProjectAccess(
            host="eu.i.posthog.com", project_key=Secret("phx_demo_key"), personal_api_key=Secret("phc_demo")
        )

    assert ["posthog.host", "posthog.project_key", "posthog.personal_api_key"] == [
        fault.key for fault in caught.value.faults
    ]
    assert "phx_demo_key" not in str(caught.value)


def test_an_error_of_the_api_is_one_that_a_plugin_can_catch() -> None:
    """Without a personal key, the setting is named."""
    project = Project(ProjectAccess(), clock=FakeClock(), logger=LOGGER)
    with pytest.raises(UsageError, match=r"posthog.personal_api_key is not set"):
        project.of("curious").api.get("/api/projects/@current/")
