"""A deliverer of numbered messages."""

from collections.abc import Callable, Iterable
from typing import Any

from variance_plugin.delivery import Answer, Attempt, Deliverer, DeliverySettings, Report, Request
from variance_plugin.testing import FakeClock, ScriptedTransport, messages_in

OK = Answer(status=200)


class Bench:
    """A deliverer on a scripted transport and a fake clock."""

    def __init__(self, answers: Iterable[Answer] | Callable[[Request], Answer] = (), **settings: Any) -> None:
        self.clock = FakeClock()
        self.transport = ScriptedTransport(answers)
        self.attempts: list[Attempt] = []
        self.deliverer = Deliverer(
            DeliverySettings(webhook_url="https://variance.example/hook", **settings),
            transport=self.transport,
            clock=self.clock,
            on_attempt=self.attempts.append,
        )

    def deliver(self, numbers: Iterable[int]) -> Report:
        """Deliver messages with these numbers."""
        return self.deliverer.deliver([b'{"n":%d}' % number for number in numbers])

    @property
    def posts(self) -> list[list[int]]:
        """The numbers in each request so far."""
        return [numbers_in(request) for request in self.transport.requests]


def numbers_in(request: Request) -> list[int]:
    """The numbers of its messages."""
    return [message["n"] for message in messages_in(request)]
