"""How dead letters look, and how a time is given on the command line."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from variance_plugin.cli.dead_letters_run import Chosen
from variance_plugin.cli.dead_letters_text import counts, line, table, whole, whole_line
from variance_plugin.cli.letter_options import Filters
from variance_plugin.cli.times import moment
from variance_plugin.errors import UsageError
from variance_plugin.state import DeadLetter, LetterFilter, Refusal

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def refusal(reason: str = "HTTP 400", **fields: Any) -> Refusal:
    """At noon."""
    return Refusal(**{"at": NOON, "reason": reason, "status": 400, "attempts": 1, **fields})


def letter(**fields: Any) -> DeadLetter:
    """An ordinary one."""
    return DeadLetter(
        **{
            "id": 7,
            "plugin": "variance",
            "event": "order paid",
            "uuid": "u-7",
            "distinct_id": "ada",
            "source": "a.jsonl:7",
            "first_at": NOON,
            "last": refusal(),
            "history": (),
            "in_replay": False,
            "record": b'{"event":"order paid"}',
            "message": b'{"type":"track","n":1.50}',
            **fields,
        }
    )


def test_a_table_has_its_columns_below_each_other() -> None:
    """What is not known is a dash, and one in replay says so."""
    nobody = letter(id=12, plugin="", event="", distinct_id=None, last=refusal("not JSON", status=None))

    assert [
        "id  rejected             plugin    event       user  status  times        reason",
        "7   2026-11-25 12:00:00  variance  order paid  ada   400     2 in replay  HTTP 400",
        "12  2026-11-25 12:00:00  -         -           -     -       1            not JSON",
    ] == list(table([letter(history=(refusal(),), in_replay=True), nobody], None))


@pytest.mark.parametrize("width", [100, 90])
def test_a_reason_ends_where_the_terminal_does(width: int) -> None:
    """So that each letter has one line."""
    _, row = table([letter(last=refusal("HTTP 400: " + "x" * 500))], width)

    assert (width, "…") == (len(row), row[-1])


def test_of_what_could_not_be_read_that_is_said() -> None:
    """A heading with nothing below it would look like a fault of the command."""
    shown = list(whole(letter(plugin="", event="", record=b"", message=None)))

    assert ["", "Event", "  nothing of it could be read"] == shown[-3:]


def test_nothing_of_an_event_or_an_answer_can_move_the_cursor() -> None:
    """Names, ids, reasons and records come from strangers."""
    hostile = "\x1b[2Jgone\r\n\x07"
    found = letter(
        event=hostile, distinct_id=hostile, last=refusal(hostile), record=hostile.encode(), message=None
    )

    lines = [*table([found], 200), *whole(found), *counts([(hostile, 1)], "event")]

    assert [] == [one for one in lines if not one.isprintable()]


def test_a_letter_is_shown_whole() -> None:
    """Every refusal in order, event and message as they are, digit by digit."""
    shown = list(
        whole(letter(history=(refusal("HTTP 422", status=422, attempts=9),), record=b'{"n":1e400,"a":[1]}'))
    )

    assert [
        "Rejected 2 times",
        "  2026-11-25 12:00:00  HTTP 422 (9 requests)",
        "  2026-11-25 12:00:00  HTTP 400 (1 request)",
    ] == shown[shown.index("Rejected 2 times") :][:3]
    assert '    "n": 1e400,' in shown
    assert '    "n": 1.50' in shown


@pytest.mark.parametrize(
    "record", [b"\xff\x00", b"[" * 3_000 + b"]" * 3_000, b"", b'{"n":NaN}', b'{"a":"\xed\xa0\x80"}']
)
def test_any_record_can_be_shown(record: bytes) -> None:
    """As JSON where it is, else as text."""
    found = letter(record=record, last=refusal("half an emoji \ud83d"))

    assert "Event" in list(whole(found))
    assert 7 == json.loads(whole_line(found))["id"]


def test_a_line_tells_nothing_of_what_the_event_holds() -> None:
    """That takes an export, or a look at this letter."""
    found = letter(record=b'{"secret":1}', message=b'{"secret":2}')

    assert b"secret" not in line(found)
    assert [{"secret": 1}, {"secret": 2}] == [
        json.loads(whole_line(found))[key] for key in ("record", "message")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T10:00", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("2026-11-24T10:00+01:00", datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("2026-11-24 10:00:00Z", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("90m", NOON - timedelta(minutes=90)),
        (" 7d ", NOON - timedelta(days=7)),
        ("0s", NOON),
    ],
)
def test_a_time_is_a_date_or_how_long_ago_it_was(text: str, expected: datetime) -> None:
    """In UTC, unless it says otherwise."""
    assert expected == moment(text, NOON, option="--since")


@pytest.mark.parametrize("text", ["", "soon", "-1h", "1.5h", "24", "999999999w", "2026-13-01", "٣h"])
def test_what_is_no_time_is_told_with_what_would_be(text: str) -> None:
    """By the name of its option."""
    with pytest.raises(UsageError, match=r"^--until: .* is no time; write 2026-11-25 or .*90m, 24h, 7d$"):
        moment(text, NOON, option="--until")


def test_all_letters_are_meant_only_where_somebody_says_so() -> None:
    """For what changes something: a filter or `--all`, and not both."""
    assert LetterFilter(status=400) == Chosen(Filters(status=400), every=False).filter(NOON)
    assert LetterFilter() == Chosen(Filters(), every=True).filter(NOON) == Chosen(Filters()).filter(NOON)
    for unclear in (
        Chosen(Filters(), every=False),
        Chosen(Filters(), every=False, ids=[]),
        Chosen(Filters(event="paid"), every=True),
    ):
        with pytest.raises(UsageError):
            unclear.filter(NOON)
