"""The documented examples of Variance, Segment and RudderStack, posted with curl, give what is documented.

"Segment spec" is that of Identify, Group, Alias, Page, Screen and Track; "Variance Destination" stands in
Segment's documentation and, as "Variance", in RudderStack's; "Account Matching" in Variance's own.
"""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

SECONDS = 20.0  # nothing here takes that long; what does has failed
CURL = shutil.which("curl")

pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed")

CONNECTIONS = """
[group]
accounts = "group"

[traits]
accounts = "traits"
account_id_trait = "company.id"
account_name_trait = "company.name"

[email]
accounts = "email"
"""


def curl(*arguments: str) -> Any:
    """What the answer to a curl command says."""
    assert CURL is not None
    told = subprocess.run(
        [CURL, "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", *arguments],
        capture_output=True,
        check=True,
        timeout=SECONDS,
    )
    return json.loads(told.stdout)


class Receive:
    """A `variance-plugin receive` that runs."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def post(self, *messages: dict[str, Any], to: str = "group") -> None:
        """Post messages to a connection."""
        body = json.dumps({"batch": messages})
        answer = curl(
            f"{self.origin}/webhook/{to}", "--header", "Content-Type: application/json", "--data-binary", body
        )
        assert answer == {"success": True}

    def get(self, path: str, **asked: str) -> Any:
        """What it shows."""
        return curl(f"{self.origin}{path}?{urlencode(asked)}")

    def traits(self, user_id: str) -> dict[str, Any]:
        """The traits of a contact."""
        contact = self.get("/api/contact", id=user_id)
        assert contact["identified"]
        return {trait["name"]: json.loads(trait["json"]) for trait in contact["traits"]}

    def accounts(self, user_id: str) -> list[tuple[str, str]]:
        """Id and name of a contact's accounts."""
        accounts = self.get("/api/contact", id=user_id)["accounts"]
        return [(one["account"]["id"], one["account"]["name"]) for one in accounts]

    def did(self, user_id: str) -> list[tuple[str, str]]:
        """Type and title of a user's messages, newest first."""
        messages = self.get("/api/contact", id=user_id)["messages"]
        return [(message["type"], message["title"]) for message in messages]


# One process has them all, so there is one receiver.
pytestmark = pytest.mark.xdist_group("documented")


@pytest.fixture(scope="module")
def receive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receive]:
    """One process for all examples, which are about different people."""
    folder = tmp_path_factory.mktemp("receive")
    (folder / "connections.toml").write_text(CONNECTIONS)
    command = [sys.executable, "-m", "variance_plugin", "receive", "--port", "0"]
    with subprocess.Popen(
        [*command, "--connections", "connections.toml"], cwd=folder, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        yield Receive(url.partition("/webhook")[0])
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
        assert process.returncode == 0


def test_segments_identify(receive: Receive) -> None:
    """A contact with all these traits (Segment spec; Variance Destination: "as a `Contact`")."""
    traits = {
        "name": "Peter Gibbons",
        "email": "peter@example.com",
        "plan": "premium",
        "logins": 5,
        "address": {"street": "6th St", "city": "San Francisco", "state": "CA", "postalCode": "94103"},
    }
    receive.post(
        {
            "anonymousId": "507f191e810c19729de860ea",
            "channel": "browser",
            "context": {"ip": "8.8.8.8"},
            "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
            "receivedAt": "2015-02-23T22:28:55.387Z",
            "sentAt": "2015-02-23T22:28:55.111Z",
            "timestamp": "2015-02-23T22:28:55.111Z",
            "traits": traits,
            "type": "identify",
            "userId": "97980cfea0067",
            "version": "1.1",
        }
    )

    assert traits == receive.traits("97980cfea0067")
    contact = receive.get("/api/contact", id="97980cfea0067")
    [origin] = {json.dumps(trait["origin"]) for trait in contact["traits"]}
    assert {"type": "identify", "time": 1424730535.111, "connection": "group"}.items() <= json.loads(
        origin
    ).items()
    assert contact["last_seen"] == 1424730535.111


def test_rudderstacks_identify(receive: Receive) -> None:
    """Whose sample payload has the traits in `context`."""
    traits = {"name": "Richard Hendricks", "email": "rhedricks@example.com", "logins": 2}
    receive.post({"type": "identify", "context": {"traits": traits}, "userId": "27340af5c8819"})

    assert traits == receive.traits("27340af5c8819")


def test_an_identify_with_a_company(receive: Receive) -> None:
    """By identify with custom traits, the paths being `company.id` and `company.name` (Account Matching)."""
    receive.post(
        {"type": "identify", "userId": "awesome-1", "traits": {"company": {"id": 1, "name": "Awesome Inc."}}},
        {
            "type": "identify",
            "userId": "userid",
            "traits": {
                "name": "Name Surname",
                "company": {"id": "2", "name": "Website"},
            },
        },
        to="traits",
    )

    assert [("1", "Awesome Inc.")] == receive.accounts("awesome-1")
    assert [("2", "Website")] == receive.accounts("userid")
    account = receive.get("/api/account", id="1")
    assert ("Awesome Inc.", ["awesome-1"]) == (
        account["name"],
        [one["id"] for one in account["people"]["contacts"]],
    )


def test_the_domain_of_an_email(receive: Receive) -> None:
    """Is the account's name by the fallback; people with free emails are contacts without account."""
    receive.post(
        {"type": "identify", "userId": "userId123", "traits": {"email": "john.doe@example.com"}},
        {"type": "identify", "userId": "free-1", "traits": {"email": "someone@gmail.com"}},
        {"type": "identify", "userId": "free-2", "traits": {"email": "someone@yahoo.com"}},
        to="email",
    )

    assert [("example.com", "example.com")] == receive.accounts("userId123")
    assert [[], []] == [receive.accounts("free-1"), receive.accounts("free-2")]
    assert {"email": "someone@gmail.com"} == receive.traits("free-1")


@pytest.mark.parametrize(
    ("group_id", "traits"),
    [
        pytest.param(
            "0e8c78ea9d97a7b8185e8632",
            {
                "name": "Initech",
                "industry": "Technology",
                "employees": 329,
                "plan": "enterprise",
                "total billed": 830,
            },
            id="Segment",
        ),
        pytest.param(
            "5e8a78ba9d32d3b1898a6247",
            {"name": "Hooli", "industry": "Technology", "employees": 4500, "plan": "basic"},
            id="RudderStack",
        ),
        pytest.param(
            "sample-group-id",
            {"name": "Example Company", "employees": 1000, "industry": "Software"},
            id="RudderStack's page of Variance",
        ),
    ],
)
def test_a_group_with_traits(receive: Receive, group_id: str, traits: dict[str, Any]) -> None:
    """An account with these traits, and the user in it; by the other ways it is none."""
    user_id = f"user of {group_id}"
    message = {"type": "group", "userId": user_id, "groupId": group_id, "traits": traits}
    receive.post({**message, "groupId": f"{group_id} elsewhere"}, to="email")
    receive.post({"type": "identify", "userId": user_id}, message)

    account = receive.get("/api/account", id=group_id)
    assert traits == {trait["name"]: json.loads(trait["json"]) for trait in account["traits"]}
    assert (traits["name"], [user_id]) == (
        account["name"],
        [one["id"] for one in account["people"]["contacts"]],
    )
    assert [(group_id, traits["name"])] == receive.accounts(user_id)


def test_an_alias_of_two_users(receive: Receive) -> None:
    """The user that matches `previousId` is merged into the one with the `userId` (Variance Destination)."""
    receive.post(
        {"type": "identify", "userId": "jen@email.com", "traits": {"plan": "free", "title": "Head of Sales"}},
        {"type": "track", "userId": "jen@email.com", "event": "Registered"},
        {"type": "identify", "userId": "507f191e81", "traits": {"plan": "pro"}},
        {"type": "alias", "previousId": "jen@email.com", "userId": "507f191e81"},
    )

    assert {"plan": "pro", "title": "Head of Sales"} == receive.traits("507f191e81")
    assert ("track", "Registered") in receive.did("507f191e81")
    assert ("507f191e81", ["jen@email.com"]) == (
        receive.get("/api/contact", id="jen@email.com")["id"],
        receive.get("/api/contact", id="jen@email.com")["names"],
    )
    assert ["507f191e81"] == [
        one["id"] for one in receive.get("/api/contacts", search="jen@email.com")["contacts"]
    ]


def test_an_alias_of_one_user(receive: Receive) -> None:
    """Without a user with the `userId`, the one with the `previousId` has their id updated."""
    receive.post(
        {"type": "identify", "userId": "old_user_id", "traits": {"name": "Alex Keener"}},
        {"type": "alias", "previousId": "old_user_id", "userId": "new_user_id"},
    )

    assert {"name": "Alex Keener"} == receive.traits("new_user_id")
    [renamed] = [
        one["change"]
        for one in receive.get("/api/contact", id="new_user_id")["changes"]
        if one["change"]["kind"] == "renamed"
    ]
    assert renamed["other"] == "old_user_id"


@pytest.mark.parametrize(
    ("message", "title"),
    [
        pytest.param(
            {
                "type": "page",
                "name": "Home",
                "properties": {"title": "Welcome | Initech", "url": "http://www.example.com"},
            },
            "Home",
            id="Segment's page",
        ),
        pytest.param(
            {
                "type": "page",
                "category": "Cart",
                "name": "Cart Viewed",
                "properties": {"path": "/cart", "search": "term", "title": "test_item"},
            },
            "Cart Viewed",
            id="RudderStack's page",
        ),
        pytest.param(
            {"type": "screen", "name": "Home", "properties": {"Feed Type": "private"}}, "Home", id="screen"
        ),
        pytest.param(
            {
                "type": "track",
                "event": "Registered",
                "properties": {"plan": "Pro Annual", "accountType": "Facebook"},
            },
            "Registered",
            id="Segment's track",
        ),
        pytest.param(
            {"type": "track", "event": "Login Button Clicked"}, "Login Button Clicked", id="Variance's track"
        ),
    ],
)
def test_what_somebody_did(
    receive: Receive, message: dict[str, Any], title: str, request: pytest.FixtureRequest
) -> None:
    """Is an event of theirs, or of the anonymous visitor until they are known."""
    user_id = f"user of {request.node.callspec.id}"
    visitor = f"visitor of {request.node.callspec.id}"
    receive.post({**message, "anonymousId": visitor})
    assert receive.get("/api/contacts", search=visitor)["total"] == 0
    receive.post(
        {"type": "identify", "userId": user_id, "anonymousId": visitor}, {**message, "userId": user_id}
    )

    event = (message["type"], title)
    assert [event, ("identify", ""), event] == receive.did(user_id)
    assert receive.get("/api/contact", id=user_id)["events"] == 2
