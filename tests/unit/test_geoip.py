"""`meta.geoip` on a database file, which the test writes."""

import ipaddress
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from variance_plugin.errors import UsageError
from variance_plugin.runtime.meta.geoip import GeoipFile, NoGeoip

BERLIN = {
    "city": {"geoname_id": 2950159, "names": {"de": "Berlin", "en": "Berlin"}},
    "country": {"iso_code": "DE", "is_in_european_union": True},
    "location": {"latitude": 52.5, "longitude": 13.4, "accuracy_radius": 200},
    "subdivisions": [{"iso_code": "BE"}],
}
UTRECHT = {"city": {"names": {"en": "Utrecht"}}, "country": {"iso_code": "NL"}}
MARKER = b"\xab\xcd\xefMaxMind.com"


def _field(kind: int, size: int) -> bytes:
    """A control byte, and what it needs after it ("MaxMind DB File Format Specification", 2.0)."""
    assert size < 285
    extended = bytes([kind - 7]) if kind > 7 else b""
    head = (kind if kind <= 7 else 0) << 5
    return (
        bytes([head | size]) + extended if size < 29 else bytes([head | 29]) + extended + bytes([size - 29])
    )


def _unsigned(kind: int, number: int) -> bytes:
    """A whole number as one of the format's types: 5, 6 and 9 have 16, 32 and 64 bits."""
    digits = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return _field(kind, len(digits)) + digits


def _encoded(value: Any) -> bytes:
    """A value of the data section."""
    match value:
        case bool():
            return _field(14, int(value))
        case str():
            return _field(2, len(value.encode())) + value.encode()
        case float():
            return _field(3, 8) + struct.pack(">d", value)
        case int():
            return _unsigned(6, value)
        case bytes():
            return value  # encoded already
        case list():
            return _field(11, len(value)) + b"".join(map(_encoded, value))
        case _:
            pairs = (_encoded(part) for pair in value.items() for part in pair)
            return _field(7, len(value)) + b"".join(pairs)


def database(networks: Mapping[str, Mapping[str, Any]], *, version: int = 6) -> bytes:
    """A database file: a binary tree over the bits of an address, the records, and what the file is."""
    nodes: list[list[int | str | None]] = [[None, None]]
    for text in networks:
        network = ipaddress.ip_network(text)
        bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
        if version == 6 and network.version == 4:
            bits = "0" * 96 + bits
        node = 0
        for bit in map(int, bits[:-1]):
            child = nodes[node][bit]
            if child is None:
                nodes.append([None, None])
                child = nodes[node][bit] = len(nodes) - 1
            assert isinstance(child, int)
            node = child
        nodes[node][int(bits[-1])] = text

    section = b""
    places: dict[str | None, int] = {None: len(nodes)}
    for text, record in networks.items():
        places[text] = len(nodes) + 16 + len(section)
        section += _encoded(record)
    pointers = (child if isinstance(child, int) else places[child] for node in nodes for child in node)
    metadata = {
        "binary_format_major_version": _unsigned(5, 2),
        "binary_format_minor_version": _unsigned(5, 0),
        "build_epoch": _unsigned(9, 1_767_225_600),
        "database_type": "Test-City",
        "description": {"en": "invented"},
        "ip_version": _unsigned(5, version),
        "languages": ["en"],
        "node_count": len(nodes),
        "record_size": _unsigned(5, 32),
    }
    tree = b"".join(pointer.to_bytes(4, "big") for pointer in pointers)
    return tree + bytes(16) + section + MARKER + _encoded(metadata)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of two networks."""
    path = tmp_path / "city.mmdb"
    path.write_bytes(database({"203.0.113.0/24": BERLIN, "2001:db8:7::/48": UTRECHT}))
    return path


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        ("203.0.113.9", BERLIN),
        ("2001:db8:7::1", UTRECHT),
        ("198.51.100.1", None),
        ("2001:db8:8::1", None),
        ("no address", None),
        ("", None),
        ("203.0.113.9/24", None),
        (None, None),
        (3405803777, None),
    ],
)
def test_an_address_is_located_or_there_is_nothing(path: Path, ip: Any, expected: Any) -> None:
    """The record as it stands in the file; None for unknown addresses and for what is none."""
    geoip = GeoipFile(path)

    assert expected == geoip.locate(ip)
    geoip.close()


def test_an_address_that_the_database_cannot_hold_is_unknown(tmp_path: Path) -> None:
    """One of IPv6 in a database of IPv4."""
    path = tmp_path / "four.mmdb"
    path.write_bytes(database({"203.0.113.0/24": BERLIN}, version=4))
    geoip = GeoipFile(path)

    assert (BERLIN, None) == (geoip.locate("203.0.113.9"), geoip.locate("2001:db8:7::1"))
    geoip.close()


def test_without_a_database_every_address_is_unknown() -> None:
    """A plugin need not ask whether there is one."""
    assert NoGeoip().locate("203.0.113.9") is None


def test_a_missing_file_is_the_users_to_mend(tmp_path: Path) -> None:
    """The error names the setting and the file."""
    with pytest.raises(UsageError, match=r"^geoip.database: cannot read .*none.mmdb: No such file"):
        GeoipFile(tmp_path / "none.mmdb")


@pytest.mark.parametrize(
    "damage",
    [lambda _: b"", lambda _: b"<html>", lambda whole: whole[:-40], lambda whole: whole[-200:]],
    ids=["empty", "a page", "no end", "no beginning"],
)
def test_a_file_that_is_no_database_is_refused(path: Path, damage: Any) -> None:
    """At the start, not at the first event."""
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UsageError, match="is no MaxMind database, or a damaged one"):
        GeoipFile(path)


def test_damage_found_later_is_an_error_and_no_answer(path: Path) -> None:
    """An address whose record is broken is not passed off as unknown."""
    whole = path.read_bytes()
    begin = whole.index(_encoded("city")) - 1
    path.write_bytes(whole[:begin] + b"\xff" * 8 + whole[begin + 8 :])
    geoip = GeoipFile(path)
    with pytest.raises(UsageError, match="is damaged; fetch it anew"):
        geoip.locate("203.0.113.9")
    geoip.close()


def test_a_missing_extra_is_told_with_the_command(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact line to type."""
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    with pytest.raises(UsageError, match=r"pip install 'posthog-variance-plugin\[geoip\]'$"):
        GeoipFile(path)
