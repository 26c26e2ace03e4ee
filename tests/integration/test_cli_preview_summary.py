"""`variance-plugin preview --summary`: what would come of a whole file, on one page."""

import json
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.benches.program import SECONDS, Program, Running

RECORDINGS = Path(__file__).parents[1] / "recordings"
COMMAND = [sys.executable, "-m", "variance_plugin", "preview", "--summary"]


@pytest.fixture
def run(program: Program) -> Running:
    """Run the command to its end in an empty folder, without settings from outside."""
    return partial(program.run, "preview", "--summary")


def event(number: int, name: str, user: str, **properties: Any) -> str:
    """A line; in the properties, `_` in front stands for `$`."""
    named = {f"${key[1:]}" if key[0] == "_" else key: value for key, value in properties.items()}
    time = f"2026-11-21T09:{number:02}:00Z"
    return json.dumps(
        {"event": name, "uuid": f"e-{number}", "distinct_id": user, "timestamp": time, "properties": named}
    )


NAMED = {"name": "A"}
LINES = [
    event(1, "$pageview", "v-1", _is_identified=False, _current_url="https://acme.example/"),
    event(2, "$identify", "u-1", _anon_distinct_id="v-1", _set={"email": "kim@acme.example", "plan": "pro"}),
    event(3, "$groupidentify", "$company_acme", _group_type="company", _group_key="acme", _group_set=NAMED),
    event(4, "board created", "u-1", _groups={"company": "acme"}),
    event(5, "board created", "u-2", _groups={"team": "red"}, _set={"email": "bob@else.example"}),
    event(6, "$autocapture", "u-1"),
    event(7, "$autocapture", "u-1"),
    event(8, "$groupidentify", "u-1"),
]  # fmt: skip


def test_everything_is_on_one_page(run: Running, tmp_path: Path) -> None:
    """Events, people, accounts, who has none and why, names, traits; and nothing is sent."""
    (tmp_path / "events.jsonl").write_text("\n".join(LINES) + "\n", encoding="utf-8")

    ended = run("events.jsonl", "--set", "accountGroupType=company", "--set", "propertiesToExclude=plan")

    assert (
        """\
8 events; those that would be sent are of 2026-11-21

  Would be sent   5 events as 7 messages
                  2 identify, 2 group, 2 track, 1 page
  Left out        2 events
  Cannot be sent  1 event
                  the first: events.jsonl:8: it names no group: `$group_key` is missing or no id

People and accounts
  Contacts        2
  Visitors        1, of whom 1 became known
  Accounts        1, by PostHog's groups (accountMapping = auto, which is group here)

Without an account: 1 of 2 users
          1  only in groups of another type: team
  Among them, with the email of a company: 1. A connection set to email domains finds these; all
  emails are of 2 companies.

Left out, by name
          2  $autocapture  system event not named in systemEvents

Sent as track, by name
          2  board created

Traits of contacts, with an example
          2  email  "kim@acme.example"

Traits of accounts, with an example
          1  name                "A"
          1  posthog_group_type  "company"

Never sent: plan

Nothing was sent.
"""
        == ended.stdout
    )
    assert (1, "") == (ended.returncode, ended.stderr)


def test_several_group_types_are_warned_of(run: Running, tmp_path: Path) -> None:
    """Each group would be an account, a team as well as a company."""
    types = [
        event(number, "$groupidentify", "s", _group_type=type_, _group_key="k")
        for number, type_ in enumerate(["company", "team"])
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(types), encoding="utf-8")

    warning = "groups of 2 types would be accounts: company, team; name the one that is in accountGroupType"
    assert warning in " ".join(run("events.jsonl").stdout.split())
    assert "types would be" not in run("events.jsonl", "--set", "accountGroupType=company").stdout


def test_what_is_hashed_is_shown_as_its_hash(run: Running, tmp_path: Path) -> None:
    """As it would be sent; so it gives no account by its domain either."""
    (tmp_path / "events.jsonl").write_text(LINES[1] + "\n", encoding="utf-8")

    ended = run("events.jsonl", "--set", "propertiesToHash=email", "--set", "accountMapping=email_domain")

    assert "kim" not in ended.stdout
    assert "Sent as a hash: email" in ended.stdout
    assert "an email that is no company's" in ended.stdout


def test_a_limit_counts_events_here_too(run: Running, tmp_path: Path) -> None:
    """Also within a line that holds several."""
    batch = {"batch": [json.loads(line) for line in LINES[:7]]}
    (tmp_path / "events.jsonl").write_text(f"{LINES[0]}\n{json.dumps(batch)}\n", encoding="utf-8")

    assert run("events.jsonl", "--limit", "3").stdout.startswith("3 events;")


def test_it_is_either_each_event_or_all_of_them(run: Running, tmp_path: Path) -> None:
    """Two wishes that cannot both be met are a fault of usage."""
    (tmp_path / "events.jsonl").write_text(LINES[0], encoding="utf-8")

    ended = run("events.jsonl", "--json")

    assert (2, "") == (ended.returncode, ended.stdout)
    assert "--json and --summary: choose one" in ended.stderr


def test_nothing_of_an_event_moves_the_terminal(run: Running, tmp_path: Path) -> None:
    """Names, ids and values are shown as what they are: no text."""
    evil = "a\x1b[2J\nb\u202e"
    lines = [
        event(1, f"${evil}", evil),
        event(2, evil, evil, _set={evil: evil}, _groups={evil: evil, "team": "t"}),
        event(3, "$groupidentify", evil, _group_type=evil, _group_key=evil, _group_set={evil: {evil: 1}}),
        event(4, "$groupidentify", evil, _group_type="team"),
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(lines), encoding="utf-8")

    shown = run("events.jsonl", "--set", "propertiesToExclude=b\u202e").stdout

    assert "\ufffd[2J\ufffdb\ufffd" in shown
    assert set() == {character for character in shown if not character.isprintable()} - {"\n"}


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("wish", [["--summary"], []], ids=["summary", "each event"])
def test_no_line_is_wider_than_the_terminal(wish: list[str], columns: int) -> None:
    """Of real events, with long addresses and ids, emoji and letters that take two cells."""
    recordings = [str(RECORDINGS / f"{name}.jsonl") for name in ("posthog-js", "posthog-python")]
    command = [*COMMAND[:-1], *wish, *recordings]
    terminal = {**os.environ, "COLUMNS": str(columns), "FORCE_COLOR": "1"}

    ended = subprocess.run(command, check=False, capture_output=True, timeout=SECONDS, env=terminal)

    shown = re.sub(r"\x1b\[[0-9;]*m", "", ended.stdout.decode())
    assert len(shown) > 1_000
    assert [] == [line for line in shown.splitlines() if cell_len(line) > columns]


def test_ctrl_c_shows_what_was_counted_until_then(tmp_path: Path) -> None:
    """Half an answer is better than none."""
    with subprocess.Popen(
        [*COMMAND, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stdin is not None
        # More than a pipe holds: once it is written, the first of it has been read.
        process.stdin.write(f"{LINES[0]}\n".encode() * 3_000)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        shown, said = process.communicate(timeout=SECONDS)

    assert b"Stopped before the end" in shown
    assert b"Visitors        1" in shown
    assert (3, b"") == (process.returncode, said)
