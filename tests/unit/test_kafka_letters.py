"""Dead letters that Kafka does not take: each is kept, and the log tells of them now and then."""

from collections.abc import Sequence
from typing import cast

import pytest

from variance_plugin.hooks import Rejection
from variance_plugin.sources.kafka.letters import TopicLetters
from variance_plugin.sources.kafka.producing import Outgoing, TopicWriter
from variance_plugin.testing import FakeClock, InMemoryDeadLetters, make_event


class Narrow:
    """A topic for which everything is too large."""

    def write(self, records: Sequence[Outgoing]) -> list[int]:
        """See `TopicWriter`."""
        return list(range(len(records)))


def test_letters_that_are_too_large_are_all_kept_and_told_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A run of them would fill the log otherwise."""
    clock, kept = FakeClock(), InMemoryDeadLetters()
    letters = TopicLetters(cast("TopicWriter", Narrow()), "variance", kept, clock)
    rejection = Rejection(event=make_event(), reason="refused")

    for _ in range(100):
        letters.add(rejection)
    clock.advance(60)
    letters.add(rejection)

    assert 101 == len(kept.rejections)
    told = "a dead letter is too large for its topic, and goes to the state file"
    assert [told, f"{told} (and 99 more since the last such line)"] == caplog.messages
