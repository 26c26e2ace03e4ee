"""Where events may go, on real sockets: what is not allowed is not dialled, and no byte gets there."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Self

import pytest

from variance_plugin import RetryError, SettingsError, VariancePlugin
from variance_plugin.delivery import DeliverySettings, Failure, Outcome, Request, RequestsTransport, classify
from variance_plugin.delivery.dialling import Options, Place, connect, look_up
from variance_plugin.receiver import Answer, LocalVariance
from variance_plugin.secret import Secret
from variance_plugin.testing import InMemoryMeta, make_event, running

SECONDS = 10
REQUEST = Request(b"[]", {"Content-Type": "application/json"}, 0)


class Listener:
    """Listens at an address of this machine, answers whoever connects, and counts what came."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.create_server((address, 0), family=family, dualstack_ipv6=address == "::")
        self.port: int = self._socket.getsockname()[1]
        self.connections = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        self._socket.close()
        self._thread.join()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._socket.accept()
                self.connections += 1
                with peer:
                    peer.recv(65_536)
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.fixture
def listener() -> Iterator[Listener]:
    """One that hears all that is sent to this machine, by IPv4 and IPv6."""
    with Listener("::" if socket.has_dualstack_ipv6() else "127.0.0.1") as listening:
        yield listening


HERE = [
    "127.0.0.1",
    "127.1",
    "127.0.0.2",
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "017700000001",
    "0.0.0.0",  # noqa: S104 -- it leads to this machine, and is to be refused
    "0",
    "localhost",
    "LOCALHOST",
    "app.localhost",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
]


@pytest.mark.parametrize("host", HERE)
def test_no_way_to_write_this_machine_leads_there(listener: Listener, host: str) -> None:
    """Neither past the settings, which say so at the start, nor past the transport alone."""
    url = f"http://{host}:{listener.port}/hook"
    meta = InMemoryMeta({"webhookUrl": url, "authHeader": "Bearer demo"})

    with pytest.raises(SettingsError, match=r"webhookUrl: .* allow it by allowedHosts="):
        VariancePlugin().setup_plugin(meta)
    transport = RequestsTransport(DeliverySettings(webhook_url=url, allow_private_networks=True))
    answer = transport.post(REQUEST)
    transport.close()

    assert Failure.FORBIDDEN is answer.failure
    assert Outcome.ENDPOINT_AT_FAULT is classify(answer)
    assert 0 == listener.connections


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_each_of_them_leads_there_once_it_is_allowed(listener: Listener, host: str) -> None:
    """So that the test above can fail."""
    if host == "[::1]" and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    url = f"http://{host}:{listener.port}/hook"
    transport = RequestsTransport(
        DeliverySettings(webhook_url=url, allowed_hosts=(f"{host}:{listener.port}",))
    )
    answer = transport.post(REQUEST)
    transport.close()

    assert 200 == answer.status
    assert 1 == listener.connections


SPECIAL = {
    "loopback": "127.0.0.1",
    "loopback by IPv6": "::1",
    "mapped loopback": "::ffff:127.0.0.1",
    "unspecified": "0.0.0.0",  # noqa: S104 -- to be refused
    "private": "10.1.2.3",
    "carrier": "100.64.0.1",
    "unique local": "fd12:3456::1",
    "metadata": "169.254.169.254",
    "metadata in a private range": "fd00:ec2::254",
    "link-local": "fe80::1",
    "multicast": "224.0.0.1",
    "NAT64": "64:ff9b::a9fe:a9fe",
    "local NAT64": "64:ff9b:1::7f00:1",
    "6to4": "2002:7f00:1::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "site-local": "fec0::1",
}


class Dialled:
    """A name service that says what a test wants, and the connections that were asked for.

    Args:
        answers: What it answers, look-up by look-up; the last for ever.
        stand_in: Where a connection to a public address leads instead.
    """

    def __init__(self, *answers: list[str], stand_in: int = 0) -> None:
        self._answers = [*answers]
        self._stand_in = stand_in
        self.looked_up: list[str] = []
        self.places: list[str] = []

    def resolve(self, host: str, port: int) -> list[Place]:
        """In place of `look_up`."""
        self.looked_up.append(host)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [place for address in answer for place in look_up(address, port)]

    def connect(self, place: Place, timeout_seconds: float | None, options: Options) -> socket.socket:
        """In place of `dialling.connect`."""
        self.places.append(place.address[0])
        if not self._stand_in:
            raise ConnectionRefusedError(111, "Connection refused")
        return connect(Place(socket.AF_INET, ("127.0.0.1", self._stand_in)), timeout_seconds, options)

    def transport(self, url: str = "http://hooks.example:8900/hook", **settings: bool) -> RequestsTransport:
        """One that looks names up here."""
        return RequestsTransport(
            DeliverySettings(webhook_url=url, **settings),  # type: ignore[arg-type]
            resolve=self.resolve,
            connect=self.connect,
        )


@pytest.mark.parametrize("address", SPECIAL.values(), ids=SPECIAL)
def test_a_name_that_leads_to_a_special_address_is_not_dialled(address: str) -> None:
    """The answer says where it leads, and what to set."""
    dialled = Dialled([address])

    answer = dialled.transport().post(REQUEST)

    assert [] == dialled.places
    assert Failure.FORBIDDEN is answer.failure
    assert "hooks.example leads to " in answer.detail
    assert "; if events shall go there, allow it by allow" in answer.detail


def test_a_public_address_among_others_is_the_one_that_is_dialled() -> None:
    """Such as that of a host with one more in its own network."""
    dialled = Dialled(["10.1.2.3", "93.184.215.14", "fd12::1", "8.8.8.8"])

    answer = dialled.transport().post(REQUEST)

    assert ["93.184.215.14", "8.8.8.8"] == dialled.places
    assert (Failure.NETWORK, "connection refused") == (answer.failure, answer.detail)


def test_a_name_without_an_address_does_not_resolve() -> None:
    """Some systems answer with an empty list."""
    assert Failure.UNRESOLVED is Dialled([]).transport().post(REQUEST).failure


def test_a_private_network_is_dialled_where_that_is_allowed() -> None:
    """By one switch, which opens no cloud's metadata and not this machine."""
    dialled = Dialled(["10.1.2.3", "100.100.100.200", "fd12::1", "fd00:ec2::254", "127.0.0.1", "169.254.0.1"])

    dialled.transport(allow_private_networks=True).post(REQUEST)

    assert ["10.1.2.3", "fd12::1"] == dialled.places


def test_a_name_cannot_lead_elsewhere_between_the_look_and_the_dial(listener: Listener) -> None:
    """Public at first, this machine ever after: looked up once, it is the public address that is dialled."""
    with LocalVariance() as public:
        dialled = Dialled(["93.184.215.14"], ["127.0.0.1"], stand_in=int(public.origin.rpartition(":")[2]))
        transport = dialled.transport(f"http://rebinding.example:{listener.port}/webhook")

        assert 200 == transport.post(REQUEST).status

        assert ["93.184.215.14"] == dialled.places
        assert ["rebinding.example"] == dialled.looked_up
        assert 1 == len(public.posts)
    assert 0 == listener.connections


def test_a_connection_that_is_made_anew_is_judged_anew(listener: Listener) -> None:
    """The name led to a public address when it was first dialled, and leads to this machine now."""
    with LocalVariance(answers=lambda _post: Answer(headers={"Connection": "close"})) as public:
        dialled = Dialled(["93.184.215.14"], ["127.0.0.1"], stand_in=int(public.origin.rpartition(":")[2]))
        transport = dialled.transport(f"http://rebinding.example:{listener.port}/webhook")

        assert 200 == transport.post(REQUEST).status
        answer = transport.post(REQUEST)

    assert Failure.FORBIDDEN is answer.failure
    assert ["93.184.215.14"] == dialled.places
    assert 2 == len(dialled.looked_up)
    assert 0 == listener.connections


def test_a_kept_connection_is_not_looked_up_again() -> None:
    """It stays where it was judged."""
    with LocalVariance() as public:
        dialled = Dialled(["93.184.215.14"], ["127.0.0.1"], stand_in=int(public.origin.rpartition(":")[2]))
        transport = dialled.transport()

        assert [200] * 3 == [transport.post(REQUEST).status for _ in range(3)]

        transport.close()
    assert 1 == len(dialled.looked_up)


def test_a_name_that_leads_nowhere_allowed_pauses_the_destination(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Said as an error, with the setting; nothing is dead, and it goes on once the name is right."""
    with LocalVariance(authorization="Bearer demo") as public:
        dialled = Dialled(["192.168.0.7"], ["93.184.215.14"], stand_in=int(public.origin.rpartition(":")[2]))
        transport = RequestsTransport(
            DeliverySettings(
                webhook_url="http://hooks.example/webhook?token=phc_demo", auth_header=Secret("Bearer demo")
            ),
            resolve=dialled.resolve,
            connect=dialled.connect,
        )
        meta = InMemoryMeta({"webhookUrl": "http://hooks.example/webhook", "authHeader": "Bearer demo"})
        with running(VariancePlugin(transport=transport), meta) as plugin:
            with pytest.raises(RetryError, match="allowPrivateNetworks=yes") as caught:
                plugin.export_events([make_event()], meta)
            plugin.export_events([make_event()], meta)

        assert {"order paid": 1} == public.summary().events
    assert "hooks.example leads to 192.168.0.7, a private address" in str(caught.value)
    assert {"endpoint at fault": 1, "delivered": 1} == meta.counts.under("attempts.")
    assert [] == meta.rejections
    assert [logging.ERROR] == [record.levelno for record in caplog.records]
    assert "phc_demo" not in caplog.text


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "localhost", "[::ffff:169.254.169.254]", "10.0.0.1"])
def test_a_proxy_is_not_asked_for_an_address_that_is_not_allowed(
    listener: Listener, scheme: str, host: str
) -> None:
    """The proxy itself may be anywhere; what it is to reach is judged as far as the address tells."""
    settings = DeliverySettings(
        webhook_url=f"{scheme}://{host}/hook", proxy_url=Secret(f"http://127.0.0.1:{listener.port}")
    )
    transport = RequestsTransport(settings)

    answer = transport.post(REQUEST)

    assert Failure.FORBIDDEN is answer.failure
    assert 0 == listener.connections


def test_a_proxy_may_be_on_this_machine() -> None:
    """It is whoever runs this that chose it; the names are its own to look up."""
    with LocalVariance() as proxy:
        settings = DeliverySettings(
            webhook_url="http://destination.invalid/hook", proxy_url=Secret(proxy.origin)
        )
        transport = RequestsTransport(settings)

        assert 200 == transport.post(REQUEST).status

        transport.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://①②⑦.0.0.1:{port}/",
        "http://127。0。0。1:{port}/",
        "http://%31%32%37.0.0.1:{port}/",
        "http://hooks.example\\@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@hooks.example/",
        "http://hooks.example#@127.0.0.1:{port}/",
        "http:127.0.0.1:{port}/",
        "http:///127.0.0.1:{port}/",
        "http://ⓛocalhost:{port}/",
    ],
)
def test_an_address_that_parsers_read_differently_is_judged_by_what_is_dialled(
    listener: Listener, url: str
) -> None:
    """Digits in circles, dots of other scripts, back slashes: whatever it is taken for, nothing gets here."""
    dialled = Dialled(["127.0.0.1"])
    with ExitStack() as stack:
        transport = dialled.transport(url.format(port=listener.port))
        stack.callback(transport.close)

        answer = transport.post(REQUEST)

    assert answer.failure in (Failure.FORBIDDEN, Failure.ADDRESS)
    assert [] == dialled.places
    assert 0 == listener.connections
