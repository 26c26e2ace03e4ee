"""A backfill, from PostHog's API to records, on the wire; the time is a fake clock's."""

import json
import logging
import tracemalloc
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.stand_ins.posthog import KEY, PROJECT, PostHog, Refused, Run, at, event, events, jsonl_gz
from variance_plugin.errors import Stopped, UsageError
from variance_plugin.masking import Mask
from variance_plugin.posthog_api import ApiClient
from variance_plugin.secret import Secret
from variance_plugin.sources import Broken, Record
from variance_plugin.sources.backfill import BackfillSource, Wanted, Window, queries
from variance_plugin.testing import FakeClock, InMemoryPositions

START = at("2025-01-06")
DAY = timedelta(days=1)
FOUR_WEEKS = Window(START, START + timedelta(weeks=4))


@pytest.fixture
def posthog() -> Iterator[PostHog]:
    """With a hundred events, six hours apart: three weeks and a half."""
    with PostHog(events(100, START, timedelta(hours=6))) as running:
        yield running


class Start:
    """One start of a program after another, on the same positions."""

    def __init__(self, posthog: PostHog, span: Window = FOUR_WEEKS, **wanted: Any) -> None:
        self.posthog = posthog
        self.positions = InMemoryPositions()
        self.clock = FakeClock()
        self.wanted = Wanted(project=str(PROJECT), span=span, **wanted)

    @contextmanager
    def source(self, *, key: str = KEY) -> Iterator[BackfillSource]:
        """A source as it is opened at a start."""
        client = ApiClient(self.posthog.url, key=Secret(key), clock=self.clock, mask=Mask([Secret(key)]))
        with closing(
            BackfillSource(self.wanted, client=client, clock=self.clock, positions=self.positions)
        ) as source:
            yield source

    def read(self, count: int | None = None, *, acknowledged: int | None = None) -> list[int]:
        """The numbers of the events that a source gives, of which so many reach their end."""
        with self.source() as source:
            given = list(islice(source.records(), count))
            done = given if acknowledged is None else given[:acknowledged]
            if done:
                source.acknowledge(done[-1].position)
        return [number_of(record) for record in given]


def number_of(record: Record | Broken) -> int:
    """Which event it is."""
    assert isinstance(record, Record), record
    properties = json.loads(record.body)["properties"]
    found = json.loads(properties) if isinstance(properties, str) else properties
    return int(found["number"])


ALL = list(range(1, 101))


def test_all_events_come_once_window_by_window(posthog: PostHog) -> None:
    """Four weeks from a Monday on are four windows; nothing is asked for a second time."""
    start = Start(posthog)

    assert sorted(start.read()) == ALL
    assert [
        ("2025-01-06T00:00:00Z", "2025-01-13T00:00:00Z"),
        ("2025-01-13T00:00:00Z", "2025-01-20T00:00:00Z"),
        ("2025-01-20T00:00:00Z", "2025-01-27T00:00:00Z"),
        ("2025-01-27T00:00:00Z", "2025-02-03T00:00:00Z"),
    ] == posthog.windows
    assert [] == start.read()
    assert 4 == len(posthog.windows)


def test_what_is_asked_for_is_a_compressed_file_of_events(posthog: PostHog) -> None:
    """With the names of the events, if there are some."""
    Start(posthog, Window(START, START + DAY), include=("a",), exclude=("b", "c")).read()

    assert {
        "model": "events",
        "file": {"format": "JSONLines", "compression": "gzip", "max_size_mb": 256},
        "data_interval_start": "2025-01-06T00:00:00Z",
        "data_interval_end": "2025-01-07T00:00:00Z",
        "include": ["a"],
        "exclude": ["b", "c"],
    } == posthog.asked[0].body


def test_only_the_events_that_are_wanted_come(posthog: PostHog) -> None:
    """PostHog leaves the others out."""
    posthog.rows += [event(200, START, "signed up"), event(201, START, "$autocapture")]

    assert [200] == Start(posthog, include=("signed up",)).read()
    assert [201] == Start(posthog, exclude=("signed up", "order paid")).read()


def test_the_key_stays_with_the_api(
    posthog: PostHog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signed address is asked without it, and without what `~/.netrc` has."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    Start(posthog).read()

    assert {None} == {fetched.authorization for fetched in posthog.fetched}
    assert {f"Bearer {KEY}"} == {asked.authorization for asked in posthog.asked}


def test_a_run_is_looked_at_with_growing_waits(posthog: PostHog) -> None:
    """A second at first, half a minute at last."""
    posthog.conduct.next_runs.append([("Starting", None), *[("Running", None)] * 12, ("Completed", None)])
    start = Start(posthog, Window(START, START + DAY))
    waits: list[float] = []
    wait = start.clock.wait

    def noted(seconds: float) -> None:
        waits.append(seconds)
        wait(seconds)

    start.clock.wait = noted  # type: ignore[method-assign]
    start.read()

    assert [1.0, 1.5, 2.25] == waits[:3]
    assert 30.0 == waits[-1]


def test_an_empty_window_is_done_at_once(posthog: PostHog) -> None:
    """PostHog makes no file then; the next start does not ask again."""
    start = Start(posthog, Window(at("2024-12-02"), at("2024-12-16")))

    assert [] == start.read()
    assert [] == start.read()
    assert 2 == len(posthog.windows)


def test_too_many_runs_at_once_are_waited_out(posthog: PostHog, caplog: pytest.LogCaptureFixture) -> None:
    """PostHog says so in words, and asks for some time if it says how much."""
    caplog.set_level(logging.INFO)
    code = "too_many_concurrent_file_downloads"
    posthog.conduct.refusals += [Refused(429, "Too many exports", code=code, retry_after=70)] * 2
    start = Start(posthog, Window(START, START + DAY))
    began = start.clock.monotonic()

    assert [1, 2, 3, 4] == sorted(start.read())
    assert start.clock.monotonic() - began >= 140
    assert "HTTP 429: Too many exports" in caplog.text


def test_a_failed_run_is_asked_for_again(posthog: PostHog, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever its failure is called."""
    posthog.conduct.next_runs += [[("Failed", "no disk")], [("Terminated", None)]]

    assert [1, 2, 3, 4] == sorted(Start(posthog, Window(START, START + DAY)).read())
    assert 3 == len(posthog.windows)
    assert "could not export 2025-01-06 to 2025-01-07: Failed: no disk; it is asked again" in caplog.text


def test_what_fails_again_and_again_is_said(posthog: PostHog) -> None:
    """What was read before is not lost by it: the next start goes on with that window."""
    start = Start(posthog, Window(START, START + timedelta(weeks=2)))
    posthog.conduct.next_runs += [[("Completed", None)], *[[("FailedRetryable", "boom")]] * 3]
    with start.source() as source:
        records = source.records()
        first = list(islice(records, 28))
        source.acknowledge(first[-1].position)
        with pytest.raises(UsageError) as caught:
            next(records)

    assert (
        "PostHog could not export 2025-01-13 to 2025-01-20: FailedRetryable: boom (asked 3 times). What lies "
        "before is done; start again, and it goes on here"
    ) == str(caught.value)
    assert list(range(29, 57)) == sorted(start.read())


def test_the_next_window_is_exported_while_this_one_is_read(posthog: PostHog) -> None:
    """PostHog is asked for one window ahead, and for no more; if it cannot now, it is asked in its turn."""
    start = Start(posthog)
    with start.source() as source:
        records = source.records()
        next(records)
        assert 2 == len(posthog.windows)
        posthog.conduct.runs_at_once = 1
        posthog.runs["of somebody else"] = Run("of somebody else", deque([("Running", None)]), [])
        list(islice(records, 28))
        asked_in_vain = len(posthog.windows)
        del posthog.runs["of somebody else"]
        rest = list(records)

    assert 3 == asked_in_vain
    assert 100 == 29 + len(rest)
    assert 4 == len(set(posthog.windows))


def test_a_bill_that_is_not_paid_is_not_asked_about_again(posthog: PostHog) -> None:
    """Waiting does not help."""
    posthog.conduct.next_runs.append([("FailedBilling", "over the limit")])
    start = Start(posthog)
    with pytest.raises(UsageError, match=r"FailedBilling: over the limit \(asked once\)"):
        start.read()

    assert sorted(start.read()) == ALL  # once it is paid


@pytest.mark.parametrize("knows_range", [True, False], ids=["with range", "without range"])
def test_a_download_that_breaks_off_is_gone_on_with(posthog: PostHog, *, knows_range: bool) -> None:
    """No event is lost or given twice; where the storage knows ranges, no byte is sent twice."""
    posthog.conduct.cuts += [1_000, 0, 700]
    posthog.conduct.knows_range = knows_range
    start = Start(posthog, Window(START, START + timedelta(weeks=1)))

    assert sorted(start.read()) == list(range(1, 29))
    assert [None, "bytes=1000-", "bytes=1000-", "bytes=1700-" if knows_range else "bytes=1000-"] == [
        fetched.range_ for fetched in posthog.fetched
    ]


def test_an_address_that_has_ended_is_asked_for_anew(posthog: PostHog) -> None:
    """Signed addresses live for an hour, the files for longer."""
    posthog.conduct.storage_refusals += [403, 403]

    assert [1, 2, 3, 4] == sorted(Start(posthog, Window(START, START + DAY)).read())
    assert 3 == sum("/download/" in asked.path for asked in posthog.asked)


def test_storage_that_is_down_is_waited_out(posthog: PostHog, caplog: pytest.LogCaptureFixture) -> None:
    """It is another server than PostHog's, and may be down by itself."""
    caplog.set_level(logging.INFO)
    posthog.conduct.storage_refusals += [503, 500]

    assert [1, 2, 3, 4] == sorted(Start(posthog, Window(START, START + DAY)).read())
    assert 2 == caplog.text.count("a file that PostHog has made cannot be downloaded now: HTTP 50")


def test_a_file_that_becomes_shorter_is_not_taken_for_whole(posthog: PostHog) -> None:
    """The rest of it is asked for, and there is none."""
    posthog.conduct.cuts.append(1_000)
    posthog.conduct.knows_range = False
    start = Start(posthog, Window(START, START + timedelta(weeks=1)))

    def shorten() -> None:
        if len(posthog.fetched) == 2:
            (run,) = posthog.runs.values()
            run.files[:] = [(file, body[:500]) for file, body in run.files]
        if len(posthog.fetched) == 4:
            start.clock.stop()

    posthog.conduct.before_body = shorten
    with start.source() as source, pytest.raises(Stopped):
        list(source.records())


@pytest.mark.parametrize(
    ("method", "answer", "said"),
    [
        ("begin", {}, "began an export and did not say which"),
        ("look", [], "did not say how an export stands"),
        ("query", {"results": None}, "answered a query with no rows"),
        ("query", {"results": [[1, 2]]}, "answered a query with no rows"),
    ],
)
def test_an_answer_that_is_none_is_said(
    posthog: PostHog, monkeypatch: pytest.MonkeyPatch, method: str, answer: Any, said: str
) -> None:
    """Whatever stands between here and PostHog may answer anything."""
    posthog.conduct.makes_exports = method != "query"
    monkeypatch.setattr(Run if method == "look" else PostHog, method, lambda *_: answer)
    with pytest.raises(UsageError, match=said):
        Start(posthog).read()


def test_storage_that_refuses_every_address_is_said(posthog: PostHog) -> None:
    """Without the address, which would open the file."""
    posthog.conduct.storage_refusals += [403] * 3
    with pytest.raises(UsageError) as caught:
        Start(posthog).read()

    assert "a file that PostHog has made cannot be downloaded: HTTP 403" == str(caught.value)


def test_a_start_goes_on_within_a_window(posthog: PostHog) -> None:
    """With the same run, with the same file, behind the last event that reached its end."""
    posthog.conduct.file_rows = 10
    start = Start(posthog, Window(START, START + timedelta(weeks=1)))
    first = start.read(20, acknowledged=15)
    second = start.read()

    assert sorted(first[:15] + second) == list(range(1, 29))
    assert 1 == len(posthog.windows)
    files = [fetched.path for fetched in posthog.fetched]
    assert [files[1], files[1], 3] == [files[1], files[2], len(set(files))]


def test_a_run_that_was_asked_for_is_gone_on_with(posthog: PostHog) -> None:
    """A program that ends while PostHog is at it does not ask a second time."""
    start = Start(posthog, Window(START, START + DAY))
    start.clock.stop()
    posthog.conduct.next_runs.append([("Running", None), ("Completed", None)])
    with start.source() as source, pytest.raises(Exception, match="stopped"):
        next(source.records())
    start.clock = FakeClock()

    assert [1, 2, 3, 4] == sorted(start.read())
    assert 1 == len(posthog.windows)


def test_a_window_whose_run_is_forgotten_begins_anew(posthog: PostHog) -> None:
    """PostHog keeps no order, so nothing tells which of its events have come already."""
    start = Start(posthog, Window(START, START + timedelta(weeks=1)))
    start.read(20, acknowledged=15)
    posthog.runs.clear()

    assert sorted(start.read()) == list(range(1, 29))
    assert [] == start.read()


def test_files_that_expire_while_they_are_read_are_made_again(
    posthog: PostHog, caplog: pytest.LogCaptureFixture
) -> None:
    """Their window begins anew, and what comes of the old ones counts for nothing."""
    posthog.conduct.file_rows = 10
    start = Start(posthog, Window(START, START + timedelta(weeks=1)))
    with start.source() as source:
        records = source.records()
        first = list(islice(records, 10))
        posthog.conduct.is_forgetful = True
        posthog.conduct.next_runs.append([("Completed", None)])
        again = [next_after_forgetting(posthog, records), *records]
        source.acknowledge(first[-1].position)
        source.acknowledge(again[4].position)
    rest = start.read()

    assert sorted(map(number_of, again)) == list(range(1, 29))
    assert sorted([*map(number_of, again[:5]), *rest]) == list(range(1, 29))
    assert "is asked for again, from its beginning" in caplog.text
    assert 2 == len(posthog.windows)


def next_after_forgetting(posthog: PostHog, records: Iterator[Record | Broken]) -> Record | Broken:
    """The next record, before which PostHog has thrown files away, and made others."""
    begin = posthog.begin

    def begun(body: dict[str, Any]) -> dict[str, Any]:
        posthog.conduct.is_forgetful = False
        return begin(body)

    posthog.begin = begun  # type: ignore[method-assign]
    return next(records)


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [(["batch_export:read"], "batch_export:write"), (["batch_export:write"], "batch_export:read")],
)
def test_a_key_that_lacks_a_scope_is_told_which(posthog: PostHog, scopes: list[str], missing: str) -> None:
    """By PostHog, and by the one who asks."""
    posthog.conduct.scopes = scopes
    with pytest.raises(UsageError) as caught:
        Start(posthog).read()

    assert (
        f"HTTP 403: API key missing required scope '{missing}'; check posthog.personal_api_key: it needs the "
        in (str(caught.value))
    )
    assert "the scopes batch_export:read and batch_export:write, and access to this project" in str(
        caught.value
    )


def test_a_wrong_key_is_never_shown(posthog: PostHog) -> None:
    """Only the setting that holds it."""
    with Start(posthog).source(key="phx_wrong_demo_key") as source, pytest.raises(UsageError) as caught:
        next(source.records())

    assert "HTTP 401" in str(caught.value)
    assert "phx_wrong" not in str(caught.value)


def test_exports_are_found_by_either_name(posthog: PostHog) -> None:
    """PostHog has called projects environments, and is about to call them projects again."""
    posthog.conduct.base = "projects"

    assert sorted(Start(posthog).read()) == ALL


def test_other_events_are_another_backfill() -> None:
    """What is done of one says nothing about the other."""
    some, others = (
        Wanted(project="7", span=FOUR_WEEKS, include=(name,)).name for name in ("signed up", "order paid")
    )

    assert some != others
    assert some == Wanted(project="7", span=Window(START, START + DAY), include=("signed up",)).name


class TestQueries:
    """For a PostHog that makes no file downloads."""

    @pytest.fixture
    def posthog(self, posthog: PostHog, monkeypatch: pytest.MonkeyPatch) -> PostHog:
        """Old, and asked for few rows at a time."""
        posthog.conduct.makes_exports = False
        monkeypatch.setattr(queries, "PAGE_ROWS", 7)
        return posthog

    def test_all_events_come_in_order(self, posthog: PostHog) -> None:
        """Each once."""
        start = Start(posthog)

        assert start.read() == ALL
        assert [] == start.read()

    def test_events_of_one_moment_lie_on_several_pages(self, posthog: PostHog) -> None:
        """Their ids tell them apart; a page that goes on by time alone would lose some."""
        posthog.rows = [event(number, START) for number in range(1, 31)]

        assert Start(posthog).read() == list(range(1, 31))

    def test_a_start_goes_on_behind_the_last_event_that_is_done_with(self, posthog: PostHog) -> None:
        """Also where others have come ahead of it meanwhile."""
        start = Start(posthog)
        assert list(range(1, 31)) == start.read(30, acknowledged=20)
        posthog.rows.append(event(500, START))

        assert start.read() == list(range(21, 101))

    def test_only_the_events_that_are_wanted_come(self, posthog: PostHog) -> None:
        """Whatever their names are made of."""
        odd = "it's \\ odd'); DROP"
        posthog.rows += [event(200, START, odd), event(201, START, "$autocapture")]

        assert [200] == Start(posthog, include=(odd,)).read()
        assert [200] == Start(posthog, exclude=("order paid", "$autocapture")).read()

    def test_a_query_that_is_too_much_is_asked_for_less_time(self, posthog: PostHog) -> None:
        """ClickHouse sorts all of it to give its first rows."""
        posthog.rows = events(10, START, timedelta(minutes=5))
        posthog.conduct.refusals += [
            Refused(404, "Not found."),
            Refused(404, "Not found."),
            Refused(504, "Query timed out"),
            Refused(504, "Query timed out"),
        ]

        assert Start(posthog, Window(START, START + DAY)).read() == list(range(1, 11))
        spans = [json.dumps(asked.body) for asked in posthog.asked if asked.path.endswith("/query/")]
        assert ["T01:00:00Z", "T00:30:00Z", "T00:15:00Z"] == [
            next(end for end in ("T01:00:00Z", "T00:30:00Z", "T00:15:00Z") if end in span)
            for span in spans[:3]
        ]

    def test_rows_that_never_end_are_said(self, posthog: PostHog, monkeypatch: pytest.MonkeyPatch) -> None:
        """A PostHog that does not heed the key of a page would give the first one for ever."""
        first = [
            [str(event(n, START)["uuid"]), "e", "{}", START.isoformat(), "u", "", "", "", "{}"]
            for n in range(7)
        ]
        monkeypatch.setattr(PostHog, "query", lambda *_: {"results": first})
        with pytest.raises(UsageError, match="gives the same rows again and again"):
            Start(posthog).read()

    def test_a_key_that_lacks_the_scope_is_told_which(self, posthog: PostHog) -> None:
        """Another one than for exports."""
        posthog.conduct.scopes = ["batch_export:read"]
        with pytest.raises(UsageError, match="it needs the scope query:read, and access to this project"):
            Start(posthog).read()

    def test_no_such_project_is_said(self, posthog: PostHog) -> None:
        """Not found is all that PostHog says of it."""
        posthog.conduct.has_queries = False
        with pytest.raises(UsageError) as caught:
            Start(posthog).read()

        assert (
            f"PostHog at {posthog.url} has neither file downloads nor queries for a project 7: check "
            "posthog.project_id and posthog.host"
        ) == str(caught.value)


def test_a_file_of_any_size_needs_little_memory(posthog: PostHog) -> None:
    """It is read while it is downloaded: here 20 MB, of which a chunk is held."""
    line = json.dumps({**event(1, START), "properties": {"number": 1, "text": "x" * 1_000}}).encode()
    posthog.conduct.files = [jsonl_gz([line] * 1_000) * 15]
    start = Start(posthog, Window(START, START + DAY))
    with start.source() as source:
        records = source.records()
        next(records)
        tracemalloc.start()
        count = sum(1 for _ in records)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert 14_999 == count
    assert peak_bytes < 3_000_000


def test_each_record_says_where_it_stands(posthog: PostHog) -> None:
    """By its window, and its place among all of it."""
    posthog.conduct.file_rows = 10
    start = Start(posthog, Window(START, START + timedelta(weeks=1)))
    with start.source() as source:
        positions = [str(record.position) for record in source.records()]

    assert [f"2025-01-06 to 2025-01-13:{number}" for number in range(1, 29)] == positions


def test_the_log_tells_of_every_window(posthog: PostHog, caplog: pytest.LogCaptureFixture) -> None:
    """Which one, of how many, and how many events it had."""
    caplog.set_level(logging.INFO)
    start = Start(posthog, Window(START, START + timedelta(weeks=2)))
    start.read()

    assert [
        "window 2025-01-06 to 2025-01-13 (1 of 2): asking PostHog for it",
        "window 2025-01-13 to 2025-01-20 (2 of 2): asking PostHog for it",
        "window 2025-01-06 to 2025-01-13: done, 28 records",
        "window 2025-01-13 to 2025-01-20: done, 28 records",
    ] == [message for message in caplog.messages if message.startswith("window")]


def test_what_was_kept_by_another_program_does_not_count(posthog: PostHog) -> None:
    """It is said, and the windows are read."""
    start = Start(posthog, Window(START, START + DAY))
    start.positions.save("nonsense", {})

    assert [1, 2, 3, 4] == sorted(start.read())
