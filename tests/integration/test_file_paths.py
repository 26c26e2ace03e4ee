"""What the user names becomes a list of files, or one message that says everything that is wrong with it."""

import gzip
import os
import socket
import sys
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.errors import UsageError
from variance_plugin.sources.file import FileSource
from variance_plugin.sources.paths import Choice, Tolerance, choose, natural_order

EVENT = b'{"event":"order paid"}\n'
NO_EVENTS = "no name of a file of events: .jsonl, .ndjson or .json, which .gz, .br or .zst may follow"
NOT_PARQUET = (
    "Parquet is read by the source for batch exports, from a folder as well: variance-plugin bucket FOLDER"
)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths, as people type them."""
    monkeypatch.chdir(tmp_path)


def put(*names: str, content: bytes = EVENT) -> None:
    """Files with one event each."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content)


def names_of(choice: Choice) -> list[str]:
    """What is read, in order."""
    return [found.name for found in choice.inputs]


def fault_of(*paths: str | Path) -> str:
    """What the user is told."""
    with pytest.raises(UsageError) as raised:
        choose(paths)
    return str(raised.value)


def test_a_folder_is_every_file_of_events_below_it_in_natural_order() -> None:
    """An export's parts are numbered without leading zeros."""
    put(*(f"exports/2026/11/21/a-{part}.jsonl.gz" for part in (10, 9, 1)), "exports/2026/9/b.json")
    put("exports/z.ndjson.zst", "exports/y.JSONL", "exports/x.jsonl.br")

    assert [
        "exports/2026/9/b.json",
        "exports/2026/11/21/a-1.jsonl.gz",
        "exports/2026/11/21/a-9.jsonl.gz",
        "exports/2026/11/21/a-10.jsonl.gz",
        "exports/x.jsonl.br",
        "exports/y.JSONL",
        "exports/z.ndjson.zst",
    ] == names_of(choose(["exports"]))


def test_what_a_folder_holds_besides_is_skipped_with_its_reason(tmp_path: Path) -> None:
    """Nothing found is passed over without a word."""
    put("exports/a.jsonl", "exports/.b.jsonl", "exports/.git/c.jsonl", "exports/notes.txt", "other/d.jsonl")
    put("exports/2026-11-21_manifest.json")
    (tmp_path / "exports" / "link").symlink_to(tmp_path / "other")

    choice = choose(["exports"])

    assert ["exports/a.jsonl"] == names_of(choice)
    assert {
        "exports/.b.jsonl: hidden",
        "exports/.git: hidden",
        "exports/2026-11-21_manifest.json: PostHog's list of an export's files, not events",
        "exports/link: a link to a folder; name it to have it read",
        f"exports/notes.txt: {NO_EVENTS}",
    } == set(map(str, choice.skipped))


@pytest.mark.parametrize(
    ("expected", "pattern"),
    [
        pytest.param(["exports/a-2.jsonl", "exports/a-10.jsonl"], "exports/*.jsonl", id="star"),
        pytest.param(["exports/a-2.jsonl"], "exports/a-[0-9].jsonl", id="set"),
        pytest.param(["exports/a-2.jsonl", "exports/a-10.jsonl"], "exp*", id="folders-match-too"),
        pytest.param(
            ["deep/er/b.jsonl", "exports/a-2.jsonl", "exports/a-10.jsonl"], "**/*.jsonl", id="all-below"
        ),
        pytest.param(["deep/er/b.jsonl"], "deep/**", id="everything-below"),
    ],
)
def test_a_pattern_the_shell_left_alone_is_expanded(expected: list[str], pattern: str) -> None:
    """In quotes, in a settings file or on Windows nobody else does it."""
    put("exports/a-10.jsonl", "exports/a-2.jsonl", "exports/.hidden.jsonl", "deep/er/b.jsonl", "README.md")

    assert expected == names_of(choose([pattern]))


def test_a_file_whose_name_looks_like_a_pattern_is_that_file() -> None:
    """Browsers number what they download twice: `events[1].jsonl`."""
    put("events[1].jsonl", "events1.jsonl")

    assert ["events[1].jsonl"] == names_of(choose(["events[1].jsonl"]))


def test_arguments_keep_their_order_and_a_file_is_read_once() -> None:
    """The user's order may be that of time; a second reading would be repeats, not events."""
    put("b.jsonl", "a/a.jsonl", "a/c.jsonl")

    choice = choose(["b.jsonl", Path("a"), "./a/../a/c.jsonl", "-", "-"])

    assert ["b.jsonl", "a/a.jsonl", "a/c.jsonl", "<stdin>"] == names_of(choice)
    assert ["./a/../a/c.jsonl: named twice; read once", "<stdin>: named twice; read once"] == list(
        map(str, choice.skipped)
    )


def test_a_file_named_itself_is_read_whatever_its_extension() -> None:
    """Who types the name knows what it is. Only lists of an export's files are never events."""
    put("events.log", ".hidden", "x_manifest.json")

    choice = choose(["events.log", ".hidden", "x_manifest.json"])

    assert ["events.log", ".hidden"] == names_of(choice)
    assert ["x_manifest.json: PostHog's list of an export's files, not events"] == list(
        map(str, choice.skipped)
    )


def test_everything_that_is_wrong_is_said_at_once_and_before_anything_is_read(tmp_path: Path) -> None:
    """Nobody mends a command line one fault at a time."""
    put("exports/events.jsonl", "good.jsonl")
    put("a.parquet", "b.parquet.zst", "c.parquet", "d.parquet", content=b"PAR1")
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to("loop")

    assert [
        "export/events.jsonl: no such file or folder; did you mean exports?",
        "exports/event.jsonl: no such file or folder; did you mean exports/events.jsonl?",
        "nowhere, good.jsonl/events.jsonl: no such file or folder",
        "empty: no file of events in this folder",
        "zzz*: nothing matches this pattern",
        "*.parquett: nothing matches this pattern; did you mean d.parquet?",
        f"a.parquet, b.parquet.zst, c.parquet and 1 more: {NOT_PARQUET}",
        "loop: cannot be read: Too many levels of symbolic links",
        "'a\\x00b': not a name that a file can have",
    ] == fault_of(
        "good.jsonl",
        "export/events.jsonl",
        "exports/event.jsonl",
        "nowhere",
        "good.jsonl/events.jsonl",
        "empty",
        "zzz*",
        "*.parquett",
        *("a.parquet", "b.parquet.zst", "c.parquet", "d.parquet"),
        "loop",
        "a\0b",
    ).splitlines()
    with pytest.raises(UsageError):
        FileSource(["good.jsonl", "nowhere"])


@pytest.mark.parametrize("name", ["events.csv", "EVENTS.CSV.gz", "events.tsv", "events.xlsx"])
def test_a_table_is_refused_before_each_of_its_lines_becomes_a_dead_letter(name: str) -> None:
    """It is what PostHog's pages export; in a folder it is passed over, as everything else is."""
    put(name, "events.jsonl", content=b"event,distinct_id\nsigned up,kim\n")

    assert fault_of(name).startswith(f"{name}: a table, as PostHog's pages export it, has not all")
    assert [(name, NO_EVENTS)] == [(skipped.name, skipped.reason) for skipped in choose(["."]).skipped]


def test_a_folder_that_holds_parquet_is_refused_and_not_half_read() -> None:
    """Events that would be left out are no reason to go on; files that hold none are."""
    put("exports/a.jsonl")
    put("exports/b.parquet", content=b"PAR1")

    assert f"exports/b.parquet: {NOT_PARQUET}" == fault_of("exports")
    assert f"exports/b.parquet: {NOT_PARQUET}" == fault_of("exports/*")


def test_what_was_found_and_cannot_be_read_is_skipped_where_others_can_and_that_is_asked_for() -> None:
    """A program that looks again and again must not stand still for one file; what was named is refused."""
    put("exports/a.jsonl")
    put("exports/b.parquet", content=b"PAR1")
    Path("exports/c.jsonl").symlink_to("gone.jsonl")
    skipped = [
        ("exports/b.parquet", NOT_PARQUET),
        ("exports/c.jsonl", "a link to what is not there"),
    ]

    found = choose(["exports"], Tolerance.FOUND)
    everything = choose(["exports", "later.jsonl"], Tolerance.ALL)

    assert ["exports/a.jsonl"] == names_of(found) == names_of(everything)
    assert skipped == [(one.name, one.reason) for one in found.skipped]
    assert [*skipped, ("later.jsonl", "no such file or folder")] == [
        (one.name, one.reason) for one in everything.skipped
    ]
    with pytest.raises(UsageError) as refused:
        choose(["exports", "later.jsonl"], Tolerance.FOUND)
    assert "later.jsonl: no such file or folder" == str(refused.value)
    Path("exports/a.jsonl").unlink()
    with pytest.raises(UsageError) as nothing_left:
        choose(["exports"], Tolerance.ALL)
    assert [f"{name}: {reason}" for name, reason in skipped] == str(nothing_left.value).splitlines()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("events.jsonl.lz4", b"", id="lz4-by-its-name"),
        pytest.param("events.jsonl.sz", b"", id="snappy-by-its-name"),
        pytest.param("events.jsonl", b"PK\x03\x04", id="zip-by-its-bytes"),
        pytest.param("events", b"\xfd7zXZ", id="xz-by-its-bytes"),
    ],
)
def test_what_is_packed_in_another_way_is_refused(name: str, content: bytes) -> None:
    """It would be read as lines of garbage."""
    put(name, content=content)

    assert (
        f"{name}: packed in a way that is not read here; unpack it, or pack it with gzip, brotli or zstd"
        == fault_of(name)
    )


def test_what_is_neither_file_nor_folder_nor_pipe_is_refused() -> None:
    """A socket, say, cannot be opened."""
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.jsonl")

        assert "socket.jsonl: neither a file nor a folder" == fault_of("socket.jsonl")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    """Found out before the first event is sent, not in the middle."""
    put("events.jsonl")
    (tmp_path / "events.jsonl").chmod(0)

    assert "events.jsonl: cannot be read: Permission denied" == fault_of("events.jsonl")


def test_a_codec_whose_package_is_missing_is_refused_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line for all files it concerns, with the command that helps."""
    put("a.jsonl.gz", content=gzip.compress(EVENT))
    put("b.jsonl.br", "c.jsonl.br", content=brotli.compress(EVENT))
    monkeypatch.setitem(sys.modules, "brotli", None)

    assert (
        "b.jsonl.br, c.jsonl.br: brotli needs packages that are not installed: "
        "pip install 'posthog-variance-plugin[files]'" == fault_of("a.jsonl.gz", "b.jsonl.br", "c.jsonl.br")
    )


@pytest.mark.parametrize("paths", [[], ["x_manifest.json"]], ids=["no-paths", "only-a-manifest"])
def test_having_nothing_to_read_is_a_mistake(paths: list[str]) -> None:
    """Success without a single event would look as if all was well."""
    put("x_manifest.json")

    assert fault_of(*paths).endswith(
        "nothing to read; name files, folders, patterns such as 'exports/*.jsonl.gz', or - for standard input"
    )


def test_a_name_that_would_play_tricks_on_a_terminal_is_shown_escaped() -> None:
    """File names come from wherever the files come from."""
    put("exports/\x1b[2J.jsonl")

    assert ["'exports/\\x1b[2J.jsonl'"] == names_of(choose(["exports"]))


@given(st.lists(st.integers(0, 10**30), unique=True), st.sampled_from(["part-{}.jsonl", "{}/a.jsonl", "{}"]))
def test_numbers_in_names_sort_as_numbers(numbers: list[int], form: str) -> None:
    """Wherever in the path they stand, and however long they are."""
    assert [Path(form.format(number)) for number in sorted(numbers)] == sorted(
        (Path(form.format(number)) for number in numbers), key=natural_order
    )
