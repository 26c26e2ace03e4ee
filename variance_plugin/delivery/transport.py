"""The only place that opens a socket to send: one request out, one answer or failure back."""

import logging
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from ..secret import Secret
from .addresses import AddressRules
from .connection import BoundedAdapter
from .dialling import Connect, Dialler, Resolve, connect, look_up
from .failures import failure_of
from .outcome import Answer
from .request import Request
from .settings import DeliverySettings

# Enough for a list of results of 500 messages; a page of HTML beyond it says nothing more.
_MOST_ANSWER_BYTES = 256 * 1024
_CHUNK_BYTES = 16 * 1024
_FIRST_FINAL_STATUS = 200


class Transport(Protocol):
    """Posts a request. `testing.ScriptedTransport` is the other implementation."""

    def post(self, request: Request) -> Answer:
        """One attempt. Whatever goes wrong comes back as a failure; never raises. Safe for threads."""
        ...

    def close(self) -> None:
        """Close all connections; those in use when they come back. A second call does nothing."""
        ...


class RequestsTransport:
    """Posts with `requests`: no redirects, no `~/.netrc`, no cookies, no retries of its own.

    Each lane gets a session, so that it keeps its connection alive; sessions no lane uses wait in a stack.

    Args:
        settings: Where to, and how.
        resolve: In place of the system's look-up of names.
        connect: In place of the system's connections.
    """

    def __init__(
        self, settings: DeliverySettings, *, resolve: Resolve = look_up, connect: Connect = connect
    ) -> None:
        self._settings = settings
        rules = AddressRules(
            allowed_hosts=settings.allowed_hosts, allow_private_networks=settings.allow_private_networks
        )
        self._dialler = Dialler(rules=rules, resolve=resolve, connect=connect)
        self._echoes = _echoes(settings)
        self._idle: list[_Session] = []
        self._closed = False
        for logger in ("urllib3.connection", "urllib3.connectionpool"):
            logging.getLogger(logger).addFilter(_without_queries)
        if not settings.verify_tls:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def post(self, request: Request) -> Answer:
        """See `Transport`."""
        try:
            session = self._idle.pop() if self._idle else self._open()
        except IndexError:  # another lane was quicker
            return self.post(request)
        except Exception as error:  # noqa: BLE001 -- an address that only looks like one
            return failure_of(error)
        try:
            return self._post(session, request)
        except Exception as error:  # noqa: BLE001 -- whatever a peer can provoke has to end as a failure
            return failure_of(error)
        finally:
            self._idle.append(session)
            if self._closed:
                self.close()

    def close(self) -> None:
        """See `Transport`."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _open(self) -> "_Session":
        settings = self._settings
        session = _Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, BoundedAdapter(settings.read_timeout_seconds, dialler=self._dialler))
        session.auth = _Authorization(settings.auth_header)
        if settings.proxy_url:
            proxy = settings.proxy_url.reveal()
            session.proxies = {"http": proxy, "https": proxy}
            session.trust_env = False
        if settings.client_certificate:
            key = settings.client_key
            session.cert = (settings.client_certificate, key) if key else settings.client_certificate
        # An answer is small; unpacking it is work for nothing and a door for a gzip bomb.
        session.headers = requests.structures.CaseInsensitiveDict({"Accept-Encoding": "identity"})
        session.learn(
            settings.webhook_url,
            # Here and not on the session, where `REQUESTS_CA_BUNDLE` would win over the settings.
            verify=settings.verify_tls and (settings.ca_certificate or True),
        )
        return session

    def _post(self, session: "_Session", request: Request) -> Answer:
        settings = self._settings
        with session.sent(
            request, timeout_seconds=(settings.connect_timeout_seconds, settings.read_timeout_seconds)
        ) as response:
            if response.status_code < _FIRST_FINAL_STATUS:
                # The answer proper still comes: it must not be taken for that of the next request.
                session.close()
            return Answer(
                status=response.status_code,
                body=self._masked(_beginning(response)),
                retry_after=response.headers.get("Retry-After"),
                location=_place(response.headers.get("Location")),
            )

    def _masked(self, body: bytes) -> bytes:
        """The body without the secrets that an endpoint may echo: parts of it end up in dead letters."""
        for echo in self._echoes:
            body = body.replace(echo, b"***")
        return body


class _Session(requests.Session):
    """For one address. What is the same for every request is made once: it takes longer than to send one."""

    def learn(self, url: str, *, verify: bool | str) -> None:
        """Look at the environment (proxies, certificates), and prepare a request without a body."""
        self._environment: dict[str, Any] = {
            **self.merge_environment_settings(url, proxies={}, stream=True, verify=verify, cert=None)
        }
        self._empty = self.prepare_request(requests.Request("POST", url))
        self._adapter = self.get_adapter(url)

    def sent(self, request: Request, *, timeout_seconds: tuple[float, float]) -> requests.Response:
        """The answer to a request, its body not read yet.

        By the adapter itself: the session's own `send` looks for redirects and cookies, and follows neither.
        """
        prepared = self._empty.copy()
        prepared.headers.update(request.headers)
        prepared.headers["Content-Length"] = str(len(request.body))
        prepared.body = request.body
        return self._adapter.send(prepared, timeout=timeout_seconds, **self._environment)


def _beginning(response: requests.Response) -> bytes:
    """The beginning of the body, as sent: also where it is compressed unasked."""
    body = bytearray()
    for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) >= _MOST_ANSWER_BYTES:
            break
    return bytes(body)


class _Authorization(AuthBase):
    """Sets the configured header verbatim. Its presence keeps `requests` from asking `~/.netrc`."""

    def __init__(self, value: Secret) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value:
            # Bytes, since http.client takes text as Latin-1 only. The stubs know no bytes here.
            request.headers["Authorization"] = self._value.reveal().encode()  # type: ignore[assignment]
        return request


# A shorter text may stand in any answer, and is none that could be kept secret.
_SHORTEST_ECHO = 8


def _echoes(settings: DeliverySettings) -> list[bytes]:
    header = settings.auth_header.reveal()
    _scheme, _blank, credentials = header.partition(" ")
    query = urlsplit(settings.webhook_url).query
    texts = (header, credentials.strip(), settings.shared_secret.reveal(), query)
    return [text.encode() for text in texts if len(text) >= _SHORTEST_ECHO]


def _place(location: str | None) -> str | None:
    """Where a redirect points, without the parts of an address that may hold a secret."""
    if location is None:
        return None
    try:
        parts = urlsplit(location)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    except ValueError:
        return "something that is no address"


class _WithoutQueries(logging.Filter):
    """Keeps the query of an address, which may hold a token, out of what `urllib3` logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                argument.partition("?")[0] if isinstance(argument, str) else argument
                for argument in record.args
            )
        return True


_without_queries = _WithoutQueries()
