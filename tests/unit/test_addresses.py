"""Which addresses may be dialled: the ranges, every spelling of an address, and what the settings allow."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from variance_plugin.delivery.addresses import (
    AddressRefused,
    AddressRules,
    Kind,
    host_and_port,
    kind_of,
    literal,
)

# The first and the last of each range, and what lies beside it.
KINDS = {
    Kind.PUBLIC: """
        1.0.0.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1
        168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255
        192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
        198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
        2000:: 2001:200:: 2001:4860:4860::8888 2001:db7:ffff:: 2001:db9:: 2003:: 2606:4700:4700::1111 3ffe::
        3fff:1000:: ::ffff:8.8.8.8 64:ff9b::8.8.8.8 64:ff9b::808:808
    """,
    Kind.PRIVATE: """
        10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 100.64.0.0
        100.127.255.255 fc00:: fd12:3456::1 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ::ffff:10.0.0.1
        ::ffff:c0a8:1 64:ff9b::10.0.0.1 64:ff9b::100.64.0.1
    """,
    Kind.LOOPBACK: """
        127.0.0.0 127.0.0.1 127.1.2.3 127.255.255.255 ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 64:ff9b::127.0.0.1
    """,
    Kind.METADATA: """
        169.254.169.254 100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::254 fd00:ec2::23 fd20:ce::254
        fd00:c1::a9fe:a9fe fd00:42::42 fd00:a9fe:a9fe::1 fd00:100::100:200 ::ffff:169.254.169.254
        64:ff9b::169.254.169.254 64:ff9b::a9fe:a9fe ::ffff:100.100.100.200
    """,
    Kind.LINK_LOCAL: """
        169.254.0.0 169.254.170.2 169.254.255.255 fe80:: fe80::1 fe80::1%eth0 febf:ffff::1 ::ffff:169.254.1.1
    """,
    Kind.MULTICAST: "224.0.0.0 224.0.0.1 239.255.255.255 ff00:: ff02::1 ff0e::1 ::ffff:224.0.0.1",
    Kind.UNSPECIFIED: "0.0.0.0 0.1.2.3 0.255.255.255 :: ::ffff:0.0.0.0 64:ff9b::",
    Kind.RESERVED: """
        192.0.0.0 192.0.0.8 192.0.2.1 198.51.100.1 203.0.113.1 192.88.99.0 192.88.99.1 198.18.0.0
        198.19.255.255 240.0.0.0 255.255.255.254 255.255.255.255
        ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b:1::1 64:ff9b:1::7f00:1 64:ff9b:0:1::1 100::1
        2001::1 2001:0:7f00:1::1 2001:2::1 2001:10::1 2001:20::1 2001:1ff:ffff::1 2001:db8::1 2002::
        2002:7f00:1::1 2002:a9fe:a9fe::1 2002:808:808::1 3fff::1 4000::1 5f00::1 fec0::1 feff:ffff::1 fe00::1
    """,
}
TABLE = [
    pytest.param(address, kind, id=f"{address} {kind.name}")
    for kind, addresses in KINDS.items()
    for address in addresses.split()
]


@pytest.mark.parametrize(("address", "kind"), TABLE)
def test_each_address_has_its_kind(address: str, kind: Kind) -> None:
    """By its range; what stands for an IPv4 address has the kind of that."""
    assert kind is kind_of(ip_address(address))


@given(st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(2**125, 2**126 - 1).map(IPv6Address))
def test_what_python_calls_local_is_never_public(address: IPv4Address | IPv6Address) -> None:
    """The table lets nothing pass that `is_global` stops, in all of IPv4 and in what is in use of IPv6."""
    assert Kind.PUBLIC is not kind_of(address) or address.is_global


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_an_ipv4_address_is_the_same_in_an_ipv6_coat(address: IPv4Address) -> None:
    """Mapped or translated, it is reached all the same."""
    kinds = {kind_of(ip_address(f"{coat}{address}")) for coat in ("::ffff:", "64:ff9b::")}

    assert {kind_of(address)} == kinds


SPELLINGS = {
    "127.0.0.1": """
        127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0X7F000001 0x7f.1 0x7f.0.0.1 0177.0.0.1 0177.1
        017700000001 0x7f.0.0x0.01 127.0.0.01 00000177.1 127.0.0.1. localhost LOCALHOST
        localhost. app.localhost ①②⑦.0.0.1 127。0。0。1 ⓛocalhost
    """,
    "169.254.169.254": "169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518 169.16689662",
    "0.0.0.0": "0 0.0 0x0 00 0.0.0.0",  # noqa: S104 -- to be refused
    "255.255.255.255": "4294967295 0xffffffff 037777777777",
    "::1": "::1 [::1] 0:0:0:0:0:0:0:1 [0000::0001]",
    "::ffff:127.0.0.1": "::ffff:127.0.0.1 [::ffff:7f00:1] ::FFFF:7F00:1",
}


@pytest.mark.parametrize(
    ("host", "address"),
    [pytest.param(host, address, id=host) for address, hosts in SPELLINGS.items() for host in hosts.split()],
)
def test_an_address_is_known_in_every_spelling(host: str, address: str) -> None:
    """Short, octal, hexadecimal, as one number; with brackets or a final dot; and localhost by its name."""
    assert ip_address(address) == literal(host)


@pytest.mark.parametrize(
    "host",
    [
        "variance.example",
        "localhost.example",
        "notlocalhost",
        "127.0.0.1.example",
        "1.2.3.4.5",
        "256.0.0.1",
        "127.0.0.256",
        "08.1",
        "0x",
        "1..2",
        "127.0x",
        "4294967296",
        "٣",
        "+1",
        "1_0",
        "9" * 5_000,
        "",
    ],
    ids=lambda host: repr(host[:20]),
)
def test_a_name_is_no_address(host: str) -> None:
    """Also where it is nearly one."""
    assert literal(host) is None


@given(
    st.lists(
        st.sampled_from(
            ["0", "1", "127", "255", "256", "0x7f", "0xff", "0177", "08", "65535", "16777215", "x"]
        ),
        min_size=1,
        max_size=5,
    ).map(".".join)
    | st.text("0123456789abcdefx.", max_size=14)
)
@example("0x7f.1")
@example("0177.0.0.1")
@example("0x")
def test_ipv4_is_read_as_the_system_reads_it(text: str) -> None:
    """What a socket would dial without a look-up is the address that is judged."""
    assume(not text.endswith("."))  # a name there, for which others may have an answer; judged all the same
    try:
        found = socket.getaddrinfo(text, 1, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        dialled = None
    else:
        dialled = ip_address(found[0][4][0]) if text else None

    assert dialled == literal(text)


def refusal(rules: AddressRules, host: str, port: int, address: str) -> str | None:
    """Why it is refused."""
    try:
        rules.check(host, port, ip_address(address))
    except AddressRefused as error:
        return str(error)
    return None


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_what_is_allowed_without_a_name(kind: Kind) -> None:
    """Public addresses always, private ones by the switch, all others never; a cloud's stay closed."""
    for address in KINDS[kind].split():
        for switch in (False, True):
            rules = AddressRules(allow_private_networks=switch)
            allowed = kind is Kind.PUBLIC or (kind is Kind.PRIVATE and switch)
            assert allowed == (refusal(rules, "hooks.example", 443, address) is None)


@pytest.mark.parametrize(
    ("entry", "host", "port", "allowed"),
    [
        pytest.param("localhost", "localhost", 8900, True, id="name"),
        pytest.param("LocalHost", "localhost.", 8900, True, id="case and final dot"),
        pytest.param("localhost:8900", "localhost", 8900, True, id="its port"),
        pytest.param("localhost:8900", "localhost", 8901, False, id="another port"),
        pytest.param("127.0.0.1", "127.0.0.1", 80, True, id="address"),
        pytest.param("127.0.0.1", "0x7f.1", 80, True, id="the same address"),
        pytest.param("2130706433:80", "127.0.0.1", 80, True, id="the same the other way round"),
        pytest.param("127.0.0.1", "127.0.0.2", 80, False, id="another address"),
        pytest.param("127.0.0.1", "localhost", 80, False, id="a name for it"),
        pytest.param("localhost", "127.0.0.1", 80, False, id="what a name leads to"),
        pytest.param("127.0.0.1", "hooks.example", 80, False, id="any name that leads there"),
        pytest.param("::1", "::1", 80, True, id="IPv6"),
        pytest.param("[::1]:80", "[0:0:0:0:0:0:0:1]", 80, True, id="IPv6 with port"),
        pytest.param("[::1]:80", "::1", 81, False, id="IPv6 with another port"),
        pytest.param("müller.example", "xn--mller-kva.example", 80, True, id="beyond ASCII"),
        pytest.param("example", "hooks.example", 80, False, id="no part of a name"),
        pytest.param("hooks.example", "example", 80, False, id="nor the other way round"),
    ],
)
def test_a_host_is_allowed_by_its_name(entry: str, host: str, port: int, *, allowed: bool) -> None:
    """That very host, as it stands in the address of the webhook, wherever it leads."""
    rules = AddressRules(allowed_hosts=("other.example", entry))

    assert [allowed] * 3 == [
        refusal(rules, host, port, address) is None
        for address in ("127.0.0.1", "169.254.169.254", "10.0.0.1")
    ]


@pytest.mark.parametrize(
    ("host", "address", "said"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1 is a loopback address; …allowedHosts=127.0.0.1 …"),
        (
            "0x7f.1",
            "127.0.0.1",
            "0x7f.1 leads to 127.0.0.1, a loopback address; …allowedHosts=127.0.0.1 …",
        ),
        ("localhost", "::1", "localhost leads to ::1, a loopback address; …allowedHosts=localhost …"),
        ("[::1]", "::1", "::1 is a loopback address; …allowedHosts=::1 …"),
        (
            "hooks.example",
            "10.1.2.3",
            "hooks.example leads to 10.1.2.3, a private address; …allowPrivateNetworks=yes …",
        ),
        (
            "hooks.example",
            "169.254.169.254",
            f"hooks.example leads to 169.254.169.254, {Kind.METADATA}; …allowedHosts=hooks.example …",
        ),
    ],
    ids=["address", "odd spelling", "name", "IPv6", "private", "metadata"],
)
def test_a_refusal_says_where_it_leads_and_what_to_set(host: str, address: str, said: str) -> None:
    """As it can be put behind --set, or into a file of settings."""
    before, setting, after = said.split("…")
    expected = f"{before}if events shall go there, allow it by {setting}{after}"

    assert (refusal(AddressRules(), host, 80, address) or "").startswith(expected)


def test_a_host_is_judged_before_it_is_looked_up_if_it_is_an_address() -> None:
    """A name is let pass: where it leads is known at the dial."""
    rules = AddressRules()

    rules.check_host("hooks.example", 443)
    rules.check_host("8.8.8.8", 443)
    for host in ("0177.1", "localhost", "[::ffff:7f00:1]"):
        with pytest.raises(AddressRefused):
            rules.check_host(host, 443)


@pytest.mark.parametrize(
    "entry",
    [
        "http://127.0.0.1",
        "127.0.0.1/8",
        "10.0.0.0/8",
        "*",
        "*.example",
        "user@host",
        "host:",
        "host:0",
        "host:65536",
        "host:http",
        "[::1",
        "[::1]x",
        "[host",
        "[host]",
        "::1]",
        ":80",
        "::zz",
        "a b",
        "",
        "-host",
    ],
)
def test_what_is_no_host_is_not_taken_for_one(entry: str) -> None:
    """A pattern, a network or a whole address would look as if it were allowed, and be not."""
    with pytest.raises(ValueError, match="not a"):
        host_and_port(entry)


@given(st.text() | st.text("ab01:.[]-", max_size=8))
@example("é..")
def test_no_entry_does_worse_than_be_refused(entry: str) -> None:
    """And one that is taken can be used."""
    try:
        host, port = host_and_port(entry)
    except ValueError:
        return

    assert refusal(AddressRules(allowed_hosts=(entry,)), host, port or 1, "127.0.0.1") is None
