"""A lane: events of some people, in order. They come together to batches; one batch is in hand at a time."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from ..clock import Clock
from ..parameters import Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSettings:
    """When a batch is full: PostHog's own parameters and defaults, and how many lanes there are."""

    buffer_events: int = 500
    buffer_bytes: int = 1_048_576
    buffer_seconds: float = 10.0
    concurrency: int = 4
    max_retry_hours: float = 0.0

    @classmethod
    def read(cls, parameters: Parameters) -> "LaneSettings":
        """From the plugin's configuration; a plugin that does not declare them gets the defaults."""
        return cls(
            # As many events as messages fit into one request; more would be cut apart again.
            buffer_events=parameters.whole("maxBatchEvents", low=1, high=10_000, default=500),
            buffer_bytes=parameters.whole(
                "exportEventsBufferBytes", low=1, high=100_000_000, default=1_048_576
            ),
            buffer_seconds=parameters.seconds("exportEventsBufferSeconds", low=0.01, high=3_600, default=10),
            concurrency=parameters.whole("concurrency", low=1, high=64, default=4),
            max_retry_hours=parameters.seconds("maxRetryHours", low=0, high=87_600, default=0),
        )


class Mark(msgspec.Struct, frozen=True, gc=False):
    """A place in what was read: the count of the record that stands there, and the record ahead of it.

    One is made for every record, at a quarter of what a tuple with names costs.
    """

    number: int
    before: Any
    """Whatever the reader can acknowledge by; None at the beginning."""


class Lane:
    """One thread puts events, or what the plugin made of them in advance; another takes batches.

    Holds one batch that comes together and one in hand at the most: who puts waits meanwhile.
    """

    def __init__(self, settings: LaneSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        # With the lock itself the way in and out is a third as long as by the condition.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._events: list[Any] = []
        self._bytes = 0
        self._due = 0.0
        self._is_full = False
        self._closed = False
        self._first: Mark | None = None
        self._first_in_hand: Mark | None = None
        self._since_in_hand = 0.0
        self._in_hand = 0

    def put(self, event: Any, size_bytes: int, mark: Mark) -> None:
        """Add an event; waits while a full batch has not been taken, unless the lane is closed."""
        settings = self._settings
        with self._lock:
            while self._is_full and not self._closed:
                self._changed.wait()
            if not self._events:
                self._first = mark
                self._due = self._clock.monotonic() + settings.buffer_seconds
                self._changed.notify_all()  # whoever takes has a time to wake at from now on
            self._events.append(event)
            self._bytes += size_bytes
            if self._bytes >= settings.buffer_bytes or len(self._events) >= settings.buffer_events:
                self._is_full = True
                self._changed.notify_all()

    def take(self) -> list[Any]:
        """The next batch: when it is full, when its time has come, or when closed. Empty: no more comes.

        It is in hand until `done`.
        """
        with self._changed:
            while not self._is_full and not self._closed:
                seconds = self._due - self._clock.monotonic() if self._events else None
                if seconds is not None and seconds <= 0:
                    break
                self._changed.wait(seconds)
            events, self._events, self._bytes, self._is_full = self._events, [], 0, False
            self._in_hand = len(events)
            self._first_in_hand, self._first = self._first, None
            self._since_in_hand = self._due - self._settings.buffer_seconds
            self._changed.notify_all()
            return events

    def keep(self, count: int) -> None:
        """So many of the batch in hand are still to reach their end."""
        self._in_hand = count

    def done(self) -> None:
        """All of the batch in hand have reached their end."""
        with self._changed:
            self._in_hand = 0
            self._first_in_hand = None

    def close(self) -> None:
        """No more waiting: what is there can be taken at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_full(self) -> bool:
        """Whether `put` would wait."""
        return self._is_full

    @property
    def oldest(self) -> Mark | None:
        """Where the oldest event that has not reached its end was read; None when there is none."""
        with self._changed:
            return self._first_in_hand or self._first

    @property
    def since(self) -> float | None:
        """When the oldest event that has not reached its end was put, as the clock's `monotonic`."""
        with self._changed:
            if self._first_in_hand is not None:
                return self._since_in_hand
            return None if self._first is None else self._due - self._settings.buffer_seconds

    @property
    def waiting_bytes(self) -> int:
        """Of the batch that comes together, as the events were read."""
        return self._bytes

    @property
    def in_hand(self) -> int:
        """Events of the batch in hand that have not reached their end."""
        return self._in_hand

    def __len__(self) -> int:
        """Events that have not reached their end."""
        return len(self._events) + self._in_hand


def join(threads: Iterable[threading.Thread], end: float | None, clock: Clock) -> bool:
    """Wait for threads, those that were started, until then at the most; returns whether all have ended."""
    started = [thread for thread in threads if thread.ident is not None]
    for thread in started:
        thread.join(None if end is None else max(0.0, end - clock.monotonic()))
    return not any(thread.is_alive() for thread in started)
