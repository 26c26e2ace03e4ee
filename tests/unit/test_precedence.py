"""Requests go first, and a backlog is worked through all the same."""

import threading

from variance_plugin.sources.http.precedence import Precedence
from variance_plugin.testing import FakeClock


def test_who_gives_way_waits_for_the_answer() -> None:
    """It goes on as soon as no request is under way any more."""
    precedence = Precedence(FakeClock(), way_seconds=50)
    order: list[str] = []

    def work() -> None:
        precedence.give_way()
        order.append("went on")

    working = threading.Thread(target=work)
    with precedence:
        with precedence:
            working.start()
        order.append("all are answered")
    working.join(50)

    assert ["all are answered", "went on"] == order


def test_requests_without_end_leave_a_turn() -> None:
    """However many are under way: else the backlog would only grow."""
    precedence = Precedence(FakeClock(), way_seconds=0.001)

    with precedence:
        working = threading.Thread(target=precedence.give_way)
        working.start()
        working.join(25)

        assert not working.is_alive()


def test_nobody_waits_for_nothing() -> None:
    """Between requests it costs next to nothing."""
    precedence = Precedence(FakeClock(), way_seconds=50)
    with precedence:
        pass

    working = threading.Thread(target=precedence.give_way)
    working.start()
    working.join(25)

    assert not working.is_alive()
