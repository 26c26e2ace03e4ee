"""The closing summary and the exit status."""

import json

import pytest

from variance_plugin.cli.closing import Closing, ExitStatus
from variance_plugin.pipeline import Summary


def closing(*, rejected: int = 0, left: int = 0, stopped_by: str | None = None) -> Closing:
    """The end of a run of which some part went wrong."""
    summary = Summary(
        read=10 + rejected + left,
        delivered=7,
        skipped={"this": 2, "that": 1},
        rejected=rejected,
        left=left,
        messages={"track": 6, "page": 3},
        attempts={"delivered": 1},
        retries=0,
    )
    return Closing(summary=summary, seconds=2.0, dead_letters="dead.jsonl", stopped_by=stopped_by)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        pytest.param(closing(), ExitStatus.DONE, id="all delivered"),
        pytest.param(closing(rejected=1), ExitStatus.REJECTED, id="some rejected"),
        pytest.param(closing(stopped_by="Ctrl-C"), ExitStatus.STOPPED, id="stopped"),
        pytest.param(closing(rejected=1, left=1), ExitStatus.STOPPED, id="some left"),
    ],
)
def test_the_status_tells_how_it_ended(end: Closing, status: ExitStatus) -> None:
    """Being stopped outweighs what was rejected: there is something to do again."""
    assert status == end.status


def test_the_summary_leaves_out_what_did_not_happen() -> None:
    """A good run has few lines."""
    assert """\
Read      10 events in 2.0 s, 5 events/s
Delivered 7 events as 9 messages: 6 track, 3 page
Skipped   3 events
          2 this
          1 that""" == closing().to_text()


def test_the_summary_of_a_run_that_was_stopped_says_what_to_do() -> None:
    """Nothing is lost by running it again."""
    assert """\
Rejected  1 event, each with its reason in dead.jsonl
Left      2 events read, but not delivered
Stopped   before the end: stopped by Ctrl-C
          Run it again to deliver the rest; what is delivered twice keeps its messageId.""" == "\n".join(
        closing(rejected=1, left=2, stopped_by="stopped by Ctrl-C").to_text().splitlines()[5:]
    )


def test_the_summary_for_programs_names_the_file_only_if_there_is_one() -> None:
    """And why the run was stopped only if it was."""
    assert json.loads(closing().to_json())["deadLetters"] is None
    assert json.loads(closing().to_json())["stopped"] is None
    assert "dead.jsonl" == json.loads(closing(rejected=1).to_json())["deadLetters"]
