"""The recordings are believable, say nothing of where they were made, and fit what is derived from them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "tests" / "recordings"
FILES = sorted(RECORDINGS.glob("*.jsonl")) + sorted((RECORDINGS / "derived").glob("*.jsonl"))
FILES = [file for file in FILES if not file.name.endswith(".expected.jsonl")]

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@every_file
def test_a_recording_names_invented_hosts_only(file: Path) -> None:
    """Every address, mail domain and token in it is made up."""
    text = file.read_text(encoding="utf-8")
    hosts = re.findall(r"https?://([^/\"\\ :?]+)", text) + re.findall(r"[\w.-]+@([\w-]+(?:\.[\w-]+)+)", text)
    tokens = re.findall(r"ph[cx]_\w+", text)

    assert [] == [host for host in hosts if not host.endswith(".example")]
    assert [] == [token for token in tokens if not token.startswith("phc_demo")]


@every_file
def test_a_recording_has_no_folder_of_the_computer_it_was_made_on(file: Path) -> None:
    """Exceptions carry the paths of source files; they stand under /app."""
    paths = re.findall(
        r"[\"'(](/(?:tmp|home|root|var|usr|opt|Users)/[^\"']*)", file.read_text(encoding="utf-8")
    )

    assert [] == paths


@every_file
def test_a_recording_is_one_json_object_a_line(file: Path) -> None:
    """As every reader of JSON Lines expects."""
    lines = file.read_text(encoding="utf-8").splitlines()

    assert lines
    assert {dict} == {type(json.loads(line)) for line in lines}


def test_the_derived_files_are_what_the_recordings_give() -> None:
    """Nobody edited them by hand, and no rule changed without them."""
    check = [sys.executable, "-m", "tests.recordings.scripts.derive", "--check"]

    checked = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (0, "") == (checked.returncode, checked.stderr), checked.stdout
