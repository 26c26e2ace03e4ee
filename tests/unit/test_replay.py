"""Dead letters that are sent once more: what is delivered goes, what is refused stays, and nothing loops."""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from variance_plugin.errors import RetryError, StateError, UsageError
from variance_plugin.events import Event
from variance_plugin.hooks import PluginMeta, Rejection
from variance_plugin.manifest import Manifest
from variance_plugin.runtime import Host, LoadedPlugin, Shared, hosted
from variance_plugin.runtime.replay import Replayed, Replays
from variance_plugin.state import DeadLetterStore, LetterFilter, StateFile
from variance_plugin.testing import FakeClock, InMemoryDeadLetters, make_event

ALL = LetterFilter()
RECORDS = ""
Export = Callable[[Sequence[Event], PluginMeta], None]


class Recorder:
    """An exporter that notes what it is given, and then does what the test wants."""

    def __init__(self, export: Export = lambda _events, _meta: None) -> None:
        self._export = export
        self.calls: list[list[str]] = []
        self.metas: list[Any] = []

    def export_events(self, events: Sequence[Event], meta: PluginMeta) -> None:
        """See `Plugin`."""
        self.calls.append([event.event for event in events])
        self.metas.append(meta)
        self._export(events, meta)


class Shouting:
    """A chain."""

    def process_event(self, event: Event, _meta: PluginMeta) -> Event | None:
        """Change the name, and drop what is called `secret`."""
        if event.event == "secret":
            return None
        event.event = event.event.upper()
        return event


class Bench:
    """A host on a real state file, with a fake clock."""

    def __init__(self, folder: Path, *, on_wait: Callable[[float], None] | None = None) -> None:
        self.clock = FakeClock(on_wait=on_wait)
        self.state = StateFile.open(folder / "state.db", self.clock)
        self.letters = DeadLetterStore(self.state, self.clock)
        self.new_letters = InMemoryDeadLetters()

    def keep(self, name: str, plugin: str = "variance", **fields: Any) -> None:
        """A letter whose event has that name."""
        event = make_event(name, record=b'{"event":"%s","distinct_id":"ada"}' % name.encode(), **fields)
        DeadLetterStore(self.state, self.clock, plugin).add(Rejection(event=event, reason="first"))

    def host(self, *plugins: object, letters: DeadLetterStore | None = None, **named: object) -> Host:
        """With these plugins, by name."""
        logger = logging.getLogger("host")
        shared = Shared.in_memory(self.clock, dead_letters=self.new_letters, logger=logger)
        made = [
            hosted(LoadedPlugin.of(plugin, Manifest(name=name)), {}, shared)
            for name, plugin in (*((f"chain {n}", one) for n, one in enumerate(plugins)), *named.items())
        ]
        self.replays = Replays(letters or self.letters, records=RECORDS, clock=self.clock, logger=logger)
        return Host(
            made,
            clock=self.clock,
            calls=shared.calls,
            reject=lambda _rejection: None,
            replays=self.replays,
        )

    def replay(self, *plugins: object, letters: DeadLetterStore | None = None, **named: object) -> Host:
        """Ask for all letters, and run the host until none waits."""
        self.letters.begin_replay(ALL)
        host = self.host(*plugins, letters=letters, **named)
        host.start()
        assert host.finish()
        assert host.failure is None
        return host

    @property
    def kept(self) -> list[tuple[str, str, int, bool]]:
        """Of each letter its event, its latest reason, how many came before, and whether it is in replay."""
        found = self.letters.letters(ALL, newest_first=False)
        return [(one.event, one.last.reason, len(one.history), one.in_replay) for one in found]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A host on a state file."""
    bench = Bench(tmp_path)
    yield bench
    bench.state.close()


def refusing(*names: str) -> Export:
    """An exporter that rejects events of these names, and takes the others."""

    def export(events: Sequence[Event], meta: PluginMeta) -> None:
        for event in events:
            if event.event in names:
                meta.reject(Rejection(event=event, reason="again", status=400))

    return export


def test_what_is_delivered_is_no_letter_any_more(bench: Bench) -> None:
    """All that were asked for, the oldest first, in one call; the plugin is told that it is a replay."""
    for name in ("a", "b", "c"):
        bench.keep(name, position=f"{name}.jsonl:1")
    plugin = Recorder()

    bench.replay(variance=plugin)

    assert [["a", "b", "c"]] == plugin.calls
    assert [] == bench.kept
    assert 3 == bench.replays.count("variance", Replayed.DELIVERED)
    assert plugin.metas[0].is_replay


def test_nothing_is_sent_that_nobody_asked_for(bench: Bench) -> None:
    """However often it is looked."""
    bench.keep("a")
    plugin = Recorder()
    host = bench.host(variance=plugin)

    host.start()
    assert [False, False] == [bench.replays.look(), bench.replays.look()]
    host.finish()

    assert ([], [("a", "first", 0, False)]) == (plugin.calls, bench.kept)


def test_what_is_refused_stays_one_letter_with_its_history_and_is_not_sent_again(bench: Bench) -> None:
    """Until somebody asks for it once more."""
    for name in ("a", "b", "c"):
        bench.keep(name)
    plugin = Recorder(refusing("b"))

    host = bench.replay(variance=plugin)

    assert ([["a", "b", "c"]], [("b", "again", 1, False)]) == (plugin.calls, bench.kept)
    assert (2, 1) == (
        bench.replays.count("variance", Replayed.DELIVERED),
        bench.replays.count("variance", Replayed.REFUSED),
    )
    assert 0 == host.left

    bench.replay(variance=plugin)
    assert [("b", "again", 2, False)] == bench.kept


def test_what_the_destination_does_not_take_now_comes_again_after_a_wait(bench: Bench) -> None:
    """What was delivered meanwhile does not."""
    for name in ("a", "b", "c"):
        bench.keep(name)

    def export(events: Sequence[Event], _meta: PluginMeta) -> None:
        if len(events) > 1:
            raise RetryError("one at a time", events=events[1:], retry_after_seconds=60)

    plugin = Recorder(export)
    bench.replay(variance=plugin)

    assert [["a", "b", "c"], ["b", "c"], ["c"]] == plugin.calls
    assert ([], True) == (bench.kept, bench.clock.monotonic() >= 120)


def test_a_replay_can_be_taken_back_while_the_destination_is_waited_for(tmp_path: Path) -> None:
    """From outside, on disk: what was not sent stays as it was."""

    def export(_events: Sequence[Event], _meta: PluginMeta) -> None:
        raise RetryError("not now", retry_after_seconds=60)

    def take_back(seconds: float) -> None:
        if seconds > 10:
            waiting.letters.end_replay(ALL)

    waiting = Bench(tmp_path, on_wait=take_back)
    waiting.keep("a")
    plugin = Recorder(export)
    waiting.replay(variance=plugin)

    assert ([["a"]], [("a", "first", 0, False)]) == (plugin.calls, waiting.kept)
    waiting.state.close()


@pytest.mark.parametrize(
    "error",
    [RetryError("HTTP 401", at_fault=True), ValueError("a slip")],
    ids=["the destination", "the plugin"],
)
def test_a_replay_ends_where_a_person_has_to_look(
    bench: Bench, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """What was not sent stays as it was, and has to be asked for again."""
    bench.keep("a")
    bench.keep("b")

    def export(_events: Sequence[Event], _meta: PluginMeta) -> None:
        raise error

    plugin = Recorder(export)
    bench.replay(variance=plugin)

    assert [("a", "first", 0, False), ("b", "first", 0, False)] == bench.kept
    assert (1, 2) == (len(plugin.calls), bench.replays.count("variance", Replayed.NOT_SENT))
    assert "2 dead letters of variance not sent again, and kept as before: " in caplog.text


def test_a_host_that_could_not_start_leaves_everything_asked_for(bench: Bench) -> None:
    """The next one may."""
    bench.keep("a")
    bench.letters.begin_replay(ALL)

    class Refusing(Recorder):
        """See `Plugin`."""

        def setup_plugin(self, _meta: PluginMeta) -> None:
            raise UsageError("no address")

    host = bench.host(variance=Refusing())
    with pytest.raises(UsageError, match="no address"):
        host.start()
    host.finish()

    assert [("a", "first", 0, True)] == bench.kept


def test_letters_of_a_plugin_that_is_not_there_are_not_waited_for(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, and the others go on."""
    bench.keep("a", plugin="gone")
    bench.keep("b")

    bench.replay(variance=Recorder())

    assert [("a", "first", 0, False)] == bench.kept
    assert "1 dead letter of gone not sent again, and kept as before: no plugin" in caplog.text


def test_a_plugins_letter_goes_to_that_plugin_past_the_chain(bench: Bench) -> None:
    """Its event is kept as the chain left it."""
    bench.keep("a")
    variance, other = Recorder(), Recorder()

    bench.replay(Shouting(), variance=variance, other=other)

    assert ([["a"]], []) == (variance.calls, other.calls)


def test_a_record_that_is_an_event_by_now_goes_all_the_way(bench: Bench) -> None:
    """Through the chain and to every exporter, one by one; one that is dropped there is done with."""
    for name in ("a", "secret", "b"):
        bench.keep(name, plugin=RECORDS)
    variance, other = Recorder(), Recorder()

    bench.replay(Shouting(), variance=variance, other=other)

    assert ([["A"], ["B"]], [["A"], ["B"]]) == (variance.calls, other.calls)
    assert [] == bench.kept


def test_a_record_that_is_still_no_event_is_refused_once_more(bench: Bench) -> None:
    """With today's reason; also one that could not even be read."""
    for record in (b"not JSON", b""):
        event = Event(event="", properties={}, record=record)
        bench.letters.add(Rejection(event=event, reason="first"))
    plugin = Recorder()

    bench.replay(variance=plugin)

    assert ([], [1, 1]) == (plugin.calls, [refusals for _, _, refusals, _ in bench.kept])
    assert {("", False)} == {(event, in_replay) for event, _, _, in_replay in bench.kept}


def test_a_rejection_that_names_no_letter_becomes_one_of_its_own(bench: Bench) -> None:
    """A plugin may make other events of those it is given: none of them gets lost."""
    bench.keep("a")

    def export(_events: Sequence[Event], meta: PluginMeta) -> None:
        meta.reject(Rejection(event=make_event("made of it"), reason="no"))

    bench.replay(variance=Recorder(export))

    new = [rejection.event.event for rejection in bench.new_letters.rejections]
    assert ([], ["made of it"]) == (bench.kept, new)


def test_a_plugin_that_returns_other_events_gets_all_of_them_again(bench: Bench) -> None:
    """Nobody knows what became of which."""
    bench.keep("a")
    bench.keep("b")
    failures = iter([RetryError("later", events=[make_event("made of it")])])

    def export(_events: Sequence[Event], _meta: PluginMeta) -> None:
        for failure in failures:
            raise failure

    plugin = Recorder(export)
    bench.replay(variance=plugin)

    assert ([["a", "b"], ["a", "b"]], []) == (plugin.calls, bench.kept)


class FullDisk(DeadLetterStore):
    """A store that cannot write for the first few times."""

    def __init__(self, state: StateFile, clock: FakeClock) -> None:
        super().__init__(state, clock)
        self.failures = 2

    def settle(self, ids: Collection[int]) -> int:
        """See `DeadLetterStore`."""
        if self.failures:
            self.failures -= 1
            raise StateError("the disk is full")
        return super().settle(ids)


def test_a_full_disk_is_waited_for(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """What was delivered is not sent twice for that."""
    bench.keep("a")
    plugin = Recorder()

    bench.replay(letters=FullDisk(bench.state, bench.clock), variance=plugin)

    assert ([["a"]], []) == (plugin.calls, bench.kept)
    assert 2 == caplog.text.count("a replay waits: the disk is full")


def test_a_full_disk_where_a_replay_ends_ends_nothing_else(bench: Bench) -> None:
    """What is asked for can be taken back as soon as there is room."""
    bench.keep("a")

    class NoRoom(DeadLetterStore):
        failures = 2

        def end_replay(self, which: LetterFilter) -> int:
            if self.failures:
                self.failures -= 1
                raise StateError("the disk is full")
            return super().end_replay(which)

    def export(_events: Sequence[Event], _meta: PluginMeta) -> None:
        raise RetryError("HTTP 401", at_fault=True)

    plugin = Recorder(export)
    bench.replay(letters=NoRoom(bench.state, bench.clock), variance=plugin)

    assert ([["a"]], [("a", "first", 0, False)]) == (plugin.calls, bench.kept)


def test_a_plugin_of_the_chain_that_fails_hurts_itself_alone(bench: Bench) -> None:
    """As when the record is read for the first time: it goes on as it was."""
    for name in ("bad", "a"):
        bench.keep(name, plugin=RECORDS)

    class Chain:
        """See `Plugin`."""

        def process_event(self, event: Event, _meta: PluginMeta) -> Event:
            """Put something into it that is not JSON, and would be kept as bytes."""
            if event.event == "bad":
                event.properties["set"] = {1, 2}
            return event

    plugin = Recorder()
    bench.replay(Chain(), variance=plugin)

    assert [["bad"], ["a"]] == plugin.calls
    assert [] == bench.kept


def test_a_stop_leaves_asked_for_what_was_not_sent(bench: Bench) -> None:
    """The next run goes on with it."""
    bench.keep("a")
    bench.keep("b")

    def export(events: Sequence[Event], _meta: PluginMeta) -> None:
        bench.clock.stop()
        raise RetryError("stopped", events=events[1:])

    bench.replay(variance=Recorder(export))
    assert [("b", "first", 0, True)] == bench.kept

    bench.clock = FakeClock()
    second = Recorder()
    host = bench.host(variance=second)
    host.start()
    assert host.finish()
    assert ([["b"]], []) == (second.calls, bench.kept)


def test_a_letter_that_is_dropped_while_it_is_sent_stays_dropped(bench: Bench) -> None:
    """A refusal does not bring it back."""
    bench.keep("a")

    def export(events: Sequence[Event], meta: PluginMeta) -> None:
        bench.letters.drop(ALL)
        refusing("a")(events, meta)

    bench.replay(variance=Recorder(export))

    assert [] == bench.kept
