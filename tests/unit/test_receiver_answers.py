"""The script gives each post its answer."""

import pytest

from variance_plugin.receiver import Answer, Headers, Post, WireFault
from variance_plugin.receiver.answers import TAKEN, Script
from variance_plugin.receiver.refusal import STATUSES, Refusal, Refused
from variance_plugin.receiver.wire import render

POST = Post(method="POST", path="/", headers=Headers(()), body=b"[]", connection_id=1)


def test_a_list_is_used_up_in_order_and_then_posts_are_taken() -> None:
    """After the last answer comes 200, with a body that says so."""
    script = Script([Answer(status=503), Answer(status=400)])

    assert [503, 400, 200, 200] == [script.answer(POST).status for _ in range(4)]
    assert TAKEN.body == b'{"success":true}'


def test_a_function_is_asked_for_every_post() -> None:
    """It sees the post."""
    script = Script(lambda post: Answer(status=int(post.body)))

    assert [201, 404] == [
        script.answer(Post(method="POST", path="/", headers=Headers(()), body=body, connection_id=1)).status
        for body in (b"201", b"404")
    ]


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        pytest.param([True, True], Answer(), id="200"),
        pytest.param([True, True], Answer(status=204), id="204"),
        pytest.param([False, False], Answer(status=302), id="302"),
        pytest.param([False, False], Answer(status=503), id="503"),
        pytest.param([False, False], Answer(fault=WireFault.RESET), id="reset"),
        pytest.param([False, False], Answer(fault=WireFault.CUT_SHORT), id="cut short"),
        pytest.param([True, True], Answer(fault=WireFault.DRIP), id="dripped"),
        pytest.param([False, False], Answer(status=500, fault=WireFault.DRIP), id="dripped 500"),
        pytest.param([True, True], Answer(fault=WireFault.CLOSE_AFTER), id="closed after it"),
        pytest.param([True, True], Answer(fault=WireFault.RESET, applied=True), id="answer lost"),
        pytest.param([False, False], Answer(applied=False), id="a lie"),
        pytest.param([False, True], Answer(applied={1}), id="one of them"),
    ],
)
def test_messages_count_when_the_client_can_read_that_they_do(expected: list[bool], answer: Answer) -> None:
    """Unless the answer says otherwise."""
    assert expected == [answer.applies_to(position) for position in (0, 1)]


@pytest.mark.parametrize(
    ("expected", "answer", "close"),
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}",
            Answer(body=b"{}"),
            False,
            id="body",
        ),
        pytest.param(
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 7"
            b"\r\n\r\n",
            Answer(status=503, headers={"Retry-After": "7"}),
            True,
            id="closing",
        ),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", Answer(status=204, body=b"x"), False, id="no body"),
        pytest.param(
            b"HTTP/1.1 799 \r\nContent-Length: 0\r\n\r\n", Answer(status=799), False, id="unheard of"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\nContent-Type: text/plain\r\n\r\nx",
            Answer(body=b"x", headers={"Content-Type": "text/plain"}, fault=WireFault.CUT_SHORT),
            False,
            id="cut short",
        ),
    ],
)
def test_an_answer_is_put_into_bytes(expected: bytes, answer: Answer, *, close: bool) -> None:
    """With the headers that HTTP/1.1 wants, and the answer's own above them."""
    assert expected == render(answer, close=close)


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_has_an_answer_that_says_so(refusal: Refusal) -> None:
    """None is without a status of its own, and none of them takes a message."""
    answer = Refused(refusal, "this and that").answer()

    assert STATUSES[refusal] == answer.status
    assert f'{{"success":false,"error":"{refusal}: this and that"}}'.encode() == answer.body
    assert not answer.applies_to(0)
