"""Which address shows what."""

from collections.abc import Callable
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from ...clock import Clock
from ..answers import Answer
from ..connections import Connections
from ..faults import fault_from, faults_now
from ..json_form import to_json
from ..post import Headers
from .guard import SECURITY_HEADERS, check_reader
from .lines import lines
from .stream import Stream
from .views import MessageView, account, account_list, connection_view, contact, contact_list, visitor

if TYPE_CHECKING:
    from ..intake import Intake

_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/show.js": ("show.js", "text/javascript; charset=utf-8"),
    "/dom.js": ("dom.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_SEARCHED_CHARACTERS: Final = 200

EventOf = Callable[[str], bytes | None]
"""The JSON of the PostHog event that the message with an id came from, where it is known."""


class Site:
    """Everything that can be looked at, beside the webhooks.

    Args:
        intake: What came.
        connections: Where it came by.
        clock: Ends what streams.
        event_of: See `EventOf`.
    """

    def __init__(
        self, *, intake: "Intake", connections: Connections, clock: Clock, event_of: EventOf | None
    ) -> None:
        self._intake = intake
        self._connections = connections
        self._clock = clock
        self._event_of = event_of

    def get(self, target: str, headers: Headers, *, peer: str) -> Answer | Stream | None:
        """What is at an address; None: nothing.

        Raises:
            Refused: the reader may not see it.
        """
        path, _, query = target.partition("?")
        if path == "/health":
            return Answer(body=b'{"status":"ok"}')
        if path not in _FILES and path not in {"/summary", "/faults"} and not path.startswith("/api/"):
            return None
        check_reader(headers, peer=peer)
        if path in _FILES:
            return _file(*_FILES[path])
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        if path == "/api/stream":
            after = headers.get("Last-Event-ID") or asked.get("after", "")
            return Stream(self._intake, self._clock, after=int(after) if _is_number(after) else None)
        shown = self._shown(path, asked)
        return _json(shown, HTTPStatus.NOT_FOUND if shown is None else HTTPStatus.OK)

    def change(self, method: str, headers: Headers, body: bytes, *, peer: str) -> Answer:
        """Faults on demand: POST asks for one, DELETE forgets all; the answer says what is due.

        Raises:
            Refused: by whom it must not be asked, or what cannot be understood.
        """
        check_reader(headers, peer=peer)
        if method == "DELETE":
            self._intake.script.calm()
        else:
            self._intake.script.disturb(*fault_from(body))
        return _json(faults_now(self._intake.script))

    def _shown(self, path: str, asked: dict[str, str]) -> object:
        if path == "/summary":
            return self._intake.summary()
        if path == "/faults":
            return faults_now(self._intake.script)
        words = asked.get("search", "")[:_SEARCHED_CHARACTERS].casefold().split()
        with self._intake.looking() as (store, logs):
            match path:
                case "/api/contacts":
                    return contact_list(store, words)
                case "/api/accounts":
                    return account_list(store, words)
                case "/api/contact":
                    return contact(store, asked.get("id", ""))
                case "/api/visitor":
                    return visitor(store, asked.get("id", ""))
                case "/api/account":
                    return account(store, asked.get("id", ""))
                case "/api/connections":
                    return [connection_view(one, logs[one.name]) for one in self._connections.all]
        return self._message(asked.get("number", "")) if path == "/api/message" else None

    def _message(self, number: str) -> MessageView | None:
        with self._intake.looking() as (store, _):
            entry = store.entry(int(number)) if _is_number(number) else None
            if entry is None:
                return None
            [line] = lines([entry], store)
        event = None
        if self._event_of is not None and entry.message_id is not None:
            event = self._event_of(entry.message_id)
        return MessageView(
            line=line,
            connection=entry.connection,
            message_id=entry.message_id,
            json=bytes(entry.raw).decode(errors="replace"),
            event=None if event is None else event.decode(errors="replace"),
        )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len("9" * 15)


def _json(shown: object, status: int = HTTPStatus.OK) -> Answer:
    return Answer(status=status, headers=SECURITY_HEADERS, body=to_json(shown))


def _file(name: str, content_type: str) -> Answer:
    body = files(__package__).joinpath("static", name).read_bytes()
    return Answer(headers={"Content-Type": content_type, **SECURITY_HEADERS}, body=body)
