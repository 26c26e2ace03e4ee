"""Several connections in one local Variance, as several sources have them in the real one."""

import pytest
import requests

from variance_plugin.errors import UsageError
from variance_plugin.receiver import Answer, Connection, Credentials, LocalVariance, Matching, Way, WireFault
from variance_plugin.receiver.access import signature

SECONDS = 10.0  # nothing here takes that long; what does has failed

WEBSITE = Connection(
    name="website",
    credentials=Credentials(authorization="Bearer website"),
    matching=Matching(way=Way.EMAIL),
)
BACKEND = Connection(
    name="back end",
    credentials=Credentials(secret="abc123"),
    matching=Matching(way=Way.TRAITS, id_trait="org_id", name_trait="org_name"),
)
BODY = (
    b'{"batch":[{"type":"identify","userId":"u-1",'
    b'"traits":{"email":"ada@acme.example","org_id":"1","org_name":"Acme"}}]}'
)


def post(url: str, **headers: str) -> int:
    """Post the body; the status of the answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with requests.post(url, BODY, headers=named, timeout=SECONDS) as answer:
        return answer.status_code


def test_each_has_its_address_its_credentials_and_its_way_to_accounts() -> None:
    """The same message makes another account by the other connection."""
    with LocalVariance(connections=[WEBSITE, BACKEND]) as variance:
        website, backend = variance.url_of("website"), variance.url_of("back end")
        signed = signature("abc123", BODY)
        assert [200, 401, 200, 401] == [
            post(website, Authorization="Bearer website"),
            post(website, X_Signature=signed),
            post(backend, X_Signature=signed),
            post(backend, Authorization="Bearer website"),
        ]

        assert ["acme.example", "1"] == [one.account_id for one in variance.summary().accounts]
        assert {"wrong or missing Authorization": 1, "wrong or missing X-Signature": 1} == (
            variance.summary().rejected
        )


def test_where_there_is_no_connection_is_no_webhook() -> None:
    """404, with the addresses that there are."""
    with LocalVariance(connections=[WEBSITE]) as variance:
        with requests.post(f"{variance.origin}/webhook/other", BODY, timeout=SECONDS) as answer:
            assert answer.status_code == 404
            assert "post to one of /webhook/website" in answer.json()["error"]

        assert variance.summary().rejected == {"no such connection": 1}


def test_two_of_one_name_are_refused() -> None:
    """They would share an address."""
    with pytest.raises(UsageError, match="two connections have the same name"):
        LocalVariance(connections=[WEBSITE, WEBSITE])


def test_credentials_need_not_be_enforced() -> None:
    """As Variance's switch of that name has it: what comes without them is taken."""
    lenient = Connection(credentials=Credentials(authorization="Bearer demo", secret="x"), enforced=False)
    with LocalVariance(connections=[lenient]) as variance:
        assert post(variance.url) == 200

        assert ["u-1"] == [contact.user_id for contact in variance.summary().contacts]
        assert variance.summary().rejected == {}


def test_faults_come_before_the_script_as_often_as_asked() -> None:
    """One after the other; then the script goes on where it was."""
    with LocalVariance(answers=[Answer(status=201)]) as variance:
        variance.disturb(Answer(status=503), times=2)
        variance.disturb(Answer(status=429), times=1)
        assert [503, 503, 429, 201, 200] == [post(variance.url) for _ in range(5)]

        variance.disturb(Answer(fault=WireFault.RESET))
        for _ in range(2):
            with pytest.raises(requests.ConnectionError):
                post(variance.url)
        variance.calm()
        assert post(variance.url) == 200
