"""The state file: who may have it, what is refused, what a commit carries, what a failure costs."""

import operator
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from variance_plugin.errors import StateError, UsageError
from variance_plugin.state import Positions, Spool, StateFile, StoredStorage, owner_of
from variance_plugin.state.connection import Connection, connect
from variance_plugin.state.owner import whose
from variance_plugin.state.schema import MIGRATIONS, migrate
from variance_plugin.testing import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state is."""
    return tmp_path / "state.db"


@pytest.fixture
def state(path: Path) -> Iterator[StateFile]:
    """An open state file with a table for tests."""
    state = StateFile.open(path, FakeClock())
    state.write(lambda connection: connection.execute("CREATE TABLE t (n INTEGER UNIQUE)"))
    yield state
    state.close()


def opened(path: Path, *, owner: bool = True) -> StateFile:
    """A state file."""
    return StateFile.open(path, FakeClock(), owner=owner)


def rows(state: StateFile) -> list[int]:
    """What the table for tests holds."""
    return [n for (n,) in state.read(lambda connection: connection.execute("SELECT n FROM t").fetchall())]


def insert(state: StateFile, *numbers: int) -> None:
    """Put rows into the table for tests."""
    state.write(
        lambda connection: connection.executemany("INSERT INTO t VALUES (?)", [(n,) for n in numbers])
    )


def setting(state: StateFile, name: str) -> object:
    """What SQLite says of a setting, asked in the connection that writes."""
    return state.write(lambda connection: connection.execute(f"PRAGMA {name}").fetchone()[0])


def test_it_is_durable_by_its_settings(state: StateFile) -> None:
    """A write-ahead log, synced at every commit (2 is FULL), in a file that can become smaller again."""
    names = ("journal_mode", "synchronous", "auto_vacuum")

    assert ["wal", 2, 2] == [setting(state, name) for name in names]


def test_only_the_owner_of_the_files_may_read_them(state: StateFile, path: Path) -> None:
    """The database, its log, the log's index and the lock, whatever the umask is."""
    insert(state, 1)

    modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}

    names = ("state.db", "state.db-wal", "state.db-shm", "state.db.lock")
    assert dict.fromkeys(names, 0o600) == modes


def test_what_was_written_is_there_after_opening_again(state: StateFile, path: Path) -> None:
    """And the log is gone once the last one has closed it."""
    insert(state, 1, 2)
    state.close()
    state.close()

    assert {"state.db", "state.db.lock"} == {found.name for found in path.parent.iterdir()}
    again = opened(path)
    assert [1, 2] == rows(again)
    again.close()


def test_a_second_owner_is_refused_with_the_process_id_of_the_first(state: StateFile, path: Path) -> None:
    """Also under another name of the same file; after the first one has let go, it may."""
    other_name = path.with_name("link.db")
    other_name.symlink_to(path)

    for name in (path, other_name):
        with pytest.raises(UsageError, match=rf"belongs to the running process {os.getpid()}: stop that one"):
            opened(name)

    state.close()
    opened(other_name).close()


def test_a_command_can_ask_who_owns_a_file(state: StateFile, path: Path) -> None:
    """Its process id, while it lives; asking takes nothing from it."""
    owner = [owner_of(path), owner_of(path)]
    state.close()

    assert ([str(os.getpid())] * 2, None, None) == (owner, owner_of(path), owner_of(path.with_name("no.db")))
    opened(path).close()


def test_a_command_reads_and_changes_beside_the_owner(state: StateFile, path: Path) -> None:
    """Both see what the other one has committed."""
    insert(state, 1)
    command = opened(path, owner=False)
    found = rows(command)
    insert(command, 2)
    insert(state, 3)
    command.close()

    assert ([1], [1, 2, 3]) == (found, rows(state))


def test_a_command_makes_no_file(path: Path) -> None:
    """Where there is none it says so."""
    with pytest.raises(UsageError, match=r"cannot open the state file .*state\.db: it is not there"):
        opened(path, owner=False)

    assert [] == list(path.parent.iterdir())


def _text(path: Path) -> None:
    path.write_text("this is a letter to grandmother, not a database\n" * 50)


def _of_others(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name)")
    connection.commit()
    connection.close()


def _newer(path: Path) -> None:
    opened(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (_text, r"cannot open the state file .*state\.db: file is not a database"),
        (_of_others, r"state\.db is a database of another program: give the state a file of its own"),
        (_newer, r"state\.db was written by a newer version .*its form is 2, this one knows 1\): upgrade"),
        (Path.mkdir, r"cannot open the state file .*state\.db: Is a directory"),
    ],
    ids=["text", "another program's", "newer", "folder"],
)
def test_what_is_no_state_file_is_refused_and_left_as_it_is(
    path: Path, prepare: "object", message: str
) -> None:
    """In the user's words, and the lock is free afterwards."""
    assert callable(prepare)
    prepare(path)
    before = path.read_bytes() if path.is_file() else None

    for _ in range(2):
        with pytest.raises(UsageError, match=message):
            opened(path)

    assert before == (path.read_bytes() if path.is_file() else None)


def test_a_folder_that_is_not_there_is_told(path: Path) -> None:
    """It is not made: it may be a slip, or a disk that is not mounted."""
    with pytest.raises(
        UsageError, match=r"cannot open the state file .*: there is no folder .*nowhere for it"
    ):
        opened(path.parent / "nowhere" / "state.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_written_is_told(path: Path) -> None:
    """With the system's reason."""
    opened(path).close()
    path.chmod(0o400)

    with pytest.raises(UsageError, match="Permission denied"):
        opened(path)


def test_an_end_while_the_file_is_made_is_no_obstacle(path: Path) -> None:
    """A file with nothing in it, or with a log and no tables yet, is made complete."""
    path.touch()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()

    state = opened(path)
    StoredStorage(state, "variance").set("colour", "red")
    state.close()


def test_an_older_file_is_brought_up_to_date_whole_or_not_at_all(path: Path) -> None:
    """What it holds stays; a step that fails takes back those before it."""
    connection = connect(_touched(path))
    migrate(connection, ((("CREATE TABLE old (n)"), "INSERT INTO old VALUES (7)"),))
    bad = ((), ("ALTER TABLE old ADD COLUMN m",), ("no SQL",))
    with pytest.raises(sqlite3.OperationalError, match="syntax error"):
        migrate(connection, bad)
    after_failure = connection.execute("SELECT * FROM old").fetchall()
    migrate(connection, ((), ("ALTER TABLE old ADD COLUMN m",)))

    assert ([(7,)], [(7, None)]) == (after_failure, connection.execute("SELECT * FROM old").fetchall())
    assert (2,) == connection.execute("PRAGMA user_version").fetchone()
    connection.close()


def _touched(path: Path) -> Path:
    path.touch()
    return path


@contextmanager
def busy(state: StateFile) -> Iterator[None]:
    """The writer is busy until the end of the block."""
    begun, go_on = threading.Event(), threading.Event()

    def wait(_connection: Connection) -> None:
        begun.set()
        assert go_on.wait(10)

    state.submit(wait)
    assert begun.wait(10)
    try:
        yield
    finally:
        go_on.set()


def test_changes_that_come_together_share_a_commit(state: StateFile) -> None:
    """While the writer is busy 64 threads come: two commits carry their changes, and not 64."""
    with busy(state):
        before = state.commits
        threads = [threading.Thread(target=insert, args=[state, number]) for number in range(64)]
        for thread in threads:
            thread.start()
        while len(state._writer._waiting) < 64:  # noqa: SLF001 -- nothing else shows that all have come
            threading.Event().wait(0.001)
    for thread in threads:
        thread.join()

    assert (list(range(64)), 2) == (sorted(rows(state)), state.commits - before)


def test_a_change_that_fails_costs_itself_alone(state: StateFile) -> None:
    """What it had done is undone; the others of the same commit are kept, in order."""

    def spoil(connection: Connection) -> None:
        connection.execute("INSERT INTO t VALUES (100)")
        raise ValueError("a slip")

    futures: list[Any] = [
        state.submit(lambda connection: connection.execute("INSERT INTO t VALUES (1)")),
        state.submit(spoil),
        state.submit(lambda connection: connection.execute("INSERT INTO t VALUES (1)")),
        state.submit(lambda connection: connection.execute("INSERT INTO t VALUES (?)", ("\ud83d",))),
        state.submit(lambda connection: connection.execute("INSERT INTO t VALUES (2)")),
    ]
    errors = [type(future.exception(10)) for future in futures]

    none = type(None)
    assert [none, ValueError, sqlite3.IntegrityError, UnicodeEncodeError, none] == errors
    assert [1, 2] == rows(state)


def test_a_change_that_is_cancelled_in_time_is_not_made(state: StateFile) -> None:
    """As when the server's client has gone."""
    with busy(state):
        late = state.submit(lambda connection: connection.execute("INSERT INTO t VALUES (1)"))
        assert late.cancel()
    insert(state, 2)

    assert [2] == rows(state)


def test_a_reader_cannot_write(state: StateFile) -> None:
    """Changes go through the one thread that commits."""
    with pytest.raises(StateError, match="readonly"):
        state.read(lambda connection: connection.execute("INSERT INTO t VALUES (1)"))


def test_a_closed_file_says_so(state: StateFile) -> None:
    """To whoever reads or writes, and does not hang."""
    state.close()

    with pytest.raises(StateError, match=r"state\.db is closed"):
        insert(state, 1)
    with pytest.raises(StateError, match=r"state\.db is closed"):
        rows(state)


def test_closing_commits_what_was_submitted(state: StateFile, path: Path) -> None:
    """Nobody has to wait for it."""
    for number in range(500):
        state.submit(operator.methodcaller("execute", "INSERT INTO t VALUES (?)", (number,)))
    state.close()

    again = opened(path)
    assert list(range(500)) == rows(again)
    again.close()


def test_a_full_disk_is_an_operators_message_and_no_loss(state: StateFile) -> None:
    """Every change that waits is refused, nothing is half written; with room again it goes on."""
    spool, positions = Spool(state, "intake", 10_000_000), Positions(state)
    spool.append([b"first"])
    (pages,) = state.read(lambda connection: connection.execute("PRAGMA page_count").fetchone())
    state.write(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + 4}").fetchone())

    positions.save("files", "a.jsonl", {"number": 1})
    positions.flush()
    with pytest.raises(StateError, match=r"state\.db cannot be used now: .*full; make room on its disk"):
        spool.append([b"x" * 50_000, b"second"])
    failure = state.failure
    held = (len(spool), spool.size_bytes)
    state.write(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchone())
    spool.append([b"third"])

    assert ((1, 5 + 32), [b"first", b"third"]) == (held, [record for _, record in spool.read(0, 1_000_000)])
    assert {"a.jsonl": {"number": 1}} == positions.load("files")
    assert (True, None) == ("make room on its disk" in str(failure), state.failure)


def test_a_full_disk_refuses_all_that_would_have_gone_together(state: StateFile) -> None:
    """Also the small change beside the large one: it is tried again with the next."""
    (pages,) = state.read(lambda connection: connection.execute("PRAGMA page_count").fetchone())
    state.write(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + 2}").fetchone())
    with busy(state):
        positions = Positions(state)
        positions.save("files", "a.jsonl", {"number": 1})
        large = state.submit(
            lambda connection: connection.execute("INSERT INTO storage VALUES (x'', x'', zeroblob(90000))")
        )

    assert isinstance(large.exception(10), StateError)
    positions.save("files", "b.jsonl", {"number": 2})
    assert {"a.jsonl": {"number": 1}, "b.jsonl": {"number": 2}} == positions.load("files")
    assert positions.failure is None


def test_a_file_of_another_user_is_told_with_whose_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks at a runner's state as another user would look for the fault elsewhere."""
    state = tmp_path / "variance.db"
    state.touch()
    nobody = whose(state)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    assert ("", f"; it belongs to {state.owner()}: do this as that user") == (nobody, whose(state))
    assert "" == whose(tmp_path / "missing")
