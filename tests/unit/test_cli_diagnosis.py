"""What an answer to the test message tells about the settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.cli.diagnosis import diagnose
from variance_plugin.delivery import Answer, DeliverySettings, Failure

SETTINGS = DeliverySettings(webhook_url="http://hooks.example:8080/c/1?token=hush")


@pytest.mark.parametrize(
    ("answer", "found", "advice"),
    [
        pytest.param(Answer(failure=Failure.UNRESOLVED), "no host named hooks.example", "DNS", id="no name"),
        pytest.param(
            Answer(failure=Failure.NETWORK, detail="connection refused"),
            "no connection to hooks.example:8080 (connection refused)",
            "whether the receiver runs",
            id="refused",
        ),
        pytest.param(
            Answer(failure=Failure.TIMEOUT, detail="no answer in time"),
            "did not answer in time",
            "raise readTimeoutSeconds",
            id="time-out",
        ),
        pytest.param(
            Answer(failure=Failure.TLS, detail="certificate refused: self-signed certificate"),
            "no secure connection to hooks.example:8080 (certificate refused: self-signed certificate)",
            "caCertificate",
            id="certificate",
        ),
        pytest.param(
            Answer(failure=Failure.CERTIFICATE_DATE),
            "no secure connection",
            "renew",
            id="certificate is over",
        ),
        pytest.param(
            Answer(failure=Failure.CERTIFICATE_NAME), "no secure connection", "by a name", id="another's"
        ),
        pytest.param(Answer(failure=Failure.NO_TLS), "no secure connection", "http://", id="no TLS"),
        pytest.param(Answer(status=200, body=b" <html>Log in"), "by a web page", "are lost", id="web page"),
        pytest.param(Answer(failure=Failure.PROXY), "The proxy", "proxyUrl", id="proxy"),
        pytest.param(Answer(failure=Failure.ADDRESS), "No request", "webhookUrl", id="address"),
        pytest.param(
            Answer(failure=Failure.FORBIDDEN, detail="h leads to ::1; allow it by allowedHosts=h"),
            "Nothing is sent to hooks.example:8080 (h leads to ::1; allow it by allowedHosts=h)",
            "allow it",
            id="not allowed",
        ),
        pytest.param(Answer(failure=Failure.BROKEN_ANSWER), "is no HTTP", "https://", id="no HTTP"),
        pytest.param(Answer(status=401), "answered HTTP 401", "expects another secret", id="401"),
        pytest.param(Answer(status=403), "answered HTTP 403", "expects another secret", id="403"),
        pytest.param(Answer(status=404), "answered HTTP 404", "the host is right", id="404"),
        pytest.param(Answer(status=405), "answered HTTP 405", "takes no POST", id="405"),
        pytest.param(Answer(status=400, body=b"no batch!"), "HTTP 400: no batch!", "payloadFormat", id="400"),
        pytest.param(Answer(status=413), "HTTP 413", "too large", id="413"),
        pytest.param(Answer(status=429), "HTTP 429", "busy", id="429"),
        pytest.param(Answer(status=502), "HTTP 502", "a fault of its own", id="502"),
        pytest.param(
            Answer(status=308, location="https://hooks.example/c/1"),
            "redirect to https://hooks.example/c/1",
            "begin webhookUrl with https://",
            id="to https",
        ),
        pytest.param(
            Answer(status=302, location="https://login.example/"),
            "HTTP 302",
            "leads on to login.example",
            id="to another host",
        ),
        pytest.param(
            Answer(status=301, location="/c/2"),
            "HTTP 301",
            "to another path of the same host",
            id="to a path",
        ),
        pytest.param(
            Answer(status=301, location="http://[broken"), "HTTP 301", "not followed", id="to nowhere"
        ),
        pytest.param(
            Answer(status=200, body=b'[{"status": 400, "error": "no userId"}]'),
            "the message in it was refused: no userId",
            "address and secret are right",
            id="refused within a batch",
        ),
    ],
)
def test_an_answer_is_explained_with_what_to_do(answer: Answer, found: str, advice: str) -> None:
    """In words for who set it up, and without the query of the address."""
    diagnosis = diagnose(answer, SETTINGS)

    assert found in diagnosis.found
    assert advice in diagnosis.advice
    assert not diagnosis.well
    assert "hush" not in diagnosis.found + diagnosis.advice


@pytest.mark.parametrize("answer", [Answer(status=200), Answer(status=202, body=b'{"ok":true}')])
def test_a_message_that_was_taken_needs_no_advice(answer: Answer) -> None:
    """Whatever else the answer holds."""
    assert diagnose(answer, SETTINGS).well


@given(st.integers(100, 599))
def test_every_status_has_its_words(status: int) -> None:
    """Also those that nobody has thought of; only 2xx is well."""
    diagnosis = diagnose(Answer(status=status), SETTINGS)

    assert diagnosis.well == (200 <= status < 300)
    assert diagnosis.found


@pytest.mark.parametrize("failure", list(Failure))
def test_every_failure_has_its_words(failure: Failure) -> None:
    """None of them is well."""
    assert not diagnose(Answer(failure=failure), SETTINGS).well
