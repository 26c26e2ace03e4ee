"""How an answer goes over a socket, and each way in which it can fail to."""

import socket
import struct
from http.client import responses
from typing import Final

from ..clock import Clock
from .answers import Answer, WireFault

_GARBAGE: Final = b"\x00\xff\x13SMTP? 220 not the protocol you are looking for\r\n\r\n"
_MISSING_BYTES: Final = 1_000
# Closing with this option on, and no time to linger, sends RST in place of FIN.
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
# By RFC 9110 these have no body; a length of 0 is not allowed beside 1xx and 204.
_BODILESS: Final = frozenset((*range(100, 200), 204, 304))


def render(answer: Answer, *, close: bool, head_only: bool = False) -> bytes:
    """The answer as bytes. `close` says so in a header; `head_only` is for HEAD, which gets no body."""
    headers: dict[str, str] = {}
    body = b"" if answer.status in _BODILESS else answer.body
    if answer.status not in _BODILESS:
        missing_bytes = _MISSING_BYTES if answer.fault is WireFault.CUT_SHORT else 0
        headers["Content-Length"] = str(len(body) + missing_bytes)
    if body:
        headers["Content-Type"] = "application/json"
    if close:
        headers["Connection"] = "close"
    headers |= answer.headers
    lines = [f"HTTP/1.1 {int(answer.status)} {responses.get(answer.status, '')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head if head_only else head + body


def send(answer: Answer, *, to: socket.socket, clock: Clock, close: bool, head_only: bool = False) -> bool:
    """Send the answer, with its delay and its fault.

    Returns:
        Whether the connection can take another request as far as the answer goes.

    Raises:
        OSError: the client is gone.
        Stopped: the receiver was closed during a delay.
    """
    if answer.fault is WireFault.DRIP:
        for byte in render(answer, close=close, head_only=head_only):
            clock.wait(answer.delay_seconds)
            to.sendall(bytes((byte,)))
        return not close
    clock.wait(answer.delay_seconds)
    match answer.fault:
        case WireFault.RESET:
            to.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        case WireFault.CLOSE:
            pass
        case WireFault.HALF_CLOSE:
            to.shutdown(socket.SHUT_WR)
            wait_until_gone(to)
        case WireFault.HANG:
            wait_until_gone(to)
        case WireFault.GARBAGE:
            to.sendall(_GARBAGE)
        case WireFault.CUT_SHORT | WireFault.CLOSE_AFTER:
            to.sendall(render(answer, close=False, head_only=head_only))
        case _:
            to.sendall(render(answer, close=close, head_only=head_only))
            return not close
    return False


def wait_until_gone(peer: socket.socket) -> None:
    """Read, and forget, what comes until the other side is gone, or this one was shut down."""
    peer.settimeout(None)
    while peer.recv(65_536):
        pass
