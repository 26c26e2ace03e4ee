"""The log of a run: one line for each thing that happened, for people or as JSON, without any secret.

Everything goes through the standard library's `logging`: this package, the plugins (`plugin_logger`), and the
libraries below them. A message tells a person everything; what a machine may want to count stands in `extra`
too, and in JSON each is a field:

    logger.info("attempt %d: %d messages", 1, 500, extra={"attempt": 1, "messages": 500})
"""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO, TypeAlias
from urllib.parse import quote, quote_plus, unquote, urlsplit

import structlog

from ...masking import Mask
from ...secret import Secret

_Fields: TypeAlias = MutableMapping[str, Any]

_PLUGINS = "plugins"
_PACKAGE = __name__.partition(".")[0]
# A text of an event, or of an answer, that got into an exception shall not fill the log.
_MOST_CHARACTERS = 8_192
# A secret in JSON, in the text of an exception, in a line of JSON.
_NESTED_ESCAPES = 3
_BOTH_QUOTES = "'\""
# The line's own fields, and what the formatters of others leave in a record.
_NOT_GIVEN = ("time", "level", "logger", "event", "message", "asctime")


def plugin_logger(name: str) -> logging.Logger:
    """The logger of that plugin: its lines have the field `plugin`, and so have those of its children."""
    return logging.getLogger(f"{_PLUGINS}.{name}")


@contextmanager
def logging_to(
    stream: TextIO, *, as_json: bool, level: str = "info", secrets: Sequence[Secret] = ()
) -> Iterator[None]:
    """Within it, what is logged goes to the stream, as do warnings and exceptions that nobody caught.

    Args:
        stream: Standard error, for a program.
        as_json: One object a line; else for people, with colours on a terminal.
        level: `debug`, `info`, `warning` or `error`; of libraries nothing below `info` is written.
        secrets: Masked wherever they stand, exceptions and tracebacks included.
    """
    handler = _Stream(stream)
    handler.setFormatter(_formatter(as_json=as_json, colours=stream.isatty(), mask=_mask(secrets)))
    number = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    levels = {root: max(number, logging.INFO), logging.getLogger(_PACKAGE): number}
    levels[logging.getLogger(_PLUGINS)] = number
    before = {logger: logger.level for logger in levels}
    hooks = sys.excepthook, threading.excepthook
    for logger, wanted in levels.items():
        logger.setLevel(wanted)
    root.addHandler(handler)
    sys.excepthook, threading.excepthook = _log_uncaught, _log_uncaught_in_thread
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        sys.excepthook, threading.excepthook = hooks
        root.removeHandler(handler)
        for logger, earlier in before.items():
            logger.setLevel(earlier)


def _formatter(*, as_json: bool, colours: bool, mask: Mask) -> logging.Formatter:
    chain: list[Callable[[Any, str, _Fields], _Fields]] = [
        structlog.stdlib.ExtraAdder(),
        _describe,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        lambda _logger, _method, fields: _bounded(mask.value(dict(fields))),
    ]
    render: Callable[[Any, str, _Fields], str] = _to_json if as_json else _ForPeople(colours=colours)
    return _Masked(processors=[*chain, render], mask=mask)


class _Stream(logging.StreamHandler[TextIO]):
    """What cannot be written is told by its place alone; the standard library would show its values."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- the standard library's name
        kind = sys.exc_info()[0]
        with suppress(OSError, ValueError):  # the stream itself may be closed
            place = f"{record.filename}:{record.lineno}"
            self.stream.write(f"a log line could not be written ({place}: {kind and kind.__name__})\n")


class _Masked(structlog.stdlib.ProcessorFormatter):
    """The last of all: a secret that was escaped on its way into the line is found in its escaped forms."""

    def __init__(self, *, mask: Mask, **options: Any) -> None:
        super().__init__(**options)
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        return self._mask.text(super().format(record))


def _describe(_logger: Any, _method: str, fields: _Fields) -> _Fields:
    """The fields that every line has, in their order; `plugin` only where it is one's."""
    record: logging.LogRecord = fields["_record"]
    known: dict[str, Any] = {
        "time": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
        "level": record.levelname.lower(),
        "logger": record.name,
    }
    if record.name.startswith(f"{_PLUGINS}."):
        known["plugin"] = record.name.split(".")[1]
    given = {key: value for key, value in fields.items() if key not in _NOT_GIVEN}
    return {**known, "event": str(fields.get("event", "")), **given}


def _bounded(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        key: f"{value[:_MOST_CHARACTERS]}… ({len(value):,} characters)"
        if isinstance(value, str) and len(value) > _MOST_CHARACTERS
        else value
        for key, value in fields.items()
    }


def _on_one_line(text: str) -> str:
    """A text of a stranger may hold what begins another line, or what a terminal obeys."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _to_json(_logger: Any, _method: str, fields: _Fields) -> str:
    return json.dumps(fields, default=str)


class _ForPeople:
    """`12:30:01 warning  variance: what happened`, and the traceback below it, if there is one."""

    def __init__(self, *, colours: bool) -> None:
        self._styles = structlog.dev.ConsoleRenderer.get_default_level_styles(colors=colours)
        self._reset = "\x1b[0m" if colours else ""

    def __call__(self, _logger: Any, _method: str, fields: _Fields) -> str:
        level = f"{self._styles.get(fields['level'], '')}{fields['level']:<8}{self._reset}"
        source = fields.get("plugin") or fields["logger"].rpartition(".")[2]
        lines = [f"{fields['time'][11:19]} {level} {source}: {_on_one_line(fields['event'])}"]
        for more in ("exception", "stack"):
            lines += [f"    {_on_one_line(line)}" for line in fields.get(more, "").splitlines()]
        return "\n".join(lines)


def _mask(secrets: Sequence[Secret]) -> Mask:
    """Knows each secret as it is, and as it looks in a URL, in JSON, in a `repr`, and in one in another."""
    texts = {text for secret in secrets for text in _known_by(secret.reveal())}
    forms = {form for text in texts for form in (text, quote(text, ""), quote(text), quote_plus(text))}
    for _ in range(_NESTED_ESCAPES):
        forms |= {form for text in forms for form in _escaped(text)}
    return Mask(map(Secret, forms))


def _escaped(text: str) -> Iterator[str]:
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    # In a text with both kinds of quote, `repr` escapes the single ones.
    yield repr(text + _BOTH_QUOTES)[1 : -len(repr(_BOTH_QUOTES)) + 1]


def _known_by(text: str) -> Iterator[str]:
    """A secret, and if it is an address with a password (of a proxy) that too."""
    yield text
    yield from text.split(None, 1)[1:]
    try:
        password = urlsplit(text).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger(_PACKAGE).critical("nobody caught this", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is None or found.exc_type is SystemExit:
        return
    logging.getLogger(_PACKAGE).critical(
        "nobody caught this, and the thread %s has ended",
        found.thread.name if found.thread is not None else "unknown",
        exc_info=(found.exc_type, found.exc_value, found.exc_traceback),
    )
