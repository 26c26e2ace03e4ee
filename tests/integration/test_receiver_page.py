"""What the page of the local Variance is made of, over the wire: who may look, what is told, what is new."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests

from variance_plugin.receiver import LocalVariance

SECONDS = 10.0  # nothing here takes that long; what does has failed

ADA, PRO = {"name": "Ada"}, {"plan": "pro"}
MESSAGES: list[dict[str, Any]] = [
    {"type": "page", "messageId": "m-1", "anonymousId": "a-1", "properties": {"title": "Pricing"}},
    {
        "type": "identify",
        "messageId": "m-2",
        "userId": "u-1",
        "anonymousId": "a-1",
        "traits": {"name": "Ada"},
    },
    {"type": "group", "messageId": "m-3", "userId": "u-1", "groupId": "acme", "traits": {"name": "Acme"}},
    {
        "type": "track",
        "messageId": "m-4",
        "userId": "u-1",
        "event": "signed up",
        "properties": {"plan": "pro"},
    },
]
FILES = ["/", "/page.css", "/page.js", "/show.js", "/dom.js", "/icon.svg"]


@pytest.fixture
def variance() -> Iterator[LocalVariance]:
    """A local Variance that has received something."""
    with LocalVariance() as running:
        requests.post(running.url, json=MESSAGES, timeout=SECONDS)
        yield running


def get(variance: LocalVariance, path: str, **headers: str) -> requests.Response:
    """Look at something."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(variance.origin + path, headers=named, timeout=SECONDS)


@pytest.mark.parametrize("path", [*FILES, "/summary", "/faults", "/api/contacts", "/api/connections"])
def test_nothing_comes_from_elsewhere(variance: LocalVariance, path: str) -> None:
    """Every answer forbids the browser to load, frame, embed or keep anything of it."""
    answer = get(variance, path)

    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert all("unsafe" not in part and "http" not in part for part in policy.split(";"))
    assert "nosniff" == answer.headers["X-Content-Type-Options"]
    assert "no-store" == answer.headers["Cache-Control"]
    assert "same-origin" == answer.headers["Cross-Origin-Resource-Policy"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    if path == "/page.js":
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": "rebound.example"}, id="a name that leads here"),
        pytest.param({"Host": "127.0.0.1.rebound.example"}, id="a name that begins so"),
        pytest.param({"Host": "192.0.2.1"}, id="another address"),
        pytest.param({"Host": "["}, id="no name at all"),
        pytest.param({"Origin": "https://evil.example"}, id="another site's script"),
        pytest.param({"Origin": "null"}, id="a script without a site"),
        pytest.param({"Origin": "http://localhost:1"}, id="another port"),
        pytest.param({"Sec_Fetch_Site": "cross-site"}, id="embedded by another site"),
        pytest.param({"Sec_Fetch_Site": "same-site"}, id="embedded by another port"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/summary", "/api/contacts", "/api/stream"])
def test_another_site_cannot_look(variance: LocalVariance, path: str, headers: dict[str, str]) -> None:
    """Neither by a script of its own, nor by giving its name this machine's address."""
    answer = get(variance, path, **headers)

    assert answer.status_code == 403
    assert b"Ada" not in answer.content


def test_without_a_host_nobody_looks(variance: LocalVariance) -> None:
    """HTTP/1.0 has none; browsers do not speak it."""
    with closing(
        http.client.HTTPConnection(variance.origin.removeprefix("http://"), timeout=SECONDS)
    ) as plain:
        plain.putrequest("GET", "/summary", skip_host=True)
        plain.endheaders()
        assert plain.getresponse().status == 403


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="a program"),
        pytest.param({"Sec_Fetch_Site": "none", "Sec_Fetch_Mode": "navigate"}, id="the address bar"),
        pytest.param({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}, id="a link elsewhere"),
        pytest.param({"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors"}, id="the page itself"),
    ],
)
def test_who_looks_from_here_may(variance: LocalVariance, headers: dict[str, str]) -> None:
    """By either name of this machine."""
    port = variance.origin.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
        assert get(variance, "/", Host=host, **headers).status_code == 200


def test_another_site_cannot_ask_for_faults(variance: LocalVariance) -> None:
    """A form on another site's page needs no permission to post, so the receiver has to refuse."""
    for headers in ({"Origin": "https://evil.example"}, {"Host": "rebound.example"}):
        for method in ("POST", "DELETE"):
            answer = requests.request(
                method, f"{variance.origin}/faults", data=b"{}", headers=headers, timeout=SECONDS
            )
            assert answer.status_code == 403
    assert get(variance, "/faults").json() == []


def test_faults_are_asked_for_by_request(variance: LocalVariance) -> None:
    """One after the other, each as often as asked; what is due can be seen and taken back."""
    faults = f"{variance.origin}/faults"
    first = {"status": 429, "headers": {"Retry-After": "5"}, "body": "later", "times": 1}
    second = {"fault": "reset", "delay_seconds": 0.01}
    requests.post(faults, json=first, timeout=SECONDS)
    due = requests.post(faults, json=second, timeout=SECONDS).json()
    assert [True, True] == [
        asked.items() <= told.items() for asked, told in zip((first, second), due, strict=True)
    ]
    assert due == get(variance, "/faults").json()

    answer = requests.post(variance.url, json=MESSAGES, timeout=SECONDS)
    assert (429, "5", "later") == (answer.status_code, answer.headers["Retry-After"], answer.text)
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            requests.post(variance.url, json=MESSAGES, timeout=SECONDS)
    assert requests.delete(faults, timeout=SECONDS).json() == []
    assert requests.post(variance.url, json=MESSAGES, timeout=SECONDS).status_code == 200


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        pytest.param(b"reset", "malformed", id="no JSON"),
        pytest.param(b'{"status": 99}', "`int` >= 200", id="no status"),
        pytest.param(b'{"fault": "earthquake"}', "Invalid enum value 'earthquake'", id="no such fault"),
        pytest.param(b'{"staus": 500}', "unknown field `staus`", id="a slip of the pen"),
        pytest.param(b'{"headers": {"A": "b\\r\\nC: d"}}', "no line break", id="a header in a header"),
        pytest.param(b'{"times": 0}', "`int` >= 1", id="never"),
        pytest.param(b"[]", "Expected `object`, got `array`", id="a list"),
    ],
)
def test_a_fault_that_cannot_be_enacted_is_refused(
    variance: LocalVariance, asked: bytes, reason: str
) -> None:
    """With what is wrong; nothing changes."""
    answer = requests.post(f"{variance.origin}/faults", asked, timeout=SECONDS)

    assert answer.status_code == 400
    assert reason in answer.json()["error"]
    assert get(variance, "/faults").json() == []


def test_lists_and_single_views_are_told_as_json(variance: LocalVariance) -> None:
    """Contacts with their accounts, accounts with their people, messages as they were sent."""
    [contact] = get(variance, "/api/contacts?search=ada").json()["contacts"]
    assert ("u-1", "Ada", 2, ["Acme"]) == (
        contact["id"],
        contact["name"],
        contact["events"],
        [account["name"] for account in contact["accounts"]],
    )
    [account] = get(variance, "/api/accounts?search=ACME").json()["accounts"]
    assert ("acme", 1, "group") == (account["id"], account["people"], account["found_by"])
    told = get(variance, "/api/account?id=acme").json()
    assert ["signed up", "Acme", "name", "Pricing"][1:2] == [
        message["title"] for message in told["messages"] if message["type"] == "group"
    ]

    visitor = get(variance, "/api/visitor?id=a-1").json()
    assert (["Pricing"], "Ada") == (
        [message["title"] for message in visitor["messages"]],
        visitor["linked_to"]["name"],
    )
    whole = get(variance, "/api/contact?id=u-1").json()
    assert ["joined", "took over a visitor", "identified"] == [
        row["change"]["kind"] for row in whole["changes"]
    ]
    number = whole["messages"][0]["number"]
    message = get(variance, f"/api/message?number={number}").json()
    assert MESSAGES[3] == json.loads(message["json"])
    assert (None, "webhook", "m-4") == (message["event"], message["connection"], message["message_id"])


@pytest.mark.parametrize(
    "path",
    [
        "/api/contact?id=nobody",
        "/api/contact",
        "/api/account?id=none",
        "/api/visitor?id=nobody",
        "/api/message?number=99",
        "/api/message?number=-1",
        "/api/message?number=x",
        "/api/message?number=" + "9" * 400,
        "/api/",
        "/api/../../plugin.json",
    ],
)
def test_what_is_not_there_is_answered_404(variance: LocalVariance, path: str) -> None:
    """Odd numbers and paths too."""
    with closing(
        http.client.HTTPConnection(variance.origin.removeprefix("http://"), timeout=SECONDS)
    ) as plain:
        plain.request("GET", path)
        assert plain.getresponse().status == 404


def test_a_message_that_can_just_be_read_can_be_looked_at(variance: LocalVariance) -> None:
    """How deep the stack lets one read depends on who reads; that costs a message's title and no more."""
    for depth in range(900, 1_000, 10):
        nested = b"[" * depth + b"]" * depth
        body = b'[{"type":"track","userId":"u-9","event":"deep","properties":{"a":%b}}]' % nested
        requests.post(variance.url, body, timeout=SECONDS)

    told = get(variance, "/api/contact?id=u-9")
    assert told.status_code == 200
    messages = told.json()["messages"]
    assert {"deep", "nested too deeply to be shown"} >= {message["title"] for message in messages}
    assert variance.summary().events["deep"] == len(messages) > 0


def test_tests_look_without_a_browser(variance: LocalVariance) -> None:
    """The object tells what the page shows, also of an id that somebody had before."""
    requests.post(
        variance.url, json=[{"type": "alias", "previousId": "u-1", "userId": "u-2"}], timeout=SECONDS
    )
    contact, account = variance.contact("u-1"), variance.account("acme")

    assert contact is not None
    assert account is not None
    assert ("u-2", ["u-1", "a-1"]) == (contact.id, contact.names)
    assert [("name", '"Ada"', "m-2")] == [
        (trait.name, trait.json, trait.origin.message_id) for trait in contact.traits
    ]
    assert ["u-2"] == [person.id for person in account.people.contacts]
    assert None is variance.contact("nobody")


def test_the_event_stands_beside_its_message() -> None:
    """Where whoever runs the receiver can tell it."""
    with LocalVariance(event_of={"m-1": b'{"event":"$pageview"}'}.get) as variance:
        requests.post(variance.url, json=MESSAGES, timeout=SECONDS)

        assert ['{"event":"$pageview"}', None] == [
            get(variance, f"/api/message?number={number}").json()["event"] for number in (1, 2)
        ]


def test_a_connection_shows_its_latest_payload_and_what_was_rejected() -> None:
    """And no secret."""
    with LocalVariance(authorization="Bearer demo-secret") as variance:
        requests.post(variance.url, json=MESSAGES, timeout=SECONDS)
        requests.post(
            variance.url, json=MESSAGES, headers={"Authorization": "Bearer demo-secret"}, timeout=SECONDS
        )

        answer = get(variance, "/api/connections")
        [connection] = answer.json()
        assert MESSAGES == json.loads(connection["latest"])
        assert (2, 1) == (connection["posts"], connection["rejections"])
        assert [(401, "wrong or missing Authorization")] == [
            (one["status"], one["reason"]) for one in connection["rejected"]
        ]
        assert "demo-secret" not in answer.text


def news(stream: Iterator[bytes]) -> dict[str, Any]:
    """The next piece of a stream."""
    for line in stream:
        if line.startswith(b"data: "):
            told: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
            return told
    raise AssertionError("the stream ended")


def test_news_come_as_they_happen(variance: LocalVariance) -> None:
    """First what is there, then what comes; a reader that comes again gets what it missed."""
    with requests.get(f"{variance.origin}/api/stream", stream=True, timeout=SECONDS) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        stream = answer.iter_lines(chunk_size=1)
        first = news(stream)
        assert ["signed up", "Acme", "name", "Pricing"] == [line["title"] for line in first["lines"]]
        assert ["plan: pro", "Ada"] == [first["lines"][0]["detail"], first["lines"][0]["who"]["name"]]
        assert (1, 1, 0, 4) == tuple(
            first["counts"][name] for name in ("contacts", "accounts", "visitors", "messages")
        )

        requests.post(variance.url, json=[{"type": "page", "userId": "u-1", "name": "Home"}], timeout=SECONDS)
        assert ["Home"] == [line["title"] for line in news(stream)["lines"]]

    again = {"Last-Event-ID": "3"}
    with requests.get(f"{variance.origin}/api/stream", headers=again, stream=True, timeout=SECONDS) as answer:
        assert ["Home", "signed up"] == [
            line["title"] for line in news(answer.iter_lines(chunk_size=1))["lines"]
        ]


def test_a_flood_is_told_by_its_newest(variance: LocalVariance) -> None:
    """And how many more there were."""
    flood = [{"type": "page", "userId": "u-1", "name": str(number)} for number in range(1_000)]
    requests.post(variance.url, json=flood, timeout=SECONDS)

    with requests.get(f"{variance.origin}/api/stream", stream=True, timeout=SECONDS) as answer:
        told = news(answer.iter_lines(chunk_size=1))
    assert "999" == told["lines"][0]["title"]
    assert 1_004 == told["missed"] + len(told["lines"])


def test_closing_ends_the_streams() -> None:
    """At once, although nothing comes."""
    variance = LocalVariance()
    variance.start()
    with requests.get(f"{variance.origin}/api/stream", stream=True, timeout=SECONDS) as answer:
        stream = answer.iter_lines(chunk_size=1)
        news(stream)
        closing_it = threading.Thread(target=variance.close)
        closing_it.start()
        assert [] == [line for line in stream if line]
        closing_it.join(2.0)

        assert not closing_it.is_alive()
