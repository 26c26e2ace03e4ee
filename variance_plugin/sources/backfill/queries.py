"""Events by PostHog's query API, for versions that make no file downloads.

    POST /api/projects/PROJECT/query/    {"query": {"kind": "HogQLQuery", "query": "SELECT …"}, …}

Pages are cut by key (timestamp, uuid) and never by number: an OFFSET reads again what it passes over, and
loses rows when others come in between. As in posthog.com's docs ("API queries").
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ...errors import ApiRefusal, RetryError
from ...posthog_api import HOST_SETTING, ApiClient, Patience
from .wanted import Wanted
from .windows import Window, utc

_logger = logging.getLogger(__name__)

SCOPES = ("query:read",)
# PostHog's limit is 50,000 and its default 100. So many are some 20 MB of JSON, which are held at once.
PAGE_ROWS = 5_000
# ClickHouse sorts all of a span to give its first rows, within 10 seconds on PostHog's cloud: spans grow
# while they hold little, and shrink when PostHog cannot answer.
_FIRST_SPAN = timedelta(hours=1)
_SHORTEST_SPAN = timedelta(minutes=1)
_NOT_THERE = 404

COLUMNS = (
    "uuid",
    "event",
    "properties",
    "timestamp",
    "distinct_id",
    "elements_chain",
    "created_at",
    "person_id",
    "person.properties",
)
_TIMESTAMP = COLUMNS.index("timestamp")
_UUID = COLUMNS.index("uuid")


class Key(NamedTuple):
    """Where a row stands among all of them."""

    timestamp: datetime
    uuid: str


class Queries:
    """The events of one project, in the order of (timestamp, uuid).

    Args:
        client: Asks PostHog.
        patience: Waits where waiting helps.
        wanted: Which events.
    """

    def __init__(self, client: ApiClient, *, patience: Patience, wanted: Wanted) -> None:
        self._client = client
        self._patience = patience
        self._wanted = wanted
        self._span = _FIRST_SPAN

    def rows(self, window: Window, after: Key | None) -> Iterator[tuple[Key, Sequence[Any]]]:
        """Those of a window behind a key, each a value for every one of `COLUMNS`.

        Raises:
            UsageError: PostHog refuses.
            Stopped: The program ends first.
        """
        start = after.timestamp if after else window.start
        while start < window.end:
            part, page = self._patience.get(lambda: self._page(Window(start, window.end), after))  # noqa: B023 -- called at once
            before = after
            for row in page:
                key = Key(_moment(row[_TIMESTAMP]), str(row[_UUID]))
                if after is None or key > after:
                    after = key
                    yield key, row
            if len(page) < PAGE_ROWS:
                start, after = part.end, None
            elif after is None or after == before:
                raise ApiRefusal(f"{self._client.host} gives the same rows again and again", status=None)
            else:
                start = after.timestamp

    def _page(self, rest: Window, after: Key | None) -> tuple[Window, Sequence[Sequence[Any]]]:
        """The first rows of what is left, and in which part of it they were looked for."""
        part = Window(rest.start, min(rest.end, rest.start + self._span))
        body = {
            "query": {"kind": "HogQLQuery", "query": select(part, after, self._wanted)},
            "refresh": "force_blocking",
        }
        try:
            answer = self._client.ask(
                "POST", f"/api/projects/{self._wanted.project}/query/", body=body, scopes=SCOPES
            )
        except RetryError:
            self._span = max(self._span / 2, _SHORTEST_SPAN)
            raise
        except ApiRefusal as error:
            if error.status != _NOT_THERE:
                raise
            raise ApiRefusal(
                f"PostHog at {self._client.host} has neither file downloads nor queries for a project "
                f"{self._wanted.project}: check posthog.project_id and {HOST_SETTING}",
                status=error.status,
            ) from error
        rows = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or any(len(row) != len(COLUMNS) for row in rows):
            raise ApiRefusal(f"{self._client.host} answered a query with no rows", status=None)
        if len(rows) < PAGE_ROWS // 4:
            self._span = min(self._span * 2, self._wanted.longest)
        return part, rows


def select(part: Window, after: Key | None, wanted: Wanted) -> str:
    """The query for the first rows of a part, behind a key. Pure.

    Ids are compared as text: ClickHouse orders UUIDs by their second half.
    """
    conditions = [f"timestamp >= {_constant(part.start)}", f"timestamp < {_constant(part.end)}"]
    if wanted.include:
        conditions.append(f"event IN ({', '.join(map(_text, wanted.include))})")
    if wanted.exclude:
        conditions.append(f"event NOT IN ({', '.join(map(_text, wanted.exclude))})")
    if after is not None:
        at = _constant(after.timestamp)
        conditions.append(
            f"(timestamp > {at} OR (timestamp = {at} AND toString(uuid) > {_text(after.uuid)}))"
        )
    return (
        f"SELECT {', '.join(COLUMNS)} FROM events WHERE {' AND '.join(conditions)} "  # noqa: S608 -- see `_text`
        f"ORDER BY timestamp, toString(uuid) LIMIT {PAGE_ROWS}"
    )


def _constant(moment: datetime) -> str:
    return f"toDateTime({_text(utc(moment))})"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(str(text))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
