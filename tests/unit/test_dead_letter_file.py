"""The file of dead letters: what a line holds, who may read it, what happens to it over restarts."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from variance_plugin.errors import UsageError
from variance_plugin.events import Event
from variance_plugin.hooks import Rejection
from variance_plugin.runtime import DeadLetterFile
from variance_plugin.testing import FakeClock, make_event


def letters(path: Path) -> list[dict[str, Any]]:
    """The letters of a file, one a line."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def kept(tmp_path: Path, rejection: Rejection) -> dict[str, Any]:
    """The letter that a rejection becomes."""
    file = DeadLetterFile(tmp_path / "letters.jsonl", FakeClock())
    file.add(rejection)
    file.close()
    (letter,) = letters(file.path)
    return letter


def test_a_letter_says_everything_that_is_known(tmp_path: Path) -> None:
    """Time, reason, status, attempts, source, the event as it was read and the message as it was sent."""
    record = b'{"event": "order paid",\r\n "properties": {"total": 9007199254740993}}'
    event = Event(event="order paid", properties={}, record=record, position="events.jsonl:7")

    letter = kept(
        tmp_path,
        Rejection(event=event, reason="HTTP 400", status=400, attempts=2, message=b'{"type":"track"}'),
    )

    assert {
        "rejectedAt": "2026-01-01T00:00:00.000Z",
        "reason": "HTTP 400",
        "status": 400,
        "attempts": 2,
        "source": "events.jsonl:7",
        "event": {"event": "order paid", "properties": {"total": 9007199254740993}},
        "message": {"type": "track"},
    } == letter


def test_an_event_that_came_without_its_text_is_kept_by_its_fields(tmp_path: Path) -> None:
    """Such as one that a host handed over as an object."""
    letter = kept(tmp_path, Rejection(event=make_event(properties={"total": 5}), reason="no"))

    assert {
        "event": "order paid",
        "uuid": "00000000-0000-0000-0000-000000000001",
        "timestamp": "2026-01-01T00:00:01.000Z",
        "distinct_id": "ada",
        "properties": {"total": 5},
    } == letter["event"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (b'{"event": ', '{"event": '),
        (b"NaN", "NaN"),
        (b'"\xff\xfe"', '"\\xff\\xfe"'),
        (b"[" * 100_000, "[" * 100_000),
        (b'{"a":"\\ud83d"}', '{"a":"\\ud83d"}'),
    ],
    ids=["cut off", "NaN", "broken UTF-8", "deep", "lone surrogate"],
)
def test_a_record_that_is_no_json_is_kept_as_text(tmp_path: Path, record: bytes, expected: object) -> None:
    """The line stays JSON whatever the record was."""
    event = Event(event="", properties={}, record=record)

    assert expected == kept(tmp_path, Rejection(event=event, reason="not JSON"))["event"]


def test_only_the_owner_may_read_the_letters(tmp_path: Path) -> None:
    """They hold people's events."""
    kept(tmp_path, Rejection(event=make_event(), reason="no"))

    assert 0o600 == stat.S_IMODE((tmp_path / "letters.jsonl").stat().st_mode)


def test_there_is_no_file_before_the_first_letter(tmp_path: Path) -> None:
    """A run that rejects nothing leaves nothing behind."""
    DeadLetterFile(tmp_path / "letters.jsonl", FakeClock()).close()

    assert [] == list(tmp_path.iterdir())


def test_earlier_letters_stay_and_a_torn_one_spoils_no_other(tmp_path: Path) -> None:
    """A crash in the middle of a line costs that line alone."""
    path = tmp_path / "letters.jsonl"
    path.write_bytes(b'{"reason":"first"}\n{"reason":"sec')
    file = DeadLetterFile(path, FakeClock())

    file.add(Rejection(event=make_event(), reason="third"))
    file.close()

    lines = path.read_bytes().split(b"\n")
    assert [b'{"reason":"first"}', b'{"reason":"sec'] == lines[:2]
    assert "third" == json.loads(lines[2])["reason"]
    assert [b""] == lines[3:]


def test_a_file_that_cannot_be_written_is_told_in_the_users_words(tmp_path: Path) -> None:
    """With its path and the system's reason."""
    path = tmp_path / "letters.jsonl"
    path.mkdir()
    file = DeadLetterFile(path, FakeClock())

    with pytest.raises(
        UsageError, match=r"cannot write the dead letters to .*letters\.jsonl: Is a directory"
    ):
        file.add(Rejection(event=make_event(), reason="no"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_and_not_passed_over(tmp_path: Path) -> None:
    """A letter that could not be written has not been kept, and `add` says so."""
    path = tmp_path / "letters.jsonl"
    path.symlink_to("/dev/full")
    file = DeadLetterFile(path, FakeClock())

    with pytest.raises(UsageError, match="No space left on device"):
        file.add(Rejection(event=make_event(), reason="no"))

    file.close()
