"""Who may look: people on this machine, by no page but the receiver's own. What is shown is personal data."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from ..post import Headers
from ..refusal import Refusal, Refused

# Every answer carries them. `default-src 'none'` leaves nothing to fetch from elsewhere; the others keep
# other pages from framing, embedding or keeping hold of this one.
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def check_reader(headers: Headers, *, peer: str) -> None:
    """Let in who asks from this machine, for this machine, and not on behalf of another site.

    A page elsewhere can make a browser ask here, but it cannot keep the browser from saying so: in
    `Origin` and `Sec-Fetch-Site`, or, when its own name leads to 127.0.0.1 (DNS rebinding), in `Host`.

    Raises:
        Refused: anyone else.
    """
    if not is_loopback(peer):
        raise Refused(Refusal.PEER, "it is personal data; look from the machine on which the receiver runs")
    host = headers.get("Host", "")
    if not _names_this_machine(host):
        raise Refused(Refusal.HOST, "ask for localhost or 127.0.0.1")
    origin = headers.get("Origin")
    if origin is not None and origin != f"http://{host}":
        raise Refused(Refusal.ORIGIN, "the page of another site asked")
    elsewhere = headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}
    # A link on another site may lead here; what it leads to cannot be read there.
    if elsewhere and headers.get("Sec-Fetch-Mode") != "navigate":
        raise Refused(Refusal.ORIGIN, "the page of another site asked")


def is_loopback(address: str) -> bool:
    """Whether an address, as `accept` gives it, is this machine's own; also IPv4 inside IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return bool((mapped or ip).is_loopback)


def _names_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or is_loopback(name)
    except ValueError:
        return False
