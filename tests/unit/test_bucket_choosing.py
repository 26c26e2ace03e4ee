"""Which objects are read, in which order, and what is said of the others."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from variance_plugin.sources.bucket.choosing import Choice, Chooser, Narrowing
from variance_plugin.sources.bucket.done import At, Done
from variance_plugin.sources.bucket.names import read_name
from variance_plugin.sources.bucket.store import Object
from variance_plugin.sources.layouts import Layout
from variance_plugin.testing import InMemoryPositions

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ROOT = "s3://exports/"


def window(hour: int) -> str:
    """The beginning of the names of an export of that hour."""
    return f"2026-11-21T{hour:02}:00:00+00:00-2026-11-21T{hour + 1:02}:00:00+00:00"


def listed(key: str, *, age_seconds: float = 60, version: str = "1") -> Object:
    """An object as it was listed."""
    return Object(key, 100, NOW - timedelta(seconds=age_seconds), version)


def chosen(  # noqa: PLR0913 -- what a look depends on
    objects: Sequence[Object],
    *,
    done: Done | None = None,
    manifests: Mapping[str, Sequence[str]] | None = None,
    narrowing: Narrowing | None = None,
    prefix: str = "",
    set_aside: Sequence[tuple[str, str]] = (),
) -> Choice:
    """What comes of a look."""
    files = manifests or {}
    chooser = Chooser(
        root=ROOT,
        prefix=prefix,
        narrowing=narrowing or Narrowing(),
        done=done or Done(ROOT, InMemoryPositions()),
        manifest_of=lambda manifest: files[manifest.key],
        manifest_wait_seconds=3_600,
        set_aside=set_aside,
    )
    return chooser.choose(objects, NOW)


def keys(choice: Choice) -> list[str]:
    """What is read, in order."""
    return [start.found.key for start in choice.starts]


def done_with(*objects: Object) -> Done:
    """All of these."""
    done = Done(ROOT, InMemoryPositions())
    for found in objects:
        name = read_name(found.name)
        assert name is not None
        done.add(found.key, name, found.version)
    return done


SPLIT = [listed(f"a/{window(1)}-{part}.jsonl.gz") for part in (0, 1)]
MANIFEST = listed(f"a/{window(1)}_manifest.json")
FILES = [f"a/{window(1)}-{part}.jsonl.gz".rpartition("/")[2] for part in (0, 1)]


def test_exports_are_read_in_the_order_of_their_windows_whichever_folder_they_are_in() -> None:
    """And what was late is read when it is there."""
    objects = [listed(f"{'zyx'[hour]}/{window(hour)}.jsonl.gz") for hour in (2, 0, 1)]

    assert [f"z/{window(0)}.jsonl.gz", f"y/{window(1)}.jsonl.gz", f"x/{window(2)}.jsonl.gz"] == keys(
        chosen(objects)
    )


def test_what_is_done_with_is_passed_over_and_all_else_is_read() -> None:
    """Also what is older than what is done."""
    old, done, new = (listed(f"{window(hour)}.jsonl") for hour in (1, 2, 3))

    choice = chosen([old, done, new], done=done_with(done))

    assert [old.key, new.key] == keys(choice)
    assert [] == choice.notices


def test_an_object_that_was_written_anew_is_read_again_and_that_is_said() -> None:
    """PostHog does so when it runs an export again."""
    before, after = (listed(f"{window(1)}.jsonl", version=version) for version in ("1", "2"))

    choice = chosen([after], done=done_with(before))

    assert [after.key] == keys(choice)
    notice = "it was written anew since it was read, at 2026-11-21 23:59:00 UTC; read from its beginning"
    assert [f"s3://exports/{window(1)}.jsonl: {notice}"] == choice.notices


def begun(found: Object) -> Done:
    """It is read as far as its line 7."""
    done = Done(ROOT, InMemoryPositions())
    name = f"{ROOT}{found.key}"
    done.reached(At(name=name, version=found.version, layout=Layout.LINES, number=7, end_bytes=70))
    return done


def test_the_object_in_the_middle_of_which_a_run_ended_comes_first() -> None:
    """Else how far it is would be forgotten over what came meanwhile."""
    late, started = listed(f"{window(1)}.jsonl"), listed(f"{window(2)}.jsonl")

    choice = chosen([late, started], done=begun(started))

    assert [(started.key, 7), (late.key, None)] == [
        (start.found.key, start.at and start.at.number) for start in choice.starts
    ]


def test_an_object_that_was_written_anew_while_it_was_read_begins_anew() -> None:
    """Its lines may be others now."""
    choice = chosen([listed("a.jsonl", version="2")], done=begun(listed("a.jsonl")))

    assert [None] == [start.at for start in choice.starts]
    assert 1 == len(choice.notices)


def test_a_split_export_waits_for_its_manifest_and_later_ones_do_not_wait_for_it() -> None:
    """That is written last; until then PostHog may begin anew."""
    later = listed(f"a/{window(2)}.jsonl.gz")

    choice = chosen([*SPLIT, later])

    assert [later.key] == keys(choice)
    assert [
        f"s3://exports/a/: the export {FILES[0]} and on: its manifest is not there yet; it is waited for"
    ] == choice.notices


def test_a_split_export_is_read_once_all_that_its_manifest_names_is_there() -> None:
    """By their names: what was copied elsewhere has other folders."""
    named = {MANIFEST.key: FILES}

    assert [] == keys(chosen([SPLIT[0], MANIFEST], manifests=named))
    assert [one.key for one in SPLIT] == keys(chosen([*SPLIT, MANIFEST], manifests=named))


def test_what_the_manifest_does_not_name_is_left_out_and_said() -> None:
    """An attempt of PostHog's left it that failed; its events are in the others."""
    left = listed(f"a/{window(1)}-2.jsonl.gz")

    choice = chosen([*SPLIT, left, MANIFEST], manifests={MANIFEST.key: FILES})

    assert [one.key for one in SPLIT] == keys(choice)
    assert [f"s3://exports/{left.key}"] == [notice.partition(": left out")[0] for notice in choice.notices]


def test_what_was_left_out_is_read_once_a_new_manifest_names_it() -> None:
    """The look may have come between PostHog's new files and its new manifest."""
    grown = listed(f"a/{window(1)}-2.jsonl.gz")
    done = done_with(*SPLIT)
    assert [] == keys(chosen([*SPLIT, grown, MANIFEST], manifests={MANIFEST.key: FILES}, done=done))

    choice = chosen([*SPLIT, grown, MANIFEST], manifests={MANIFEST.key: [*FILES, grown.name]}, done=done)

    assert [grown.key] == keys(choice)


def test_after_an_hour_a_split_export_is_read_without_its_manifest() -> None:
    """Somebody may have copied the data alone."""
    old = [listed(one.key, age_seconds=3_600) for one in SPLIT]

    choice = chosen(old)

    assert [one.key for one in old] == keys(choice)
    assert ["no manifest came; its files are read as they are"] == [
        notice.rpartition(": ")[2] for notice in choice.notices
    ]


def test_after_an_hour_what_a_manifest_names_in_vain_is_missing_by_name() -> None:
    """It becomes a dead letter, so that it does not go unseen; what is there is read."""
    old = [listed(one.key, age_seconds=3_600) for one in (SPLIT[1], MANIFEST)]

    choice = chosen(old, manifests={MANIFEST.key: FILES})

    assert [SPLIT[0].key, SPLIT[1].key] == keys(choice)
    assert ["the manifest of its export names it, and it is not there", None] == [
        start.missing for start in choice.starts
    ]


def test_a_file_that_was_read_and_deleted_is_not_missing() -> None:
    """A rule of the bucket may delete what is old."""
    choice = chosen([SPLIT[1], MANIFEST], manifests={MANIFEST.key: FILES}, done=done_with(SPLIT[0]))

    assert [SPLIT[1].key] == keys(choice)


def test_a_manifest_that_cannot_be_read_is_waited_for_and_then_done_without() -> None:
    """It may be in the middle of being copied."""
    old = [listed(one.key, age_seconds=3_600) for one in (*SPLIT, MANIFEST)]

    assert [] == keys(chosen([*SPLIT, MANIFEST], manifests={MANIFEST.key: []}))
    assert [one.key for one in SPLIT] == keys(chosen(old, manifests={MANIFEST.key: []}))


def test_the_manifest_of_an_export_that_is_done_with_is_not_read() -> None:
    """No request for each of years of exports."""
    assert [] == keys(chosen([*SPLIT, MANIFEST], done=done_with(*SPLIT)))


def moment(hour: int) -> datetime:
    """Of that day."""
    return datetime(2026, 11, 21, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("narrowing", "hours"),
    [
        (Narrowing(start=moment(2)), [2, 3]),
        (Narrowing(end=moment(2)), [0, 1]),
        (Narrowing(start=moment(1), end=moment(3)), [1, 2]),
        (Narrowing(start=moment(1) + timedelta(minutes=59)), [1, 2, 3]),
        (Narrowing(match="*T01:*.gz"), [0, 1]),
        (Narrowing(match=f"{window(2)}*"), [2]),
        (Narrowing(match="a/*"), []),
    ],
    ids=str,
)
def test_a_range_of_time_and_a_pattern_narrow_what_is_read(narrowing: Narrowing, hours: list[int]) -> None:
    """Whole exports, those with a part of the range; the pattern is for what stands behind the prefix."""
    objects = [listed(f"a/{window(hour)}.jsonl.gz") for hour in range(4)]

    assert [f"a/{window(hour)}.jsonl.gz" for hour in hours] == keys(
        chosen(objects, narrowing=narrowing, prefix="a/")
    )


def test_with_a_range_of_time_what_says_no_time_is_left_out_and_said() -> None:
    """And an export from the beginning of time has a part in every range that begins ahead of its end."""
    objects = [listed("part-1.jsonl"), listed("None-2026-11-21T02:00:00+00:00.jsonl")]

    choice = chosen(objects, narrowing=Narrowing(start=moment(1)))

    assert [objects[1].key] == keys(choice)
    assert ["s3://exports/: left out, no telling of which time it is: part-1.jsonl"] == choice.left_out


def test_a_pattern_that_takes_some_files_of_a_split_export_misses_none_of_the_others() -> None:
    """What is not wanted is not missing, and the manifest need not match."""
    choice = chosen(
        [*SPLIT, MANIFEST], manifests={MANIFEST.key: FILES}, narrowing=Narrowing(match="*-1.jsonl.gz")
    )

    assert [SPLIT[1].key] == keys(choice)


def test_other_objects_are_named_in_one_notice() -> None:
    """However many there are."""
    objects = [listed(name) for name in ("_SUCCESS", "notes.txt", "a/.b.jsonl", "c.csv", "d.jsonl")]

    choice = chosen(objects)

    assert ["d.jsonl"] == keys(choice)
    assert [
        "s3://exports/: left out, no name of a file of events: _SUCCESS, notes.txt, a/.b.jsonl and 1 more"
    ] == choice.left_out


def test_a_prefix_with_nothing_below_it_is_said() -> None:
    """It may be misspelt; what is there, and done with, is no reason to say so."""
    done = listed("a/b.jsonl")

    assert ["s3://exports/a/: there is nothing here yet"] == chosen([], prefix="a/").notices
    assert [] == chosen([done], prefix="a/", done=done_with(done)).notices


def test_what_could_not_be_read_is_not_tried_at_every_look() -> None:
    """But once it is another version."""
    assert [] == keys(chosen([listed("a.jsonl")], set_aside=[("a.jsonl", "1")]))
    assert ["a.jsonl"] == keys(chosen([listed("a.jsonl", version="2")], set_aside=[("a.jsonl", "1")]))
