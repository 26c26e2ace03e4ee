"""One connection: its name is looked up once, the addresses are judged, and exactly these are dialled.

Between a check of a name and a connection to it lies a second look-up otherwise, and whoever owns the name
may answer that one differently (DNS rebinding).
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, NamedTuple, TypeAlias

from .addresses import AddressRefused, AddressRules


class Place(NamedTuple):
    """Where a socket connects to; the address is a number, with which nothing is looked up any more."""

    family: socket.AddressFamily
    address: tuple[Any, ...]


Resolve: TypeAlias = Callable[[str, int], Sequence[Place]]
"""The places that a host and a port lead to; raises `socket.gaierror`, or `UnicodeError` for no name."""
Options: TypeAlias = Sequence[tuple[int, int, int | bytes]]
Connect: TypeAlias = Callable[[Place, float | None, Options], socket.socket]
"""A connection to a place, within so many seconds; raises `OSError`."""


def look_up(host: str, port: int) -> list[Place]:
    """As the system does."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [Place(family, address) for family, _, _, _, address in found]


def connect(place: Place, timeout_seconds: float | None, options: Options) -> socket.socket:
    """With a socket of the system."""
    connection = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        for option in options:
            connection.setsockopt(*option)
        connection.settimeout(timeout_seconds)
        connection.connect(place.address)
    except BaseException:
        connection.close()
        raise
    return connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialler:
    """Dials what the rules allow.

    Attributes:
        rules: They judge each address.
        resolve: Looks names up.
        connect: Makes connections.
    """

    rules: AddressRules
    resolve: Resolve = look_up
    connect: Connect = connect

    def dial(self, host: str, port: int, *, timeout_seconds: float | None, options: Options) -> socket.socket:
        """A connection to the first address of the host that is allowed and answers.

        Raises:
            AddressRefused: When none of its addresses is allowed.
            OSError: When there is no connection; `socket.gaierror` when the name does not resolve.
            UnicodeError: When it is no name that could be looked up.
        """
        failure: Exception | None = None
        refusal: AddressRefused | None = None
        for place in self.resolve(host.strip("[]"), port):
            try:
                self.rules.check(host, port, ip_address(place.address[0]))
                return self.connect(place, timeout_seconds, options)
            except AddressRefused as error:
                refusal = refusal or error
            except OSError as error:
                failure = error
        raise failure or refusal or socket.gaierror(socket.EAI_NONAME, "the name has no address")
