"""`variance-plugin export`: a real process against a real receiver."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.benches.program import plain_environment, sending_to
from variance_plugin.receiver import Answer, LocalVariance

SECONDS = 30.0  # nothing here takes that long; what does has failed

Export: TypeAlias = Callable[..., subprocess.CompletedProcess[bytes]]

AUTHORIZATION = "Bearer demo-token"


@pytest.fixture
def environment(variance: LocalVariance) -> dict[str, str]:
    """That of this process, with the two settings that are needed and no other of ours."""
    return plain_environment() | sending_to(variance)


@pytest.fixture
def export(tmp_path: Path, environment: dict[str, str]) -> Export:
    """Run it to its end in an empty folder."""

    def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "variance_plugin", "export", *map(str, arguments)]
        return subprocess.run(
            command,
            check=False,
            capture_output=True,
            cwd=tmp_path,
            timeout=SECONDS,
            **{"env": environment, **options},
        )

    return run


def event(name: str, number: int = 1, **properties: object) -> bytes:
    """One line."""
    uuid = f"00000000-0000-4000-8000-{number:012}"
    fields = {"event": name, "uuid": uuid, "distinct_id": f"user-{number % 7}", "properties": properties}
    return json.dumps({**fields, "timestamp": "2026-01-02T03:04:05.678Z"}).encode() + b"\n"


def sent_names(variance: LocalVariance) -> list[str]:
    """The events of the track messages that arrived, sorted."""
    return sorted(json.loads(bytes(raw))["event"] for post in variance.posts for raw in post.raw_messages)


def dead_letters(folder: Path) -> Iterator[Any]:
    """What was set aside."""
    for line in (folder / "dead-letters.jsonl").read_bytes().splitlines():
        yield json.loads(line)


def test_everything_delivered_is_status_0_and_a_summary(
    export: Export, variance: LocalVariance, tmp_path: Path
) -> None:
    """What was read is told with what became of it; without rejected events there is no file for them."""
    lines = [event("order paid"), event("$autocapture", 2), event("order sent", 3)]
    (tmp_path / "events.jsonl").write_bytes(b"".join(lines))

    ended = export("events.jsonl")

    assert ["order paid", "order sent"] == sent_names(variance)
    told = ended.stdout.decode().splitlines()
    assert told[0].startswith("Read      3 events in ")
    assert [
        "Delivered 2 events as 2 messages: 2 track",
        "Skipped   1 event: system event not named in systemEvents",
    ] == told[1:]
    assert 0 == ended.returncode
    assert b"" == ended.stderr
    assert ["events.jsonl"] == [path.name for path in tmp_path.iterdir()]


def test_the_summary_as_json_is_one_object(export: Export, tmp_path: Path) -> None:
    """Its counts add up to the events read."""
    lines = [event("paid", 1), event("$pageview", 2), event("$pageleave", 3), b"{broken\n", event("paid", 4)]
    (tmp_path / "events.jsonl").write_bytes(b"".join(lines))

    ended = export("events.jsonl", "--json")

    summary = json.loads(ended.stdout)
    assert summary.pop("seconds") > 0
    assert summary.pop("eventsPerSecond") > 0
    assert {
        "read": 5,
        "delivered": 3,
        "skipped": {"system event not named in systemEvents": 1},
        "rejected": 1,
        "left": 0,
        "messages": {"track": 2, "page": 1},
        "attempts": summary["attempts"],
        "retries": 0,
        "deadLetters": "dead-letters.jsonl",
        "stopped": None,
    } == summary
    assert 1 == ended.returncode


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        pytest.param(b'{"event": "cut of', "not JSON", id="cut off"),
        pytest.param(b"\xff\xfe\xfd", "UTF-8", id="not UTF-8"),
        pytest.param(b"[" * 5000 + b"]" * 5000, "deep", id="nested too deep"),
        pytest.param(b'{"distinct_id": "u"}', "no event name", id="no event"),
        pytest.param(
            b'{"event": "$groupidentify", "distinct_id": "u", "properties": {}}', "group", id="no group"
        ),
    ],
)
def test_a_broken_line_is_set_aside_with_its_place_and_the_rest_goes_on(
    export: Export, variance: LocalVariance, tmp_path: Path, broken: bytes, reason: str
) -> None:
    """Status 1 says that something is in the dead letters, and the summary says where they are."""
    (tmp_path / "events.jsonl").write_bytes(event("before", 1) + broken + b"\n" + event("after", 2))

    ended = export("events.jsonl", "--dead-letters", tmp_path / "dead-letters.jsonl")

    assert ["after", "before"] == sent_names(variance)
    assert b"Rejected  1 event, each with its reason in " in ended.stdout
    assert 1 == ended.returncode
    (letter,) = dead_letters(tmp_path)
    assert "events.jsonl:2" == letter["source"]
    assert reason in letter["reason"]
    assert 0o600 == (tmp_path / "dead-letters.jsonl").stat().st_mode & 0o777


def test_a_gzip_file_that_is_cut_off_gives_what_is_readable_and_says_so(
    export: Export, variance: LocalVariance, tmp_path: Path
) -> None:
    """The file after it is read as well."""
    packed = gzip.compress(b"".join(event(f"e{number:04}", number) for number in range(2000)))
    (tmp_path / "a.jsonl.gz").write_bytes(packed[: len(packed) * 2 // 3])
    (tmp_path / "b.jsonl").write_bytes(event("last"))

    ended = export(".", "--json")

    summary = json.loads(ended.stdout)
    assert "last" == sent_names(variance)[-1]
    assert summary["delivered"] > 1000
    assert 1 == summary["rejected"]
    (letter,) = dead_letters(tmp_path)
    assert "cut off" in letter["reason"]
    assert letter["source"].startswith("a.jsonl.gz:")
    assert 1 == ended.returncode


@pytest.mark.parametrize(
    ("path", "told"),
    [
        pytest.param(
            "event.jsonl", "event.jsonl: no such file or folder; did you mean events.jsonl?", id="missing"
        ),
        pytest.param("empty", "empty: no file of events in this folder", id="folder without events"),
    ],
)
def test_a_wrong_path_is_told_before_anything_is_sent(
    export: Export, variance: LocalVariance, tmp_path: Path, path: str, told: str
) -> None:
    """Also when another one is right."""
    (tmp_path / "events.jsonl").write_bytes(event("paid"))
    (tmp_path / "empty").mkdir()

    ended = export("events.jsonl", path)

    assert f"Error: {told}\n" == ended.stderr.decode()
    assert b"" == ended.stdout
    assert 2 == ended.returncode
    assert () == variance.posts


def test_files_of_a_folder_that_are_not_read_are_named(export: Export, tmp_path: Path) -> None:
    """The first few, and how many more there are."""
    (tmp_path / "events.jsonl").write_bytes(event("paid"))
    for number in range(7):
        (tmp_path / f"notes-{number}.txt").touch()

    ended = export(".")

    told = ended.stderr.decode().splitlines()
    assert [f"Not read: notes-{number}.txt: no" for number in range(5)] == [line[:25] for line in told[:5]]
    assert ["Not read: 2 more files"] == told[5:]
    assert 0 == ended.returncode


def test_all_faults_of_the_settings_are_told_at_once_each_with_its_place(
    export: Export, environment: dict[str, str], variance: LocalVariance, tmp_path: Path
) -> None:
    """The values of secrets are not among what is told."""
    (tmp_path / "events.jsonl").write_bytes(event("paid"))
    (tmp_path / "secret").write_bytes(b"Bearer one\nBearer two\n")
    (tmp_path / "settings.toml").write_text('compresion = "gzip"\nretrySeconds = 4000\n', encoding="utf-8")
    del environment["VARIANCE_AUTH_HEADER"]
    environment |= {"VARIANCE_AUTH_HEADER_FILE": "secret", "VARIANCE_SENDIP": "no"}

    ended = export("events.jsonl", "--settings", "settings.toml", "--set", "maxBatchEvents=many")

    assert """\
Error: these settings cannot be used:
  compresion: unknown setting; did you mean compression? (from settings.toml)
  VARIANCE_SENDIP: no setting has this variable; did you mean VARIANCE_SEND_IP?
  authHeader: holds a line break or another control character; a header cannot carry that \
(from VARIANCE_AUTH_HEADER_FILE)
  maxBatchEvents: 'many' is not a whole number from 1 to 10000 (from --set)
  retrySeconds: '4000' is not a number from 0 to 300 (from settings.toml)
""" == ended.stderr.decode()
    assert 2 == ended.returncode
    assert () == variance.posts


def test_a_flag_goes_before_the_environment_and_that_before_the_file(
    export: Export, environment: dict[str, str], variance: LocalVariance, tmp_path: Path
) -> None:
    """Each parameter is taken from the first place that has it."""
    (tmp_path / "events.jsonl").write_bytes(event("paid", seats=3, plan="team", coupon="x"))
    settings = {
        "webhookUrl": "http://nobody.invalid/",
        "propertiesToExclude": ["coupon"],
        "eventsToExport": "none",
        "payloadFormat": "array",
    }
    (tmp_path / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    environment |= {"VARIANCE_PAYLOAD_FORMAT": "ndjson", "VARIANCE_EVENTS_TO_EXPORT": "paid"}

    ended = export("events.jsonl", "--settings", "settings.json", "--set", "payloadFormat=single")

    assert 0 == ended.returncode, ended.stderr
    (post,) = variance.posts
    assert {"seats": 3, "plan": "team"} == json.loads(post.body)["properties"]


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        pytest.param("missing/dead.jsonl", "there is no folder missing", id="no folder"),
        pytest.param(".", "it is a folder", id="folder"),
        pytest.param(
            "events.jsonl", "it is among the files to read, and would grow while it is read", id="input"
        ),
    ],
)
def test_dead_letters_that_cannot_be_written_are_told_at_the_start(
    export: Export, variance: LocalVariance, tmp_path: Path, place: str, problem: str
) -> None:
    """Not at the first rejected event, hours later."""
    (tmp_path / "events.jsonl").write_bytes(event("paid"))

    ended = export("events.jsonl", "--dead-letters", place)

    told = f"Error: cannot write the dead letters to {place}: {problem}; name another by --dead-letters\n"
    assert told == ended.stderr.decode()
    assert 2 == ended.returncode
    assert () == variance.posts


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"{broken\n", id="by the reading end"),
        pytest.param(
            b'{"event": "$groupidentify", "distinct_id": "u", "properties": {}}\n', id="by the plugin"
        ),
    ],
)
def test_a_full_disk_stops_the_run_before_an_event_is_lost(
    export: Export, tmp_path: Path, line: bytes
) -> None:
    """What cannot be set aside is counted as left, and nothing later is read as if all were well."""
    (tmp_path / "events.jsonl").write_bytes(line)

    ended = export("events.jsonl", "--dead-letters", "/dev/full")

    assert b"cannot write the dead letters to /dev/full: No space left on device" in ended.stdout
    assert b"Left      1 event" in ended.stdout
    assert b"Rejected" not in ended.stdout
    assert b"Traceback" not in ended.stderr
    assert 3 == ended.returncode


def test_what_is_left_of_a_record_that_is_cut_off_is_in_its_dead_letter(
    export: Export, tmp_path: Path
) -> None:
    """It may be all that there is of an event; where nothing could be read, no event is made up."""
    cut = b'{"event":"paid","distinct_id":"ad'
    whole = event("paid", 1)
    (tmp_path / "lines.jsonl").write_bytes(whole + cut)
    (tmp_path / "array.json").write_bytes(b"[\n" + whole.strip() + b",\n" + cut)
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(whole * 20 + cut)[:-4])
    (tmp_path / "utf16.jsonl").write_bytes("{}\n".encode("utf-16"))

    assert 1 == export("lines.jsonl", "array.json", "packed.jsonl.gz", "utf16.jsonl").returncode

    letters = [json.loads(line) for line in (tmp_path / "dead-letters.jsonl").read_bytes().splitlines()]
    assert {
        "lines.jsonl:2": cut.decode(),
        "array.json[1]": cut.decode(),
        "packed.jsonl.gz:21": cut.decode(),
        "utf16.jsonl": None,
    } == {letter["source"]: letter.get("event") for letter in letters}


def test_rejected_events_can_be_exported_again_from_the_dead_letters(
    export: Export, variance: LocalVariance, tmp_path: Path
) -> None:
    """The file of dead letters is itself a file of events."""
    (tmp_path / "events.jsonl").write_bytes(event("paid", 1) + event("refunded", 2))
    variance.answer_with(lambda post: Answer(status=400 if b"refunded" in post.body else 200))
    assert 1 == export("events.jsonl").returncode
    variance.answer_with(None)

    ended = export("dead-letters.jsonl", "--dead-letters", "again.jsonl")

    assert 0 == ended.returncode, ended.stderr
    assert {"paid": 1, "refunded": 1} == dict(variance.summary().events)


def test_a_destination_at_fault_is_told_once_and_the_run_goes_on_by_itself(
    export: Export, variance: LocalVariance, tmp_path: Path
) -> None:
    """Nothing is lost, nobody has to do anything here, and the screen is not flooded."""
    (tmp_path / "events.jsonl").write_bytes(b"".join(event("paid", number) for number in range(50)))
    variance.answer_with([Answer(status=404, headers={"Retry-After": "1"})] * 2)

    ended = export("events.jsonl", "--set", "concurrency=1")

    told = ended.stderr.decode()
    assert 1 == told.count("the destination is at fault, nothing is lost, somebody has to look: HTTP 404")
    assert 1 == told.count("`variance-plugin check --send`")
    assert 1 == told.count("The destination takes events again.")
    assert b"Retried   2 times, after waiting for the destination" in ended.stdout
    assert 50 == variance.summary().events["paid"]
    assert 0 == ended.returncode


def test_giving_up_ends_a_wait_with_status_3(export: Export, variance: LocalVariance, tmp_path: Path) -> None:
    """The summary tells what is left, and why."""
    (tmp_path / "events.jsonl").write_bytes(b"".join(event("paid", number) for number in range(50)))
    variance.answer_with(lambda _post: Answer(status=503, headers={"Retry-After": "3000"}))

    ended = export("events.jsonl", "--give-up-after", "0.5", "--set", "retrySeconds=0")

    told = ended.stdout.decode()
    assert "Left      50 events read, but not delivered" in told
    assert "before the end: gave up after " in told
    assert "of waiting: HTTP 503" in told
    assert 3 == ended.returncode


def test_standard_input_is_a_dash(export: Export, variance: LocalVariance) -> None:
    """Also compressed."""
    ended = export("-", input=gzip.compress(event("paid", 1) + event("sent", 2)))

    assert ["paid", "sent"] == sent_names(variance)
    assert 0 == ended.returncode


def test_verbose_tells_of_every_request(export: Export, tmp_path: Path) -> None:
    """With sizes and times, but without what was sent."""
    (tmp_path / "events.jsonl").write_bytes(event("paid", number=1, secret="hush"))

    ended = export("events.jsonl", "--verbose")

    assert b"attempt 1: 1 message, " in ended.stderr
    assert b"hush" not in ended.stderr
