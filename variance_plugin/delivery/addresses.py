"""Which addresses may be dialled: what each is for, and what the settings allow of it. Pure.

The ranges are written out, from IANA's registries of special-purpose addresses (RFC 6890), since Python's
`is_global` lets pass what leads to a private address by way of a translation or a tunnel.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address


class Kind(StrEnum):
    """What an address is for."""

    PUBLIC = "a public address"
    PRIVATE = "a private address"
    LOOPBACK = "a loopback address"
    METADATA = "an address of a cloud's own services, such as instance metadata"
    LINK_LOCAL = "a link-local address"
    MULTICAST = "a multicast address"
    UNSPECIFIED = "an unspecified address"
    RESERVED = "an address reserved for special use"


# The first that holds an address decides.
_RANGES = tuple(
    (ip_network(text), kind)
    for kind, texts in (
        # Those of a cloud lie within private ranges, and one within a public range: the switch for private
        # networks must not open them. AWS, Google, Oracle, Scaleway, Linode, Alibaba, Azure.
        (Kind.METADATA, "169.254.169.254/32 100.100.100.200/32 168.63.129.16/32 192.0.0.192/32"),
        (Kind.METADATA, "fd00:ec2::/32 fd20:ce::254/128 fd00:c1::a9fe:a9fe/128 fd00:42::42/128"),
        (Kind.METADATA, "fd00:a9fe:a9fe::1/128 fd00:100::100:200/128"),
        (Kind.PRIVATE, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7"),
        (Kind.LOOPBACK, "127.0.0.0/8 ::1/128"),
        (Kind.LINK_LOCAL, "169.254.0.0/16 fe80::/10"),
        (Kind.MULTICAST, "224.0.0.0/4 ff00::/8"),
        (Kind.UNSPECIFIED, "0.0.0.0/8 ::/128"),
        # Protocol assignments, documentation, the 6to4 relay, benchmarks, the future.
        (Kind.RESERVED, "192.0.0.0/24 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 192.88.99.0/24"),
        (Kind.RESERVED, "198.18.0.0/15 240.0.0.0/4"),
        # Protocol assignments with Teredo, 6to4, documentation. The tunnels end at any IPv4 address.
        (Kind.RESERVED, "2001::/23 2002::/16 2001:db8::/32 3fff::/20"),
    )
    for text in texts.split()
)
# All that IANA has given out so far. Outside it lie fec0::/10, 64:ff9b:1::/48, 100::/64 and `::a.b.c.d`.
_GIVEN_OUT = IPv6Network("2000::/3")
# Those whose last four bytes are the IPv4 address that is reached: mapped, and NAT64 (RFC 6052).
_CARRIERS = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
_IPV4_BITS = 0xFFFFFFFF


def kind_of(address: Address) -> Kind:
    """What it is for; of an IPv6 address that stands for one of IPv4, what that is for."""
    if isinstance(address, IPv6Address) and any(address in carrier for carrier in _CARRIERS):
        return kind_of(IPv4Address(int(address) & _IPV4_BITS))
    for network, kind in _RANGES:
        if address in network:
            return kind
    if isinstance(address, IPv6Address) and address not in _GIVEN_OUT:
        return Kind.RESERVED
    return Kind.PUBLIC


def literal(host: str) -> Address | None:
    """The address that a host is, in any spelling that a system dials; None when it is a name.

    IPv4 may be short, octal or hexadecimal as in C's `inet_aton`: `127.1`, `0177.0.0.1`, `0x7f000001`.
    `localhost` and what ends in it stand for 127.0.0.1 (RFC 6761, 6.3).
    """
    host = _plain(host)
    if host == "localhost" or host.endswith(".localhost"):
        return IPv4Address("127.0.0.1")
    return _number(host)


class AddressRefused(Exception):
    """An address that the settings do not allow; the message says which, and what to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRules:
    """What the settings allow besides public addresses.

    Attributes:
        allowed_hosts: `host` or `host:port`, as it stands in the address of the webhook. Such a host is
            allowed wherever it leads.
        allow_private_networks: Whether addresses of private networks are allowed.
    """

    allowed_hosts: tuple[str, ...] = ()
    allow_private_networks: bool = False

    def check(self, host: str, port: int, address: Address) -> None:
        """Whether `address`, which is what a host's name led to, may be dialled.

        Raises:
            AddressRefused: When it may not.
        """
        kind = kind_of(address)
        if kind is Kind.PUBLIC or (kind is Kind.PRIVATE and self.allow_private_networks):
            return
        if not self._is_allowed(host, port):
            raise AddressRefused(_refusal(_plain(host), address, kind))

    def check_host(self, host: str, port: int) -> None:
        """The same for a host as it stands in an address, as far as that can be told without looking it up.

        Raises:
            AddressRefused: When it is an address that may not be dialled.
        """
        address = literal(host)
        if address is not None:
            self.check(host, port, address)

    def _is_allowed(self, host: str, port: int) -> bool:
        wanted = _canonical(host)
        allowed = map(host_and_port, self.allowed_hosts)
        return any(name == wanted and number in (None, port) for name, number in allowed)


def host_and_port(entry: str) -> tuple[str, int | None]:
    """An allowed host, in one spelling, and the port that it is allowed for; None is any.

    Raises:
        ValueError: When it is neither a name nor an address.
    """
    if entry.startswith("["):
        name, bracket, port = entry.partition("]")
        name += bracket
    elif entry.count(":") == 1:
        name, colon, port = entry.partition(":")
        port = colon + port
    else:
        name, port = entry, ""
    if not _NAME.fullmatch(name) and not (_NUMBER.fullmatch(name) and literal(name)):
        raise ValueError("not a name and not an address")
    if port and not (_PORT.fullmatch(port) and 0 < int(port[1:]) <= _LAST_PORT):
        raise ValueError("not a port")
    return _canonical(name), int(port[1:]) if port else None


# Without empty labels: a name that has some is none to who looks it up.
_NAME = re.compile(r"\w(?:(?!\.\.)[\w.-])*(?<!-)")
_NUMBER = re.compile(r"\[[^]]+\]|[^]\[]+")
_PORT = re.compile(r":[0-9]{1,5}")
_LAST_PORT = 65_535


def _refusal(host: str, address: Address, kind: Kind) -> str:
    where = f"{host} is {kind}" if host == str(address) else f"{host} leads to {address}, {kind}"
    way = "allowPrivateNetworks=yes" if kind is Kind.PRIVATE else f"allowedHosts={_canonical(host)}"
    return f"{where}; if events shall go there, allow it by {way} (--set, or in the settings)"


def _plain(host: str) -> str:
    host = host.strip().lower()
    if not host.isascii():
        # As it is looked up: with other scripts' letters in Punycode, and their digits and dots as ours.
        with suppress(UnicodeError):
            host = host.encode("idna").decode().lower()
    return host.removeprefix("[").removesuffix("]").rstrip(".")


def _canonical(host: str) -> str:
    """One spelling for each address, and for each name."""
    host = _plain(host)
    address = _number(host)
    return host if address is None else str(address)


def _number(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return _inet_aton(host)


def _inet_aton(text: str) -> IPv4Address | None:
    """IPv4 as C reads it: one to four numbers, of which the last fills the bytes that are left."""
    numbers = [_c_number(part) for part in text.split(".")]
    *leading, last = numbers
    if len(numbers) > _IPV4_BYTES or last is None or last >= 256 ** (_IPV4_BYTES - len(leading)):
        return None
    value = last
    for place, number in enumerate(leading):
        if number is None or number > _BYTE:
            return None
        value += number << 8 * (_IPV4_BYTES - 1 - place)
    return IPv4Address(value)


_IPV4_BYTES = 4
_BYTE = 255
# An endless run of digits is a name that does not resolve, and no work.
_C_NUMBER = re.compile(r"0x(?P<hex>[0-9a-f]{1,99})|0(?P<octal>[0-7]{0,99})|(?P<decimal>[1-9][0-9]{0,99})")


def _c_number(text: str) -> int | None:
    found = _C_NUMBER.fullmatch(text)
    if found is None:
        return None
    if found["hex"]:
        return int(found["hex"], 16)
    return int(found["decimal"]) if found["decimal"] else int(found["octal"] or "0", 8)
