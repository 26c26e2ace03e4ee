"""Every row of the table of outcomes, on the wire: what becomes of the events, and what is said of it."""

import logging
import socket
import threading
from contextlib import suppress

import pytest

from tests.benches.wire import config_for
from variance_plugin import RetryError, VariancePlugin
from variance_plugin.clock import SystemClock
from variance_plugin.errors import Stopped
from variance_plugin.receiver import Answer, LocalVariance, WireFault
from variance_plugin.testing import InMemoryMeta, make_event, running

# Answers come at once here; what has to fail by time fails after this.
READ_SECONDS = 0.4


def meta_for(url: str, **more: object) -> InMemoryMeta:
    """No quick retries, so that each call is one attempt, but for halving."""
    return InMemoryMeta(config_for(url, retrySeconds="0", readTimeoutSeconds=str(READ_SECONDS), **more))


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207, 299])
def test_a_2xx_delivers(variance: LocalVariance, status: int) -> None:
    """The call returns, and everything is counted."""
    variance.answer_with([Answer(status=status)])
    meta = meta_for(variance.url)

    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events([make_event(number=number) for number in range(3)], meta)

    assert {"order paid": 3} == variance.summary().events
    assert 3 == meta.counts["events.delivered"]
    assert {"delivered": 1} == meta.counts.under("attempts.")
    assert [] == meta.rejections


LATER = [
    *(pytest.param(Answer(status=status), f"HTTP {status}", id=str(status)) for status in (408, 425, 429)),
    *(
        pytest.param(Answer(status=status), f"HTTP {status}", id=str(status))
        for status in (500, 502, 503, 504, 599)
    ),
    pytest.param(Answer(status=103), "HTTP 103", id="103"),
    pytest.param(Answer(fault=WireFault.RESET), "network error: connection reset by peer", id="reset"),
    pytest.param(Answer(fault=WireFault.CLOSE), "broken answer", id="close"),
    pytest.param(Answer(fault=WireFault.HALF_CLOSE), "broken answer", id="half-close"),
    pytest.param(Answer(fault=WireFault.GARBAGE), "broken answer", id="garbage"),
    pytest.param(Answer(fault=WireFault.CUT_SHORT), "broken answer", id="cut short"),
    pytest.param(Answer(fault=WireFault.CUT_SHORT, status=400), "broken answer", id="cut short 400"),
    pytest.param(Answer(fault=WireFault.HANG), "time-out: no answer in time", id="hang"),
    pytest.param(Answer(fault=WireFault.DRIP, delay_seconds=0.05), "time-out: no answer in time", id="drip"),
]


@pytest.mark.parametrize(("answer", "reason"), LATER)
def test_passing_trouble_leaves_everything_for_later(
    variance: LocalVariance, caplog: pytest.LogCaptureFixture, answer: Answer, reason: str
) -> None:
    """The whole batch comes again and is delivered once; nothing goes to the dead letters."""
    variance.answer_with([answer])
    meta = meta_for(variance.url)
    events = [make_event(number=number) for number in range(3)]

    with running(VariancePlugin(), meta) as plugin:
        with pytest.raises(RetryError, match=reason) as caught:
            plugin.export_events(events, meta)
        assert caught.value.events is not None
        assert events == [*caught.value.events]
        plugin.export_events(caught.value.events, meta)

    assert {"order paid": 3} == variance.summary().events
    assert {"retry": 1, "delivered": 1} == meta.counts.under("attempts.")
    assert [] == meta.rejections
    assert logging.WARNING == max(record.levelno for record in caplog.records)


AT_FAULT = [401, 403, 404, 405, 407, 410, 501, 300, 301, 302, 303, 304, 307, 308]


@pytest.mark.parametrize("status", AT_FAULT)
def test_an_endpoint_at_fault_pauses_and_blames_no_event(
    variance: LocalVariance, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Said as an error, since a person has to look; it goes on by itself when the endpoint answers."""
    variance.answer_with([Answer(status=status)])
    meta = meta_for(variance.url)
    events = [make_event(number=number) for number in range(3)]

    with running(VariancePlugin(), meta) as plugin:
        with pytest.raises(RetryError, match=f"HTTP {status}"):
            plugin.export_events(events, meta)
        assert 1 == len(variance.posts)
        plugin.export_events(events, meta)

    assert {"order paid": 3} == variance.summary().events
    assert {"endpoint at fault": 1, "delivered": 1} == meta.counts.under("attempts.")
    assert [] == meta.rejections
    assert [logging.ERROR] == [record.levelno for record in caplog.records]


@pytest.mark.parametrize("status", [400, 402, 406, 409, 413, 415, 418, 422, 451, 499])
def test_an_event_that_is_refused_alone_is_rejected_with_its_reason(
    variance: LocalVariance, status: int
) -> None:
    """The event as it came, the message as it was sent, status, reason with the answer's beginning."""
    variance.answer_with([Answer(status=status, body=b'{"error":"unknown field"}')])
    meta = meta_for(variance.url)
    event = make_event()

    with running(VariancePlugin(), meta) as plugin:
        plugin.export_events([event], meta)

    (rejection,) = meta.rejections
    assert event == rejection.event
    assert (status, 1) == (rejection.status, rejection.attempts)
    assert f'HTTP {status}: {{"error":"unknown field"}}' == rejection.reason
    assert rejection.message is not None
    assert rejection.message in variance.posts[0].body
    assert {} == variance.summary().events


@pytest.mark.parametrize(
    ("url", "reason", "outcome"),
    [
        ("http://variance.invalid/hook", "name does not resolve", "endpoint at fault"),
        ("http://a..b/hook", "the address cannot be used", "endpoint at fault"),
        ("https://127.0.0.1:{port}/webhook", "no TLS is spoken there", "endpoint at fault"),
        ("http://127.0.0.1:{closed}/", "network error: connection refused", "retry"),
    ],
    ids=["unknown name", "impossible name", "no TLS there", "nobody listens"],
)
def test_an_address_where_no_variance_answers(
    variance: LocalVariance, url: str, reason: str, outcome: str
) -> None:
    """Each is told apart, and no event is blamed for it."""
    port = variance.url.rpartition(":")[2].partition("/")[0]
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken, but nobody listens there
        meta = meta_for(url.format(port=port, closed=bound.getsockname()[1]))

        with running(VariancePlugin(), meta) as plugin, pytest.raises(RetryError, match=reason):
            plugin.export_events([make_event()], meta)

    assert {outcome: 1} == meta.counts.under("attempts.")
    assert [] == meta.rejections


def test_an_endpoint_that_never_accepts_is_given_up_in_time() -> None:
    """`connectTimeoutSeconds`: the queue of a listener that accepts nobody is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.settimeout(0)
            client.connect_ex(("127.0.0.1", port))
        meta = meta_for(f"http://127.0.0.1:{port}/", connectTimeoutSeconds="0.2")

        with running(VariancePlugin(), meta) as plugin, pytest.raises(RetryError, match="time-out"):
            plugin.export_events([make_event()], meta)

        for client in waiting:
            client.close()


def test_an_answer_has_to_be_there_in_time_as_a_whole(variance: LocalVariance) -> None:
    """Not its next byte: an endpoint that drips its headers for ever must not hold a lane."""
    hundred_bytes = b"x" * 100
    variance.answer_with([Answer(fault=WireFault.DRIP, delay_seconds=READ_SECONDS / 4, body=hundred_bytes)])
    meta = meta_for(variance.url)
    clock = SystemClock()
    begun = clock.monotonic()

    with running(VariancePlugin(), meta) as plugin, pytest.raises(RetryError, match="no answer in time"):
        plugin.export_events([make_event()], meta)

    # Dripped to its end, the answer would take at least 15 s.
    assert clock.monotonic() - begun < 10


def test_a_body_that_drips_is_given_up_as_well() -> None:
    """The headers are there at once, the rest never: no 2xx without its end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        meta = meta_for(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        with (
            running(VariancePlugin(), meta) as plugin,
            _Dripping(listener),
            pytest.raises(RetryError, match="no answer in time"),
        ):
            plugin.export_events([make_event()], meta)


class _Dripping:
    """Accepts one connection and sends headers, then a byte now and then until it is closed."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._clock = SystemClock()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._clock.stop()
        self._thread.join()

    def _run(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            with suppress(OSError, Stopped):  # closed by either side
                while True:
                    self._clock.wait(READ_SECONDS / 8)
                    connection.sendall(b"x")
