"""`PluginHarness`: what people test their own plugins with."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from variance_plugin.errors import RetryError, SettingsError, UsageError
from variance_plugin.events import Event
from variance_plugin.hooks import Attachment, Rejection
from variance_plugin.manifest import Condition, Manifest, Parameter, ParameterType
from variance_plugin.testing import FakeClock, PluginHarness, make_event

EXAMPLES = Path(__file__).parents[2] / "examples"


class Everything:
    """Uses all of `meta`."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def setup_plugin(self, meta: Any) -> None:
        """Keep what was configured."""
        self.called.append("setup")
        meta.logger.warning("configured with %s", meta.config)

    async def process_event(self, event: Event, meta: Any) -> Event | None:
        """Async, and waits."""
        await asyncio.sleep(0)
        event.properties["place"] = meta.geoip.locate("1.2.3.4")
        event.properties["seen"] = meta.cache.incr("seen")
        meta.metrics.rows.increment(2)
        return None if event.event == "drop" else event

    def on_event(self, event: Event, meta: Any) -> None:  # noqa: ARG002 -- the hook has it
        """Spoils what it gets."""
        self.called.append(f"on {event.event}")
        event.properties.clear()

    def export_events(self, events: Sequence[Event], meta: Any) -> None:
        """Fails, or rejects."""
        if len(events) > 1:
            raise RetryError("too many", events=events[1:])
        meta.reject(Rejection(event=events[0], reason="no"))
        meta.metrics.increment("tried")
        meta.clock.wait(3600)

    def run_every_minute(self, meta: Any) -> None:
        """Asks PostHog, and puts a job off."""
        cohorts = meta.posthog.api.get("/api/cohorts/")
        meta.jobs.again({"cohorts": cohorts}).run_in(1, "minute")

    def again(self, payload: Any, meta: Any) -> None:
        """Puts itself off again."""
        meta.posthog.capture("again", payload)
        meta.storage.set("payload", payload)
        meta.jobs.again(payload).run_now()

    def teardown_plugin(self, meta: Any) -> None:  # noqa: ARG002
        """The end."""
        self.called.append("teardown")

    jobs = {"again": "again"}  # noqa: RUF012
    metrics = {"rows": "sum"}  # noqa: RUF012


def test_a_plugin_runs_as_in_the_runner() -> None:
    """Set up, its hooks called, ordinary or async; torn down at the end. A look changes nothing."""
    plugin = Everything()
    with PluginHarness(plugin, places={"1.2.3.4": {"country": "NL"}}) as harness:
        passed = harness.process(make_event("order paid"))
        assert harness.process({"event": "drop", "distinct_id": "ada", "properties": {}}) is None

    assert passed is not None
    assert {"place": {"country": "NL"}, "seen": 1} == passed.properties
    assert ["setup", "on order paid", "teardown"] == plugin.called
    assert {"rows": 4} == harness.metrics
    assert ["warning: configured with {}"] == harness.logs
    assert harness.plugin is plugin


def test_jobs_run_when_the_test_lets_time_pass() -> None:
    """The due ones, once; what they put off in turn waits for the next time."""
    answers = {"GET /api/cohorts/": [1]}
    with PluginHarness(Everything(), answers=answers) as harness:
        harness.run_every_minute()
        assert 0 == harness.run_due_jobs()
        harness.clock.advance(60)
        assert 1 == harness.run_due_jobs()
        assert 1 == harness.waiting_jobs

    assert [("again", {"cohorts": [1]})] == harness.captured
    assert {"cohorts": [1]} == harness.storage.get("payload")
    assert [("GET /api/cohorts/", None)] == harness.api_calls


def test_what_an_export_does_is_seen() -> None:
    """What it raises comes out; what it rejects and counts is kept; its waits take no time."""
    clock = FakeClock()
    start = clock.now()
    with PluginHarness(Everything(), clock=clock) as harness:
        harness.export([make_event()])
        with pytest.raises(RetryError, match="too many"):
            harness.export([make_event(), make_event()])

    assert ["no"] == [rejection.reason for rejection in harness.rejections]
    assert {"tried": 1} == harness.counts
    assert timedelta(hours=1) == clock.now() - start


@pytest.mark.parametrize("answer", [None, RetryError("later")], ids=["no answer", "an error"])
def test_the_api_answers_only_what_the_test_says(answer: Exception | None) -> None:
    """An exception is raised; what was not foreseen is told with the question."""
    answers = {} if answer is None else {"GET /api/cohorts/": answer}
    expected = "asked 'GET /api/cohorts/', which the test has no answer to" if answer is None else "later"

    with (
        PluginHarness(Everything(), answers=answers) as harness,
        pytest.raises((UsageError, RetryError), match=expected),
    ):
        harness.run_every_minute()


MANIFEST = Manifest(
    name="demo",
    config=(
        Parameter(key="list", type=ParameterType.ATTACHMENT),
        Parameter(key="token", secret=True, required_if=(Condition("list"),)),
    ),
)


def test_a_plugin_is_configured_as_by_a_user() -> None:
    """With defaults and attachments; what cannot be used is refused with its key."""
    attachment = Attachment(file_name="a.txt", content_type="text/plain", contents=b"a")
    seen: list[Any] = []

    class Demo:
        def setup_plugin(self, meta: Any) -> None:
            seen.extend([dict(meta.config), meta.attachments])

    with PluginHarness(Demo(), manifest=MANIFEST, config={"list": attachment, "token": "t"}):
        pass
    assert [{"token": "t"}, {"list": attachment}] == seen

    with pytest.raises(SettingsError, match="token: is required, since list has a value"):
        PluginHarness(Demo(), manifest=MANIFEST, config={"list": attachment})


def test_a_set_up_that_fails_comes_out_and_is_torn_down() -> None:
    """As in the runner."""

    class Demo(Everything):
        def setup_plugin(self, meta: Any) -> None:  # noqa: ARG002 -- the hook has it
            raise UsageError("no such account")

    plugin = Demo()
    with pytest.raises(UsageError, match="no such account"), PluginHarness(plugin):
        pass
    assert ["teardown"] == plugin.called


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (True, "process_event returned a bool, neither the event nor None"),
        (make_event(""), "process_event returned an event without a name: `event` has to be a text"),
    ],
    ids=["no event", "no name"],
)
def test_what_a_hook_must_not_return_is_told(returned: Any, told: str) -> None:
    """The runner would let the event go on as it was, and a test should hear of it."""

    class Demo:
        def process_event(self, event: Any, meta: Any) -> Any:  # noqa: ARG002 -- the hook has them
            return returned

    with PluginHarness(Demo()) as harness, pytest.raises(TypeError, match=told):
        harness.process(make_event())


def test_a_hook_that_there_is_not_is_told() -> None:
    """A test that called it would show nothing."""
    with PluginHarness(EXAMPLES / "internal_users", config={"domains": "a.example"}) as harness:
        for call in (harness.run_every_hour, harness.run_every_minute, lambda: harness.export([])):
            with pytest.raises(UsageError, match="the plugin internal_users has no hook "):
                call()
