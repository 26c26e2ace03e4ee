"""What an answer means: every row of the table, and that no answer falls between the rows."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from variance_plugin.delivery import Answer, Failure, Outcome, classify
from variance_plugin.delivery.outcome import results_of

TABLE = {
    Outcome.DELIVERED: [*range(200, 300)],
    Outcome.RETRY: [408, 425, 429, *range(100, 200), 500, *range(502, 1000)],
    Outcome.TOO_LARGE: [413],
    Outcome.SUSPECT: [
        *(400, 402, 406, 409, 411, 412, *range(414, 425), 426, 427, 428),
        *range(430, 500),
    ],
    Outcome.ENDPOINT_AT_FAULT: [401, 403, 404, 405, 407, 410, 501, *range(300, 400)],
}


@pytest.mark.parametrize("outcome", TABLE, ids=str)
def test_a_status_means_what_the_table_says(outcome: Outcome) -> None:
    """Delivered, again, smaller, one of them, or nothing to do with the messages."""
    assert dict.fromkeys(TABLE[outcome], outcome) == {
        status: classify(Answer(status=status)) for status in TABLE[outcome]
    }


def test_the_table_has_each_status_once() -> None:
    """Every status that HTTP can carry stands in exactly one row."""
    assert [*range(100, 1000)] == sorted(status for statuses in TABLE.values() for status in statuses)


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (Failure.NETWORK, Outcome.RETRY),
        (Failure.TIMEOUT, Outcome.RETRY),
        (Failure.BROKEN_ANSWER, Outcome.RETRY),
        (Failure.TLS, Outcome.ENDPOINT_AT_FAULT),
        (Failure.CERTIFICATE_DATE, Outcome.ENDPOINT_AT_FAULT),
        (Failure.CERTIFICATE_NAME, Outcome.ENDPOINT_AT_FAULT),
        (Failure.NO_TLS, Outcome.ENDPOINT_AT_FAULT),
        (Failure.ADDRESS, Outcome.ENDPOINT_AT_FAULT),
        (Failure.FORBIDDEN, Outcome.ENDPOINT_AT_FAULT),
        (Failure.PROXY, Outcome.ENDPOINT_AT_FAULT),
    ],
    ids=str,
)
@pytest.mark.parametrize("answered_before", [True, False], ids=["later", "at the start"])
def test_a_failure_means_what_the_table_says(
    failure: Failure, outcome: Outcome, *, answered_before: bool
) -> None:
    """Trouble on the way is tried again; what only a person can change is the endpoint's fault."""
    assert outcome is classify(Answer(failure=failure), answered_before=answered_before)


def test_a_name_that_does_not_resolve_is_a_wrong_address_only_at_the_start() -> None:
    """Once the destination has answered, it is passing trouble with the network."""
    unresolved = Answer(failure=Failure.UNRESOLVED)

    assert Outcome.ENDPOINT_AT_FAULT is classify(unresolved, answered_before=False)
    assert Outcome.RETRY is classify(unresolved, answered_before=True)


@given(
    answer=st.builds(Answer, status=st.integers())
    | st.builds(Answer, failure=st.sampled_from(Failure))
    | st.just(Answer()),
    answered_before=st.booleans(),
)
def test_every_answer_has_an_outcome(answer: Answer, *, answered_before: bool) -> None:
    """Also a status beyond HTTP's own, and an answer that says nothing at all."""
    outcome = classify(answer, answered_before=answered_before)

    assert outcome in Outcome
    assert (outcome is Outcome.DELIVERED) == (answer.status in range(200, 300))


# --- in words -----------------------------------------------------------------------------------


def test_a_log_line_holds_nothing_of_the_answers_body() -> None:
    """The body may quote what was sent; only a dead letter's reason has its beginning."""
    answer = Answer(status=400, body=b"no such user: ada@acme.example")

    assert "HTTP 400" == answer.describe()
    assert "HTTP 400: no such user: ada@acme.example" == answer.reason()


def test_a_redirect_is_named_with_its_target() -> None:
    """So that the address can be put right."""
    answer = Answer(status=308, location="https://other.example/hook")

    assert (
        "HTTP 308 (redirect to https://other.example/hook; redirects are not followed)" == answer.describe()
    )


@given(
    body=st.binary(max_size=2_000), location=st.none() | st.text(max_size=2_000), status=st.integers(100, 999)
)
@example(body=b"\x1b[2J\r\nHTTP/1.1 200 OK", location="\x1b]0;title\x07", status=302)
def test_a_reason_is_one_short_printable_line(body: bytes, location: str | None, status: int) -> None:
    """Whatever the endpoint sends: no line breaks, no control of the terminal, less than 1 KB."""
    reason = Answer(status=status, body=body, location=location).reason()

    assert reason.isprintable()
    assert len(reason) <= 1024


# --- message by message -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        ({"status": 200}, Outcome.DELIVERED),
        ({"status": 201, "error": None}, Outcome.DELIVERED),
        ({"success": True}, Outcome.DELIVERED),
        ({"ok": True}, Outcome.DELIVERED),
        ({}, Outcome.DELIVERED),
        ({"messageId": "1", "message": "accepted"}, Outcome.DELIVERED),
        ({"status": 400}, Outcome.SUSPECT),
        ({"code": 422}, Outcome.SUSPECT),
        ({"statusCode": 404}, Outcome.SUSPECT),
        ({"status": 413}, Outcome.TOO_LARGE),
        ({"status": 429}, Outcome.RETRY),
        ({"status": 503}, Outcome.RETRY),
        ({"success": False}, Outcome.SUSPECT),
        ({"ok": False}, Outcome.SUSPECT),
        ({"error": "no such type"}, Outcome.SUSPECT),
        ({"status": True}, Outcome.DELIVERED),
        ({"status": "stored"}, Outcome.DELIVERED),
    ],
    ids=str,
)
def test_a_result_decides_about_its_message(entry: dict[str, Any], outcome: Outcome) -> None:
    """By a status that is no 2xx, by `success` or `ok` being false, or by an error."""
    body = json.dumps([{"status": 200}, entry]).encode()

    first, second = results_of(Answer(status=200, body=body), 2)

    assert Outcome.DELIVERED is first.outcome
    assert outcome is second.outcome


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b'{"success":true}',
        b"[]",
        b'[{"status":400}]',
        b"[1,2]",
        b'[{"status":400},null]',
        b'[{"status":400},{"status":',
        b"[" * 100_000,
        b"\xff[",
    ],
    ids=["empty", "text", "object", "none", "one", "numbers", "null", "cut", "deep", "no UTF-8"],
)
def test_any_other_body_of_a_2xx_says_nothing_about_single_messages(body: bytes) -> None:
    """Unless it is a list of as many objects as there were messages, the batch was taken as a whole."""
    assert () == results_of(Answer(status=200, body=body), 2)


@given(
    entries=st.lists(
        st.dictionaries(
            st.sampled_from(["status", "code", "statusCode", "success", "ok", "error", "message"]),
            st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
        ),
        min_size=1,
    )
)
def test_any_list_of_objects_gives_one_usable_result_each(entries: list[dict[str, Any]]) -> None:
    """A result never blames the endpoint: that took the batch."""
    results = results_of(Answer(status=200, body=json.dumps(entries).encode()), len(entries))

    assert len(entries) == len(results)
    assert Outcome.ENDPOINT_AT_FAULT not in {result.outcome for result in results}
    assert all(result.reason.isprintable() and len(result.reason) <= 400 for result in results)
