"""What everything that keeps rejected events has to do: the state file, the file, the one for tests."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from variance_plugin.hooks import Rejection
from variance_plugin.runtime import DeadLetterFile, DeadLetters
from variance_plugin.state import DeadLetterStore, LetterFilter, StateFile
from variance_plugin.testing import FakeClock, InMemoryDeadLetters, make_event


class Kept(Protocol):
    """Dead letters, and a way to read back what they keep: of each its reason, status and event's uuid."""

    dead_letters: DeadLetters

    def read(self) -> list[tuple[str, int | None, Any]]:
        """What is kept, in order."""

    def close(self) -> None:
        """Close what keeps them."""


class InFile:
    """The file, read as anyone would read it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "dead-letters.jsonl"
        self.dead_letters = DeadLetterFile(self.path, FakeClock())

    def read(self) -> list[tuple[str, int | None, Any]]:
        """See `Kept`."""
        letters = [json.loads(line) for line in self.path.read_bytes().split(b"\n")[:-1]]
        return [(letter["reason"], letter.get("status"), letter["event"]["uuid"]) for letter in letters]

    def close(self) -> None:
        """See `Kept`."""
        self.dead_letters.close()


class InState:
    """The state file, read by another process than the one that keeps them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state.db"
        self._clock = FakeClock()
        self._state = StateFile.open(self.path, self._clock)
        self.dead_letters = DeadLetterStore(self._state, self._clock, "variance")

    def read(self) -> list[tuple[str, int | None, Any]]:
        """See `Kept`."""
        state = StateFile.open(self.path, self._clock, owner=False)
        letters = list(DeadLetterStore(state, self._clock).letters(LetterFilter(), newest_first=False))
        state.close()
        return [(letter.last.reason, letter.last.status, letter.uuid) for letter in letters]

    def close(self) -> None:
        """See `Kept`."""
        self._state.close()


class InMemory:
    """The list."""

    def __init__(self, _folder: Path) -> None:
        self.dead_letters = InMemoryDeadLetters()

    def read(self) -> list[tuple[str, int | None, Any]]:
        """See `Kept`."""
        return [(kept.reason, kept.status, kept.event.uuid) for kept in self.dead_letters.rejections]

    def close(self) -> None:
        """See `Kept`."""


@pytest.fixture(params=[InState, InFile, InMemory], ids=["state", "file", "in memory"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """Each implementation in turn."""
    made: Kept = request.param(tmp_path)
    yield made
    made.close()


def test_what_was_added_is_kept_when_the_call_returns(kept: Kept) -> None:
    """Reason, status and event can be read at once, before anything is closed."""
    event = make_event(number=7)

    kept.dead_letters.add(Rejection(event=event, reason="HTTP 400: no such field", status=400, attempts=3))

    assert [("HTTP 400: no such field", 400, event.uuid)] == kept.read()


def test_letters_are_kept_in_order(kept: Kept) -> None:
    """The first that was rejected comes first."""
    events = [make_event(number=number) for number in range(20)]

    for event in events:
        kept.dead_letters.add(Rejection(event=event, reason="no"))

    assert [("no", None, event.uuid) for event in events] == kept.read()


def test_what_was_kept_stays_after_closing(kept: Kept) -> None:
    """Closing lets go of the file, not of the letters; a second time does nothing."""
    event = make_event()
    kept.dead_letters.add(Rejection(event=event, reason="no"))

    kept.dead_letters.close()
    kept.dead_letters.close()

    assert [("no", None, event.uuid)] == kept.read()


@pytest.mark.parametrize(
    "reason",
    ["", "two\nlines", "\ud83d half an emoji", "null \x00 and \u2028", "ü" * 1024],
    ids=["empty", "line break", "lone surrogate", "control characters", "long"],
)
def test_any_reason_can_be_kept(kept: Kept, reason: str) -> None:
    """Whatever the destination answered does not cost the letter, nor its neighbours."""
    kept.dead_letters.add(Rejection(event=make_event(), reason=reason))
    kept.dead_letters.add(Rejection(event=make_event(), reason="next"))

    assert [reason, "next"] == [letter[0] for letter in kept.read()]


def test_threads_may_add_at_the_same_time(kept: Kept) -> None:
    """Eight threads lose nothing and tear no letter apart."""

    def add(first: int) -> None:
        for number in range(first, first + 50):
            event = make_event(number=number, properties={"text": "x" * 5_000})
            kept.dead_letters.add(Rejection(event=event, reason=str(number)))

    threads = [threading.Thread(target=add, args=[1_000 * lane]) for lane in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    expected = [1_000 * lane + number for lane in range(8) for number in range(50)]
    assert expected == sorted(int(letter[0]) for letter in kept.read())
