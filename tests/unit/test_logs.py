"""What the log of a run looks like, to people and to machines, and what never stands in it."""

import json
import logging
import threading
import warnings
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.clock import SystemClock
from variance_plugin.delivery import Answer
from variance_plugin.plugin import VariancePlugin
from variance_plugin.runtime.watching.logs import logging_to, plugin_logger
from variance_plugin.secret import Secret
from variance_plugin.testing import InMemoryMeta, ScriptedTransport, make_event, running

SECRETS = [
    Secret('Bearer to"ken-\\x-é-123'),
    Secret("http://user:pass%20word-9@proxy.example:3128"),
    Secret("plain-secret"),
]  # fmt: skip


def logged(say: Callable[[], object], *, as_json: bool = True, level: str = "info") -> str:
    """What is written while that is done."""
    stream = StringIO()
    with logging_to(stream, as_json=as_json, level=level, secrets=SECRETS):
        say()
    return stream.getvalue()


def lines(say: Callable[[], object], **options: Any) -> list[dict[str, Any]]:
    """The same, read as JSON, without the times."""
    found = [json.loads(line) for line in logged(say, **options).splitlines()]
    return [{key: value for key, value in line.items() if key != "time"} for line in found]


def test_a_line_in_json_has_its_fields() -> None:
    """Time, level, logger, plugin, event, and what the line has of its own."""
    logger = plugin_logger("variance")
    text = logged(lambda: logger.warning("waiting %d s", 5, extra={"seconds": 5, "status": None}))

    found = json.loads(text)
    assert ["time", "level", "logger", "plugin", "event", "seconds", "status"] == list(found)
    time = found.pop("time")
    assert (24, "T", "Z") == (len(time), time[10], time[-1])
    assert {
        "level": "warning",
        "logger": "plugins.variance",
        "plugin": "variance",
        "event": "waiting 5 s",
        "seconds": 5,
        "status": None,
    } == found


def test_a_line_for_people_is_short() -> None:
    """Time of the day, level, who, what; without a field, which would say it twice."""
    text = logged(
        lambda: plugin_logger("variance").warning("waiting %d s", 5, extra={"seconds": 5}), as_json=False
    )

    assert " warning  variance: waiting 5 s\n" == text[8:]


def test_the_loggers_below_a_plugins_own_are_its_own() -> None:
    """Others have no plugin."""

    def say() -> None:
        plugin_logger("variance").getChild("parts").info("a")
        logging.getLogger("variance_plugin.runtime").info("b")

    assert ["variance", None] == [line.get("plugin") for line in lines(say)]


@pytest.mark.parametrize(
    ("level", "expected"),
    [("debug", ["own", "plugin", "info"]), ("info", ["info"]), ("warning", [])],
    ids=str,
)
def test_the_level_is_that_of_this_program_and_its_plugins(level: str, expected: list[str]) -> None:
    """Of libraries nothing below info is written: urllib3 would tell addresses."""

    def say() -> None:
        logging.getLogger("variance_plugin.delivery").debug("own")
        plugin_logger("other").debug("plugin")
        logging.getLogger("urllib3.connectionpool").debug("library")
        logging.getLogger("urllib3.connectionpool").info("info")

    assert expected == [line["event"] for line in lines(say, level=level)]


def test_each_attempt_is_one_line_with_its_figures() -> None:
    """Number, messages, bytes, seconds, outcome, answer, ids; and nothing else of what was sent."""
    config = {"webhookUrl": "https://hooks.example/1", "authHeader": "plain-secret", "retrySeconds": "10"}
    meta = InMemoryMeta(config, logger=plugin_logger("variance"))
    transport = ScriptedTransport([Answer(status=503, body=b"plain-secret order paid")])

    def say() -> None:
        with running(VariancePlugin(transport=transport), meta) as plugin:
            plugin.export_events(events, meta)

    events = [make_event(number=1), make_event(number=2)]
    found = [line for line in lines(say, level="debug") if "attempt" in line]
    assert [(1, "retry", "HTTP 503"), (2, "delivered", "HTTP 200")] == [
        (line["attempt"], line["outcome"], line["answer"]) for line in found
    ]
    assert [(2, len(request.body)) for request in transport.requests] == [
        (line["messages"], line["body_bytes"]) for line in found
    ]
    ids = (events[0].uuid, events[1].uuid)
    assert [ids, ids] == [(line["first_id"], line["last_id"]) for line in found]
    assert found[0]["event"].endswith(f": retry (HTTP 503); {ids[0]} to {ids[1]}")
    assert not any("order paid" in str(line) for line in found)


# --- What never stands in it ------------------------------------------------------------------------


def _fail(text: str) -> None:
    try:
        raise KeyError(text)
    except KeyError:
        logging.getLogger("plugins.other").exception("it failed")


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "human"])
@pytest.mark.parametrize(
    "text",
    [
        'Bearer to"ken-\\x-é-123',
        'to"ken-\\x-é-123',
        repr(['to"ken-\\x-é-123']),
        json.dumps({"a": 'to"ken-\\x-é-123'}),
        json.dumps({"a": 'to"ken-\\x-é-123'}, ensure_ascii=False),
        "https://h.example/?t=to%22ken-%5Cx-%C3%A9-123",
        "pass%20word-9",
        "pass word-9",
        "xxplain-secretxx",
        "plain-secret" * 3,
    ],
    ids=str,
)
def test_no_secret_gets_into_a_line(text: str, *, as_json: bool) -> None:
    """Neither by message, nor by field, exception or logger; however it is escaped."""

    def say() -> None:
        logger = plugin_logger("other")
        logger.info("said %s", text, extra={"field": text, "nested": {"list": [text], text: 1}})
        logger.info("said %r", {"a": text})
        _fail(text)
        logging.getLogger(f"other.{text}").info("hello")

    found = logged(say, as_json=as_json)

    assert "***" in found
    assert not [part for part in ("ken-", "%5Cx", "word-9", "plain-secret") if part in found]


def test_a_line_for_people_cannot_be_forged() -> None:
    """What a stranger says begins no line of its own, and a terminal does not obey it."""
    found = logged(lambda: plugin_logger("a").info("x\n12:00:00 error    b: \x1b[31m\u202e"), as_json=False)

    assert "a: x\\n12:00:00 error    b: \\x1b[31m\\u202e\n" == found[18:]


def test_a_long_text_is_cut() -> None:
    """An answer's whole body in an exception's text does not fill the log."""
    [line] = lines(lambda: plugin_logger("a").info("x" * 1_000_000))

    assert "… (1,000,000 characters)" == line["event"][8_192:]


def test_a_line_that_cannot_be_written_shows_no_value() -> None:
    """The standard library would print its arguments."""

    class Bad:
        def __str__(self) -> str:
            raise ValueError("plain-secret")

        __repr__ = __str__

    found = logged(lambda: plugin_logger("a").info("x", extra={"field": Bad()}))

    assert found.startswith("a log line could not be written (test_logs.py:")
    assert found.endswith(": ValueError)\n")
    assert "plain-secret" not in found


@given(st.text(), st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=3))
def test_whatever_is_said_is_one_json_object_a_line(text: str, values: dict[str, Any]) -> None:
    """Any text, any field."""
    [line] = lines(lambda: plugin_logger("a").info("%s", text, extra={"values": values}))

    assert (text, values) == (line["event"], line["values"])


# --- What nobody says ------------------------------------------------------------------------------


def test_what_a_thread_dies_of_is_logged() -> None:
    """With its name and its traceback, without a secret."""

    def die() -> None:
        raise ValueError("plain-secret")

    def say() -> None:
        thread = threading.Thread(target=die, name="lane-7")
        thread.start()
        thread.join()

    [line] = lines(say)
    assert ("critical", "nobody caught this, and the thread lane-7 has ended") == (
        line["level"],
        line["event"],
    )
    assert line["exception"].endswith("ValueError: ***")


def test_warnings_are_logged() -> None:
    """As any other line."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        [line] = lines(lambda: warnings.warn("old", DeprecationWarning, stacklevel=1))

    assert ("warning", "py.warnings") == (line["level"], line["logger"])
    assert "DeprecationWarning: old" in line["event"]


def test_afterwards_all_is_as_before() -> None:
    """A program that only borrows the log gives it back."""
    names = ("", "variance_plugin", "plugins")
    before = [(logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in names]
    hook = threading.excepthook

    logged(lambda: SystemClock().now(), level="debug")

    assert before == [(logging.getLogger(name).level, logging.getLogger(name).handlers) for name in names]
    assert hook is threading.excepthook
