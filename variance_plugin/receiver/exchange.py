"""One connection: requests in, answers out, for as long as both sides keep it."""

import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer
from typing import Final

from ..clock import Clock
from ..errors import Stopped
from . import wire
from .answers import Answer
from .body import Body
from .connections import Connection, Connections
from .intake import Intake
from .limits import Limits
from .page import Site, Stream
from .post import Headers, Post
from .refusal import Refusal, Refused

_FAULTS: Final = "/faults"
_LINE_BYTES: Final = 65_536
# After an answer to a request that was not read whole: so much is read and forgotten before closing,
# because closing with unread bytes sends RST, and that can reach the client before the answer does.
_LINGER_BYTES: Final = 64_000_000
_LINGER_SECONDS: Final = 5.0


class Exchange(BaseHTTPRequestHandler):
    """Serves one connection from its constructor, as socketserver wants it.

    Args:
        connection: The socket; whoever made it closes it.
        address: The other end.
        server: The listener.
        connection_id: The number of this connection, for `Post`.
        intake: Takes the posts and chooses the answers.
        connections: Where posts can go, and what they have to show there.
        limits: Of one request.
        site: What can be looked at.
        clock: For delays; stopping it ends them, and the connection.
    """

    protocol_version = "HTTP/1.1"
    # Nagle's algorithm would hold back the bytes of a dripped answer.
    disable_nagle_algorithm = True

    def __init__(  # noqa: PLR0913 -- three are socketserver's
        self,
        connection: socket.socket,
        address: object,
        server: BaseServer,
        *,
        connection_id: int,
        intake: Intake,
        connections: Connections,
        site: Site,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._connection_id = connection_id
        self._intake = intake
        self._connections = connections
        self._site = site
        self._limits = limits
        self._clock = clock
        super().__init__(connection, address, server)

    def setup(self) -> None:
        """Make the streams, and bound every wait on them."""
        super().setup()
        self.connection.settimeout(self._limits.silence_seconds)

    def handle_one_request(self) -> None:
        """Read one request and answer it. A client that is gone, silent or cut off ends the connection."""
        try:
            self.raw_requestline = self.rfile.readline(_LINE_BYTES + 1)
            if not self.raw_requestline:
                self.close_connection = True
            elif len(self.raw_requestline) > _LINE_BYTES:
                self.requestline = self.request_version = self.command = ""
                self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            elif self.parse_request():
                self._answer_request()
        except (OSError, Stopped):
            self.close_connection = True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server calls for a request that it cannot parse."""
        del explain
        refused = Refused(Refusal.MALFORMED, message or HTTPStatus(code).phrase)
        self._intake.turn_away(refused)
        self.close_connection = True
        self._reply(refused.answer(), None)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's name
        """Log nothing: request lines may hold a token."""

    def _answer_request(self) -> None:
        headers = Headers(self.headers.items())
        peer = str(self.client_address[0])
        body = None
        connection = None
        try:
            body = Body(self.rfile, headers)
            if self.command == "GET":
                found = self._site.get(self.path, headers, peer=peer)
                if isinstance(found, Stream):
                    self.close_connection = True
                    found.send(self.connection.sendall)
                    return
                if found is None:
                    raise Refused(Refusal.METHOD, "post messages here; look at / in a browser")
                answer = found
            elif self.path == _FAULTS and self.command in {"POST", "DELETE"}:
                asked = body.read(self._limits.body_bytes)
                answer = self._site.change(self.command, headers, asked, peer=peer)
            elif self.command == "POST":
                connection = self._connections.at(self.path)
                answer = self._post(headers, body, connection)
            else:
                raise Refused(Refusal.METHOD, "post messages here")
        except Refused as refused:
            self._intake.turn_away(refused, connection)
            answer = refused.answer()
        self._reply(answer, body)

    def _post(self, headers: Headers, body: Body, connection: Connection) -> Answer:
        let_in = [connection.check_authorization(headers)]
        raw = body.read(self._limits.body_bytes)
        let_in.append(connection.check_signature(headers, raw))
        for refused in let_in:
            if refused is not None:
                self._intake.let_in_all_the_same(refused, connection)
        return self._intake.take(
            Post(
                method=self.command,
                path=self.path,
                headers=headers,
                body=raw,
                connection_id=self._connection_id,
                connection=connection.name,
            )
        )

    def _reply(self, answer: Answer, body: Body | None) -> None:
        readable = body is not None and body.skip(self._limits.body_bytes)
        close = self.close_connection or not readable
        goes_on = wire.send(
            answer, to=self.connection, clock=self._clock, close=close, head_only=self.command == "HEAD"
        )
        self.close_connection = not goes_on
        if not readable:
            self._linger()

    def _linger(self) -> None:
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(_LINGER_SECONDS)
        left_bytes = _LINGER_BYTES
        while left_bytes > 0 and (piece := self.rfile.read(_LINE_BYTES)):
            left_bytes -= len(piece)
