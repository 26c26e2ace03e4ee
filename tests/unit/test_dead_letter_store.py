"""Dead letters in the state file: found, counted, asked for, settled, refused again, dropped."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from variance_plugin.errors import StateError
from variance_plugin.events import Event
from variance_plugin.fake_clock import START
from variance_plugin.hooks import Rejection
from variance_plugin.state import DeadLetterStore, Group, LetterFilter, StateFile
from variance_plugin.testing import FakeClock, make_event

ALL = LetterFilter()


class Bench:
    """A store of one plugin's letters; a second passes with each."""

    def __init__(self, path: Path) -> None:
        self.clock = FakeClock()
        self.state = StateFile.open(path, self.clock)
        self.store = DeadLetterStore(self.state, self.clock, "variance")

    def add(self, number: int, reason: str = "no", **fields: Any) -> None:
        """Keep the rejection of an event."""
        status, plugin = fields.pop("status", None), fields.pop("plugin", "variance")
        event = make_event(number=number, **fields)
        store = DeadLetterStore(self.state, self.clock, plugin)
        store.add(Rejection(event=event, reason=reason, status=status, message=b'{"n":%d}' % number))
        self.clock.advance(1)

    def ids(self, which: LetterFilter = ALL) -> list[int]:
        """Of the letters, the oldest first."""
        found = [letter.id for letter in self.store.letters(which, newest_first=False)]
        assert found == self.store.ids(which)
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A store."""
    bench = Bench(tmp_path / "state.db")
    yield bench
    bench.state.close()


def after(seconds: float) -> datetime:
    """A time since the clock's start."""
    return START + timedelta(seconds=seconds)


def test_a_letter_holds_all_that_is_known(bench: Bench) -> None:
    """The event's bytes as they were read, the message, who and where, why, when and how often."""
    event = make_event(number=7, record=b'{"event": "order paid", "n": 1.50}', position="a.jsonl:3")
    rejection = Rejection(
        event=event, reason="HTTP 400: no", status=400, attempts=3, message=b'{"type":"track"}'
    )

    bench.store.add(rejection)

    letter = bench.store.get(1)
    assert letter is not None
    assert (b'{"event": "order paid", "n": 1.50}', b'{"type":"track"}') == (letter.record, letter.message)
    assert ("variance", "order paid", event.uuid, "ada", "a.jsonl:3") == (
        letter.plugin,
        letter.event,
        letter.uuid,
        letter.distinct_id,
        letter.source,
    )
    assert (START, START, "HTTP 400: no", 400, 3) == (
        letter.first_at,
        letter.last.at,
        letter.last.reason,
        letter.last.status,
        letter.last.attempts,
    )
    assert ((), False) == (letter.history, letter.in_replay)


def test_what_is_no_event_is_kept_without_what_it_does_not_have(bench: Bench) -> None:
    """Its bytes, whatever they are."""
    bench.store.add(Rejection(event=Event(event="", properties={}, record=b"\xff\x00 no"), reason="no JSON"))

    letter = bench.store.get(1)
    assert letter is not None
    assert (b"\xff\x00 no", "", None, None, None, None) == (
        letter.record,
        letter.event,
        letter.uuid,
        letter.distinct_id,
        letter.source,
        letter.message,
    )


def test_the_same_rejection_of_the_same_place_stays_one_letter(bench: Bench) -> None:
    """As when a batch is repeated after a crash: its history gets longer."""
    for reason in ("first", "second"):
        bench.add(1, reason, position="a.jsonl:1")
    bench.add(1, "elsewhere", position="b.jsonl:1")
    bench.add(1, "nobody knows where")
    bench.add(1, "nobody knows where")

    found = [
        (letter.last.reason, [refusal.reason for refusal in letter.history])
        for letter in bench.store.letters(ALL, newest_first=False)
    ]
    nowhere: tuple[str, list[str]] = ("nobody knows where", [])
    assert [("second", ["first"]), ("elsewhere", []), nowhere, nowhere] == found


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (ALL, [1, 2, 3, 4]),
        (LetterFilter(ids=[4, 2, 99]), [2, 4]),
        (LetterFilter(ids=[]), []),
        (LetterFilter(plugin="other"), [4]),
        (LetterFilter(reason="ü(1)"), [2]),
        (LetterFilter(reason="%"), []),
        (LetterFilter(status=400), [1, 2]),
        (LetterFilter(event="sign up"), [3]),
        (LetterFilter(distinct_id="grace"), [2]),
        (LetterFilter(since=after(1)), [2, 3, 4]),
        (LetterFilter(until=after(1)), [1]),
        (LetterFilter(since=after(1), until=after(3)), [2, 3]),
        (LetterFilter(status=400, event="order paid", distinct_id="ada"), [1]),
        (LetterFilter(in_replay=True), [3]),
        (LetterFilter(in_replay=False), [1, 2, 4]),
    ],
    ids=[
        "all",
        "ids",
        "no ids",
        "plugin",
        "reason",
        "no pattern",
        "status",
        "event",
        "user",
        "since",
        "until",
        "between",
        "together",
        "in replay",
        "not in replay",
    ],
)
def test_letters_are_found_by_what_is_known_of_them(
    bench: Bench, which: LetterFilter, found: list[int]
) -> None:
    """Everything that is given has to hold; a text of the reason is no pattern."""
    bench.add(1, "HTTP 400: field a", status=400)
    bench.add(2, "HTTP 400: field ü(1)", status=400, distinct_id="grace")
    bench.add(3, "HTTP 422", status=422, name="sign up")
    bench.add(4, "the mapping failed", plugin="other")
    bench.store.begin_replay(LetterFilter(ids=[3]))

    assert (found, len(found)) == (bench.ids(which), bench.store.count(which))


def test_the_newest_come_first_and_a_limit_counts_them(bench: Bench) -> None:
    """As somebody wants them who looks."""
    for number in range(1, 6):
        bench.add(number)

    assert [5, 4] == [letter.id for letter in bench.store.letters(ALL, limit=2)]
    assert [1, 2, 3] == [letter.id for letter in bench.store.letters(ALL, limit=3, newest_first=False)]


def test_any_number_of_letters_of_any_size_is_read_a_part_at_a_time(bench: Bench) -> None:
    """Many small ones, and some that fill a part alone: none is left out or comes twice."""
    with_sizes = [10] * 1_200 + [700_000] * 5 + [10]
    rows = [(b"x" * size,) for size in with_sizes]
    bench.state.write(
        lambda connection: connection.executemany(
            "INSERT INTO dead_letters (plugin, event, reason, attempts, first_at, last_at, history, record) "
            "VALUES (x'', x'', x'', 0, 0, 0, x'5b5d', ?)",
            rows,
        )
    )

    found = [len(letter.record) for letter in bench.store.letters(ALL, newest_first=False)]

    assert with_sizes == found
    assert with_sizes == [len(letter.record) for letter in bench.store.letters(ALL)][::-1]


def test_they_are_counted_by_what_they_have_in_common(bench: Bench) -> None:
    """The most first; what is not known counts as such."""
    bench.add(1, "HTTP 400", status=400)
    bench.add(2, "HTTP 400", status=400, name="sign up")
    bench.add(3, "the mapping failed", plugin="other")

    counts = {by: bench.store.counts(by, ALL) for by in Group}

    assert {
        Group.REASON: [("HTTP 400", 2), ("the mapping failed", 1)],
        Group.STATUS: [(400, 2), (None, 1)],
        Group.EVENT: [("order paid", 2), ("sign up", 1)],
        Group.PLUGIN: [("variance", 2), ("other", 1)],
    } == counts
    assert {("variance", 400): 2, ("other", None): 1} == bench.store.tally()


def test_a_replay_that_succeeds_ends_the_letter(bench: Bench) -> None:
    """Only while it is asked for: what nobody asked for is not settled."""
    bench.add(1)
    bench.add(2)

    assert 1 == bench.store.begin_replay(LetterFilter(ids=[1]))
    assert [1] == [letter.id for letter in bench.store.in_replay("variance")]
    assert 1 == bench.store.settle([1, 2])
    assert [2] == bench.ids()


def test_a_replay_that_is_refused_keeps_one_letter_with_a_longer_history(bench: Bench) -> None:
    """It is not in replay any more: nothing repeats by itself."""
    bench.add(1, "first", status=400)
    for reason in ("second", "third"):
        bench.store.begin_replay(ALL)
        again = Rejection(
            event=make_event(number=1), reason=reason, status=422, attempts=2, message=b'{"n":"new"}'
        )
        assert bench.store.refused_again(1, again)
        assert 0 == bench.store.settle([1])
        bench.clock.advance(1)

    (letter,) = bench.store.letters(ALL)
    assert [("first", 400, after(0)), ("second", 422, after(1))] == [
        (refusal.reason, refusal.status, refusal.at) for refusal in letter.history
    ]
    assert ("third", after(2), START, b'{"n":"new"}', False) == (
        letter.last.reason,
        letter.last.at,
        letter.first_at,
        letter.message,
        letter.in_replay,
    )


def test_a_refusal_of_a_letter_that_was_dropped_meanwhile_changes_nothing(bench: Bench) -> None:
    """Whoever dropped it did not want it any more."""
    bench.add(1)
    bench.store.begin_replay(ALL)
    bench.store.drop(ALL)

    assert not bench.store.refused_again(1, Rejection(event=make_event(), reason="again"))
    assert [] == bench.ids()


def test_a_history_has_an_end(bench: Bench) -> None:
    """The latest hundred refusals, of an event that is replayed every minute."""
    for number in range(150):
        bench.add(1, str(number), position="a.jsonl:1")

    (letter,) = bench.store.letters(ALL)
    assert [str(number) for number in range(49, 149)] == [refusal.reason for refusal in letter.history]


def test_asking_twice_is_asking_once_and_it_can_be_taken_back(bench: Bench) -> None:
    """What was sent meanwhile is not asked for again by that."""
    for number in (1, 2, 3):
        bench.add(number)

    asked = [bench.store.begin_replay(LetterFilter(ids=[1, 2])), bench.store.begin_replay(ALL)]
    bench.store.settle([1])
    taken_back = [bench.store.end_replay(ALL), bench.store.end_replay(ALL)]

    assert ([2, 1], [2, 0]) == (asked, taken_back)
    assert [2, 3] == bench.ids(LetterFilter(in_replay=False))


def test_how_a_replay_stands_is_told_of_one_moment(bench: Bench) -> None:
    """One is delivered, one refused again, one taken back, one waits, and one nobody asked for."""
    for number in range(1, 6):
        bench.add(number)
    asked_at = bench.clock.now()
    bench.store.begin_replay(LetterFilter(ids=[1, 2, 3, 4]))
    bench.store.settle([1])
    bench.store.refused_again(2, Rejection(event=make_event(), reason="again"))
    bench.store.end_replay(LetterFilter(ids=[3]))

    assert (1, 1, 1) == bench.store.standing([1, 2, 3, 4], asked_at)


def test_each_plugin_has_its_own_replay_the_oldest_first(bench: Bench) -> None:
    """Whatever the order in which they were asked for."""
    bench.add(1)
    bench.add(2, plugin="other")
    bench.add(3)
    bench.store.begin_replay(LetterFilter(ids=[3]))
    bench.store.begin_replay(ALL)

    assert ([1, 3], [2]) == (
        [letter.id for letter in bench.store.in_replay("variance")],
        [letter.id for letter in bench.store.in_replay("other")],
    )
    assert {"variance": 2, "other": 1} == bench.store.waiting()


def test_an_export_takes_nothing_away(bench: Bench) -> None:
    """A line of JSON each, the oldest first."""
    bench.add(1, "first", record=b'{"event":\n"order paid"}')
    bench.add(2, "second")

    lines = [json.loads(line) for line in bench.store.export(ALL)]

    assert [("first", {"event": "order paid"}), ("second", json.loads(bench_record(bench, 2)))] == [
        (line["reason"], line["event"]) for line in lines
    ]
    assert [1, 2] == bench.ids()


def bench_record(bench: Bench, number: int) -> bytes:
    """What is kept of an event."""
    letter = bench.store.get(number)
    assert letter is not None
    return letter.record


def test_a_dropped_letter_is_gone_and_its_number_is_not_given_again(bench: Bench) -> None:
    """So that nobody settles one letter and means another."""
    bench.add(1)
    bench.add(2)

    assert 1 == bench.store.drop(LetterFilter(ids=[2, 3]))
    bench.add(3)

    assert [1, 3] == bench.ids()
    assert bench.store.get(2) is None


def test_another_process_can_look_ask_and_drop(bench: Bench, tmp_path: Path) -> None:
    """Beside the runner that owns the state."""
    bench.add(1)
    bench.add(2)
    state = StateFile.open(tmp_path / "state.db", bench.clock, owner=False)
    command = DeadLetterStore(state, bench.clock)

    command.begin_replay(LetterFilter(ids=[1]))
    command.drop(LetterFilter(ids=[2]))
    state.close()

    assert [1] == [letter.id for letter in bench.store.in_replay("variance")]


def test_a_full_disk_costs_neither_a_letter_nor_a_replay(bench: Bench) -> None:
    """What cannot be kept now is told; what is there stays as it is."""
    bench.add(1)
    bench.store.begin_replay(ALL)
    (pages,) = bench.state.read(lambda connection: connection.execute("PRAGMA page_count").fetchone())
    bench.state.write(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone())

    with pytest.raises(StateError, match="make room on its disk"):
        bench.add(2, properties={"text": "x" * 50_000})
    with pytest.raises(StateError, match="make room on its disk"):
        bench.store.refused_again(1, Rejection(event=make_event(), reason="again", message=b"x" * 50_000))

    assert ([1], True) == (bench.ids(), bench.store.in_replay("variance")[0].in_replay)
