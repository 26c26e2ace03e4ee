"""Only who knows the secret may post."""

import pytest

from variance_plugin.receiver.access import Credentials, signature
from variance_plugin.receiver.page.guard import is_loopback
from variance_plugin.receiver.post import Headers, Post
from variance_plugin.receiver.refusal import Refusal, Refused


def test_the_signature_is_that_of_the_check_value() -> None:
    """Lower-case hex HMAC-SHA1, as the payload's description gives it."""
    assert signature("abc123", b'{"cool":true}') == "5099cab379b3be52908387457007040cc934ef86"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([], id="missing"),
        pytest.param([("Authorization", "Bearer demo2")], id="other"),
        pytest.param([("Authorization", "bearer demo")], id="other case"),
        pytest.param([("Authorization", "Bearer demo "), ("Authorization", "x")], id="twice"),
        pytest.param([("Authorization", "Bearer dem\xf6")], id="not ASCII"),
        pytest.param([("Proxy-Authorization", "Bearer demo")], id="other header"),
    ],
)
def test_any_other_authorization_is_refused(given: list[tuple[str, str]]) -> None:
    """The header counts verbatim."""
    credentials = Credentials(authorization="Bearer demo")

    with pytest.raises(Refused) as caught:
        credentials.check_authorization(Headers(given))

    assert caught.value.refusal is Refusal.AUTHORIZATION


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="missing"),
        pytest.param({"X-Signature": signature("abc123", b"other")}, id="of another body"),
        pytest.param({"X-Signature": signature("abc124", b"{}")}, id="by another secret"),
        pytest.param({"X-Signature": signature("abc123", b"{}").upper()}, id="in capitals"),
    ],
)
def test_any_other_signature_is_refused(given: dict[str, str]) -> None:
    """It has to be that of these bytes by this secret."""
    credentials = Credentials(secret="abc123")

    with pytest.raises(Refused) as caught:
        credentials.check_signature(Headers(given.items()), b"{}")

    assert caught.value.refusal is Refusal.SIGNATURE


def test_the_expected_credentials_are_let_in() -> None:
    """Header names count in any case; bytes beyond ASCII are compared as they were sent."""
    credentials = Credentials(authorization="Bearer döner", secret="abc123")
    sent = "Bearer döner".encode().decode("latin-1")
    headers = Headers({"AUTHORIZATION": sent, "x-signature": signature("abc123", b"{}")}.items())

    credentials.check_authorization(headers)
    credentials.check_signature(headers, b"{}")


def test_nothing_shows_a_secret_in_its_repr() -> None:
    """A failing test prints what it compares."""
    headers = Headers([("Authorization", "Bearer demo")])
    post = Post(method="POST", path="/?token=demo", headers=headers, body=b"demo", connection_id=1)

    shown = repr((Credentials(authorization="Bearer demo", secret="demo"), headers, post))

    assert "demo" not in shown


@pytest.mark.parametrize(
    ("expected", "address"),
    [
        pytest.param(True, "127.0.0.1", id="IPv4"),
        pytest.param(True, "127.8.9.10", id="all of 127"),
        pytest.param(True, "::1", id="IPv6"),
        pytest.param(True, "::ffff:127.0.0.1", id="IPv4 inside IPv6"),
        pytest.param(False, "192.0.2.1", id="another machine"),
        pytest.param(False, "::ffff:192.0.2.1", id="another machine inside IPv6"),
        pytest.param(False, "fe80::1%eth0", id="link-local with its zone"),
    ],
)
def test_this_machine_is_told_from_others(*, expected: bool, address: str) -> None:
    """Who may read the summary goes by the address of the other end."""
    assert expected == is_loopback(address)
