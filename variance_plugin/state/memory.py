"""What plugins keep, in memory: for tests, and for a host without a state file."""

import threading
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from ..clock import Clock
from .jobs import StoredJob
from .json_text import json_text, json_value
from .lists import part, without


class InMemoryStorage:
    """A `hooks.Storage` in a dict."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def get(self, key: str, default: Any = None) -> Any:
        """See `Storage`."""
        text = self._values.get(key)
        return default if text is None else json_value(text)

    def set(self, key: str, value: Any) -> None:
        """See `Storage`."""
        self._values[key] = json_text(value)

    def delete(self, key: str) -> None:
        """See `Storage`."""
        self._values.pop(key, None)


class InMemoryCursor:
    """A `hooks.Cursor` in a dict."""

    def __init__(self) -> None:
        self._values: dict[str, int] = {}
        self._lock = threading.Lock()

    def init(self, key: str, initial_value: int = 0) -> None:
        """See `Cursor`."""
        with self._lock:
            self._values[key] = initial_value

    def increment(self, key: str, by: int = 1) -> int:
        """See `Cursor`."""
        with self._lock:
            self._values[key] = self._values.get(key, 0) + by
            return self._values[key]


class InMemoryCache:
    """A `hooks.Cache` in a dict.

    Args:
        clock: Says what has expired.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[str, bytes] = {}
        self._expiries: dict[str, datetime] = {}
        self._lock = threading.RLock()

    def get(self, key: str, default: Any = None) -> Any:
        """See `Cache`."""
        with self._lock:
            expiry = self._expiries.get(key)
            if expiry is not None and expiry <= self._clock.now():
                self._forget(key)
            text = self._values.get(key)
            return default if text is None else json_value(text)

    def set(self, key: str, value: Any, ttl_seconds: float | None = None) -> None:
        """See `Cache`."""
        text = json_text(value)
        with self._lock:
            self._forget(key)
            self._values[key] = text
            if ttl_seconds is not None:
                self.expire(key, ttl_seconds)

    def incr(self, key: str) -> int:
        """See `Cache`. Raises `TypeError` when it holds something else than a whole number."""
        with self._lock:
            number = self.get(key, 0)
            if type(number) is not int:
                raise TypeError(f"the cache holds no whole number under {key!r}")
            self._values[key] = json_text(number + 1)
            return number + 1

    def expire(self, key: str, ttl_seconds: float) -> bool:
        """See `Cache`."""
        with self._lock:
            self.get(key)
            if key not in self._values:
                return False
            self._expiries[key] = self._clock.now() + timedelta(seconds=ttl_seconds)
            return True

    def lpush(self, key: str, *elements: Any) -> int:
        """See `Cache`. Raises `TypeError`, as those below, when it holds something else than a list."""
        with self._lock:
            return self._put(key, [*reversed(elements), *self._list(key)])

    def lrange(self, key: str, start: int, stop: int) -> list[Any]:
        """See `Cache`."""
        return part(self._list(key), start, stop)

    def llen(self, key: str) -> int:
        """See `Cache`."""
        return len(self._list(key))

    def lpop(self, key: str, count: int = 1) -> list[Any]:
        """See `Cache`."""
        with self._lock:
            there, count = self._list(key), max(count, 0)
            self._put(key, there[count:])
            return there[:count]

    def lrem(self, key: str, count: int, element: Any) -> int:
        """See `Cache`."""
        with self._lock:
            there = self._list(key)
            return len(there) - self._put(key, without(there, count, json_value(json_text(element))))

    def _list(self, key: str) -> list[Any]:
        value = self.get(key, [])
        if not isinstance(value, list):
            raise TypeError(f"the cache holds no list under {key!r}")
        return value

    def _put(self, key: str, elements: list[Any]) -> int:
        if elements:
            self._values[key] = json_text(elements)
        else:
            self._forget(key)  # as in Redis, where an empty list is none
        return len(elements)

    def _forget(self, key: str) -> None:
        self._values.pop(key, None)
        self._expiries.pop(key, None)


class InMemoryJobQueue:
    """`JobQueue` in a dict; ids count from 1."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._jobs: dict[int, StoredJob] = {}
        self._failed: list[tuple[StoredJob, str]] = []
        self._lock = threading.Lock()

    def add(self, plugin: str, name: str, payload: Any, due: datetime) -> int:
        """See `JobQueue`."""
        copy = json_value(json_text(payload))
        with self._lock:
            id_ = next(self._ids)
            self._jobs[id_] = StoredJob(id=id_, plugin=plugin, name=name, payload=copy, due=due)
            return id_

    def due(self, now: datetime, limit: int, *, plugins: Collection[str] | None = None) -> list[StoredJob]:
        """See `JobQueue`."""
        found = [
            job for job in self._waiting() if job.due <= now and (plugins is None or job.plugin in plugins)
        ]
        return [_copy(job) for job in found[:limit]]

    def waiting(self) -> int:
        """See `JobQueue`."""
        return len(self._jobs)

    def tally(self, now: datetime) -> dict[str, tuple[int, int]]:
        """See `JobQueue`."""
        sums: dict[str, tuple[int, int]] = {}
        for job in self._waiting():
            due, waiting = sums.get(job.plugin, (0, 0))
            sums[job.plugin] = (due + 1, waiting) if job.due <= now else (due, waiting + 1)
        return sums

    def done(self, id: int) -> None:  # noqa: A002 -- it is the job's
        """See `JobQueue`."""
        with self._lock:
            self._jobs.pop(id, None)

    def fail(self, id: int, reason: str) -> None:  # noqa: A002
        """See `JobQueue`."""
        with self._lock:
            if id in self._jobs:
                self._failed.insert(0, (self._jobs.pop(id), reason))

    def failed(self) -> list[tuple[StoredJob, str]]:
        """See `JobQueue`."""
        with self._lock:
            return list(self._failed)

    def _waiting(self) -> list[StoredJob]:
        with self._lock:
            return sorted(self._jobs.values(), key=lambda job: (job.due, job.id))


def _copy(job: StoredJob) -> StoredJob:
    """Whoever runs it may change the payload, and it may have to run again."""
    return replace(job, payload=json_value(json_text(job.payload)))
