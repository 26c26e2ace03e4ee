"""What real SDKs sent, in every shape that PostHog makes of it, becomes the messages that stand beside it.

`python -m tests.recordings.scripts.expected` writes those anew; read what changed before you keep it.
"""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from variance_plugin.__about__ import __version__

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = runpy.run_path(str(ROOT / "tests" / "recordings" / "scripts" / "expected.py"))
RECORDINGS: list[Path] = SCRIPT["recordings"]()

every_recording = pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.stem)


def messages(recording: Path) -> list[list[dict[str, Any]]]:
    """The expected messages of a recording's events."""
    lines = recording.with_suffix(".expected.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@every_recording
def test_a_recording_gives_the_expected_messages(recording: Path) -> None:
    """Line by line, byte by byte."""
    for file, version in SCRIPT["expected_files"](recording):
        expected = file.read_text(encoding="utf-8").splitlines()
        assert expected == list(SCRIPT["expected"](recording, version)), file.name


@pytest.mark.parametrize("name", ["posthog-js", "derived/kafka"])
def test_the_preview_prints_the_expected_messages(name: str) -> None:
    """The command that users have for it shows just this."""
    recording = ROOT / "tests" / "recordings" / f"{name}.jsonl"
    command = [sys.executable, "-m", "variance_plugin", "preview", "--json", str(recording)]

    shown = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")

    expected = recording.with_suffix(".expected.jsonl").read_text(encoding="utf-8")
    assert expected.replace("<VERSION>", __version__).splitlines() == shown.stdout.splitlines()


def test_no_expected_messages_are_left_over() -> None:
    """Each stands beside its recording."""
    wanted = {file for recording in RECORDINGS for file, _version in SCRIPT["expected_files"](recording)}

    assert wanted == set((ROOT / "tests" / "recordings").rglob("*.expected.jsonl"))


def test_kafka_webhooks_and_plugin_events_say_the_same() -> None:
    """One event, three shapes of it, one outcome: where all of them know the person, all messages agree."""
    by_shape = {
        recording.stem: messages(recording) for recording in RECORDINGS if recording.parent.name == "derived"
    }

    assert by_shape["kafka"] == by_shape["webhook"]
    assert by_shape["plugin-event"] == by_shape["plugin-event-new"]
    assert [[m["type"] for m in line] for line in by_shape["kafka"]] == [
        [m["type"] for m in line] for line in by_shape["plugin-event"]
    ]
