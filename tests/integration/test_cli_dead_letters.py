"""`variance-plugin dead-letters`: beside a runner and without one, as an operator uses it."""

import json
import os
import pty
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.benches.program import SECONDS, Program, Running, Starting
from variance_plugin.clock import SystemClock
from variance_plugin.hooks import Rejection
from variance_plugin.receiver import Answer, LocalVariance, Post
from variance_plugin.state import DeadLetterStore, LetterFilter, StateFile
from variance_plugin.testing import make_event


@pytest.fixture
def started(program: Program, variance: LocalVariance, tmp_path: Path) -> Starting:
    """Start a command in a folder with a `runner.toml`."""
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "none.jsonl").touch()
    source = 'paths = ["events"]\nlook_again_seconds = 0.1'
    program.write_settings(variance.url, source=source, listen="127.0.0.1:0")
    return program.start


@pytest.fixture
def run(program: Program, started: Starting) -> Running:  # noqa: ARG001 -- it lays out the folder
    """Run `dead-letters` with these arguments, to its end."""
    return partial(program.run, "dead-letters")


class Letters:
    """The state file of the folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "variance.db"
        self._clock = SystemClock()

    @contextmanager
    def store(self, *, owner: bool = False) -> Iterator[DeadLetterStore]:
        """Open it."""
        state = StateFile.open(self._path, self._clock, owner=owner)
        yield DeadLetterStore(state, self._clock, "variance")
        state.close()

    def make(self, *names: str) -> None:
        """Keep letters of events with these names."""
        with self.store(owner=True) as store:
            for number, name in enumerate(names, start=1):
                record = json.dumps({"event": name, "uuid": f"u-{number}", "distinct_id": "ada"}).encode()
                event = make_event(name, number=number, record=record, position=f"a.jsonl:{number}")
                store.add(Rejection(event=event, reason=f"HTTP 400: {name}", status=400, attempts=1))

    @property
    def kept(self) -> list[tuple[str, int, bool]]:
        """Of each its event, how often it was refused before, and whether it is in replay."""
        with self.store() as store:
            found = list(store.letters(LetterFilter(), newest_first=False))
        return [(one.event, len(one.history), one.in_replay) for one in found]


@pytest.fixture
def letters(tmp_path: Path) -> Letters:
    """The letters of the folder in which commands are run."""
    return Letters(tmp_path)


def refusing(*names: str) -> Callable[[Post], Answer]:
    """An endpoint that refuses every request with one of these events in it."""
    return lambda post: Answer(status=422 if any(name.encode() in post.body for name in names) else 200)


def ids_at(variance: LocalVariance) -> list[str]:
    """Of the messages that were taken, in order."""
    taken = [post for post in variance.posts if post.status == 200]
    return [json.loads(bytes(message))["messageId"] for post in taken for message in post.raw_messages]


def test_letters_are_listed_counted_and_shown(run: Running, letters: Letters) -> None:
    """The latest first; what an event holds is only shown when somebody asks for that letter."""
    letters.make("order paid", "sign up", "order paid")

    listed = run("list").stdout.splitlines()
    counted = run("list", "--by", "event").stdout.splitlines()
    shown = run("show", "2").stdout

    assert ["id", "3", "2", "1"] == [line.split()[0] for line in listed]
    assert listed[1].endswith("variance  order paid  ada   400     1      HTTP 400: order paid")
    assert ["   event", "2  order paid", "1  sign up"] == counted
    assert '"distinct_id": "ada"' in shown
    assert "HTTP 400: sign up (1 request)" in shown
    assert "distinct_id" not in "".join(listed)


def test_where_there_is_nothing_to_count_that_is_said(run: Running, letters: Letters) -> None:
    """And not a table without rows; a program gets none."""
    letters.make()
    assert ["No dead letters.\n", ""] == [
        run("list", "--by", "reason", *options).stdout for options in ([], ["--json"])
    ]

    letters.make("order paid")
    assert "No such dead letters.\n" == run("list", "--by", "reason", "--status", "500").stdout


def test_a_program_gets_lines_of_json(run: Running, letters: Letters) -> None:
    """Of each letter one object; a single one with its event."""
    letters.make("order paid", "sign up")

    (listed,) = map(json.loads, run("list", "--json", "--event", "sign up").stdout.splitlines())
    counted = run("list", "--json", "--by", "status").stdout
    shown = json.loads(run("show", "--json", "2").stdout)

    assert (2, "sign up", "ada", 400, 1, False, "a.jsonl:2") == tuple(
        listed[key] for key in ("id", "event", "distinctId", "status", "times", "inReplay", "source")
    )
    assert '{"status":400,"count":2}\n' == counted
    assert {"event": "sign up", "uuid": "u-2", "distinct_id": "ada"} == shown["record"]
    assert "record" not in listed


def test_an_export_is_for_its_owner_alone_and_takes_nothing_away(
    run: Running, letters: Letters, tmp_path: Path
) -> None:
    """A file that is there is not touched."""
    letters.make("order paid", "sign up")

    first = run("export", "letters.jsonl", "--event", "sign up")
    second = run("export", "letters.jsonl")

    (line,) = (tmp_path / "letters.jsonl").read_text().splitlines()
    assert ("sign up", 0o600) == (
        json.loads(line)["event"]["event"],
        stat.S_IMODE((tmp_path / "letters.jsonl").stat().st_mode),
    )
    assert (0, "1 dead letter written to letters.jsonl, for you alone; they stay.\n") == (
        first.returncode,
        first.stderr,
    )
    assert (2, "Error: letters.jsonl is there already; name another file, or remove it first\n") == (
        second.returncode,
        second.stderr,
    )
    assert 2 == len(letters.kept)


def test_nothing_is_dropped_unless_somebody_says_so(run: Running, letters: Letters) -> None:
    """Which ones, and that it is meant."""
    letters.make("order paid", "sign up")

    refused = [run("drop"), run("drop", "--all"), run("drop", "--all", "2", "--yes")]
    assert [2, 2, 2] == [ended.returncode for ended in refused]
    assert "say which: by their numbers, by a filter such as --reason, or --all" in refused[0].stderr
    assert "2 dead letters would be gone for good: say so with --yes" in refused[1].stderr
    assert 2 == len(letters.kept)

    assert "1 dead letter dropped.\n" == run("drop", "2", "9", "--yes").stdout
    assert [("order paid", 0, False)] == letters.kept


def test_on_a_terminal_a_drop_asks_first(started: Starting, letters: Letters) -> None:
    """And does nothing, unless the answer is yes."""
    letters.make("order paid", "sign up")
    for answer, status in ((b"n\n", 1), (b"y\n", 0)):
        ours, theirs = pty.openpty()
        with started("dead-letters", "drop", "1", stdin=theirs) as process:
            os.close(theirs)
            os.write(ours, answer)
            _, asked = process.communicate(timeout=SECONDS)
        os.close(ours)
        assert (status, True) == (process.returncode, "Drop 1 dead letter for good? [y/N]" in asked)
        assert (2 if status else 1) == len(letters.kept)


def test_a_replay_without_a_runner_is_done_by_the_command_itself(
    run: Running, letters: Letters, variance: LocalVariance
) -> None:
    """By the runner's settings: what is delivered is gone, what is refused stays, no other is sent."""
    letters.make("order paid", "sign up", "order paid", "sign in")
    variance.answer_with(refusing("sign up"))

    ended = run("replay", "1", "2", "3")

    assert "3 dead letters asked for, 2 delivered, 1 refused again (`dead-letters list` tells why)\n" == (
        ended.stdout
    )
    assert (1, ["u-1", "u-3"]) == (ended.returncode, ids_at(variance))
    assert [("sign up", 1, False), ("sign in", 0, False)] == letters.kept


def test_a_runner_that_has_the_state_does_the_replay(
    run: Running, started: Starting, letters: Letters, variance: LocalVariance
) -> None:
    """It is asked on disk; the command waits for what becomes of it."""
    letters.make("order paid", "sign up")
    variance.answer_with(refusing("sign up"))
    with started("run") as runner:
        assert runner.stderr is not None
        port = json.loads(runner.stderr.readline())["event"].rpartition(" ")[2]
        ended = run("replay", "--all", "--json")
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as answer:
            metrics = answer.read().decode().splitlines()
        assert runner.poll() is None
        runner.send_signal(signal.SIGTERM)
        _, logged = runner.communicate(timeout=SECONDS)
        assert 0 == runner.returncode

    assert "the replay of variance has ended: 1 delivered, 1 refused again, 0 not sent" in logged
    assert {"asked": 2, "delivered": 1, "refused": 1, "notSent": 0, "waiting": 0} == json.loads(ended.stdout)
    assert [("sign up", 1, False)] == letters.kept
    assert {
        'runner_dead_letters{plugin="variance",status="422"} 1.0',
        'runner_replayed_total{outcome="delivered",plugin="variance"} 1.0',
        'runner_replayed_total{outcome="refused",plugin="variance"} 1.0',
        'runner_replayed_total{outcome="not sent",plugin="variance"} 0.0',
    } <= {*metrics}


def test_what_is_only_asked_for_is_sent_by_the_next_run(
    run: Running, started: Starting, letters: Letters, variance: LocalVariance
) -> None:
    """Unless it is taken back before."""
    letters.make("order paid", "sign up", "sign in")

    asked = run("replay", "--all", "--no-wait")
    taken_back = run("replay", "--event", "sign up", "--cancel")
    with started("run", "--once") as process:
        assert 0 == process.wait(SECONDS)

    assert (3, True) == (asked.returncode, "3 still to be sent" in asked.stdout)
    assert "1 dead letter no longer asked for.\n" == taken_back.stdout
    assert (["u-1", "u-3"], [("sign up", 0, False)]) == (ids_at(variance), letters.kept)


def test_a_fault_of_the_endpoint_ends_a_replay_and_says_so(
    run: Running, letters: Letters, variance: LocalVariance
) -> None:
    """Nothing is asked for any more, and nothing is lost."""
    letters.make("order paid", "sign up")
    variance.answer_with(lambda _post: Answer(status=401))

    ended = run("replay", "--all")

    assert 1 == ended.returncode
    assert "2 not sent, and no longer asked for; the log tells why." in ended.stdout
    assert "2 dead letters of variance not sent again, and kept as before" in ended.stderr
    assert "HTTP 401" in ended.stderr
    assert [("order paid", 0, False), ("sign up", 0, False)] == letters.kept


def test_a_replay_that_is_stopped_is_still_asked_for(
    started: Starting, letters: Letters, variance: LocalVariance
) -> None:
    """While the destination is waited for."""
    letters.make("order paid")
    variance.answer_with(lambda _post: Answer(status=503))
    with started("dead-letters", "replay", "--all") as process:
        variance.wait_for_posts(1, SECONDS)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=SECONDS)

    assert (3, [("order paid", 0, True)]) == (process.returncode, letters.kept)
    assert "1 still to be sent: by the runner, or by the next `run`" in out


KILLED = """
import sys
from variance_plugin.cli import main
from variance_plugin.testing import kill_at
kill_at(sys.argv.pop(1))
main()
"""


@pytest.mark.parametrize(
    ("point", "sent"),
    [("before send", 0), ("after send", 1), ("after answer", 1)],
    ids=["before it is sent", "after it is sent", "before it is settled"],
)
def test_a_kill_in_the_middle_of_a_replay_loses_no_letter(  # noqa: PLR0913, PLR0917 -- what pytest gives
    started: Starting, run: Running, letters: Letters, variance: LocalVariance, point: str, sent: int
) -> None:
    """The next run goes on with what was asked for; a repeat has the same id, and no letter is doubled."""
    letters.make("order paid", "sign up")
    assert 3 == run("replay", "--all", "--no-wait").returncode
    with started(point, "run", "--once", script=KILLED) as process:
        assert -signal.SIGKILL == process.wait(SECONDS)
    assert sent == len(variance.posts)
    variance.answer_with(refusing("sign up"))
    assert [("order paid", 0, True), ("sign up", 0, True)] == letters.kept

    with started("run", "--once") as process:
        process.wait(SECONDS)

    assert ["u-1", "u-2"] * sent + ["u-1"] == ids_at(variance)
    assert [("sign up", 1, False)] == letters.kept


def test_without_a_state_file_or_usable_settings_nothing_is_asked_for(
    run: Running, letters: Letters, tmp_path: Path
) -> None:
    """It says what to do."""
    missing = run("list")
    letters.make("order paid")
    unusable = run("replay", "--all", "--set", "plugins.variance.config.sendIp=perhaps")
    (tmp_path / "no.mmdb").mkdir()
    not_started = run("replay", "--all", "--set", "geoip.database=no.mmdb")

    assert (2, 2, 2) == (missing.returncode, unusable.returncode, not_started.returncode)
    assert "there is no state file variance.db; name it by --state" in missing.stderr
    assert "sendIp" in unusable.stderr
    assert "no.mmdb" in not_started.stderr
    assert [("order paid", 0, False)] == letters.kept
    assert "Traceback" not in missing.stderr + unusable.stderr
    assert "order paid" in run("list", "--state", str(tmp_path / "variance.db")).stdout
