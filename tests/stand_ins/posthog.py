"""A stand-in for PostHog's API, on a real socket: file downloads and their place, queries, cohorts.

Built to what PostHog documents and its code does (`products/batch_exports/backend/api/file_download.py`,
`posthog/api/cohort.py`, `posthog.com/docs/api/queries`): statuses, bodies, limits and refusals. Files are
served by another server, at signed addresses, which refuses a request with an authorization, as S3 does.
"""

import gzip
import json
import re
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

KEY = "phx_demo_personal_key"
PROJECT = 7
WEEK = timedelta(weeks=1)
ALL_SCOPES = ("batch_export:read", "batch_export:write", "query:read", "cohort:read", "person:read")


class Refused(Exception):
    """An answer that is not 2xx, in PostHog's form."""

    def __init__(self, status: int, detail: str, *, code: str = "", retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"type": "error", "code": code, "detail": detail, "attr": None}
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    body: Any
    authorization: str | None
    range_: str | None


@dataclass(slots=True)
class Run:
    """An export on demand: how it will be found, look by look, the last one for ever."""

    id: str
    statuses: deque[tuple[str, str | None]]
    files: list[tuple[str, bytes]]
    error: str | None = None

    def look(self) -> dict[str, Any]:
        """What the next look at it finds."""
        status, error = self.statuses.popleft() if len(self.statuses) > 1 else self.statuses[0]
        found: dict[str, Any] = {"status": status} if error is None else {"status": status, "error": error}
        return found | ({"files": [file for file, _ in self.files]} if status == "Completed" else {})


def event(number: int, at: datetime, name: str = "order paid") -> dict[str, Any]:
    """A row as PostHog exports it."""
    moment = at.isoformat(timespec="microseconds")
    return {
        "uuid": str(uuid.UUID(int=number)),
        "timestamp": moment,
        "_inserted_at": moment,
        "created_at": moment,
        "event": name,
        "properties": {"number": number, "$lib": "posthog-python"},
        "distinct_id": f"u-{number % 10}",
        "elements_chain": "",
        "person_properties": {"email": f"u{number % 10}@shop.example"},
        "person_id": str(uuid.UUID(int=number % 10)),
    }


def events(count: int, start: datetime, step: timedelta) -> list[dict[str, Any]]:
    """So many, from 1, so far apart."""
    return [event(number, start + (number - 1) * step) for number in range(1, count + 1)]


def person(number: int, *ids: str, is_identified: bool = True) -> dict[str, Any]:
    """A person as a cohort lists it; the user `u-…` of that number, unless it has other ids."""
    return {
        "type": "person",
        "id": str(uuid.UUID(int=number)),
        "uuid": str(uuid.UUID(int=number)),
        "created_at": "2026-01-01T00:00:00Z",
        "last_seen_at": None,
        "name": "somebody",
        "properties": {},
        "is_identified": is_identified,
        "distinct_ids": list(ids or [f"u-{number}"]),
        "matched_recordings": [],
        "value_at_data_point": None,
    }


@dataclass(slots=True)
class Cohort:
    """A cohort and who is in it."""

    id: int
    name: str
    persons: list[dict[str, Any]] = field(default_factory=list)
    deleted: bool = False
    version: int = 1
    errors: int = 0

    @property
    def shown(self) -> dict[str, Any]:
        """As PostHog lists it."""
        return {
            "id": self.id,
            "name": self.name,
            "deleted": self.deleted,
            "version": self.version,
            "last_calculation": f"2026-01-01T00:00:{self.version:02}Z",
            "count": len(self.persons),
            "is_calculating": False,
            "is_static": False,
            "errors_calculating": self.errors,
        }


@dataclass(slots=True)
class Conduct:
    """How it behaves; to be changed at any time."""

    scopes: Sequence[str] = ALL_SCOPES
    makes_exports: bool = True
    has_queries: bool = True
    base: str = "environments"
    """The name below which exports are."""
    runs_at_once: int = 3
    next_runs: deque[Sequence[tuple[str, str | None]]] = field(default_factory=deque)
    """How the next runs will be found; after these, running and then completed."""
    refusals: deque[Refused] = field(default_factory=deque)
    """Used up by the next requests, whatever they are."""
    files: Sequence[bytes] | None = None
    """What every export holds, in place of what was asked for."""
    file_rows: int = 1_000_000
    cuts: deque[int] = field(default_factory=deque)
    """After so many bytes of a file the connection ends, for each of the next downloads."""
    storage_refusals: deque[int] = field(default_factory=deque)
    """Used up by the next downloads."""
    knows_range: bool = True
    is_forgetful: bool = False
    """Whether the files of every run so far have expired."""
    page_persons: int = 100
    """No page of persons has more, whatever is asked for."""
    before_page: Callable[[int], None] = lambda _offset: None
    """Called before a page of persons is listed."""
    before_body: Callable[[], None] = lambda: None
    """Called before a file is looked up to be sent."""


class PostHog:
    """The API and the place of its files, until the `with` ends."""

    def __init__(self, rows: Sequence[dict[str, Any]] = ()) -> None:
        self.rows = list(rows)
        self.conduct = Conduct()
        self.runs: dict[str, Run] = {}
        self.cohorts: dict[int, Cohort] = {}
        self.identified: dict[str, str] = {}
        """By a person's id, that of its last `$identify` event."""
        self.asked: list[Asked] = []
        self.fetched: list[Asked] = []
        self.lock = threading.Lock()
        self._api = _Server(self, _Api)
        self._storage = _Server(self, _Storage)

    def __enter__(self) -> Self:
        for server in (self._api, self._storage):
            server.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self._api, self._storage):
            server.stop()

    @property
    def url(self) -> str:
        """Where the API is."""
        return self._api.url

    @property
    def windows(self) -> list[tuple[str, str]]:
        """What was asked for by exports, in order."""
        return [
            (one.body["data_interval_start"], one.body["data_interval_end"])
            for one in self.asked
            if one.method == "POST" and "file_download" in one.path and one.body
        ]

    def begin(self, body: dict[str, Any]) -> dict[str, Any]:
        """`POST …/file_download_batch_exports`."""
        start, end = (datetime.fromisoformat(body[f"data_interval_{at}"]) for at in ("start", "end"))
        if start > end:
            raise Refused(400, "'data_interval_end' must occur after 'data_interval_start'")
        if end - start > WEEK:
            raise Refused(400, "data interval range too big")
        under_way = sum(run.statuses[0][0] in ("Starting", "Running") for run in self.runs.values())
        if under_way >= self.conduct.runs_at_once:
            raise Refused(
                429,
                "Too many concurrent file download batch exports for this team.",
                code="too_many_concurrent_file_downloads",
            )
        found = [row for row in self.rows if start <= datetime.fromisoformat(row["timestamp"]) < end]
        if "include" in body:
            found = [row for row in found if row["event"] in body["include"]]
        found = [row for row in found if row["event"] not in body.get("exclude", ())]
        found.sort(key=lambda row: hash(row["uuid"]))  # PostHog keeps no order
        lines = [json.dumps(row).encode() for row in found]
        run = Run(str(uuid.uuid4()), deque([("Running", None), ("Completed", None)]), [])
        if self.conduct.next_runs:
            run.statuses = deque(self.conduct.next_runs.popleft())
        size = self.conduct.file_rows
        files = self.conduct.files or [jsonl_gz(lines[at : at + size]) for at in range(0, len(lines), size)]
        run.files += [(str(uuid.uuid4()), file) for file in files]
        self.runs[run.id] = run
        return {"id": run.id}

    def address(self, run: str, file: str) -> str:
        """`GET …/RUN/download/FILE`."""
        if self.conduct.is_forgetful:
            raise Refused(400, "This file download has expired")
        if all(file != known for known, _ in self.run(run).files):
            raise Refused(404, "Not found.")
        return f"{self._storage.url}/{run}/{file}?X-Amz-Signature=demo-signature"

    def run(self, run: str) -> Run:
        """A run that there is."""
        if run not in self.runs:
            raise Refused(404, "Not found.")
        return self.runs[run]

    def query(self, body: dict[str, Any]) -> dict[str, Any]:
        """`POST …/query/`, as far as a backfill asks."""
        if body["query"]["kind"] != "HogQLQuery" or body.get("refresh") != "force_blocking":
            raise Refused(400, "not asked as it should be")
        identified = _IDENTIFIED.fullmatch(body["query"]["query"])
        if identified is not None:
            asked = _texts(identified["persons"])
            return {"results": [[one, self.identified[one]] for one in asked if one in self.identified]}
        found = _HOGQL.fullmatch(body["query"]["query"])
        if found is None:
            raise Refused(400, "the query cannot be parsed")
        start, end = map(datetime.fromisoformat, found.group("start", "end"))
        rows = [row for row in self.rows if start <= datetime.fromisoformat(row["timestamp"]) < end]
        rows.sort(key=_key)
        if found["include"]:
            rows = [row for row in rows if row["event"] in _texts(found["include"])]
        if found["exclude"]:
            rows = [row for row in rows if row["event"] not in _texts(found["exclude"])]
        if found["after"]:
            after = (datetime.fromisoformat(found["after"]), found["uuid"])
            rows = [row for row in rows if _key(row) > after]
        columns = found["columns"].split(", ")
        results = [[_value(row, column) for column in columns] for row in rows[: int(found["limit"])]]
        return {"columns": columns, "results": results, "hasMore": len(rows) > len(results)}


_TEXT = r"'((?:[^'\\]|\\.)*)'"
_HOGQL = re.compile(  # what `queries.select` makes
    r"SELECT (?P<columns>[a-z_., ]+) FROM events"  # noqa: S608 -- a pattern
    r" WHERE timestamp >= toDateTime\('(?P<start>[^']+)'\) AND timestamp < toDateTime\('(?P<end>[^']+)'\)"
    rf"(?: AND event IN \((?P<include>{_TEXT}(?:, {_TEXT})*)\))?"
    rf"(?: AND event NOT IN \((?P<exclude>{_TEXT}(?:, {_TEXT})*)\))?"
    r"(?: AND \(timestamp > toDateTime\('(?P<after>[^']+)'\) OR "
    r"\(timestamp = toDateTime\('(?P=after)'\) AND toString\(uuid\) > '(?P<uuid>[^']+)'\)\))?"
    r" ORDER BY timestamp, toString\(uuid\) LIMIT (?P<limit>\d+)"
)


_IDENTIFIED = re.compile(  # what `cohorts.listing` makes
    r"SELECT toString\(person_id\), argMax\(distinct_id, timestamp\) FROM events"  # noqa: S608 -- a pattern
    rf" WHERE event = '\$identify' AND person_id IN \((?P<persons>{_TEXT}(?:, {_TEXT})*)\)"
    r" GROUP BY person_id LIMIT 1000"
)


def _texts(listed: str) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", text) for text in re.findall(_TEXT, listed)]


def _key(row: dict[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(row["timestamp"]), row["uuid"]


def _value(row: dict[str, Any], column: str) -> Any:
    value = row[column.replace(".", "_")]
    return json.dumps(value) if isinstance(value, dict) else value


def jsonl_gz(lines: Sequence[bytes]) -> bytes:
    """As PostHog writes it: one gzip member a line."""
    return b"".join(gzip.compress(line + b"\n", 1, mtime=0) for line in lines)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, posthog: PostHog, exchange: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), exchange)
        self.posthog = posthog
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """A client that is killed is no news."""


class _Exchange(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _asked(self) -> Asked:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        return Asked(
            self.command,
            self.path,
            json.loads(body) if body else None,
            self.headers.get("Authorization"),
            self.headers.get("Range"),
        )

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Api(_Exchange):
    def do_GET(self) -> None:
        posthog, asked = self.server.posthog, self._asked()
        with posthog.lock:
            posthog.asked.append(asked)
            try:
                status, answer, headers = self._answer(posthog, asked)
            except Refused as refused:
                status, answer, headers = refused.status, refused.body, refused.headers
        self._say(status, json.dumps(answer).encode() if answer is not None else b"", headers)

    do_POST = do_GET  # noqa: N815 -- http.server's name

    def _answer(self, posthog: PostHog, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        conduct = posthog.conduct
        if conduct.refusals:
            raise conduct.refusals.popleft()
        if asked.authorization != f"Bearer {KEY}":
            raise Refused(401, "Personal API key found in request Authorization header is invalid.")
        url = urlsplit(asked.path)
        steps = url.path.strip("/").split("/")
        match steps:
            case ["api", base, project, "file_download_batch_exports", *rest] if (
                conduct.makes_exports and base == conduct.base and project == str(PROJECT)
            ):
                return self._export(posthog, asked, rest)
            case ["api", "projects", project, "cohorts", *rest] if project == str(PROJECT):
                return 200, self._cohorts(posthog, rest, parse_qs(url.query)), {}
            case ["api", "projects", project, "query"] if conduct.has_queries and project == str(PROJECT):
                _need(conduct, "query:read")
                return 200, posthog.query(asked.body), {}
        raise Refused(404, "Not found.")

    def _export(self, posthog: PostHog, asked: Asked, rest: Sequence[str]) -> tuple[int, Any, dict[str, str]]:
        _need(posthog.conduct, "batch_export:write" if asked.method == "POST" else "batch_export:read")
        match rest:
            case [] if asked.method == "POST":
                return 202, posthog.begin(asked.body), {}
            case [run]:
                return 200, posthog.run(run).look(), {}
            case [run, "download", file]:
                return 302, None, {"Location": posthog.address(run, file), "Cache-Control": "no-store"}
        raise Refused(404, "Not found.")

    def _cohorts(self, posthog: PostHog, rest: Sequence[str], query: dict[str, list[str]]) -> dict[str, Any]:
        conduct = posthog.conduct
        _need(conduct, "cohort:read")
        match rest:
            case []:
                offset = int(query.get("offset", ["0"])[0])
                there = [cohort.shown for cohort in posthog.cohorts.values() if not cohort.deleted]
                return self._page(there, offset, 2, "cohorts/")
            case [id_] if int(id_) in posthog.cohorts:
                return posthog.cohorts[int(id_)].shown
            case [id_, "persons"] if int(id_) in posthog.cohorts:
                _need(conduct, "person:read")
                offset, limit = (
                    int(query.get(name, [text])[0]) for name, text in (("offset", "0"), ("limit", "100"))
                )
                conduct.before_page(offset)
                persons = posthog.cohorts[int(id_)].persons
                return self._page(
                    persons, offset, min(limit, conduct.page_persons), f"cohorts/{id_}/persons/"
                )
        raise Refused(404, "Not found.")

    def _page(self, members: Sequence[Any], offset: int, limit: int, path: str) -> dict[str, Any]:
        page = members[offset : offset + limit]
        # As behind a proxy: PostHog does not know by which name it is reached.
        next_ = f"http://posthog.internal/api/projects/{PROJECT}/{path}?limit={limit}&offset={offset + limit}"
        return {"results": page, "next": next_ if len(page) >= limit else None, "previous": None}


class _Storage(_Exchange):
    def do_GET(self) -> None:
        posthog, asked = self.server.posthog, self._asked()
        conduct = posthog.conduct
        with posthog.lock:
            posthog.fetched.append(asked)
            cut = conduct.cuts.popleft() if conduct.cuts else None
            refusal = conduct.storage_refusals.popleft() if conduct.storage_refusals else None
        url = urlsplit(self.path)
        _, run, file = url.path.split("/")
        signed = parse_qs(url.query).get("X-Amz-Signature") == ["demo-signature"]
        if refusal is not None or asked.authorization is not None or not signed:
            self._say(refusal or 400, b"<Error/>", {})
            return
        conduct.before_body()
        body = dict(posthog.runs[run].files)[file]
        first = int(asked.range_[len("bytes=") : -1]) if asked.range_ and conduct.knows_range else 0
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - first))
        self.end_headers()
        self.wfile.write(body[first:] if cut is None else body[first : first + cut])
        self.close_connection = cut is not None


def _need(conduct: Conduct, scope: str) -> None:
    if scope not in conduct.scopes:
        raise Refused(403, f"API key missing required scope '{scope}'", code="permission_denied")


@contextmanager
def posthog(rows: Sequence[dict[str, Any]] = ()) -> Iterator[PostHog]:
    """One that has these events."""
    with PostHog(rows) as running:
        yield running


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
