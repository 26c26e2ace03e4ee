"""Connections on which an answer has to be there in time as a whole, not only its next byte.

The time-outs of sockets, and with them those of `requests`, start anew with each byte: an endpoint that
drips its headers would hold a lane for ever. And what is posted has to be sent within the time to
*connect* there, which half a megabyte on a slow line is not.

Where they lead is decided by a `Dialler`, if there is one. A proxy is dialled without it: that is the choice
of who runs this; but what it is asked to reach is looked at as far as the name alone tells.
"""

import io
import socket
from functools import partial
from http.client import HTTPResponse
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util import parse_url

from ..clock import SystemClock
from .dialling import Dialler

# A socket waits in real time; no other clock can bound it.
_real_time = SystemClock()


class BoundedAdapter(HTTPAdapter):
    """The adapter of `requests`, with a bound on the answer as a whole.

    Args:
        answer_seconds: How long the sending of a body may take, and then its answer, to the last byte.
        dialler: Makes the connections, but for those to a proxy; None is the system.
    """

    def __init__(self, answer_seconds: float, *, dialler: Dialler | None = None) -> None:
        self._dialler = dialler
        self._answer_seconds = answer_seconds
        self._checked: str | None = None
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Called by the constructor."""
        super().init_poolmanager(*args, **kwargs)
        self._use_pools(self.poolmanager, self._dialler)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Called for the first request through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):  # those have connections of their own
            self._use_pools(manager, None)
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Called for each request.

        Raises:
            AddressRefused: When its host is an address that may not be dialled, by a proxy neither.
        """
        if self._dialler is not None and request.url != self._checked:
            # Read as `urllib3` reads it: no address can be written that is understood otherwise here.
            url = parse_url(request.url or "")
            self._dialler.rules.check_host(url.host or "", url.port or _PORTS.get(url.scheme or "", 0))
            self._checked = request.url  # what the text of an address tells stays the same
        return super().send(request, *args, **kwargs)

    def _use_pools(self, manager: PoolManager, dialler: Dialler | None) -> None:
        # urllib3 only calls them, so that something that makes pools does as well as their class.
        pools = {
            "http": partial(_Pool, answer_seconds=self._answer_seconds, dialler=dialler),
            "https": partial(_TlsPool, answer_seconds=self._answer_seconds, dialler=dialler),
        }
        manager.pool_classes_by_scheme = pools  # type: ignore[assignment]


_PORTS = {"http": 80, "https": 443}


class _Connection(HTTPConnection):
    def __init__(self, *args: Any, answer_seconds: float, dialler: Dialler | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.response_class = _BoundedResponse
        self._answer_seconds = answer_seconds
        self._dialler = dialler

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _set_timeout(self.sock, self._answer_seconds)
        super().send(data)

    def _new_conn(self) -> socket.socket:
        """Every connection begins here, also one that is made anew. What it raises is `urllib3`'s own."""
        if self._dialler is None:
            return super()._new_conn()
        try:
            return self._dialler.dial(
                self._dns_host,
                self.port,
                timeout_seconds=self.timeout,
                options=self.socket_options or (),
            )
        except UnicodeError as error:
            raise LocationParseError("not a name") from error
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no connection in time") from error
        except OSError as error:
            raise NewConnectionError(self, "no connection") from error


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _BoundedResponse(HTTPResponse):
    """Takes the time-out that its socket has at the beginning for all of the answer."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_BoundedReader(self.fp.detach(), sock))


class _BoundedReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._socket = sock
        self._deadline = _real_time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = self._deadline - _real_time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the answer as a whole took too long")
        _set_timeout(self._socket, seconds)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        # Closes the socket too, where the connection has let go of it.
        self._raw.close()
        super().close()


# Setting a time-out lets another thread go first, which may take 5 ms to come back: it has to be worth it.
_WORTHWHILE_SECONDS = 0.01


def _set_timeout(sock: socket.socket, seconds: float) -> None:
    now = sock.gettimeout()
    if now is None or abs(now - seconds) > _WORTHWHILE_SECONDS:
        sock.settimeout(seconds)
