"""What the names of objects say, and in which order they are read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.sources.bucket.names import Kind, Name, Window, in_order, read_name

TEN, ELEVEN = "2026-11-21T10:00:00+00:00", "2026-11-21T11:00:00+00:00"
WINDOW = Window(datetime(2026, 11, 21, 10, tzinfo=UTC), datetime(2026, 11, 21, 11, tzinfo=UTC))
BEGINNING = Window(datetime.min.replace(tzinfo=UTC), WINDOW.end)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"{TEN}-{ELEVEN}.jsonl", Name(Kind.LINES, WINDOW)),
        (f"{TEN}-{ELEVEN}.jsonl.gz", Name(Kind.LINES, WINDOW)),
        (f"{TEN}-{ELEVEN}.jsonl.br", Name(Kind.LINES, WINDOW)),
        (f"{TEN}-{ELEVEN}.parquet", Name(Kind.PARQUET, WINDOW)),
        (f"{TEN}-{ELEVEN}.parquet.zst", Name(Kind.PARQUET, WINDOW)),
        (f"{TEN}-{ELEVEN}.parquet.lz4", Name(Kind.PARQUET, WINDOW)),
        (f"{TEN}-{ELEVEN}.parquet.sz", Name(Kind.PARQUET, WINDOW)),
        (f"{TEN}-{ELEVEN}.parquet.gz", Name(Kind.PARQUET, WINDOW)),
        (f"{TEN}-{ELEVEN}.parquet.br", Name(Kind.PARQUET, WINDOW)),
        (f"{TEN}-{ELEVEN}-0.jsonl.gz", Name(Kind.LINES, WINDOW, 0)),
        (f"{TEN}-{ELEVEN}-12.parquet.zst", Name(Kind.PARQUET, WINDOW, 12)),
        (f"{TEN}-{ELEVEN}_manifest.json", Name(Kind.MANIFEST, WINDOW)),
        (f"None-{ELEVEN}.jsonl.gz", Name(Kind.LINES, BEGINNING)),
        (f"None-{ELEVEN}-3.jsonl.gz", Name(Kind.LINES, BEGINNING, 3)),
        (f"None-{ELEVEN}_manifest.json", Name(Kind.MANIFEST, BEGINNING)),
        ("2026-11-21T11:00:00+01:00-2026-11-21T11:00:00.000000Z.jsonl", Name(Kind.LINES, WINDOW)),
        ("2026-11-31T10:00:00+00:00-2026-12-01T10:00:00+00:00.jsonl", Name(Kind.LINES)),
        ("events.ndjson.zst", Name(Kind.LINES)),
        ("part-9.parquet", Name(Kind.PARQUET)),
        ("2026-11-31T10:00:00+00:00-2026-12-01T10:00:00+00:00_manifest.json", None),
        ("manifest.json", None),
        ("events.json", None),
        (".events.jsonl", None),
        ("events.jsonl.zip", None),
        ("_SUCCESS", None),
        ("", None),
    ],
    ids=str,
)  # fmt: skip
def test_a_name_says_what_is_in_the_object_and_of_which_time(name: str, expected: Name | None) -> None:
    """As PostHog names what it exports; other names say less, or that there are no events."""
    assert expected == read_name(name)


def test_objects_come_in_the_order_of_their_windows_and_parts_and_others_behind_them() -> None:
    """From the beginning of time on; what says no time is in natural order."""
    names = [
        f"None-{TEN}.jsonl",
        f"{TEN}-{ELEVEN}.jsonl.gz",
        f"{TEN}-{ELEVEN}-2.jsonl.gz",
        f"{TEN}-{ELEVEN}-10.jsonl.gz",
        f"{ELEVEN}-2026-11-21T12:00:00+00:00.jsonl",
        "part-9.jsonl",
        "part-10.jsonl",
    ]

    def order(name: str) -> object:
        found = read_name(name)
        assert found is not None
        return in_order(name, found)

    assert names == sorted([*names[4:], *names[:4]], key=order)  # type: ignore[arg-type]


@given(st.lists(st.text(st.sampled_from("0٣²a-/"), max_size=8), max_size=6))
def test_any_names_can_be_ordered(names: list[str]) -> None:
    """Digits of other scripts, and names that begin with digits, too."""
    found = Name(Kind.LINES)

    assert sorted(names) == sorted(sorted(names, key=lambda name: in_order(name, found)))
