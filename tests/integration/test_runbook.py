"""The runbook of `docs/reliability.md` is true: what it says a run tells is what a run tells."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.benches.command_lines import parsed
from tests.benches.program import Program, Starting, readiness
from variance_plugin.receiver import Answer, LocalVariance, Post

PAGE = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text(encoding="utf-8")
RUNBOOK = PAGE.partition("## When something goes wrong")[2]


@pytest.fixture
def running(program: Program, variance: LocalVariance, tmp_path: Path) -> Starting:
    """Start a runner with thirty events to send."""
    program.write_settings(variance.url, listen="127.0.0.1:0")
    line = '{"event":"paid","uuid":"u-%d","distinct_id":"u","properties":{}}\n'
    (tmp_path / "events.jsonl").write_text("".join(line % number for number in range(30)))
    return partial(program.start, "run")


def down(_post: Post) -> Answer:
    """Nothing is taken."""
    return Answer(status=503)


def at_fault(_post: Post) -> Answer:
    """The secret is wrong."""
    return Answer(status=401)


def rejecting(_post: Post) -> Answer:
    """Every message is refused."""
    return Answer(status=422)


def poisoned(post: Post) -> Answer:
    """One message is refused."""
    return Answer(status=400 if b'"u-7"' in post.body else 200)


@pytest.mark.parametrize(
    ("heading", "answers"),
    [
        ("The endpoint is down", down),
        ("The secret or the address is wrong", at_fault),
        ("What the mapping makes is rejected", rejecting),
        ("One event is poison", poisoned),
    ],
)
def test_a_run_tells_what_the_runbook_says_it_does(
    running: Starting, variance: LocalVariance, heading: str, answers: Callable[[Post], Answer]
) -> None:
    """In the log and at `/readyz`; the full disk has tests of its own."""
    section = RUNBOOK.split(f"### {heading}\n", 1)[1].partition("\n### ")[0]
    [log] = re.findall(r"\| the log says \| .*?`(.+?)`", section)
    [status, reason] = re.findall(r"\| `/readyz` \| (\d+)(?:: `(.+?)`)?", section)[0]
    # Of a request the figures differ, and what is told of it is the same.
    expected = re.escape(log).replace("613", r"\d+").replace(r"0\.020", r"[\d.]+")
    variance.answer_with(answers)

    with running() as process:
        assert process.stderr is not None
        told = (json.loads(line)["event"] for line in process.stderr)
        port = next(line for line in told if "listening" in line).rpartition(" ")[2]
        assert any(re.search(expected, line) for line in told)
        if heading == "The endpoint is down":
            assert any(re.search(r"trying again in \d+ s: HTTP 503", line) for line in told)
        elif status == "503":
            assert any(line.startswith("trying again") for line in told)
        found = readiness(port)

    assert (int(status), True) == (found[0], reason in found[1])


@pytest.mark.parametrize(
    "line", sorted(set(re.findall(r"^    (variance-plugin [^#\n]+)", RUNBOOK, re.MULTILINE)))
)
def test_the_commands_of_the_runbook_are_commands(line: str) -> None:
    """With these options."""
    assert parsed(line)
