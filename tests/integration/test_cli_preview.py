"""`variance-plugin preview`: what it shows, and that it sends nothing."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.benches.program import plain_environment
from variance_plugin.receiver import LocalVariance

SECONDS = 30.0  # nothing here takes that long; what does has failed
RECORDINGS = Path(__file__).parents[1] / "recordings"

Run: TypeAlias = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command to its end in an empty folder, without settings from outside."""

    def run(command: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "variance_plugin", command, *map(str, arguments)],
            check=False,
            capture_output=True,
            cwd=tmp_path,
            timeout=SECONDS,
            **{"env": plain_environment(), **options},
        )

    return run


LINES = [
    b"""{"event":"signed up","uuid":"e-1","distinct_id":"u-1","timestamp":"2026-01-02T03:04:05Z","properties":
{"plan":"team","$groups":{"company":"acme"},"$set":{"email":"kim@acme.example"}}}""".replace(b"\n", b""),
    b'{"event":"$autocapture","uuid":"e-2","distinct_id":"u-1","properties":{}}',
    b'{"event": broken',
    b"""{"batch":[{"event":"a","uuid":"e-3","distinct_id":"u-2","properties":{}},
{"event":"$pageleave","distinct_id":"u-2","properties":{}}]}""".replace(b"\n", b""),
    b'{"event":"$groupidentify","uuid":"e-4","distinct_id":"u-1","properties":{}}',
]


def test_it_shows_who_what_where_and_why_not(run: Run, tmp_path: Path) -> None:
    """One head for each event with its place, below it the messages or the reason."""
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(LINES) + b"\n")

    ended = run("preview", "events.jsonl")

    assert [
        "events.jsonl:1  signed up  u-1  2026-01-02T03:04:05Z",
        '  identify u-1  @ acme  email="kim@acme.example"',
        "  group    u-1  @ acme",
        '  track    u-1  @ acme  “signed up”  plan="team"',
        "  → new contact u-1 with email",
        "  → u-1 is in new account acme, by group",
        "  → one more event of contact u-1, in account acme",
        "events.jsonl:2  $autocapture  u-1",
        "  left out: system event not named in systemEvents",
        "events.jsonl:3",
    ] == ended.stdout.decode().splitlines()[:10]
    assert [
        "events.jsonl:4  a  u-2",
        "  track    u-2  “a”",
        "  → one more event of u-2, who is no contact: never identified",
        "events.jsonl:4  $pageleave  u-2",
        "  left out: system event not named in systemEvents",
        "events.jsonl:5  $groupidentify  u-1",
        "  cannot be sent: it names no group: `$group_key` is missing or no id",
        "",
        "Contacts find their accounts by PostHog's groups (accountMapping = auto, which is group here).",
        "2 events would be sent as 4 messages, 2 left out, 2 cannot be sent. Nothing was sent.",
    ] == ended.stdout.decode().splitlines()[11:]
    assert 1 == ended.returncode


def test_it_tells_the_difference_that_the_next_event_makes(run: Run, tmp_path: Path) -> None:
    """New or changed, and of whom; by the rule that is in force."""
    identify: dict[str, Any] = {"event": "$set", "distinct_id": "u-1", "uuid": "e-1", "properties": {}}
    events = [
        identify | {"properties": {"$set": {"email": "kim@acme.example", "plan": "free"}}},
        identify | {"uuid": "e-2", "properties": {"$set": {"email": "kim@acme.example", "plan": "pro"}}},
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, events)), encoding="utf-8")

    ended = run("preview", "events.jsonl", "--set", "accountMapping=email_domain")

    assert [
        "  → new contact u-1 with email, plan, company",
        "  → u-1 is in new account acme.example, by the email's domain",
        '  → contact u-1: plan "free" → "pro"',
    ] == [line for line in ended.stdout.decode().splitlines() if "→" in line]
    assert "by the domain of the email (accountMapping = email_domain)." in ended.stdout.decode()


def test_as_json_there_is_one_line_for_each_event_in_order(run: Run, tmp_path: Path) -> None:
    """An empty array stands for what is left out or cannot be read; the latter is told beside it."""
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(LINES) + b"\n")

    ended = run("preview", "events.jsonl", "--json")

    shown = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [["identify", "group", "track"], [], [], ["track"], [], []] == [
        [message["type"] for message in messages] for messages in shown
    ]
    assert ["events.jsonl:3", "events.jsonl:5"] == [
        line.split(": ")[0] for line in ended.stderr.decode().splitlines()
    ]
    assert 1 == ended.returncode


def test_what_it_shows_is_what_an_export_sends_to_the_byte(
    run: Run, variance: LocalVariance, tmp_path: Path
) -> None:
    """For real events in every shape: numbers keep their digits, texts their characters."""
    (tmp_path / "odd.jsonl").write_bytes(
        b'{"event":"odd","uuid":"1","distinct_id":"u","properties":{"big":12345678901234567890123,'
        b'"exact":0.1000000000000000055511151231257827,"half":"\\ud83d","e":1e400}}\n'
    )
    recordings = [path for path in RECORDINGS.rglob("*.jsonl") if ".expected" not in path.name]
    paths = [tmp_path / "odd.jsonl", *sorted(recordings)]

    shown = run("preview", *paths, "--json")
    settings = {
        "VARIANCE_WEBHOOK_URL": variance.url,
        "VARIANCE_ALLOWED_HOSTS": "127.0.0.1",
        "VARIANCE_AUTH_HEADER": "Bearer demo-token",
    }
    sent = run("export", *paths, "--set", "concurrency=1", env={**os.environ, **settings})

    assert 0 == sent.returncode, sent.stdout
    bodies = [bytes(raw) for post in variance.posts for raw in post.raw_messages]
    assert len(bodies) > 100
    expected = b"".join(line[1:-1] + b"," for line in shown.stdout.splitlines() if line != b"[]")
    assert expected == b"".join(body + b"," for body in bodies)


def test_settings_of_the_mapping_count_and_no_address_is_needed(run: Run, tmp_path: Path) -> None:
    """From all the places that an export knows."""
    (tmp_path / "events.jsonl").write_bytes(LINES[1] + b"\n" + LINES[0] + b"\n")
    (tmp_path / "settings.toml").write_text("groupFromEvents = false\n", encoding="utf-8")
    environment = {**os.environ, "VARIANCE_SYSTEM_EVENTS": "$auto*"}

    ended = run(
        "preview",
        "events.jsonl",
        "--json",
        *("--settings", "settings.toml", "--set", "identifyFromEvents=no"),
        env=environment,
    )

    assert [["track"], ["track"]] == [
        [message["type"] for message in json.loads(line)] for line in ended.stdout.splitlines()
    ]
    assert 0 == ended.returncode


def test_a_wrong_setting_of_the_mapping_is_told(run: Run, tmp_path: Path) -> None:
    """With the nearest name, as everywhere."""
    (tmp_path / "events.jsonl").write_bytes(LINES[0])

    ended = run("preview", "events.jsonl", "--set", "anonymousUser=skip")

    told = "Error: anonymousUser: unknown setting; did you mean anonymousUsers? (from --set)\n"
    assert told == ended.stderr.decode()
    assert 2 == ended.returncode


def test_a_limit_counts_events(run: Run, tmp_path: Path) -> None:
    """Not lines: one line may hold several."""
    (tmp_path / "events.jsonl").write_bytes(LINES[3] + b"\n" + LINES[0] + b"\n")

    ended = run("preview", "events.jsonl", "--json", "--limit", "1")

    (line,) = ended.stdout.splitlines()
    assert "e-3" == json.loads(line)[0]["messageId"]


def test_a_file_that_is_cut_off_gives_a_line_for_that(run: Run) -> None:
    """The events before it are shown; standard input has a name, too."""
    cut_off = gzip.compress(LINES[1] + b"\n")[:-20]

    ended = run("preview", "-", "--json", input=gzip.compress(LINES[0] + b"\n") + cut_off)

    assert b'"signed up"' in ended.stdout.splitlines()[0]
    assert b"[]" == ended.stdout.splitlines()[-1]
    assert ended.stderr.startswith(b"<stdin>:2: ")
    assert b"cut off" in ended.stderr
    assert 1 == ended.returncode


def test_nothing_in_an_event_can_move_the_terminal(run: Run, tmp_path: Path) -> None:
    """Escape sequences, line breaks and marks of direction are shown as what they are: no text."""
    name = "a\x1b[2J\nb\u202ec"
    event = {"event": name, "distinct_id": name, "properties": {name: name}, "timestamp": name}
    del event["timestamp"]
    (tmp_path / "events.jsonl").write_text(json.dumps(event), encoding="utf-8")

    ended = run("preview", "events.jsonl")

    shown = ended.stdout.decode()
    assert "“a\ufffd[2J\ufffdb\ufffdc”" in shown
    assert set() == {character for character in shown if not character.isprintable()} - {"\n"}
    assert 6 == len(shown.splitlines())


def test_a_reader_that_leaves_early_is_no_fault(tmp_path: Path) -> None:
    """As in `variance-plugin preview … | head -1`."""
    (tmp_path / "events.jsonl").write_bytes((LINES[0] + b"\n") * 5000)

    with subprocess.Popen(
        [sys.executable, "-m", "variance_plugin", "preview", "events.jsonl"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        process.wait(SECONDS)

    assert b"" == said
