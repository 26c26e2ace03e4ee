"""The bytes of a request as they arrive, and what must never be on the wire or in the log."""

import gzip
import hmac
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.benches.wire import export
from variance_plugin import __version__
from variance_plugin.delivery import DeliverySettings, Request, RequestsTransport
from variance_plugin.receiver import Answer, LocalVariance, WireFault
from variance_plugin.secret import Secret


@pytest.mark.parametrize("payload_format", ["batch", "array", "ndjson"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_every_format_arrives_whole(variance: LocalVariance, payload_format: str, compression: str) -> None:
    """Three messages in one request, compressed or not."""
    export(variance.url, 3, payloadFormat=payload_format, compression=compression)

    (post,) = variance.posts
    assert ["track"] * 3 == [message["type"] for message in post.messages if isinstance(message, dict)]
    text = gzip.decompress(post.body) if compression == "gzip" else post.body
    assert {"batch": b"{", "array": b"[", "ndjson": b"{"}[payload_format] == text[:1]


def test_single_messages_arrive_one_by_one(variance: LocalVariance) -> None:
    """As the original connector sent them, over one connection."""
    export(variance.url, 3, payloadFormat="single")

    assert ["track"] * 3 == [json.loads(post.body)["type"] for post in variance.posts]
    assert {1} == {post.connection_id for post in variance.posts}


def test_a_request_has_the_headers_that_are_needed_and_no_more(variance: LocalVariance) -> None:
    """The authorization word for word, the sender's name, no wish for compressed answers."""
    export(variance.url)

    (post,) = variance.posts
    assert {
        "host": variance.origin.removeprefix("http://"),
        "content-type": "application/json",
        "content-length": str(len(post.body)),
        "user-agent": f"posthog-variance-plugin/{__version__}",
        "authorization": "Bearer demo-token",
        "accept-encoding": "identity",
    } == dict(post.headers)


def test_an_authorization_may_hold_any_text() -> None:
    """Also beyond Latin-1: as UTF-8, to the byte."""
    with LocalVariance(authorization="Token schlüssel-\N{KEY}") as variance:
        export(variance.url, authHeader="Token schlüssel-\N{KEY}")

        assert {"order paid": 1} == variance.summary().events


def test_the_signature_fits_the_body_as_it_arrives() -> None:
    """Segment's scheme, of the compressed bytes; a receiver that checks it lets the post in."""
    with LocalVariance(secret="abc123") as variance:
        export(variance.url, authHeader="", sharedSecret="abc123", compression="gzip")

        (post,) = variance.posts
        assert hmac.digest(b"abc123", post.body, "sha1").hex() == post.headers["X-Signature"]
        assert "Authorization" not in post.headers
        assert {"order paid": 1} == variance.summary().events


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(variance: LocalVariance, status: int) -> None:
    """Its target gets nothing, neither events nor authorization; it is told without its query."""
    with LocalVariance() as target:
        location = f"{target.url}?token=phc_demo_query#fragment"
        variance.answer_with([Answer(status=status, headers={"Location": location})])

        meta = export(variance.url)

        assert 0 == target.summary().posts
        assert {
            f"HTTP {status} (redirect to {target.url}; redirects are not followed)": 1
        } == meta.counts.under("failure.")


@pytest.mark.parametrize("location", ["http://[x", "http://", "//", "\x7f", "data:,x", ""], ids=repr)
def test_a_redirect_to_nowhere_is_a_redirect_all_the_same(variance: LocalVariance, location: str) -> None:
    """Whatever stands in `Location`."""
    variance.answer_with([Answer(status=302, headers={"Location": location})])

    assert {"endpoint at fault": 1} == export(variance.url).counts.under("attempts.")


def test_netrc_does_not_replace_the_authorization(
    variance: LocalVariance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another login for the same host, in the file that `requests` would read."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password phc_demo_netrc\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    export(variance.url)
    with LocalVariance(secret="abc123") as signed:
        export(signed.url, authHeader="", sharedSecret="abc123")

        assert "Authorization" not in signed.posts[0].headers
    assert "Bearer demo-token" == variance.posts[0].headers["Authorization"]


def test_cookies_are_not_kept(variance: LocalVariance) -> None:
    """An endpoint cannot make later requests carry something, or grow."""
    variance.answer_with([Answer(headers={"Set-Cookie": "session=1; Path=/"})])

    export(variance.url, 2, payloadFormat="single")

    assert ["Cookie" in post.headers for post in variance.posts] == [False, False]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_usual_environment_names_a_proxy(
    variance: LocalVariance, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The proxy gets the request with the whole address, and the destination is never looked up."""
    monkeypatch.setenv(name, variance.origin)

    export("http://destination.invalid/webhook")

    assert ["http://destination.invalid/webhook"] == [post.path for post in variance.posts]
    assert {"order paid": 1} == variance.summary().events


def test_the_environment_may_spare_a_host_the_proxy(
    variance: LocalVariance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`NO_PROXY` holds as everywhere."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    export(variance.url)

    assert {"order paid": 1} == variance.summary().events


def test_the_settings_proxy_wins_over_the_environment(
    variance: LocalVariance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its own login, which the destination's authorization does not touch."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")

    export("http://destination.invalid/", proxyUrl=variance.origin.replace("http://", "http://user:pass@"))

    (post,) = variance.posts
    assert ("Basic dXNlcjpwYXNz", "Bearer demo-token") == (
        post.headers["Proxy-Authorization"],
        post.headers["Authorization"],
    )


@pytest.mark.parametrize(
    ("proxy", "failure"),
    [
        ("http://proxy.invalid:3128", "name does not resolve"),
        ("http://127.0.0.1:1", "network error: connection refused at the proxy"),
    ],
    ids=["unknown", "closed"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_told_from_the_destination(
    scheme: str, proxy: str, failure: str
) -> None:
    """So that one looks in the right place."""
    meta = export(f"{scheme}://destination.invalid/", proxyUrl=proxy)

    assert {failure: 1} == meta.counts.under("failure.")


def test_an_unwanted_compressed_answer_is_not_unpacked(variance: LocalVariance) -> None:
    """50 MB of blanks in 50 KB: the status counts, and the bytes as they came."""
    bomb = gzip.compress(b" " * 50_000_000)
    variance.answer_with([Answer(status=400, headers={"Content-Encoding": "gzip"}, body=bomb)])

    (rejection,) = export(variance.url).rejections

    assert rejection.reason.startswith("HTTP 400: \N{REPLACEMENT CHARACTER}")  # unpacked it were blanks
    assert len(rejection.reason) <= 1024


def test_an_endless_answer_is_read_only_at_its_beginning(variance: LocalVariance) -> None:
    """Also that of a redirect, which `requests` reads whole; the next request gets its own answer."""
    page = b"<p>" * 1_000_000
    variance.answer_with([Answer(status=302, body=page, headers={"Location": "/"}), Answer(body=page)])

    meta = export(variance.url)
    again = export(variance.url, 2, payloadFormat="single")

    assert {"endpoint at fault": 1} == meta.counts.under("attempts.")
    assert {"delivered": 2} == again.counts.under("attempts.")


def test_an_answer_that_closes_the_connection_is_read_to_its_end(variance: LocalVariance) -> None:
    """And the next request opens another."""
    closing = Answer(status=400, headers={"Connection": "close"}, body=b"why " * 20)
    variance.answer_with([closing, closing])

    meta = export(variance.url, 3, payloadFormat="single")

    assert [f"HTTP 400: {'why ' * 20}".strip()] * 2 == [rejection.reason for rejection in meta.rejections]
    assert [1, 2, 3] == [post.connection_id for post in variance.posts]


def test_an_interim_answer_is_not_taken_for_the_next_requests_answer(variance: LocalVariance) -> None:
    """After a 103 the answer proper follows on that connection: it is not used again."""
    variance.answer_with([Answer(status=103), Answer(status=400)])
    transport = RequestsTransport(
        DeliverySettings(
            webhook_url=variance.url,
            auth_header=Secret("Bearer demo-token"),
            allowed_hosts=("127.0.0.1",),
        )
    )

    statuses = [
        transport.post(Request(b"[]", {"Content-Type": "application/json"}, 0)).status for _ in range(3)
    ]
    transport.close()

    assert [103, 400, 200] == statuses
    assert [1, 2, 2] == [post.connection_id for post in variance.posts]


# --- secrets ------------------------------------------------------------------------------------

SECRET_CONFIG: dict[str, Any] = {
    "authHeader": "Bearer phc_demo_header",
    "sharedSecret": "phc_demo_shared",
    "hashSalt": "phc_demo_salt",
}
SAYING = b"you sent phc_demo_header with phc_demo_shared to ?token=phc_demo_query"
ANSWERS = [
    pytest.param(Answer(), id="200"),
    pytest.param(Answer(status=400, body=SAYING), id="400"),
    pytest.param(Answer(status=401, body=SAYING), id="401"),
    pytest.param(Answer(status=503, body=SAYING), id="503"),
    pytest.param(
        Answer(status=302, headers={"Location": "http://u:phc_demo_x@h/?phc_demo_y#phc_demo_z"}), id="302"
    ),
    pytest.param(Answer(body=b'[{"error":"%b"}]' % SAYING), id="result"),
    pytest.param(Answer(body=b'[{"status":429,"error":"%b"}]' % SAYING), id="later"),
    pytest.param(Answer(headers={"bad header \x00": "x", "no colon\r\nat all": ""}), id="odd headers"),
    pytest.param(Answer(fault=WireFault.GARBAGE), id="garbage"),
    pytest.param(Answer(fault=WireFault.RESET), id="reset"),
    pytest.param(Answer(fault=WireFault.CUT_SHORT), id="cut"),
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_no_secret_and_no_query_reaches_a_log_an_error_or_a_dead_letter(
    answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """With every logger at its most talkative, and an endpoint that repeats what it was sent."""
    caplog.set_level(logging.DEBUG)
    with LocalVariance(answers=[answer]) as variance:
        meta = export(f"{variance.url}?token=phc_demo_query", **SECRET_CONFIG)
        assert "?token=phc_demo_query" in variance.posts[0].path

    shown = [
        caplog.text,
        *(repr(record.args) for record in caplog.records),
        *meta.counts.under(""),
        *(rejection.reason for rejection in meta.rejections),
    ]
    assert [] == [text for text in shown if "phc_demo" in text]
    assert "you sent" not in "".join(shown[:-1] if meta.rejections else shown)
    assert caplog.records


@pytest.mark.parametrize(
    "url",
    [
        "http://destination.invalid/?phc_demo_query",
        "https://{origin}/?phc_demo_query",
        "http://{closed}/?phc_demo_query",
    ],
    ids=["unknown", "no TLS", "closed"],
)
def test_nor_when_there_is_no_answer(
    variance: LocalVariance, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    """The exceptions of `requests` quote the whole address."""
    caplog.set_level(logging.DEBUG)
    origin = variance.origin.removeprefix("http://")

    meta = export(url.format(origin=origin, closed="127.0.0.1:1"), **SECRET_CONFIG)

    assert "phc_demo" not in caplog.text + "".join(meta.counts.under(""))
