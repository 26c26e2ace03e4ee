"""The local Variance on a state file: what was answered is there again, whatever ended the process."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from variance_plugin.errors import UsageError
from variance_plugin.receiver import LocalVariance

SECONDS = 10.0  # nothing here takes that long; what does has failed

MESSAGES: list[dict[str, Any]] = [
    {"type": "page", "messageId": "m-1", "anonymousId": "a-1"},
    {
        "type": "identify",
        "messageId": "m-2",
        "userId": "u-1",
        "anonymousId": "a-1",
        "traits": {"name": "Ada"},
    },
    {"type": "group", "messageId": "m-3", "userId": "u-1", "groupId": "acme", "traits": {"name": "Acme"}},
]

PROGRAM = """
import sys
from variance_plugin.receiver import LocalVariance

variance = LocalVariance(state=sys.argv[1], keep_posts=False)
print(variance.url, flush=True)
variance.serve_forever()
"""


def post(url: str, messages: list[dict[str, Any]]) -> int:
    """Post a batch; the status of the answer."""
    with requests.post(url, json={"batch": messages}, timeout=SECONDS) as answer:
        return answer.status_code


def test_a_kill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """`kill -9` right after the answer; a repeat afterwards is a duplicate."""
    state = tmp_path / "state.db"
    for times in (1, 2):
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, os.fspath(state)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert (
                post(url, [*MESSAGES, {"type": "page", "messageId": f"round {times}", "userId": "u-1"}])
                == 200
            )
            process.send_signal(signal.SIGKILL)

    with LocalVariance(state=state) as variance:
        summary = variance.summary()
    [contact] = summary.contacts
    assert ("u-1", "Ada", ("acme",), 3) == (
        contact.user_id,
        contact.name,
        contact.accounts,
        contact.events,
    )
    assert (summary.messages, summary.duplicates) == ({"page": 3, "identify": 1, "group": 1}, 3)
    assert state.stat().st_mode & 0o777 == 0o600


def test_a_second_receiver_on_the_same_file_is_refused(tmp_path: Path) -> None:
    """Each would undo what the other knows."""
    with (
        LocalVariance(state=tmp_path / "state.db"),
        pytest.raises(UsageError, match=r"cannot use .*state\.db as state: database is locked; name a new"),
    ):
        LocalVariance(state=tmp_path / "state.db")


def test_what_is_no_state_file_is_left_alone(tmp_path: Path) -> None:
    """A text, a folder, the database of another program: the user is told, and nothing is written."""
    text = tmp_path / "events.jsonl"
    text.write_text(json.dumps(MESSAGES) * 100)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()

    newer = tmp_path / "newer.db"
    LocalVariance(state=newer).close()
    with sqlite3.connect(newer) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()

    for path, reason in (
        (newer, "it has version 99, and this program reads version 1"),
        (text, "file is not a database"),
        (tmp_path, "Is a directory"),
        (other, "it is the database of another program"),
        (tmp_path / "missing" / "state.db", "No such file or directory"),
    ):
        with pytest.raises(UsageError, match=reason):
            LocalVariance(state=path)
    assert text.read_text() == json.dumps(MESSAGES) * 100


def test_a_full_disk_is_answered_503(tmp_path: Path) -> None:
    """What cannot be written is not applied either; once there is room, the next try is no duplicate."""
    with LocalVariance(state=tmp_path / "state.db") as variance:
        assert post(variance.url, MESSAGES[:1]) == 200
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        # Python ignores SIGXFSZ, so that writing beyond this fails as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
        try:
            assert post(variance.url, MESSAGES[1:]) == 503
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert variance.summary().contacts == ()
        assert post(variance.url, MESSAGES) == 200

        summary = variance.summary()
        assert [1, 1] == [len(summary.contacts), len(summary.accounts)]
        assert (summary.duplicates, summary.rejected) == (1, {"the state file cannot be written": 1})
