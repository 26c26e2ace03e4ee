"""How long the destination is let alone, on the wire: what it may ask for, and how it is asked again.

Time is a `FakeClock`: the requests are real, the waits between them take no time and can be looked at.
"""

import logging
import socket
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.benches import wire
from variance_plugin import RetryError, VariancePlugin
from variance_plugin.delivery import DeliverySettings, RequestsTransport
from variance_plugin.delivery.dialling import Place, look_up
from variance_plugin.receiver import Answer, LocalVariance, Post
from variance_plugin.secret import Secret
from variance_plugin.testing import InMemoryMeta, make_event, running

BAD = Answer(status=400)


class Runner(wire.Runner):
    """With one lane, and a note of when each post came."""

    def __init__(self, variance: LocalVariance) -> None:
        super().__init__(variance, concurrency="1", retrySeconds="0")
        self.arrivals: list[float] = []
        self._variance = variance

    def answer_with(self, answer: Callable[[Post], Answer]) -> None:
        """What each post is answered."""

        def noted(post: Post) -> Answer:
            self.arrivals.append(self.clock.monotonic())
            return answer(post)

        self._variance.answer_with(noted)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        pytest.param("45", 45, id="seconds"),
        pytest.param(" 45 ", 45, id="seconds in blanks"),
        pytest.param("Thu, 01 Jan 2026 00:01:30 GMT", 90, id="date"),
        pytest.param("Thursday, 01-Jan-26 00:01:30 GMT", 90, id="date of RFC 850"),
        pytest.param("0", 0, id="none"),
        pytest.param("3600", 3_600, id="an hour"),
        pytest.param("3601", 3_600, id="more than an hour"),
        pytest.param("9" * 400, 3_600, id="for ever"),
        pytest.param("Fri, 01 Jan 2027 00:00:00 GMT", 3_600, id="a year"),
        pytest.param("Wed, 31 Dec 2025 00:00:00 GMT", 0, id="in the past"),
        pytest.param("soon", 0, id="a word"),
        pytest.param("-5", 0, id="negative"),
        pytest.param("1.5", 0, id="a fraction"),
        pytest.param("Thu, 99 Jan 2026 99:99:99 GMT", 0, id="no date"),
        pytest.param("", 0, id="nothing"),
    ],
)
@pytest.mark.parametrize("status", [429, 503, 401])
def test_what_retry_after_asks_for(variance: LocalVariance, status: int, asked: str, seconds: float) -> None:
    """In both forms, an hour at the most, nonsense ignored; whatever the status that it comes with."""
    variance.answer_with([Answer(status=status, headers={"Retry-After": asked})])
    meta = InMemoryMeta(wire.config_for(variance.url, retrySeconds="0"))

    with running(VariancePlugin(), meta) as plugin, pytest.raises(RetryError) as caught:
        plugin.export_events([make_event()], meta)

    assert seconds == pytest.approx(caught.value.retry_after_seconds)


def test_an_endpoint_at_fault_is_probed_with_growing_waits(variance: LocalVariance) -> None:
    """401 for a day: a request now and then, at most every five minutes in the end; then all is delivered."""
    runner = Runner(variance)
    recovered_at = runner.clock.now() + timedelta(days=1)
    runner.answer_with(lambda _post: Answer(status=401) if runner.clock.now() < recovered_at else Answer())

    runner.run([make_event(number=number) for number in range(100)])

    assert {"order paid": 100} == variance.summary().events
    assert [] == runner.dead_letters.rejections
    # Full jitter over 1, 2, 4 … 256, 300, 300 … seconds: half of that on the average.
    assert all(
        wait <= ceiling
        for wait, ceiling in zip(runner.clock.waits, [1, 2, 4, 8, 16, 32, 64, 128, 256], strict=False)
    )
    assert 150 < max(runner.clock.waits) <= 300
    assert 288 <= len(runner.arrivals) <= 1_500


def test_a_destination_that_refuses_too_much_is_paused_and_goes_on_by_itself(
    variance: LocalVariance, caplog: pytest.LogCaptureFixture
) -> None:
    """A mapping that was wrong for an hour costs twenty events, whatever the number of those that waited."""
    runner = Runner(variance)
    recovered_at = runner.clock.now() + timedelta(hours=1)
    runner.answer_with(lambda _post: BAD if runner.clock.now() < recovered_at else Answer())

    runner.run([make_event(number=number) for number in range(2_000)])

    assert 20 == len(runner.dead_letters.rejections)
    assert {"order paid": 1_980} == variance.summary().events
    assert 0 == variance.summary().duplicates
    assert max(runner.clock.waits) > 60  # growing: the same schedule as for any endpoint at fault
    assert any("the endpoint or the mapping is wrong" in record.getMessage() for record in caplog.records)


def test_one_in_five_is_not_too_much(variance: LocalVariance) -> None:
    """Every fifth of 1,000 events is refused: each is set aside, and nothing is paused."""
    runner = Runner(variance)
    bad = {make_event(number=number).uuid for number in range(0, 1_000, 5)}

    def answer(post: Post) -> Answer:
        ids = {str(message["messageId"]) for message in post.messages if isinstance(message, dict)}
        return BAD if bad & ids else Answer()

    runner.answer_with(answer)

    runner.run([make_event(number=number) for number in range(1_000)])

    assert bad == {rejection.event.uuid for rejection in runner.dead_letters.rejections}
    assert {"order paid": 800} == variance.summary().events
    assert 0 == runner.host.counts["retries"]


def test_a_name_that_does_not_resolve_is_wrong_at_the_start_and_passing_trouble_later() -> None:
    """At the start somebody has to look; once the destination has answered, the plugin tries again itself."""
    known: list[bool] = [False, True, False, True]

    def resolve(_host: str, port: int) -> list[Place]:
        if not known.pop(0):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up("127.0.0.1", port)

    with LocalVariance(answers=lambda _post: Answer(headers={"Connection": "close"})) as variance:
        port = variance.origin.rpartition(":")[2]
        settings = DeliverySettings(
            webhook_url=f"http://hooks.example:{port}/webhook", allowed_hosts=("hooks.example",)
        )
        config: dict[str, Any] = {"webhookUrl": settings.webhook_url, "authHeader": "x"}
        meta = InMemoryMeta(config)
        with running(VariancePlugin(transport=RequestsTransport(settings, resolve=resolve)), meta) as plugin:
            with pytest.raises(RetryError, match="name does not resolve"):
                plugin.export_events([make_event(number=1)], meta)
            assert {"endpoint at fault": 1} == meta.counts.under("attempts.")

            plugin.export_events([make_event(number=1)], meta)
            plugin.export_events([make_event(number=2)], meta)

        assert {"order paid": 2} == variance.summary().events
    assert {"endpoint at fault": 1, "retry": 1, "delivered": 2} == meta.counts.under("attempts.")


def test_a_date_is_read_by_the_clock_of_this_machine(variance: LocalVariance) -> None:
    """The one that the events' `sentAt` is of too."""
    meta = InMemoryMeta(wire.config_for(variance.url, retrySeconds="0"))
    meta.clock.advance(1_000)
    asked = format_datetime(meta.clock.now() + timedelta(seconds=77), usegmt=True)
    variance.answer_with([Answer(status=503, headers={"Retry-After": asked})])

    with running(VariancePlugin(), meta) as plugin, pytest.raises(RetryError) as caught:
        plugin.export_events([make_event()], meta)

    assert 77 == pytest.approx(caught.value.retry_after_seconds, abs=1)


@pytest.mark.parametrize(
    "proxy",
    ["http://ada:phc_demo_proxy@proxy.invalid:3128", "http://ada:phc_demo_proxy@127.0.0.1:1"],
    ids=["unknown", "closed"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_login_of_a_proxy_reaches_no_log_and_no_error(
    caplog: pytest.LogCaptureFixture, scheme: str, proxy: str
) -> None:
    """With every logger at its most talkative."""
    caplog.set_level(logging.DEBUG)
    config = {"webhookUrl": f"{scheme}://destination.invalid/?phc_demo_query", "authHeader": "x"}
    meta = InMemoryMeta({**config, "proxyUrl": proxy, "retrySeconds": "0"})

    with running(VariancePlugin(), meta) as plugin, pytest.raises(RetryError) as caught:
        plugin.export_events([make_event()], meta)

    shown = [str(caught.value), repr(caught.value), caplog.text, repr(meta), *meta.counts.under("")]
    shown += [repr(record.args) for record in caplog.records]
    assert [] == [text for text in shown if "phc_demo" in text]
    assert caplog.records


def test_the_login_of_a_proxy_that_refuses_it_stays_unsaid(caplog: pytest.LogCaptureFixture) -> None:
    """A 407 with the login in its body."""
    caplog.set_level(logging.DEBUG)
    refusal = Answer(status=407, body=b"no such login: ada:phc_demo_proxy")
    with LocalVariance(answers=lambda _post: refusal) as proxy:
        settings = DeliverySettings(
            webhook_url="http://destination.invalid/",
            proxy_url=Secret(proxy.origin.replace("http://", "http://ada:phc_demo_proxy@")),
        )
        meta = InMemoryMeta({"webhookUrl": settings.webhook_url, "authHeader": "x", "retrySeconds": "0"})
        transport = RequestsTransport(settings)
        with (
            running(VariancePlugin(transport=transport), meta) as plugin,
            pytest.raises(RetryError) as caught,
        ):
            plugin.export_events([make_event()], meta)

    assert "HTTP 407" == str(caught.value)
    assert "phc_demo" not in caplog.text
